//! An unmodified client pushes, pulls and deletes, and what nobody needs is collected, in both layouts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use cofferdam_tests::client::{Repository, noise};
use cofferdam_tests::images::{Layout, MANIFEST, descriptor, digest_in};
use cofferdam_tests::server::Server;
use cofferdam_tests::tools::{self, run, run_to_fail};

use crate::backends::{Backends, as_docker_registry, as_it_stands};

/// The largest layer: S3 takes it in several parts, of 5 MiB at least.
const LARGE: usize = 20 << 20;

#[tokio::test]
async fn an_image_goes_through_the_example_as_it_stands() {
    goes_through(as_it_stands).await;
}

#[tokio::test]
async fn an_image_goes_through_the_example_in_the_other_layout() {
    goes_through(as_docker_registry).await;
}

async fn goes_through(change: fn(String) -> String) {
    let (Some(mut backends), Some(skopeo)) = (Backends::start().await, tools::find("skopeo")) else { return };
    let server = backends.serve(change);
    let mut layout = Layout::new(&backends.path("layout"));
    let large = noise(1, LARGE);
    let files = [("small".to_owned(), b"small".as_slice()), ("large".to_owned(), &large), ("middle".to_owned(), &large[..3 << 20])];
    for (tag, files) in [("kept", &files[..]), ("deleted", &[("other".to_owned(), &large[5..6 << 20]), files[0].clone()])] {
        let image = layout.add_image_of("amd64", files);
        layout.tag(tag, descriptor(MANIFEST, &image));
    }
    let client = Skopeo { backends: &backends, program: &skopeo, server: &server };
    for tag in ["kept", "deleted"] {
        client.copy(&layout.reference(tag), &client.remote(tag));
    }
    client.pulls_what_was_pushed(&layout, "kept", "first");

    // Records outlive Redis, and the registry finds it again.
    backends.redis.restart();
    let client = Skopeo { backends: &backends, program: &skopeo, server: &server };
    client.pulls_what_was_pushed(&layout, "deleted", "after a restart");

    run(client.command().args(["delete", "--tls-verify=false", &client.remote("deleted")]));
    run_to_fail(client.command().args(["inspect", "--tls-verify=false", &client.remote("deleted")]));
    let (kept, deleted) = (blobs_of(&layout, "kept"), blobs_of(&layout, "deleted"));
    let repository = server.client().repository("library/image");
    assert_eq!(there(&repository, &deleted).await, deleted, "a deletion leaves blobs to the collection");
    backends.collect();
    assert_eq!(there(&repository, &deleted).await, &deleted & &kept);
    assert_eq!(there(&repository, &kept).await, kept);
    client.pulls_what_was_pushed(&layout, "kept", "after a collection");
}

/// The digests of what an image's manifest names.
fn blobs_of(layout: &Layout, tag: &str) -> BTreeSet<String> {
    let manifest = fs::read(layout.directory.join("blobs").join(layout.digest(tag).replace(':', "/"))).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let layers = manifest["layers"].as_array().unwrap().iter();
    layers.chain([&manifest["config"]]).map(|blob| blob["digest"].as_str().unwrap().to_owned()).collect()
}

/// Those of `blobs` that a repository has.
async fn there(repository: &Repository, blobs: &BTreeSet<String>) -> BTreeSet<String> {
    let mut there = BTreeSet::new();
    for digest in blobs {
        if repository.has(digest).await {
            there.insert(digest.clone());
        }
    }
    there
}

/// Debian's client, with nothing of this machine's own settings.
struct Skopeo<'a> {
    backends: &'a Backends,
    program: &'a Path,
    server: &'a Server,
}

impl Skopeo<'_> {
    fn command(&self) -> Command {
        let home = self.backends.path("home");
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
        let mut command = Command::new(self.program);
        command.env("HOME", &home).env("XDG_RUNTIME_DIR", &home).env("TMPDIR", &home).arg("--policy").arg(home.join("policy.json"));
        command
    }

    fn copy(&self, from: &str, to: &str) {
        run(self.command().args(["copy", "--src-tls-verify=false", "--dest-tls-verify=false", from, to]));
    }

    fn remote(&self, tag: &str) -> String {
        format!("docker://{}/library/image:{tag}", self.server.address())
    }

    /// Pulls `tag` into a layout of its own, and sees that it is what `layout` has.
    fn pulls_what_was_pushed(&self, layout: &Layout, tag: &str, when: &str) {
        let pulled = self.backends.path(&format!("pulled {when}"));
        self.copy(&self.remote(tag), &format!("oci:{}:{tag}", pulled.display()));
        assert_eq!(digest_in(&pulled, tag), layout.digest(tag), "{when}");
        for digest in blobs_of(layout, tag) {
            let read = |layout: &Path| fs::read(layout.join("blobs").join(digest.replace(':', "/"))).unwrap();
            assert!(read(&pulled) == read(&layout.directory), "{digest} differs {when}");
        }
    }
}
