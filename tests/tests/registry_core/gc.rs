//! Garbage collection beside clients: what goes, what stays, and who wins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cofferdam::{AtomicKey, AtomicStore, Condition};
use cofferdam_registry::gc::{self, GcMode, GcOptions, GcProgress, GcReport};
use cofferdam_registry::{Layout, Registry, RegistryError, Repository};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::world::{World, digest, each, get, image, name, pull, push, push_image, put, reference, store};

fn options(mode: GcMode) -> GcOptions {
    let mut options = GcOptions::default();
    options.grace = Duration::ZERO;
    options.mode = mode;
    options
}

async fn collect(registry: &Registry, mode: GcMode) -> Result<GcReport, RegistryError> {
    gc::run(&registry.stores()[0], options(mode), &mut |_| ()).await
}

/// Starts a collection in another process, and waits until its candidates are marked.
async fn begin(world: &World) -> JoinHandle<Result<GcReport, RegistryError>> {
    let store = store(&world.mount, world.layout).await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let running =
        tokio::spawn(async move { gc::run(&store, options(GcMode::Remove), &mut |progress| said.send(progress).unwrap_or_default()).await });
    while let Some(progress) = heard.recv().await {
        if matches!(progress, GcProgress::Waiting(_)) {
            break;
        }
    }
    running
}

async fn values(world: &World, prefix: &str) -> Vec<String> {
    AtomicStore::list(&world.mount, prefix, None, 1000).await.unwrap().keys
}

#[tokio::test]
async fn what_no_manifest_needs_goes_and_all_else_stays() {
    each(|world| async move {
        let repository = world.repository("a/b");
        let kept = push_image(&repository, "latest", "config", &["layer"]).await;
        let deleted = push_image(&repository, "old", "old config", &["layer", "old layer"]).await;
        let untagged = push_image(&repository, "moved", "untagged", &[]).await;
        push_image(&repository, "moved", "config", &["layer"]).await;
        repository.delete_manifest(&reference(&deleted)).await.unwrap();
        let alone = push(&world.repository("c"), "alone").await;
        let tells = collect(&world.registry, GcMode::DryRun).await.unwrap();
        assert_eq!((tells.manifests, tells.blobs, tells.removed), (2, 9, 4), "{tells:?}");
        assert_eq!(pull(&world.repository("c"), &alone).await.unwrap(), "alone");
        let did = collect(&world.registry, GcMode::Remove).await.unwrap();
        assert_eq!((did.removed, did.freed, did.kept), (4, tells.freed, 0), "{did:?}");
        for registry in [world.registry.clone(), world.other_process().await] {
            let repository = registry.repository(&name("a/b"));
            assert!(get(&repository, &kept).await.is_ok() && get(&repository, &untagged).await.is_ok());
            assert_eq!(pull(&repository, &digest("layer")).await.unwrap(), "layer");
            for gone in ["old config", "old layer"] {
                assert!(matches!(repository.stat_blob(&digest(gone)).await, Err(RegistryError::BlobUnknown { .. })), "{gone}");
            }
            assert!(matches!(registry.repository(&name("c")).stat_blob(&alone).await, Err(RegistryError::BlobUnknown { .. })));
        }
        assert!(values(&world, "gc/marked/").await.is_empty());
        assert_eq!(collect(&world.registry, GcMode::DryRun).await.unwrap().removed, 0);
        push_image(&repository, "old", "old config", &["layer", "old layer"]).await;
        assert_eq!(pull(&repository, &digest("old layer")).await.unwrap(), "old layer", "it can be pushed again");
    })
    .await;
}

#[tokio::test]
async fn what_a_client_relies_on_in_the_grace_period_is_kept() {
    each(|world| async move {
        let repository = world.repository("a");
        for blob in ["head", "mount", "push", "config", "nobody"] {
            push(&repository, blob).await;
        }
        let running = begin(&world).await;
        let other = world.other_process().await;
        let repository = other.repository(&name("a"));
        repository.stat_blob(&digest("head")).await.unwrap();
        assert!(other.repository(&name("b")).mount_blob(Some(&name("a")), &digest("mount")).await.unwrap());
        push(&repository, "push").await;
        let manifest = put(&repository, "latest", &image("config", &[])).await.unwrap().digest;
        let report = running.await.unwrap().unwrap();
        assert_eq!((report.candidates, report.removed, report.kept), (5, 1, 4), "{report:?}");
        for blob in ["head", "mount", "push", "config"] {
            assert_eq!(pull(&repository, &digest(blob)).await.unwrap(), blob);
        }
        assert!(get(&repository, &manifest).await.is_ok());
        assert!(matches!(repository.stat_blob(&digest("nobody")).await, Err(RegistryError::BlobUnknown { .. })));
    })
    .await;
}

