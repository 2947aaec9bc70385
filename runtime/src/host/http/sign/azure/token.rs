//! A shared access signature that somebody else made: its parameters are added to the query of each request.

use std::fmt;

use super::signature_parameter;
use crate::error::{Error, Result};
use crate::grant::SecretSource;
use crate::host::http::request::Checked;
use crate::host::http::sign::watched::Watched;
use crate::host::network::secret::SecretError;

/// Adds a token to requests.
pub(in crate::host::http) struct SasToken(Watched<Token>);

/// A token, as it is in a query. `Debug` does not show it.
struct Token(String);

impl Token {
    /// Reads what the portal shows, with or without the `?` before it.
    ///
    /// # Errors
    /// What is wrong with it, without showing it.
    fn parse(text: &str) -> Result<Self, String> {
        let token = text.trim().trim_start_matches('?');
        if token.contains("://") {
            return Err("it is a whole URL: only what follows the `?` is the token".to_owned());
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') || !token.split('&').any(|part| part.starts_with("sig=")) {
            return Err("it has no `sig=`, which a shared access signature has, or is no query".to_owned());
        }
        Ok(Self(token.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl SasToken {
    pub(in crate::host::http::sign) fn open(token: &SecretSource) -> Result<Self, SecretError> {
        Ok(Self(Watched::parsed(token, Token::parse)?))
    }

    /// # Errors
    /// `invalid-argument` if the driver's query has what a token has.
    pub(in crate::host::http::sign) fn sign(&self, checked: &mut Checked) -> Result<()> {
        if let Some(name) = signature_parameter(&checked.url) {
            return Err(Error::invalid_argument(format!("the request's query has `{name}`, which the host sets: its rule has an authenticator")));
        }
        let token = self.0.get();
        let query = match checked.url.query() {
            Some(query) if !query.is_empty() => format!("{query}&{}", token.0),
            _ => token.0.clone(),
        };
        checked.url.set_query(Some(&query));
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::host::http::Asked;

    const TOKEN: &str = "sv=2022-11-02&ss=b&srt=co&sp=rwdl&se=2030-01-01T00%3A00%3A00Z&sig=hidden%2Bsignature%3D";

    fn sign(url: &str) -> Result<Checked> {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("token");
        std::fs::write(&file, format!("?{TOKEN}\n")).unwrap();
        let token = SasToken::open(&SecretSource::File(file)).unwrap();
        let asked = Asked { method: "GET".to_owned(), url: url.to_owned(), headers: Vec::new(), first_byte: None };
        let mut checked = asked.check().unwrap();
        token.sign(&mut checked)?;
        Ok(checked)
    }

    #[test]
    fn the_token_comes_behind_what_the_driver_asks() {
        let url = |url: &str| sign(url).unwrap().url.to_string();
        assert_eq!(url("https://a.example/c/b%20c"), format!("https://a.example/c/b%20c?{TOKEN}"));
        assert_eq!(url("https://a.example/c?comp=list&prefix=a%2Fb"), format!("https://a.example/c?comp=list&prefix=a%2Fb&{TOKEN}"));
        assert_eq!(sign("https://a.example/c?comp=list").unwrap().target(), "GET https://a.example/c");
    }

    #[test]
    fn a_driver_has_no_signature_of_its_own() {
        for query in ["sig=mine", "comp=list&SE=2099", "%73ig=mine"] {
            let Err(error) = sign(&format!("https://a.example/c?{query}")) else { panic!("{query} is taken") };
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(!error.to_string().contains("hidden"));
        }
    }

    #[test]
    fn what_is_no_token_is_said_without_showing_it() {
        for text in ["hidden", "https://a.example/c?sig=hidden", "sig=hidden hidden", "sv=1&sig=hid#den", "?"] {
            let said = Token::parse(text).unwrap_err();
            assert!(!said.contains("hid"), "{said}");
        }
        assert_eq!(format!("{:?}", Token::parse(TOKEN).unwrap()), "Token");
    }
}
