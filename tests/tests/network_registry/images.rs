//! An unmodified client pushes, pulls and deletes, and what nobody needs is collected, in both layouts.

use std::collections::BTreeSet;

use cofferdam_tests::client::{Repository, noise};
use cofferdam_tests::images::{Layout, MANIFEST, descriptor};
use cofferdam_tests::skopeo::Skopeo;
use cofferdam_tests::tools::{run, run_to_fail};

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
    let Some(mut backends) = Backends::start().await else { return };
    let Some(skopeo) = Skopeo::find(&backends.path("home")) else { return };
    let server = backends.serve(change);
    let mut layout = Layout::new(&backends.path("layout"));
    let large = noise(1, LARGE);
    let files = [("small".to_owned(), b"small".as_slice()), ("large".to_owned(), &large), ("middle".to_owned(), &large[..3 << 20])];
    for (tag, files) in [("kept", &files[..]), ("deleted", &[("other".to_owned(), &large[5..6 << 20]), files[0].clone()])] {
        let image = layout.add_image_of("amd64", files);
        layout.tag(tag, descriptor(MANIFEST, &image));
    }
    let remote = |tag: &str| format!("docker://{}/library/image:{tag}", server.address());
    for tag in ["kept", "deleted"] {
        skopeo.copy(&layout.reference(tag), &remote(tag));
    }
    skopeo.pulls(&remote("kept"), &layout, "kept", &backends.path("pulled first"));

    // Records outlive Redis, and the registry finds it again.
    backends.redis.restart();
    skopeo.pulls(&remote("deleted"), &layout, "deleted", &backends.path("pulled after a restart"));

    run(skopeo.command().args(["delete", "--tls-verify=false", &remote("deleted")]));
    run_to_fail(skopeo.command().args(["inspect", "--tls-verify=false", &remote("deleted")]));
    let (kept, deleted) = (layout.blobs_of("kept"), layout.blobs_of("deleted"));
    let repository = server.client().repository("library/image");
    assert_eq!(there(&repository, &deleted).await, deleted, "a deletion leaves blobs to the collection");
    backends.collect();
    assert_eq!(there(&repository, &deleted).await, &deleted & &kept);
    assert_eq!(there(&repository, &kept).await, kept);
    skopeo.pulls(&remote("kept"), &layout, "kept", &backends.path("pulled after a collection"));
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
