//! Lists: what a server's answer is read as, in which order.

use super::*;

fn list(driver: &mut Dav, prefix: &str, recursive: bool, limit: u32, cursor: Option<String>) -> Result<Page> {
    StreamingStore::list(&mut **driver, &Prefix::new(prefix)?, ListOptions { recursive, start_after: None, cursor, limit })
}

fn keys(page: &Page) -> Vec<String> {
    page.entries.iter().map(ObjectInfo::sort_key).collect()
}

/// A server that has these, each in whatever form servers write an `href`; one that ends with `/` is a collection.
fn server(hrefs: &'static [&'static str]) -> impl FnMut(&Asked) -> Result<Answer> + 'static {
    move |asked| {
        assert_eq!(asked.method, "PROPFIND");
        let place = asked.url.strip_prefix("https://dav.test").unwrap();
        let plain = |href: &str| href.replace("%2D", "-").replace("https://inside", "");
        let inside = |href: &&&str| match asked.header("depth") {
            Some("0") => plain(href) == place,
            _ => plain(href).strip_prefix(place).is_some_and(|rest| !rest.trim_end_matches('/').contains('/')),
        };
        let found: Vec<_> = hrefs.iter().filter(inside).map(|href| resource(href)).collect();
        Ok(if found.is_empty() { answer(404) } else { multistatus(&found) })
    }
}

/// In no order, with names around `/`, and things that are no paths.
const HREFS: &[&str] = &[
    "/files/me/p/a0",
    "/files/me/p/a%2Db",
    "https://inside/files/me/p/",
    "/files/me/p/a/",
    "/files/me/p/b.c",
    "/files/me/p/a%20b",
    "/files/me/p/+cofferdam/",
    "/files/me/p/a.b",
    "/files/me/p/a/y",
    "/files/me/p/a/x/",
    "/files/me/p/a/x/1",
    "/files/me/p/e/",
    "/files/me/p/%C3%A4",
    "/files/me/",
    "/files/me/p/+cofferdam/x",
];

#[test]
fn lists_are_in_byte_order_whatever_the_page() {
    for (recursive, expected) in [
        (false, &["/p/a-b", "/p/a.b", "/p/a/", "/p/a0", "/p/b.c", "/p/e/"][..]),
        (true, &["/p/a-b", "/p/a.b", "/p/a/x/1", "/p/a/y", "/p/a0", "/p/b.c"][..]),
    ] {
        for limit in 1..9 {
            let mut driver = start(&[]);
            driver.serve(server(HREFS));
            let (mut found, mut cursor) = (Vec::new(), None);
            loop {
                let page = list(&mut driver, "/p", recursive, limit, cursor).unwrap();
                assert!(page.entries.len() <= limit as usize);
                found.extend(keys(&page));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "limit {limit}");
        }
    }
}

#[test]
fn a_list_asks_for_no_collection_that_it_does_not_show() {
    let mut driver = start(&[]);
    driver.serve(server(HREFS));
    list(&mut driver, "/p", false, 100, None).unwrap();
    assert_eq!(asked(&driver), ["PROPFIND /p/"]);
    // A few are asked about one by one.
    list(&mut driver, "/p", false, 1, None).unwrap();
    let requests = driver.requests();
    assert_eq!(requests.iter().map(shown).collect::<Vec<_>>(), ["PROPFIND /p/", "PROPFIND /p/a-b", "PROPFIND /p/a.b"]);
    assert!(!requests[0].text().contains("getetag") && requests[1].text().contains("getetag"));
    list(&mut driver, "/p", true, 2, None).unwrap();
    assert_eq!(asked(&driver), ["PROPFIND /p/", "PROPFIND /p/a/", "PROPFIND /p/a/x/"]);
    list(&mut driver, "/p", true, 2, Some(">/p/a/y".to_owned())).unwrap();
    assert_eq!(asked(&driver), ["PROPFIND /p/a/", "PROPFIND /p/", "PROPFIND /p/e/"], "whether more follows");
}

