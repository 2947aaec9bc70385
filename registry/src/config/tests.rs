//! A configuration: what is read, and the exact words of every refusal.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::access::{Action, Scheme, Who};

const FILE: &str = "/etc/cofferdam/cofferdam.toml";
const MOUNT: &str = "[mount.main]\ndriver = \"filesystem.wasm\"\n";

fn parse(text: &str) -> Result<Config, GrantError> {
    Config::parse(text, Path::new(FILE))
}

fn refusal(text: &str) -> String {
    let message = parse(text).unwrap_err().to_string();
    message.strip_prefix(FILE).unwrap_or_else(|| panic!("{message:?} does not name the file")).to_owned()
}

/// The refusal of a file with one good mount, which has the first two lines, and `text`.
fn after_mount(text: &str) -> String {
    refusal(&format!("{MOUNT}{text}"))
}

#[test]
fn one_mount_is_enough() {
    let config = parse(MOUNT).unwrap();
    assert_eq!(config.listeners, [ListenerConfig { address: DEFAULT_ADDRESS, tls: None }]);
    assert_eq!(config.storage, StorageConfig { blobs: "main".to_owned(), atomic: None, layout: None });
    assert_eq!(config.mounts["main"].driver.as_deref(), Some(Path::new("/etc/cofferdam/filesystem.wasm")));
    assert_eq!((config.uploads, config.manifests, config.metrics), Default::default());
    assert!(config.delete && !config.read_only && !config.insecure);
    assert!(matches!(config.access.scheme, Scheme::Anonymous) && config.access.rules.is_empty() && config.webhooks.is_empty());
}

const EVERY_KEY: &str = r#"
insecure = true
read-only = true
delete = false
shutdown = "5s"
[[listener]]
address = "0.0.0.0:5000"
tls-certificate = "tls/cert.pem"
tls-key = "/etc/key.pem"
[[listener]]
address = "[::1]:0"
[mount.blobs]
driver = "filesystem.wasm"
pin = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
[mount.blobs.settings]
root = "/data"
[[mount.blobs.directory]]
name = "/data"
host = "store"
access = "read-write"
[mount.blobs.limits]
cpu = "1s"
[mount.small]
driver = "memory.wasm"
[storage]
blobs = "blobs"
atomic = "small"
layout = "indexed"
[[route]]
prefix = "team/project/"
blobs = "small"
layout = "registry-v2"
[uploads]
lease = "30s"
purge-age = "48h"
purge-interval = "1h"
purge = "dry-run"
[manifests]
max-size = "8 MiB"
absent-children = true
[auth]
catalog = ["alice", "users"]
[auth.htpasswd]
file = "users"
realm = "here"
[[rule]]
repositories = ["library/*"]
users = ["*"]
allow = ["pull"]
[[rule]]
allow = []
[[webhook]]
name = "search"
url = "https://search.example/events"
actions = ["push", "pull", "delete"]
repositories = ["team/**"]
hmac-file = "secret"
bearer-file = "token"
timeout = "3s"
queue = 5
[metrics]
enabled = false
health-interval = "10s"
health-timeout = "2s"
"#;

