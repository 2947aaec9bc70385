//! What is there: tags and repositories, in order and in pages.

use cofferdam_tests::client::{Client, Repository};
use cofferdam_tests::images::{self, MANIFEST};
use cofferdam_tests::server::Served;
use serde_json::Value;

use crate::served;

async fn with_tags(repository: &Repository, tags: &[&str]) {
    let manifest = images::push_blobs(repository, 1).await;
    for tag in tags {
        repository.put_manifest(tag, MANIFEST, manifest.clone()).await.expect(201);
    }
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().map(|name| name.as_str().unwrap()).collect()
}

/// Follows `Link` headers from `path`; answers each page of the list that `field` holds.
async fn pages(client: &Client, path: &str, field: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let answer = client.get(&path).await.expect(200);
        pages.push(names(&answer.json()[field]).into_iter().map(str::to_owned).collect());
        next = answer.header("link").map(|link| {
            let (target, rest) = link.strip_prefix('<').and_then(|link| link.split_once('>')).unwrap();
            assert!(rest.contains("rel=\"next\""), "{link}");
            target.to_owned()
        });
        assert!(pages.len() < 100, "the pages have no end");
    }
    pages
}

#[tokio::test]
async fn tags_are_listed_in_order() {
    let Served { repository, .. } = &served();
    with_tags(repository, &["v2", "v10", "latest", "V3", "_x", "0.1", "v2.1", "v2-beta"]).await;
    let answer = repository.get("tags/list").await.expect(200);
    assert_eq!(answer.json()["name"], "library/thing");
    assert_eq!(names(&answer.json()["tags"]), ["0.1", "V3", "_x", "latest", "v10", "v2", "v2-beta", "v2.1"]);
    assert_eq!(answer.header("link"), None);
}

#[tokio::test]
async fn tags_come_in_pages() {
    let Served { repository, server, .. } = &served();
    let tags: Vec<_> = (0..23).map(|tag| format!("t{tag:02}")).collect();
    with_tags(repository, &tags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for n in [1, 7, 22, 23, 24] {
        let pages = pages(&server.client(), &repository.path(&format!("tags/list?n={n}")), "tags").await;
        assert_eq!(pages.concat(), tags, "n={n}");
        assert!(pages.iter().all(|page| page.len() <= n), "n={n}: {pages:?}");
    }
}

#[tokio::test]
async fn a_page_begins_after_last_whether_or_not_that_is_a_tag() {
    let Served { repository, .. } = &served();
    with_tags(repository, &["a", "b", "c", "d"]).await;
    for (query, expected) in
        [("n=2&last=a", &["b", "c"][..]), ("last=bb", &["c", "d"]), ("n=5&last=d", &[]), ("last=zzz", &[]), ("n=1&last=0", &["a"])]
    {
        let answer = repository.get(&format!("tags/list?{query}")).await.expect(200);
        assert_eq!(names(&answer.json()["tags"]), expected, "{query}");
    }
}

#[tokio::test]
async fn an_empty_page_may_be_asked_for() {
    let Served { repository, .. } = &served();
    with_tags(repository, &["a", "b"]).await;
    let answer = repository.get("tags/list?n=0").await.expect(200);
    assert_eq!((names(&answer.json()["tags"]), answer.header("link")), (vec![], None));
}

#[tokio::test]
async fn a_page_size_that_is_none_is_refused_with_a_reason() {
    let Served { repository, .. } = &served();
    with_tags(repository, &["a"]).await;
    for n in ["-1", "x", "1.5"] {
        repository.get(&format!("tags/list?n={n}")).await.refused(400, "PAGINATION_NUMBER_INVALID");
    }
}

#[tokio::test]
async fn a_repository_that_is_not_there_has_no_list_of_tags() {
    let Served { repository, .. } = &served();
    repository.get("tags/list").await.refused(404, "NAME_UNKNOWN");
}

#[tokio::test]
async fn repositories_are_listed_in_order_and_in_pages() {
    let Served { server, .. } = &served();
    let client = server.client();
    let mut repositories = vec!["b", "a/c", "a/b/d", "a/b", "a-b", "a.b", "z/y/x/w", "a/b-c", "a"];
    for name in &repositories {
        images::push(&client.repository(name), "latest", 1).await;
    }
    repositories.sort_unstable();
    let all = client.get("/v2/_catalog").await.expect(200).json();
    assert_eq!(names(&all["repositories"]), repositories);
    for n in [1, 2, 5, 9, 100] {
        let pages = pages(&client, &format!("/v2/_catalog?n={n}"), "repositories").await;
        assert_eq!(pages.concat(), repositories, "n={n}");
        assert!(pages.iter().all(|page| page.len() <= n), "n={n}: {pages:?}");
    }
    let after = client.get("/v2/_catalog?last=a/b").await.expect(200).json();
    assert_eq!(names(&after["repositories"]), ["a/b-c", "a/b/d", "a/c", "b", "z/y/x/w"]);
}

#[tokio::test]
async fn an_empty_registry_has_an_empty_catalog() {
    let Served { server, .. } = &served();
    assert_eq!(names(&server.client().get("/v2/_catalog").await.expect(200).json()["repositories"]), [""; 0]);
}
