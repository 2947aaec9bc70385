//! A full disk: the client is told so, and whoever needs no room is served.

use std::path::Path;
use std::process::Command;

use cofferdam_tests::client::{Answer, Method, Repository, noise, sha256};
use cofferdam_tests::images;
use cofferdam_tests::server::Server;
use tempfile::TempDir;

/// A small file system, unmounted when it is dropped.
struct Small(TempDir);

impl Small {
    /// One of so many MiB, where mounting is permitted.
    fn of(mib: usize) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("mount");
        let mounted = command.args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "cofferdam-tests"]).arg(directory.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(directory)),
            // A container may not mount; no package changes that, so it is no failure either.
            other => {
                println!("skipped: a full disk (mounting is not permitted: {other:?})");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status().is_ok_and(|status| status.success());
        if !unmounted {
            eprintln!("{} is still mounted", self.path().display());
        }
    }
}

/// Sees that what is there is served, and that deleting makes room.
async fn serves(repository: &Repository, manifest: &[u8]) {
    assert_eq!(repository.get("manifests/latest").await.expect(200).body, manifest);
    assert_eq!(repository.blob(&sha256(&noise(1, 10_000))).await, noise(1, 10_000));
    repository.get("tags/list").await.expect(200);
}

#[tokio::test]
async fn a_full_disk_is_507_and_the_registry_goes_on() {
    let Some(disk) = Small::of(24) else { return };
    let server = Server::cofferdam(disk.path());
    let repository = server.client().repository("library/thing");
    let manifest = images::push(&repository, "latest", 1).await;
    let large = noise(9, 40 << 20);

    // In one request, and in chunks.
    let location = repository.start().await;
    let refused = repository.finish(&location, &sha256(&large), large.clone()).await.expect(507);
    assert!(!refused.code().is_empty());
    serves(&repository, &manifest).await;
    Answer::of(repository.client.request(Method::DELETE, &location)).await;

    let mut location = repository.start().await;
    let mut from = 0;
    let refused = loop {
        let answer = repository.patch(&location, Some(from), large.slice(from..from + (4 << 20))).await;
        if answer.status != 202 {
            break answer.expect(507);
        }
        (location, from) = (answer.location(), from + (4 << 20));
        assert!(from < 32 << 20, "more was acknowledged than the disk holds");
    };
    assert!(!refused.code().is_empty());
    // What was acknowledged is still there.
    assert!(repository.offset(&location).await >= from);
    serves(&repository, &manifest).await;
    assert!(!repository.has(&sha256(&large)).await);

    // Giving the upload up makes room for another.
    Answer::of(repository.client.request(Method::DELETE, &location)).await.expect(204);
    let fits = noise(10, 6 << 20);
    assert_eq!(repository.push(fits.clone()).await, sha256(&fits));
    assert!(repository.blob(&sha256(&fits)).await == fits);
}

#[tokio::test]
async fn a_disk_without_room_for_a_link_loses_nothing_that_was_acknowledged() {
    let Some(disk) = Small::of(3) else { return };
    let server = Server::cofferdam(disk.path());
    let repository = server.client().repository("library/thing");
    let mut stored = Vec::new();
    for seed in 0..2000 {
        let location = repository.start().await;
        let answer = repository.finish(&location, &sha256(&noise(seed, 4096)), noise(seed, 4096)).await;
        if answer.status != 201 {
            answer.expect(507);
            break;
        }
        stored.push(seed);
    }
    assert!(!stored.is_empty() && stored.len() < 2000, "{} blobs were stored in 3 MiB", stored.len());
    for seed in stored {
        assert_eq!(repository.blob(&sha256(&noise(seed, 4096))).await, noise(seed, 4096));
    }
}