#[test]
fn every_key_is_read() {
    let config = parse(EVERY_KEY).unwrap();
    assert!(config.insecure && config.read_only && !config.delete);
    assert_eq!(config.shutdown, Duration::from_secs(5));
    assert_eq!(config.listeners[0].tls, Some(("/etc/cofferdam/tls/cert.pem".into(), "/etc/key.pem".into())));
    assert_eq!(config.listeners[1], ListenerConfig { address: "[::1]:0".parse().unwrap(), tls: None });
    assert_eq!(config.mounts["blobs"].grant.directories[0].host, Path::new("/etc/cofferdam/store"));
    assert_eq!(config.mounts["blobs"].grant.limits.cpu, Duration::from_secs(1));
    let indexed = StorageConfig { blobs: "blobs".to_owned(), atomic: Some("small".to_owned()), layout: Some(LayoutConfig::Indexed) };
    assert_eq!(config.storage, indexed);
    let small = StorageConfig { blobs: "small".to_owned(), atomic: None, layout: Some(LayoutConfig::RegistryV2) };
    assert_eq!(config.routes, [RouteConfig { prefix: "team/project".to_owned(), storage: small }]);
    let hour = Duration::from_secs(3600);
    let uploads = UploadsConfig { lease: Duration::from_secs(30), purge_age: 48 * hour, purge_interval: hour, purge: PurgeConfig::DryRun };
    assert_eq!(config.uploads, uploads);
    assert_eq!(config.manifests, ManifestsConfig { max_size: 8 << 20, absent_children: true });
    assert!(
        matches!(&config.access.scheme, Scheme::Htpasswd(options) if options.file == Path::new("/etc/cofferdam/users") && options.realm == "here")
    );
    assert_eq!(config.access.catalog, Some(vec![Who::User("alice".to_owned()), Who::Identified]));
    assert!(config.access.rules[0].allow.has(Action::Pull) && !config.access.rules[0].allow.has(Action::Push));
    assert!(config.access.rules[1].repositories[0].fits("a/b") && !config.access.rules[1].allow.has(Action::Pull));
    let webhook = &config.webhooks[0];
    assert_eq!((webhook.actions.len(), webhook.queue, webhook.timeout), (3, 5, Duration::from_secs(3)));
    assert_eq!(
        (webhook.hmac.as_deref(), webhook.bearer.as_deref()),
        (Some(Path::new("/etc/cofferdam/secret")), Some(Path::new("/etc/cofferdam/token")))
    );
    let metrics = MetricsConfig { enabled: Some(false), health_interval: Duration::from_secs(10), health_timeout: Duration::from_secs(2) };
    assert_eq!(config.metrics, metrics);
}

#[test]
fn tokens_are_read() {
    let auth = "[auth.token]\nrealm = \"https://a/token\"\nservice = \"r\"\nissuer = \"a\"\nkeys = [\"a.pem\", \"/b.json\"]\nleeway = \"5s\"\n";
    let Scheme::Token(options) = parse(&format!("{MOUNT}{auth}")).unwrap().access.scheme else { panic!("no tokens") };
    assert_eq!(options.keys, [Path::new("/etc/cofferdam/a.pem"), Path::new("/b.json")]);
    assert_eq!((options.realm.as_str(), options.service.as_str(), options.issuer.as_str()), ("https://a/token", "r", "a"));
    assert_eq!(options.leeway, Duration::from_secs(5));
}

#[test]
fn without_a_file_everything_is_in_one_directory() {
    let config = Config::standalone(DEFAULT_ADDRESS, Path::new("/srv/data"), Path::new("/opt/filesystem.wasm"));
    let mount = &config.mounts[&config.storage.blobs];
    assert_eq!(mount.grant.directories[0].host, Path::new("/srv/data"));
    assert_eq!(mount.driver.as_deref(), Some(Path::new("/opt/filesystem.wasm")));
    assert!(config.delete && !config.insecure);
}

#[test]
fn unknown_keys_are_refused_with_the_nearest() {
    assert_eq!(refusal("insecur = true"), ":1:1: unknown key `insecur` at the top level; did you mean `insecure`?");
    for (text, expected) in [
        ("[[listener]]\nadress = \"\"", ":4:1: unknown key `adress` in [[listener]]; did you mean `address`?"),
        ("[mount.b]\ndriverr = \"\"", ":4:1: unknown key `driverr` in [mount.NAME]; did you mean `driver`?"),
        ("[mount.main.limits]\nmemroy = 1", ":4:1: unknown key `memroy` in [limits]; did you mean `memory`?"),
        ("[storage]\nblob = \"\"", ":4:1: unknown key `blob` in [storage]; did you mean `blobs`?"),
        ("[[route]]\nprefx = \"\"", ":4:1: unknown key `prefx` in [[route]]; did you mean `prefix`?"),
        ("[uploads]\n\n  purge-ag = \"\"", ":5:3: unknown key `purge-ag` in [uploads]; did you mean `purge-age`?"),
        ("[manifests]\nfoo = 1", ":4:1: unknown key `foo` in [manifests]; known keys: `max-size`, `absent-children`"),
        ("[auth]\nhtpasswdd = 1", ":4:1: unknown key `htpasswdd` in [auth]; did you mean `htpasswd`?"),
        ("[auth.htpasswd]\nfiles = 1", ":4:1: unknown key `files` in [auth.htpasswd]; did you mean `file`?"),
        ("[auth.token]\nkey = 1", ":4:1: unknown key `key` in [auth.token]; did you mean `keys`?"),
        ("[[rule]]\nalow = 1", ":4:1: unknown key `alow` in [[rule]]; did you mean `allow`?"),
        ("[[webhook]]\nuri = 1", ":4:1: unknown key `uri` in [[webhook]]; did you mean `url`?"),
        ("[metrics]\nenable = 1", ":4:1: unknown key `enable` in [metrics]; did you mean `enabled`?"),
    ] {
        assert_eq!(after_mount(text), expected);
    }
}

