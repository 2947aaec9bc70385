//! Errors as a person reads them: what failed, why, and what to do about it.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use cofferdam::{Error, ErrorKind, LoadError};

/// An error whose reader is told what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Advised {
    message: String,
    help: String,
}

impl Advised {
    /// An error that says `message`, with the way out.
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// Prints `error` to standard error: `error: …`, its causes, and help where there is some.
pub(crate) fn print(error: &anyhow::Error) {
    // Where standard error is closed nobody is left to tell.
    let _ = io::stderr().write_all(text(error).as_bytes());
}

fn text(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}\n");
    let mut shown = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Some errors repeat their cause in their own words.
        if !shown.ends_with(&cause) {
            let _ = writeln!(text, "  because: {cause}");
        }
        shown = cause;
    }
    let store = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    if let Some(backtrace) = store.and_then(Error::backtrace) {
        let _ = writeln!(text, "in the driver:\n{}", backtrace.trim_end());
    }
    let advised = error.chain().find_map(|cause| cause.downcast_ref::<Advised>()).map(|advised| advised.help.clone());
    let load = || error.chain().find_map(load_error).and_then(missing_directory);
    if let Some(help) = advised.or_else(load).or_else(|| store.and_then(|error| help(error.kind())).map(str::to_owned)) {
        let _ = writeln!(text, "help: {help}");
    }
    text
}

/// The error of loading a driver, boxed in another error or not.
fn load_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a LoadError> {
    cause.downcast_ref().or_else(|| cause.downcast_ref::<Box<LoadError>>().map(|boxed| &**boxed))
}

/// The command that makes a directory whose absence kept a driver from loading.
fn missing_directory(error: &LoadError) -> Option<String> {
    let (directory, source) = match error.cause() {
        LoadError::Directory(error) => (&error.host, &error.source),
        LoadError::Spool { path, source } => (path, source),
        _ => return None,
    };
    (source.kind() == io::ErrorKind::NotFound).then(|| format!("mkdir -p {}", directory.display()))
}

/// What helps with any error of a kind.
fn help(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::NotFound => Some("`cofferdam ls -r` shows what is stored"),
        ErrorKind::Trapped | ErrorKind::Misbehaved => Some("that is a fault of the driver; --trace shows its calls"),
        ErrorKind::AlreadyExists => Some("without --if-absent it is replaced"),
        ErrorKind::Overloaded => Some("raise `calls-in-flight` or `queue` under [limits] in the grant"),
        ErrorKind::DeadlineExceeded => Some("`cpu` and `no-progress` under [limits] in the grant set how long a call may take"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_follow_and_are_not_repeated() {
        let error = anyhow::Error::new(Error::not_found("/a")).context("cannot show it");
        assert_eq!(
            text(&error),
            "error: cannot show it\n  because: \"/a\": not-found: nothing is stored there\nhelp: `cofferdam ls -r` shows what is stored\n"
        );
        let error = anyhow::anyhow!("inner").context("outer: inner");
        assert_eq!(text(&error), "error: outer: inner\n");
    }

    #[test]
    fn a_trap_shows_the_frames_of_the_driver() {
        let error = Error::new(ErrorKind::Trapped, "unreachable").with_backtrace("  0: driver::put\n".to_owned());
        assert_eq!(
            text(&error.into()),
            "error: trapped: unreachable\nin the driver:\n  0: driver::put\nhelp: that is a fault of the driver; --trace shows its calls\n"
        );
    }

    #[test]
    fn advice_comes_last() {
        assert_eq!(text(&Advised::new("no such file: a", "look there").into()), "error: no such file: a\nhelp: look there\n");
    }
}
