//! Whom TLS trusts, as a grant says. Nothing turns the check of certificates off.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

use crate::grant::Trust;

/// Why a grant's certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the CA's certificates in {} cannot be used: {reason}", file.display())]
pub struct TrustError {
    file: PathBuf,
    reason: String,
}

/// A client of servers whose certificates `trust` admits.
///
/// # Errors
/// [`TrustError`] if the CA file cannot be read or has no certificate.
pub(crate) fn client(trust: &Trust) -> Result<ClientConfig, TrustError> {
    let mut roots = RootCertStore::empty();
    let mut file = PathBuf::new();
    match trust {
        Trust::WebRoots => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Trust::CaFile(path) => {
            file.clone_from(path);
            let unfit = |reason: String| TrustError { file: path.clone(), reason };
            let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            for certificate in certificates.map_err(|error| unfit(in_words(&error)))? {
                roots.add(certificate).map_err(|error| unfit(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unfit("there is no `BEGIN CERTIFICATE` in it".to_owned()));
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TrustError { file, reason: error.to_string() })?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn in_words(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        other => format!("not PEM: {other}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_of_the_web_are_trusted() {
        assert!(client(&Trust::WebRoots).is_ok());
    }

    #[test]
    fn a_file_without_a_certificate_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str| client(&Trust::CaFile(folder.path().join(name))).unwrap_err().to_string();
        std::fs::write(folder.path().join("empty.pem"), "nothing\n").unwrap();
        assert!(refused("empty.pem").ends_with("empty.pem cannot be used: there is no `BEGIN CERTIFICATE` in it"));
        std::fs::write(folder.path().join("bad.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(refused("bad.pem").contains("bad.pem cannot be used: "));
        assert!(refused("gone.pem").contains("No such file"));
    }
}
