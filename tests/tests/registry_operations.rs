//! A registry as its operator sees it: configuration, access, metrics, health, webhooks, against the real server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use cofferdam_tests::client::{Answer, Client, Method, sha256};
use cofferdam_tests::server::{Served, Server};
use cofferdam_tests::wait::until_async;
use cofferdam_tests::{drivers, images};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A directory for a server that is configured by a file.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A mount of the filesystem driver on the directory `name`, which is made.
    fn mount(&self, name: &str) -> String {
        fs::create_dir_all(self.path(name)).unwrap();
        let driver = drivers::path("filesystem");
        format!("[mount.{name}]\ndriver = {driver:?}\n[[mount.{name}.directory]]\nname = \"/data\"\nhost = \"{name}\"\naccess = \"read-write\"\n")
    }

    fn serve(&self, config: &str) -> Server {
        Server::with_file(self.0.path(), config)
    }
}

/// Pushes an image; answers the manifest's digest.
async fn push(client: &Client, name: &str, tag: &str) -> String {
    sha256(&images::push(&client.repository(name), tag, 1).await)
}

#[tokio::test]
async fn metrics_tell_of_requests_calls_and_mounts() {
    let served = Served::fresh();
    let client = served.server.client();
    push(&client, "a/b", "t").await;
    let answer = client.get("/metrics").await.expect(200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let value = |name: &str, labels: &[&str]| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")) && labels.iter().all(|label| line.contains(label)));
        line.unwrap_or_else(|| panic!("{name} {labels:?} is not in\n{text}")).rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(value("cofferdam_http_requests_total", &["route=\"manifest\"", "method=\"PUT\"", "status=\"201\""]), 1.0);
    assert!(value("cofferdam_driver_calls_total", &["mount=\"main\"", "driver=\"filesystem\"", "operation=\"put\""]) >= 1.0);
    assert!(value("cofferdam_driver_call_seconds_count", &["operation=\"put\""]) >= 1.0);
    assert!(value("cofferdam_driver_bytes_total", &["operation=\"put\""]) >= 2.0);
    assert!(value("cofferdam_mount_instances", &["state=\"live\""]) >= 1.0);
    assert!(value("cofferdam_mount_instances_created_total", &["mount=\"main\""]) >= 1.0);
    for name in [
        "cofferdam_mount_traps_total",
        "cofferdam_mount_queue",
        "cofferdam_mount_spool_bytes",
        "cofferdam_mount_retries_total",
        "cofferdam_mount_breaker_open",
    ] {
        assert_eq!(value(name, &["mount=\"main\""]), 0.0, "{name}");
    }
}

#[tokio::test]
async fn health_is_the_drivers() {
    let served = Served::fresh();
    let client = served.server.client();
    assert_eq!(client.get("/healthz").await.expect(200).body, "ok\n");
    let report = client.get("/readyz").await.expect(200).json();
    assert_eq!(report, serde_json::json!({ "ready": true, "mounts": [{ "mount": "main", "health": "ok" }] }));
    client.get("/nothing").await.expect(404);
}

#[tokio::test]
async fn names_and_rights_are_asked_for() {
    let home = Home::new();
    // The hash of `U*U`, from the test vectors of crypt_blowfish.
    let hash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    fs::write(home.path("users"), format!("alice:{hash}\nbob:{hash}\n")).unwrap();
    let server = home.serve(&format!(
        "{}[auth]\ncatalog = [\"alice\"]\n[auth.htpasswd]\nfile = \"users\"\n[[rule]]\nusers = [\"alice\"]\nallow = [\"pull\", \"push\", \"delete\"]\n\
         [[rule]]\nrepositories = [\"open/*\"]\nallow = [\"pull\"]\n",
        home.mount("main")
    ));
    let client = server.client();
    let ask = |method: Method, path: &'static str, name: Option<&'static str>| {
        let request = client.request(method, path);
        async move { Answer::of(name.map_or(request.try_clone().unwrap(), |name| request.basic_auth(name, Some("U*U")))).await }
    };
    let refused = ask(Method::GET, "/v2/", None).await.refused(401, "UNAUTHORIZED");
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"cofferdam\", charset=\"UTF-8\""));
    ask(Method::GET, "/v2/", Some("bob")).await.expect(200);
    ask(Method::GET, "/v2/", Some("carol")).await.refused(401, "UNAUTHORIZED");
    ask(Method::POST, "/v2/open/a/blobs/uploads/", Some("alice")).await.expect(202);
    ask(Method::POST, "/v2/open/a/blobs/uploads/", Some("bob")).await.refused(403, "DENIED");
    ask(Method::POST, "/v2/open/a/blobs/uploads/", None).await.refused(401, "UNAUTHORIZED");
    ask(Method::GET, "/v2/open/a/manifests/t", None).await.refused(404, "MANIFEST_UNKNOWN");
    ask(Method::GET, "/v2/closed/manifests/t", Some("bob")).await.refused(403, "DENIED");
    ask(Method::GET, "/v2/_catalog", Some("alice")).await.expect(200);
    ask(Method::GET, "/v2/_catalog", Some("bob")).await.refused(403, "DENIED");
    // Machines that watch give no name.
    ask(Method::GET, "/healthz", None).await.expect(200);
}

