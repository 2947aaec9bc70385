//! What Redis calls an error, as one of the contract's kinds; Redis's name stays its code.

use cofferdam_guest::prelude::*;

/// The longest message of a server that is passed on.
const MESSAGE_MAX: usize = 200;

/// How long to wait for a server that is busy, or still reads its data.
const NOT_READY_MS: u32 = 1000;

/// The error that `message` is, as it stands behind the `-` of a reply.
pub(crate) fn error(message: &str) -> Error {
    let (code, rest) = split(message);
    let shown: String = rest.chars().take(MESSAGE_MAX).collect();
    let shown = shown.trim_end_matches('.');
    let (kind, message) = match code {
        "LOADING" | "BUSY" => {
            return Error::unavailable(format!("the Redis server is not ready: {shown}")).with_code(code).retry_after(NOT_READY_MS);
        }
        "ERR" if rest.contains("max number of clients") => (ErrorKind::Unavailable, "the Redis server has no room for another client".to_owned()),
        // A failover makes another server the primary; then the same name leads there.
        "READONLY" | "MASTERDOWN" | "NOREPLICAS" => (ErrorKind::Unavailable, format!("the Redis server takes no writes: {shown}")),
        "MISCONF" => (ErrorKind::Unavailable, "the Redis server cannot write to its disk, and takes no writes until it can".to_owned()),
        "CLUSTERDOWN" | "TRYAGAIN" => (ErrorKind::Unavailable, format!("the Redis cluster is not ready: {shown}")),
        "OOM" => (ErrorKind::QuotaExceeded, "the Redis server has used its memory up (`maxmemory`)".to_owned()),
        "NOAUTH" | "WRONGPASS" => {
            (ErrorKind::Unauthenticated, "the Redis server wants credentials, or others: give the grant's [[connection]] an `auth`".to_owned())
        }
        "NOPERM" => (ErrorKind::PermissionDenied, format!("the Redis server refuses this user: {shown}")),
        "DENIED" => (ErrorKind::PermissionDenied, "the Redis server is in protected mode: it wants a password before it serves others".to_owned()),
        "WRONGTYPE" => (ErrorKind::Corrupted, "a key of the store holds something else: another program writes under the same prefix".to_owned()),
        "MOVED" | "ASK" => (ErrorKind::Unsupported, "the server is one of a Redis Cluster, which this driver does not follow".to_owned()),
        _ if rest.contains("DB index is out of range") => {
            (ErrorKind::InvalidArgument, "the Redis server has no database of the number in `database`".to_owned())
        }
        _ => (ErrorKind::Internal, format!("the Redis server refuses: {shown}")),
    };
    Error::new(kind, message).with_code(code)
}

/// The code and what follows it. Older servers put the code of a command that a script called behind their own:
/// `ERR Error running script (call to f_…): @user_script:1: -OOM command not allowed`.
fn split(message: &str) -> (&str, &str) {
    let halves = |text| str::split_once(text, ' ').unwrap_or((text, ""));
    let is_code = |code: &str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase());
    let (code, rest) = halves(message);
    if code == "ERR"
        && let Some((_, inner)) = rest.split_once(": -")
        && is_code(halves(inner).0)
    {
        return halves(inner);
    }
    if is_code(code) { (code, rest) } else { ("ERR", message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_of_the_contracts_kinds() {
        let cases = [
            ("LOADING Redis is loading the dataset in memory", ErrorKind::Unavailable, "LOADING"),
            ("ERR max number of clients reached", ErrorKind::Unavailable, "ERR"),
            ("READONLY You can't write against a read only replica.", ErrorKind::Unavailable, "READONLY"),
            ("MISCONF Redis is configured to save RDB snapshots", ErrorKind::Unavailable, "MISCONF"),
            ("OOM command not allowed when used memory > 'maxmemory'.", ErrorKind::QuotaExceeded, "OOM"),
            ("ERR Error running script (call to f_0a): @user_script:6: -OOM command not allowed", ErrorKind::QuotaExceeded, "OOM"),
            ("NOAUTH Authentication required.", ErrorKind::Unauthenticated, "NOAUTH"),
            ("NOPERM this user has no permissions to run the 'eval' command", ErrorKind::PermissionDenied, "NOPERM"),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", ErrorKind::Corrupted, "WRONGTYPE"),
            ("MOVED 3999 127.0.0.1:6381", ErrorKind::Unsupported, "MOVED"),
            ("ERR DB index is out of range script: 0a, on @user_script:2.", ErrorKind::InvalidArgument, "ERR"),
            ("ERR unknown command 'EVAL'", ErrorKind::Internal, "ERR"),
            ("no code at all", ErrorKind::Internal, "ERR"),
        ];
        for (message, kind, code) in cases {
            let error = error(message);
            assert_eq!((error.kind, error.code.as_deref()), (kind, Some(code)), "{message}");
        }
        assert_eq!(error("LOADING").retry_after_ms, Some(NOT_READY_MS));
    }

    #[test]
    fn a_long_message_is_cut() {
        assert!(error(&format!("ERR {}", "x".repeat(100_000))).message.len() < 300);
    }
}