#[test]
fn entries_tell_what_the_server_does() {
    let mut driver = start(&[("prefix", "in")]);
    driver.serve(server(&["/files/me/in/", "/files/me/in/a", "/files/me/in/b/"]));
    let page = list(&mut driver, "/", false, 10, None).unwrap();
    assert_eq!(page.entries, [ObjectInfo::object("/a", 5, TIME, "e1"), ObjectInfo::prefix("/b")]);
}

#[test]
fn what_is_missing_is_missing_on_the_first_page_only() {
    let mut driver = start(&[]);
    for missing in [answer(404), answer(400), multistatus(&[resource("/files/me/q")])] {
        driver.serve(move |_| Ok(missing.clone()));
        assert_eq!(list(&mut driver, "/q", false, 1, None).unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(list(&mut driver, "/q", true, 1, Some(">/q/x".to_owned())).unwrap().entries, []);
    }
    driver.script([answer(404)]);
    assert_eq!(list(&mut driver, "/", true, 1, None).unwrap().entries, []);
    // A server that understands nothing is no empty store.
    driver.script([answer(400)]);
    assert_eq!(list(&mut driver, "/", true, 1, None).unwrap_err().kind, ErrorKind::InvalidArgument);
}

#[test]
fn an_answer_that_is_none_is_never_an_empty_page() {
    let itself = resource("/files/me/p/");
    let mut driver = start(&[]);
    let cut = format!("<D:multistatus xmlns:D=\"DAV:\">{itself}{}", resource("/files/me/p/a"));
    let gone = "<D:response><D:href>/files/me/p/gone</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>".to_owned();
    let refused = gone.replace("404 Not Found", "403 Forbidden");
    for malformed in [
        answer(200).body("<html>login here</html>"),
        answer(207).body(cut),
        answer(207).body("<multistatus/>"),
        answer(207).body(format!("<multistatus>{itself}</multistatus>")),
        answer(207).body("Bad gateway"),
        // A proxy that renames: these are the resources of another place.
        multistatus(&[resource("/inside/p/"), resource("/inside/p/a")]),
        multistatus(&[itself.clone(), resource("/files/me/p/a").replace("getcontentlength>5<", "getcontentlength>many<")]),
        multistatus(&[itself.clone(), resource("/files/me/p/a").replace(DATE, "yesterday")]),
        multistatus(&[itself.clone(), refused]),
    ] {
        driver.script([malformed.clone()]);
        let error = list(&mut driver, "/p", false, 100, None).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{malformed:?}");
    }
    driver.script([multistatus(&[itself, gone, resource("/files/me/p/a")])]);
    assert_eq!(keys(&list(&mut driver, "/p", false, 100, None).unwrap()), ["/p/a"]);
    // One that goes between two questions is no end of the list.
    driver.script([
        multistatus(&[resource("/files/me/p/"), resource("/files/me/p/a"), resource("/files/me/p/b")]),
        answer(404),
        multistatus(&[resource("/files/me/p/"), resource("/files/me/p/b")]),
    ]);
    assert_eq!(keys(&list(&mut driver, "/p", false, 1, None).unwrap()), ["/p/b"]);
}

#[test]
fn elements_of_other_namespaces_are_not_taken_for_those_of_webdav() {
    let mut driver = start(&[]);
    let foreign = "<x:resourcetype xmlns:x=\"urn:x\"><D:collection/></x:resourcetype><x:getcontentlength xmlns:x=\"urn:x\">9</x:getcontentlength>";
    let answer = resource("/files/me/p/a").replace("<lp:resourcetype>", &format!("{foreign}<lp:resourcetype>"));
    driver.script([multistatus(&[resource("/files/me/p/"), answer])]);
    assert_eq!(list(&mut driver, "/p", false, 100, None).unwrap().entries, [ObjectInfo::object("/p/a", 5, TIME, "e1")]);
}

#[test]
fn garbage_cursors_are_refused_without_asking() {
    let mut driver = start(&[]);
    for cursor in ["", "x", ">/q/a", ">/p/../q"] {
        assert_eq!(list(&mut driver, "/p", false, 1, Some(cursor.to_owned())).unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    assert_eq!(driver.requests(), []);
}
