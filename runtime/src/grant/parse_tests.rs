//! A grant file: what is read, and the exact words of every refusal.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::ConnectionGrant;
use super::*;

const FILE: &str = "/etc/cofferdam/grant.toml";

fn parse(text: &str) -> Result<Grant, GrantError> {
    grant(text, Path::new(FILE))
}

fn refusal(text: &str) -> String {
    let message = parse(text).unwrap_err().to_string();
    message.strip_prefix(FILE).unwrap_or_else(|| panic!("{message:?} does not name the file")).to_owned()
}

#[test]
fn every_key_is_read() {
    let all = r#"
strict = true
restart-empty = true
[settings]
root = "/data"
shards = 16
sync = false
[[directory]]
name = "/data"
host = "./cofferdam-data"
access = "read-write"
wasi = true
[[directory]]
name = "/seed"
host = "/srv/seed"
access = "read-only"
[[connection]]
name = "redis"
address = "127.0.0.1:6379"
[environment]
LANG = "C"
[limits]
memory = "64 MiB"
table-elements = 1
instances = 2
handles = 3
cpu = "1 min"
start = "1500ms"
no-progress = "5s"
calls-in-flight = 4
queue = 0
log-lines-per-second = 6
calls-per-instance = 7
idle = "1h"
[spool]
memory = 1024
directory = "spool"
disk = "1 GiB"
"#;
    let directory = |name: &str, host: &str, access, wasi| DirectoryGrant { name: name.to_owned(), host: host.into(), access, wasi };
    let expected = Grant {
        http: Vec::new(),
        sockets: Vec::new(),
        settings: [
            ("root".to_owned(), SettingValue::Text("/data".to_owned())),
            ("shards".to_owned(), SettingValue::Integer(16)),
            ("sync".to_owned(), SettingValue::Boolean(false)),
        ]
        .into(),
        directories: vec![
            directory("/data", "/etc/cofferdam/cofferdam-data", Access::ReadWrite, true),
            directory("/seed", "/srv/seed", Access::ReadOnly, false),
        ],
        connections: vec![ConnectionGrant::new("redis", "127.0.0.1", 6379)],
        environment: [("LANG".to_owned(), "C".to_owned())].into(),
        strict: true,
        restart_empty: true,
        limits: Limits {
            memory: 64 << 20,
            table_elements: 1,
            instances: 2,
            handles: 3,
            cpu: Duration::from_secs(60),
            start: Duration::from_millis(1500),
            no_progress: Duration::from_secs(5),
            calls_in_flight: 4,
            queue: 0,
            log_lines_per_second: 6,
            calls_per_instance: 7,
            idle: Duration::from_secs(3600),
        },
        spool: SpoolOptions { memory: 1024, directory: Some("/etc/cofferdam/spool".into()), disk: 1 << 30 },
    };
    assert_eq!(parse(all).unwrap(), expected);
}

#[test]
fn no_known_key_is_ignored() {
    // A date is no value of any key: a key that took it would be one that nobody reads.
    for key in MOUNT_KEYS {
        assert!(MountFile::parse(&format!("{key} = 1979-05-27"), Path::new(FILE)).is_err(), "{key}");
    }
    for (table, keys) in [("limits", LIMITS_KEYS), ("spool", SPOOL_KEYS)] {
        for key in keys {
            assert!(matches!(parse(&format!("[{table}]\n{key} = 1979-05-27")), Err(GrantError::WrongType { .. })), "{key}");
        }
    }
    for wrong in DIRECTORY_KEYS {
        let line = |key: &str, value: &str| format!("{key} = {}\n", if key == *wrong { "1979-05-27" } else { value });
        let lines = [line("name", "'/a'"), line("host", "'a'"), line("access", "'read-only'"), line("wasi", "true")].concat();
        assert!(matches!(parse(&format!("[[directory]]\n{lines}")), Err(GrantError::WrongType { .. })), "{wrong}");
    }
}

#[test]
fn an_empty_file_grants_nothing() {
    assert_eq!(parse("").unwrap(), Grant::default());
    assert!(parse("# only a comment\n[limits]\n").unwrap().directories.is_empty());
}

#[test]
fn unknown_keys_are_refused_with_the_nearest() {
    assert_eq!(refusal("[limits]\n  memroy = 1"), ":2:3: unknown key `memroy` in [limits]; did you mean `memory`?");
    assert_eq!(refusal("\n[[directory]]\nmode = 1"), ":3:1: unknown key `mode` in [[directory]]; known keys: `name`, `host`, `access`, `wasi`");
    assert_eq!(refusal("[limit]"), ":1:2: unknown key `limit` at the top level; did you mean `limits`?");
    assert_eq!(
        refusal("[volume]"),
        ":1:2: unknown key `volume` at the top level; known keys: `strict`, `restart-empty`, `settings`, `directory`, `http`, `connection`, `socket`, `environment`, `limits`, `spool`"
    );
}

#[test]
fn columns_count_characters() {
    assert_eq!(refusal("[environment]\n\"käse\" = 5"), ":2:10: `käse` in [environment] must be text in quotes, not an integer");
}

#[test]
fn what_is_not_toml_is_located() {
    let message = refusal("[limits]\nmemory = = 5");
    assert!(message.starts_with(":2:10: not TOML: "), "{message}");
    let message = refusal("[limits]\nqueue = 1\nqueue = 2");
    assert!(message.starts_with(":3:1: not TOML: duplicate key"), "{message}");
}