#[tokio::test]
async fn one_collection_is_at_work_at_a_time_and_the_next_ends_what_a_dead_one_began() {
    each(|world| async move {
        let repository = world.repository("a");
        let blob = push(&repository, "x").await;
        let running = begin(&world).await;
        let refused = collect(&world.registry, GcMode::Remove).await.unwrap_err();
        assert!(matches!(refused, RegistryError::CollectionRunning { .. }), "{refused}");
        assert!(running.await.unwrap().is_ok());
        push(&repository, "x").await;
        // As a collection leaves it that dies between its decision and the removal.
        let write = async |key: String, text: &str| {
            let (key, text) = (AtomicKey::new(key).unwrap(), text.to_owned());
            AtomicStore::put(&world.mount, &key, text.into(), Condition::Unconditional).await.unwrap();
        };
        write(format!("gc/marked/sha256/{}", blob.hex()), r#"{"mark":"removed","run":"7"}"#).await;
        write("gc/state".to_owned(), r#"{"run":7,"until":1}"#).await;
        let other = world.other_process().await.repository(&name("a"));
        assert!(matches!(other.stat_blob(&blob).await, Err(RegistryError::BlobUnknown { .. })), "nobody relies on it any more");
        assert_eq!(collect(&world.registry, GcMode::Remove).await.unwrap().removed, 1);
        assert!(values(&world, "gc/marked/").await.is_empty());
        push(&world.other_process().await.repository(&name("a")), "x").await;
    })
    .await;
}

#[tokio::test]
async fn a_stored_manifest_that_nobody_can_read_stops_a_collection() {
    let world = World::new("memory", Layout::RegistryV2).await;
    let manifest = push_image(&world.repository("a"), "latest", "config", &[]).await;
    let path = format!("/docker/registry/v2/blobs/sha256/{}/{}/data", &manifest.hex()[..2], manifest.hex());
    let blobs: &dyn cofferdam::StreamingStore = &world.mount;
    blobs.put(&path.parse().unwrap(), "{".into(), Condition::Unconditional).await.unwrap();
    let refused = collect(&world.registry, GcMode::Remove).await.unwrap_err();
    assert!(refused.to_string().contains(&manifest.to_string()), "{refused}");
    assert_eq!(pull(&world.repository("a"), &digest("config")).await.unwrap(), "config");
}

/// Pushes an image as a client does that asks first what is there; answers its digest, or why not.
async fn push_what_is_missing(repository: &Repository, tag: &str, blobs: [&str; 2]) -> Result<cofferdam::upload::BlobDigest, RegistryError> {
    for blob in blobs {
        if repository.stat_blob(&digest(blob)).await.is_err() {
            let id = repository.start_upload(cofferdam::upload::DigestAlgorithm::Sha256)?;
            let bytes = futures::stream::iter([Ok(blob.to_owned().into())]);
            repository.finish_upload(&id, Some(0), None, bytes, &digest(blob)).await?;
        }
    }
    Ok(put(repository, tag, &image(blobs[0], &[blobs[1]])).await?.digest)
}

#[tokio::test]
async fn collections_in_a_loop_take_nothing_that_a_push_was_acknowledged_for() {
    each(|world| async move {
        let (world, stop, pushed) = (Arc::new(world), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (world, stop, pushed) = (world.clone(), stop.clone(), pushed.clone());
                tokio::spawn(async move {
                    let repository = world.other_process().await.repository(&name(&format!("client/{client}")));
                    for round in 0_u64.. {
                        // All clients share ten layers, which nobody needs whenever the last image with them is deleted.
                        let (config, layer) = (format!("config {client}"), format!("layer {}", round % 10));
                        match push_what_is_missing(&repository, "latest", [&config, &layer]).await {
                            Ok(manifest) => {
                                pushed.fetch_add(1, Ordering::Relaxed);
                                assert_eq!(pull(&repository, &digest(&config)).await.unwrap(), config);
                                assert_eq!(pull(&repository, &digest(&layer)).await.unwrap(), layer);
                                if stop.load(Ordering::Relaxed) {
                                    return (config, layer);
                                }
                                repository.delete_manifest(&reference(manifest)).await.unwrap();
                            }
                            // What a client tries again.
                            Err(RegistryError::ManifestBlobUnknown { .. } | RegistryError::BeingCollected { .. } | RegistryError::UploadUnknown) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                    unreachable!("the rounds do not end")
                })
            })
            .collect();
        let collector = world.other_process().await;
        for round in 0..3 {
            push(&world.repository("garbage"), format!("garbage {round}")).await;
            let report = collect(&collector, GcMode::Remove).await.unwrap();
            assert!(report.removed >= 1, "{report:?}");
        }
        stop.store(true, Ordering::Relaxed);
        for (client, running) in clients.into_iter().enumerate() {
            let (config, layer) = running.await.unwrap();
            collect(&collector, GcMode::DryRun).await.unwrap();
            let repository = world.repository(&format!("client/{client}"));
            assert!(get(&repository, "latest").await.is_ok());
            assert_eq!(
                (pull(&repository, &digest(&config)).await.unwrap(), pull(&repository, &digest(&layer)).await.unwrap()),
                (config.into(), layer.into())
            );
        }
        assert!(pushed.load(Ordering::Relaxed) > 20, "the clients got on: {pushed:?}");
    })
    .await;
}
