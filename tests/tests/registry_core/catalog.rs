//! The catalog: byte order of whole names, pages, several stores.

use cofferdam_registry::{Layout, Registry, RegistryError, Rules};

use crate::world::{World, each, name, push, push_image, reference, store};

async fn pages(registry: &Registry, n: u32) -> Vec<String> {
    let (mut found, mut last): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let page = registry.catalog(last.as_deref(), n).await.unwrap();
        assert!(page.names.len() <= n as usize);
        found.extend(page.names);
        last = found.last().cloned();
        if !page.more {
            return found;
        }
    }
}

#[tokio::test]
async fn repositories_are_in_byte_order_on_every_page() {
    each(|world| async move {
        let names = ["a", "a-b", "a/b", "a-b/c", "a.b", "a/b/c", "a0", "a-b-c", "aa", "b/c", "a-b-c/d", "a_b", "a/b-c"];
        for repository in names {
            push_image(&world.repository(repository), "latest", "config", &[]).await;
        }
        push(&world.repository("only/blobs"), "x").await;
        let mut expected = names.to_vec();
        expected.sort_unstable();
        assert_eq!(expected[..5], ["a", "a-b", "a-b-c", "a-b-c/d", "a-b/c"]);
        for n in 1..=names.len() as u32 + 1 {
            assert_eq!(pages(&world.registry, n).await, expected, "by {n}");
        }
        for last in ["a-", "b", "zz", "a-b/b", "a.a"].into_iter().filter(|last| cofferdam_registry::RepositoryName::new(last).is_ok()) {
            let after: Vec<_> = expected.iter().copied().filter(|name| *name > last).collect();
            assert_eq!(world.registry.catalog(Some(last), 100).await.unwrap().names, after, "after {last}");
        }
        assert!(matches!(world.registry.catalog(Some("../x"), 10).await, Err(RegistryError::NameInvalid { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_repository_leaves_with_its_last_manifest() {
    each(|world| async move {
        let repository = world.repository("a/b");
        let one = push_image(&repository, "v1", "one", &[]).await;
        let two = push_image(&repository, "v2", "two", &[]).await;
        repository.delete_manifest(&reference(one)).await.unwrap();
        assert_eq!(world.registry.catalog(None, 10).await.unwrap().names, ["a/b"]);
        repository.delete_manifest(&reference(two)).await.unwrap();
        assert!(world.registry.catalog(None, 10).await.unwrap().names.is_empty());
    })
    .await;
}

#[tokio::test]
async fn repositories_are_in_the_store_of_the_longest_prefix_and_in_one_catalog() {
    let (one, two) = (World::new("memory", Layout::RegistryV2).await, World::new("memory", Layout::Indexed).await);
    let routes = vec![(name("team"), store(&two.mount, Layout::Indexed).await), (name("team/public"), store(&one.mount, Layout::RegistryV2).await)];
    let registry = Registry::with_routes(store(&one.mount, Layout::RegistryV2).await, routes, Rules::default());
    for repository in ["a", "team", "team/x", "teams", "team/public/x", "z"] {
        push_image(&registry.repository(&name(repository)), "latest", "config", &[]).await;
    }
    // Pushed before the route was there.
    push_image(&one.repository("team/old"), "latest", "config", &[]).await;
    assert_eq!(two.registry.catalog(None, 10).await.unwrap().names, ["team", "team/x"]);
    for n in 1..8 {
        assert_eq!(pages(&registry, n).await, ["a", "team", "team/public/x", "team/x", "teams", "z"], "by {n}");
    }
    let digest = push(&registry.repository(&name("a")), "blob").await;
    let mounted = registry.repository(&name("team")).mount_blob(Some(&name("a")), &digest).await.unwrap();
    assert!(!mounted, "it is in another store");
}