#[test]
fn wrong_types_are_refused() {
    assert_eq!(refusal("strict = 1"), ":1:10: `strict` at the top level must be true or false, not an integer");
    assert_eq!(refusal("limits = true"), ":1:10: `limits` at the top level must be a table, [limits], not a boolean");
    assert_eq!(refusal("[directory]\nname = '/a'"), ":1:1: `directory` at the top level must be tables, [[directory]], not a table");
    assert_eq!(refusal("[settings]\nratio = 1.5"), ":2:9: `ratio` in [settings] must be text, an integer or a boolean, not a number with a fraction");
    assert_eq!(refusal("[limits]\ncpu = 5"), ":2:7: `cpu` in [limits] must be a duration such as \"5s\" or \"500ms\", not an integer");
    assert_eq!(refusal("[limits]\nmemory = true"), ":2:10: `memory` in [limits] must be a size such as \"256 MiB\", not a boolean");
}

#[test]
fn sizes_durations_and_counts_must_make_sense() {
    assert_eq!(refusal("[limits]\nmemory = 'lots'"), ":2:10: `memory` in [limits] is \"lots\" but must be a size such as \"256 MiB\"");
    assert_eq!(refusal("[limits]\nmemory = '5 GiB'"), ":2:10: `memory` in [limits] is 5.0 GiB but must be between 64.0 KiB and 4.0 GiB");
    assert_eq!(refusal("[limits]\nmemory = -1"), ":2:10: `memory` in [limits] is -1 but must be a size such as \"256 MiB\"");
    assert_eq!(refusal("[limits]\ncpu = 'soon'"), ":2:7: `cpu` in [limits] is \"soon\" but must be a duration such as \"5s\" or \"500ms\"");
    assert_eq!(refusal("[limits]\ncpu = '0s'"), ":2:7: `cpu` in [limits] is 0s but must be between 10ms and 24h");
    assert_eq!(refusal("[limits]\ncpu = '-5s'"), ":2:7: `cpu` in [limits] is 5s ago but must be between 10ms and 24h");
    assert_eq!(refusal("[limits]\nhandles = 0"), ":2:11: `handles` in [limits] is 0 but must be between 1 and 1000000");
    assert_eq!(refusal("[limits]\nqueue = 99999999999999999999"), ":2:9: `queue` in [limits] is too large a number");
}

#[test]
fn directories_are_clean_and_complete() {
    for name in ["data", "", "/a/", "//a", "/a/../b", "/./a", "/a//b"] {
        assert_eq!(
            refusal(&format!("[[directory]]\nname = '{name}'\nhost = 'a'\naccess = 'read-only'")),
            format!(
                ":2:8: `name` in [[directory]] is {name:?} but must be an absolute path without `.`, `..`, `//` or a `/` at its end, such as \"/data\""
            )
        );
    }
    let block = |name: &str| format!("[[directory]]\nname = '{name}'\nhost = 'a'\naccess = 'read-only'\n");
    assert_eq!(
        refusal(&format!("{}{}", block("/a"), block("/a"))),
        ":6:8: the directory `/a` is granted twice, first at line 2; give one of them another name"
    );
    assert_eq!(refusal("\n[[directory]]\nname = '/a'"), ":2:1: `host` is missing in [[directory]]; add it: host = \"./data\"");
    assert_eq!(
        refusal("[[directory]]\nname = '/a'\nhost = 'a'\naccess = 'rw'"),
        ":4:10: `access` in [[directory]] is \"rw\" but must be \"read-only\" or \"read-write\""
    );
    assert_eq!(
        refusal("[[directory]]\nname = '/a'\nhost = ''\naccess = 'read-only'"),
        ":3:8: `host` in [[directory]] is empty but must be a path, relative to this file"
    );
}

#[test]
fn secrets_are_never_shown() {
    let text = "[settings]\npassword = 's3cret'\n[environment]\nTOKEN = 's3cret'\n";
    let shown = format!("{:?}", parse(text).unwrap());
    assert!(shown.contains("TOKEN") && shown.contains("password") && !shown.contains("s3cret"), "{shown}");
    for wrong in ["[settings]\npassword = ['s3cret']", "[environment]\nTOKEN = \"s3cret\\u0000\"", "[environment]\n'=' = 's3cret'"] {
        assert!(!refusal(wrong).contains("s3cret"));
    }
}

#[test]
fn a_mount_file_names_its_driver() {
    let mount = MountFile::parse("driver = 'filesystem.wasm'\npin = 'sha256:00'\nstrict = true", Path::new(FILE)).unwrap();
    assert_eq!(mount.driver, Some("/etc/cofferdam/filesystem.wasm".into()));
    assert_eq!(mount.pin.as_deref(), Some("sha256:00"));
    assert!(mount.grant.strict);
    assert_eq!(
        parse("driver = 'filesystem.wasm'").unwrap_err().to_string(),
        format!(
            "{FILE}:1:1: unknown key `driver` at the top level; known keys: `strict`, `restart-empty`, `settings`, `directory`, `http`, `connection`, `socket`, `environment`, `limits`, `spool`"
        )
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Grant::from_file(Path::new("/nonexistent/grant.toml")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nonexistent/grant.toml");
    assert!(std::error::Error::source(&error).is_some());
}