#[tokio::test]
async fn routes_keep_repositories_apart() {
    let home = Home::new();
    let server = home.serve(&format!(
        "{}{}[storage]\nblobs = \"main\"\n[[route]]\nprefix = \"team\"\nblobs = \"second\"\nlayout = \"indexed\"\n",
        home.mount("main"),
        home.mount("second")
    ));
    let client = server.client();
    for name in ["team/a", "teams/a", "other"] {
        let digest = push(&client, name, "t").await;
        let answer = client.repository(name).get("manifests/t").await.expect(200);
        assert_eq!(sha256(&answer.body), digest);
    }
    let catalog = client.get("/v2/_catalog").await.expect(200).json();
    assert_eq!(catalog["repositories"], serde_json::json!(["other", "team/a", "teams/a"]));
    let repositories = home.path("main/docker/registry/v2/repositories");
    assert!(repositories.join("other").exists() && repositories.join("teams/a").exists() && !repositories.join("team").exists());
    assert!(!home.path("second/docker").exists(), "the layout `indexed` knows no such directory");
}

#[test]
fn one_storage_has_one_layout() {
    let home = Home::new();
    let file = home.path("cofferdam.toml");
    fs::write(&file, format!("{}[[route]]\nprefix = \"team\"\nblobs = \"main\"\nlayout = \"indexed\"\n", home.mount("main"))).unwrap();
    let program = drivers::workspace().join("target/release/cofferdam");
    let output = Command::new(program).args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(file).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let expected = "error: cannot set up a route: blobs in `main` have the layout `registry-v2` already, and a route wants `indexed` there";
    assert!(!output.status.success() && error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn what_the_file_forbids_is_refused() {
    let home = Home::new();
    let mount = home.mount("main");
    let digest = push(&home.serve(&format!("delete = false\n{mount}")).client(), "a", "t").await;
    let server = home.serve(&format!("delete = false\n{mount}"));
    server.client().repository("a").delete(&format!("manifests/{digest}")).await.refused(405, "UNSUPPORTED");
    drop(server);
    let server = home.serve(&format!("read-only = true\n{mount}"));
    let repository = server.client().repository("a");
    repository.get("manifests/t").await.expect(200);
    let answer = Answer::of(repository.request(Method::POST, "blobs/uploads/").header("content-length", 0)).await;
    assert!(matches!(answer.status, 403 | 405), "{}", answer.status);
    assert!(matches!(repository.delete("manifests/t").await.status, 403 | 405));
}

/// The events that somebody was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Value>>>);

impl Told {
    /// Listens; answers where.
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = self.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let body = body(&mut stream).await;
                told.0.lock().unwrap().extend(body["events"].as_array().unwrap().clone());
                stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
            }
        });
        format!("http://{address}/")
    }

    /// Action, repository and tag of every manifest.
    fn manifests(&self) -> Vec<String> {
        let text = |event: &Value, key: &str| event["target"][key].as_str().unwrap_or("-").to_owned();
        let told = self.0.lock().unwrap();
        let manifests = told.iter().filter(|event| text(event, "mediaType") != "application/octet-stream");
        manifests.map(|event| format!("{} {} {}", event["action"].as_str().unwrap(), text(event, "repository"), text(event, "tag"))).collect()
    }
}

async fn body(stream: &mut TcpStream) -> Value {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        if body.len() == length {
            return serde_json::from_str(body).unwrap();
        }
    }
}

#[tokio::test]
async fn a_webhook_is_told_of_pushes_and_deletions_that_nobody_took_at_first() {
    let home = Home::new();
    let hook = |url: &str| format!("{}[[webhook]]\nname = \"search\"\nurl = \"{url}\"\nrepositories = [\"team/*\"]\n", home.mount("main"));
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut server = home.serve(&hook(&format!("http://{gone}/")));
    let digest = push(&server.client(), "team/a", "t").await;
    push(&server.client(), "elsewhere", "t").await;
    server.client().repository("team/a").delete(&format!("manifests/{digest}")).await.expect(202);
    server.signal(Signal::TERM);
    assert!(server.ended().success());

    let told = Told::default();
    let _server = home.serve(&hook(&told.listen().await));
    let expected = ["push team/a t", "delete team/a -"];
    until_async("both events come", async || (told.manifests().len() >= expected.len()).then_some(())).await;
    assert_eq!(told.manifests(), expected);
}