#[test]
fn what_is_missing_is_named_with_an_example() {
    assert_eq!(refusal(""), ":1:1: `mount` is missing at the top level; add it: [mount.main] with driver = \"filesystem.wasm\" in it");
    for (text, expected) in [
        ("[mount]", ":1:1: `mount` at the top level is empty; add a driver: [mount.main] with driver = \"filesystem.wasm\" in it"),
        ("[mount.a]", ":1:1: `a` in [mount] has no `driver`; add it: driver = \"filesystem.wasm\""),
        (
            "mount.a.driver = \"a\"\nmount.b.driver = \"b\"",
            ":1:1: `storage` is missing at the top level; add it: [storage] with blobs = \"NAME\", to say which of the mounts holds blobs",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
    for (text, expected) in [
        ("[[listener]]", ":3:1: `address` is missing in [[listener]]; add it: address = \"127.0.0.1:5000\""),
        ("[storage]", ":3:1: `blobs` is missing in [storage]; add it: blobs = \"NAME\", the name of a mount"),
        ("[[route]]", ":3:1: `prefix` is missing in [[route]]; add it: prefix = \"team\""),
        ("[auth.htpasswd]", ":3:1: `file` is missing in [auth.htpasswd]; add it: file = \"users\""),
        ("[auth.token]", ":3:1: `keys` is missing in [auth.token]; add it: keys = [\"auth.pem\"]"),
        (
            "[auth.token]\nkeys = [\"a\"]",
            ":3:1: `realm` is missing in [auth.token]; add it: realm = \"https://auth.example/token\", where clients get tokens",
        ),
        ("[[rule]]", ":3:1: `allow` is missing in [[rule]]; add it: allow = [\"pull\"]"),
        ("[[webhook]]", ":3:1: `name` is missing in [[webhook]]; add it: name = \"search\""),
        ("[[webhook]]\nname = \"a\"", ":3:1: `url` is missing in [[webhook]]; add it: url = \"https://search.example/events\""),
    ] {
        assert_eq!(after_mount(text), expected);
    }
}

#[test]
fn listeners_must_make_sense() {
    for (text, expected) in [
        (
            "[[listener]]\naddress = \"localhost\"",
            ":4:11: `address` in [[listener]] is \"localhost\" but must be an address and a port, such as \"127.0.0.1:5000\"",
        ),
        (
            "[[listener]]\naddress = \"[::1]:1\"\ntls-key = \"k\"",
            ":5:11: `tls-key` in [[listener]] has no `tls-certificate` beside it; add it: tls-certificate = \"certificate.pem\"",
        ),
        (
            "[[listener]]\naddress = \"[::1]:1\"\ntls-certificate = \"c\"",
            ":5:19: `tls-certificate` in [[listener]] has no `tls-key` beside it; add it: tls-key = \"key.pem\"",
        ),
        (
            "[[listener]]\naddress = \"[::1]:1\"\n[[listener]]\naddress = \"[::1]:1\"",
            ":6:11: `address` in [[listener]] is \"[::1]:1\", which another listener has already",
        ),
    ] {
        assert_eq!(after_mount(text), expected);
    }
    assert_eq!(
        refusal("listener = []\n[mount.a]\ndriver = \"x\""),
        ":1:12: `listener` at the top level is empty: a registry that listens nowhere serves nobody; leave it out for 127.0.0.1:5000"
    );
}

#[test]
fn storage_names_mounts_that_are_there() {
    let pin = "[mount.b]\ndriver = \"x\"\npin = \"sha256:12\"";
    for (text, expected) in [
        ("[storage]\nblobs = \"mian\"", ":4:9: `blobs` in [storage] is \"mian\", but no [mount.mian] is in this file; there is \"main\""),
        (
            "[storage]\nblobs = \"main\"\natomic = \"redis\"",
            ":5:10: `atomic` in [storage] is \"redis\", but no [mount.redis] is in this file; there is \"main\"",
        ),
        ("[storage]\nblobs = \"main\"\nlayout = \"v3\"", ":5:10: `layout` in [storage] is \"v3\" but must be \"registry-v2\" or \"indexed\""),
        (
            "[[route]]\nprefix = \"Team\"",
            ":4:10: `prefix` in [[route]] is \"Team\" but must be the beginning of repositories' names, such as \"team\" or \"team/project\"",
        ),
        (
            "[[route]]\nprefix = \"a\"\nblobs = \"main\"\n[[route]]\nprefix = \"a/\"\nblobs = \"main\"",
            ":7:10: `prefix` in [[route]] is \"a\", which another route has already",
        ),
        ("[mount.\"a b\"]", ":3:1: `a b` in [mount] is no name for a mount: use at most 64 letters, digits, `-` and `_`"),
        (pin, ":3:1: `b` in [mount] has a `pin` that is no digest: write `sha256:` and 64 hexadecimal digits, as `cofferdam inspect` prints them"),
    ] {
        assert_eq!(after_mount(text), expected);
    }
}

#[test]
fn service_values_must_make_sense() {
    let hook = "[[webhook]]\nname = \"a\"\nurl = \"http://a/\"\n";
    let twice = format!("{hook}{hook}");
    let kinds = format!("{hook}actions = [\"push\", \"pop\"]");
    for (text, expected) in [
        ("[uploads]\nlease = \"10ms\"", ":4:9: `lease` in [uploads] is 10ms but must be between 1s and 8760h"),
        ("[uploads]\nlease = 5", ":4:9: `lease` in [uploads] must be a duration such as \"5s\" or \"500ms\", not an integer"),
        (
            "[uploads]\npurge-age = \"5s\"",
            ":4:13: `purge-age` in [uploads] must be longer than `lease`: an upload that is being written would be purged",
        ),
        ("[uploads]\npurge = \"on\"", ":4:9: `purge` in [uploads] is \"on\" but must be \"remove\" or \"dry-run\" or \"off\""),
        ("[manifests]\nmax-size = \"1 GiB\"", ":4:12: `max-size` in [manifests] is 1.0 GiB but must be between 1.0 KiB and 64.0 MiB"),
        ("[[webhook]]\nname = \"a/b\"", ":4:8: `name` in [[webhook]] is \"a/b\" but must be at most 64 letters, digits, `-` and `_`"),
        (
            "[[webhook]]\nname = \"a\"\nurl = \"ftp://user:secret@a/\"",
            ":5:7: `url` in [[webhook]] must be a URL that begins with https:// or http://",
        ),
        (twice.as_str(), ":7:8: `name` in [[webhook]] is \"a\", which another webhook has already"),
        (kinds.as_str(), ":6:20: `actions` in [[webhook]] is \"pop\" but must be \"push\" or \"pull\" or \"delete\" or \"mount\""),
        ("[metrics]\nenabled = 1", ":4:11: `enabled` in [metrics] must be true or false, not an integer"),
    ] {
        assert_eq!(after_mount(text), expected);
    }
}

#[test]
fn access_must_make_sense() {
    for (text, expected) in [
        (
            "[auth.htpasswd]\nfile = \"a\"\n[auth.token]",
            ":5:1: `token` in [auth] stands beside `htpasswd`: a client is told one way to say who it is; remove one of them",
        ),
        ("[auth.token]\nkeys = []", ":4:8: `keys` in [auth.token] is empty: without a key no token holds; name a file with public keys"),
        ("[[rule]]\nallow = [\"write\"]", ":4:10: `allow` in [[rule]] is \"write\" but must be \"pull\" or \"push\" or \"delete\""),
        ("[[rule]]\nallow = \"pull\"", ":4:9: `allow` in [[rule]] must be a list of \"pull\", \"push\" and \"delete\", not text"),
        (
            "[[rule]]\nallow = []\nusers = \"alice\"",
            ":5:9: `users` in [[rule]] must be a list of names, such as [\"alice\"]; \"*\" is everybody, \"users\" whoever gave a name, \
             \"anonymous\" whoever did not, not text",
        ),
        (
            "[[rule]]\nallow = []\nrepositories = [\"Lib\"]",
            ":5:17: `repositories` in [[rule]] has the character 'L' but must be made of lower-case letters, digits, `.`, `_`, `-` and `/`, with `*` for a \
             part of a component and `**` for the rest",
        ),
    ] {
        assert_eq!(after_mount(text), expected);
    }
}
