//! What a driver says before it traps reaches who called it and the log, with the driver's name, bounded and without secrets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use cofferdam::{Condition, Content, Error, ErrorKind, Grant, LoadError, Mount, MountOptions, Result, StreamingStore};
use cofferdam_tests::drivers;
use cofferdam_tests::hostile::store_path;
use cofferdam_tests::log::Log;

/// Where a driver's log goes. Every test here collects it: `tracing` remembers for all threads that nobody listens to an event if the
/// first thread that logs it has no listener.
const DRIVER: &str = "cofferdam::driver";

/// What precedes a driver's words in an error.
const SAID: &str = "; before that it said:\n";

/// It asks by `wasi:http`, so it needs a rule; no test here uses it.
const RULE: &str = "[[http]]\nallow = \"https://example.com\"\n";

async fn open(settings: &str) -> Result<Mount, LoadError> {
    let text = format!("{RULE}\n[settings]\n{settings}\n");
    let grant = Grant::parse(&text, Path::new("/etc/grant.toml")).unwrap();
    Mount::open(&drivers::load("third-party"), &grant, MountOptions::default()).await
}

async fn run(mount: &Mount, command: &str) -> Result<()> {
    let content = Content::from_bytes(command.to_owned());
    mount.put(&store_path("/run"), content, Condition::Unconditional).await.map(|_| ())
}

/// The driver's words in the error of a `command` that traps.
async fn words(mount: &Mount, command: &str) -> (Error, String) {
    let error = run(mount, command).await.unwrap_err();
    assert_eq!((error.kind(), error.driver()), (ErrorKind::Trapped, Some("third-party")), "{error}");
    let (_, said) = error.message().split_once(SAID).unwrap_or_else(|| panic!("it said nothing: {error}"));
    let said = said.to_owned();
    (error, said)
}

#[tokio::test]
async fn a_traceback_on_standard_error_is_in_the_error_and_in_the_log() {
    let mount = open("").await.unwrap();
    run(&mount, "whisper of another call").await.unwrap();
    let log = Log::begin();
    let (error, said) = words(&mount, "traceback \n  File \"driver.py\", line 7\nValueError: \x1b[31mno").await;
    assert_eq!(said, "Traceback (most recent call last):\ntraceback \n  File \"driver.py\", line 7\nValueError: \\u{1b}[31mno");
    assert!(error.to_string().starts_with("put \"/run\" (driver third-party): trapped: "), "{error}");
    let logged = log.of(DRIVER);
    let about = |line: &&String| line.contains("driver=\"third-party\"") && line.contains("ValueError");
    assert_eq!(logged.iter().filter(about).count(), 1, "{logged:?}");
}

#[tokio::test]
async fn what_is_logged_as_an_error_counts_and_the_rest_does_not() {
    let _log = Log::begin();
    let mount = open("").await.unwrap();
    let (_, said) = words(&mount, "report goroutine 1 [running]:\nmain.put()").await;
    assert_eq!(said, "report goroutine 1 [running]:\nmain.put()");
}

#[tokio::test]
async fn a_flood_is_cut_to_its_end() {
    let _log = Log::begin();
    let mount = open("").await.unwrap();
    let (_, said) = words(&mount, &format!("traceback {}the end", "line\n".repeat(1000))).await;
    assert!(said.starts_with("…\nline\n") && said.ends_with("\nthe end"), "{said}");
    assert_eq!(said.lines().count(), 41);
    let (_, said) = words(&mount, &format!("report {}", "\x1b".repeat(60_000))).await;
    assert!(said.len() <= 4096, "{} bytes", said.len());
}

#[tokio::test]
async fn a_secret_among_the_settings_is_not_told() {
    let mount = open("password = \"correct horse\"").await.unwrap();
    let log = Log::begin();
    let (_, said) = words(&mount, "reveal").await;
    assert_eq!(said, "[secret]");
    let logged = log.of(DRIVER);
    assert!(logged.iter().any(|line| line.contains("trapped") && !line.contains("horse")), "{logged:?}");
}

#[tokio::test]
async fn a_driver_that_does_not_start_says_why() {
    let log = Log::begin();
    let error = open("give-up = true").await.unwrap_err().to_string();
    assert!(error.contains("ImportError: no module named storage"), "{error}");
    let logged = log.of(DRIVER);
    assert!(logged.iter().any(|line| line.contains("driver=\"third-party\"") && line.contains("ImportError")), "{logged:?}");
}
