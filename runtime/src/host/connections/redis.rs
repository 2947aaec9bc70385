//! `AUTH` of Redis (RESP2): the host makes itself known before a driver has the connection.

use super::stream::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::host::network::secret::Secret;

/// Longer than any answer to `AUTH` is.
const LINE_MAX: usize = 4096;

/// Authenticates `stream` as `user`, or as the server's default user.
///
/// # Errors
/// `unauthenticated` if the server refuses the credentials, `unavailable` if it is not ready or breaks the connection. No message
/// has the password, nor anything else of what the server says but the code of its error.
///
/// # Cancel safety
/// The stream is of no use after that.
pub(super) async fn authenticate(stream: &mut Stream, user: Option<&str>, password: &Secret) -> Result<()> {
    let mut words = vec!["AUTH"];
    words.extend(user);
    words.push(password.reveal());
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    let mut rest = command.as_bytes();
    while !rest.is_empty() {
        let count = stream.write(rest).await.map_err(broken)?;
        rest = &rest[count..];
    }
    stream.flush().await.map_err(broken)?;
    judge(&line(stream).await?)
}

/// The first line of the answer, without its end.
async fn line(stream: &mut Stream) -> Result<String> {
    let mut line = Vec::new();
    // A byte at a time: what follows the line is the driver's.
    while !line.ends_with(b"\r\n") {
        let byte = stream.read(1).await.map_err(broken)?;
        if byte.is_empty() || line.len() > LINE_MAX {
            return Err(Error::new(ErrorKind::Unavailable, "the server did not answer AUTH as Redis does"));
        }
        line.extend(byte);
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn broken(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the connection broke while the host authenticated: {error}"))
}

/// What the server's answer means. Old servers repeat the command in some errors: only the code is shown.
fn judge(line: &str) -> Result<()> {
    if line == "+OK" {
        return Ok(());
    }
    let Some(code) = line.strip_prefix('-').and_then(|text| text.split(' ').next()).filter(|code| code.bytes().all(|b| b.is_ascii_uppercase()))
    else {
        return Err(Error::new(ErrorKind::Unavailable, "the server did not answer AUTH as Redis does"));
    };
    let (kind, message) = match code {
        "LOADING" | "BUSY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => (ErrorKind::Unavailable, "the server is not ready"),
        "WRONGPASS" => (ErrorKind::Unauthenticated, "the server refuses the grant's user or password"),
        "ERR" if line.contains("max number of clients") => (ErrorKind::Unavailable, "the server has no room for another client"),
        "ERR" if line.contains("without any password") => {
            (ErrorKind::Unauthenticated, "the server has no password set: remove `auth` from the grant, or set one")
        }
        _ => (ErrorKind::Unauthenticated, "the server refuses AUTH"),
    };
    Err(Error::new(kind, message).with_code(Some(code.to_owned())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_redis_says() {
        let kind = |line: &str| judge(line).map_err(|error| error.kind());
        assert_eq!(kind("+OK"), Ok(()));
        assert_eq!(kind("-WRONGPASS invalid username-password pair or user is disabled."), Err(ErrorKind::Unauthenticated));
        assert_eq!(kind("-ERR AUTH <password> called without any password configured for the default user."), Err(ErrorKind::Unauthenticated));
        assert_eq!(kind("-LOADING Redis is loading the dataset in memory"), Err(ErrorKind::Unavailable));
        assert_eq!(kind("-ERR max number of clients reached"), Err(ErrorKind::Unavailable));
        assert_eq!(kind("HTTP/1.1 400 Bad Request"), Err(ErrorKind::Unavailable));
        assert_eq!(kind(":1"), Err(ErrorKind::Unavailable));
    }

    #[test]
    fn what_a_server_repeats_is_not_shown() {
        let error = judge("-ERR unknown command `AUTH`, with args beginning with: `hunter2`").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(error.code(), Some("ERR"));
    }
}
