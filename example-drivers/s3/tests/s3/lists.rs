//! Lists: order, pages, and what is not ours.

use std::collections::BTreeMap;

use super::*;

fn list(driver: &mut S3, prefix: &str, options: ListOptions) -> Result<Page> {
    StreamingStore::list(&mut **driver, &Prefix::new(prefix)?, options)
}

fn options(recursive: bool, limit: u32) -> ListOptions {
    ListOptions { recursive, start_after: None, cursor: None, limit }
}

fn keys(page: &Page) -> Vec<String> {
    page.entries.iter().map(ObjectInfo::sort_key).collect()
}

fn all(driver: &mut S3, prefix: &str, options: &ListOptions) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let start_after = options.start_after.clone().filter(|_| cursor.is_none());
        let page = list(driver, prefix, ListOptions { cursor, start_after, ..options.clone() }).unwrap();
        assert!(page.entries.len() <= options.limit as usize);
        found.extend(keys(&page));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

fn query(url: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = url.split_once('?').unwrap().1.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn encoded(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

/// What ListObjectsV2 answers of `keys`, which are sorted. The servers differ in whether a prefix at which a page begins is shown again:
/// one that `repeats` rolls up whatever key comes after.
fn server(keys: &[&str], repeats: bool) -> impl Fn(&Asked) -> Result<Answer> + 'static {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    move |asked| {
        let query = query(&asked.url);
        let text = |name: &str| query.get(name).cloned().unwrap_or_default();
        let (prefix, most) = (text("prefix"), text("max-keys").parse::<usize>().unwrap());
        let (start, token) = (text("start-after"), text("continuation-token"));
        let after = token.strip_prefix("opaque ").unwrap_or(&start);
        let mut found: Vec<(String, bool)> = Vec::new();
        for key in keys.iter().filter(|key| key.starts_with(&prefix) && key.as_str() > after) {
            let rest = &key[prefix.len()..];
            let rolled = rest.split_once('/').filter(|_| query.contains_key("delimiter")).map(|(name, _)| format!("{prefix}{name}/"));
            let shown = rolled.clone().unwrap_or_else(|| key.clone());
            // A token goes on behind a whole prefix, on every server.
            let skipped = rolled.is_some() && (!repeats || !token.is_empty()) && shown.as_str() <= after;
            if !skipped && found.last().is_none_or(|(last, _)| *last != shown) {
                found.push((shown, rolled.is_some()));
            }
        }
        let truncated = found.len() > most;
        found.truncate(most);
        let shown: String = found.iter().map(|(key, prefix)| entry(&encoded(key), *prefix)).collect();
        let next = found.last().filter(|_| truncated).map(|(last, _)| format!("<NextContinuationToken>opaque {last}</NextContinuationToken>"));
        let (next, count) = (next.unwrap_or_default(), found.len());
        Ok(xml(
            200,
            &format!(
                "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</Name><Prefix>{prefix}</Prefix><KeyCount>{count}</KeyCount>\
             <EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>{next}{shown}</ListBucketResult>"
            ),
        ))
    }
}

fn entry(key: &str, prefix: bool) -> String {
    if prefix {
        return format!("<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>");
    }
    format!(
        "<Contents><Key>{key}</Key><LastModified>2026-11-24T23:45:16.789Z</LastModified><ETag>&quot;e1&quot;</ETag><Size>5</Size>\
         <StorageClass>STANDARD</StorageClass></Contents>"
    )
}

/// In byte order, with names around `/`, and things that are no paths.
const KEYS: [&str; 15] =
    ["p/", "p/%not", "p/+cofferdam/probe", "p/a", "p/a b", "p/a-b", "p/a.b", "p/a/x", "p/a/y", "p/a/z/1", "p/a0", "p/b//c", "p/c/d/e", "p/ä", "q/1"];

/// The entries of `KEYS` below `/p` that paths name.
const CHILDREN: [&str; 6] = ["/p/a", "/p/a-b", "/p/a.b", "/p/a/", "/p/a0", "/p/c/"];
const OBJECTS: [&str; 8] = ["/p/a", "/p/a-b", "/p/a.b", "/p/a/x", "/p/a/y", "/p/a/z/1", "/p/a0", "/p/c/d/e"];

#[test]
fn lists_are_in_byte_order_whatever_the_page() {
    let mut driver = start(&[]);
    for repeats in [false, true] {
        driver.serve(server(&KEYS, repeats));
        for limit in 1..20 {
            // `p/b/` is a prefix on the server: what is in it is no path, but something may be.
            let children = all(&mut driver, "/p", &options(false, limit));
            let children: Vec<_> = children.into_iter().filter(|key| key != "/p/b/").collect();
            assert_eq!(children, CHILDREN, "limit {limit}, repeats {repeats}");
            assert_eq!(all(&mut driver, "/p", &options(true, limit)), OBJECTS, "limit {limit}, repeats {repeats}");
        }
        assert_eq!(all(&mut driver, "/", &options(false, 1)), ["/p/", "/q/"]);
    }
}

#[test]
fn a_list_begins_after_any_sort_key() {
    let mut driver = start(&[]);
    let afters = ["/p/a", "/p/a-", "/p/a/", "/p/a/x", "/p/a/zz", "/p/a0", "/p/c", "/p/c/", "/p/zz", "/o", "/p", "/p0", "/zzz"];
    for repeats in [false, true] {
        driver.serve(server(&KEYS, repeats));
        for (after, limit) in afters.iter().flat_map(|after| [1, 3, 100].map(|limit| (*after, limit))) {
            for (recursive, expected) in [(false, &CHILDREN[..]), (true, &OBJECTS[..])] {
                let begun = ListOptions { start_after: Some(after.to_owned()), ..options(recursive, limit) };
                let found: Vec<_> = all(&mut driver, "/p", &begun).into_iter().filter(|key| key != "/p/b/").collect();
                let expected: Vec<_> = expected.iter().copied().filter(|key| *key > after).collect();
                assert_eq!(found, expected, "after {after}, limit {limit}, recursive {recursive}, repeats {repeats}");
            }
        }
    }
}

#[test]
fn a_page_is_filled_although_others_have_keys_in_it() {
    let mut driver = start(&[]);
    let foreign: Vec<String> = (0..25).map(|index| format!("p/a b{index:02}")).collect();
    let mut keys = vec!["p/a"];
    keys.extend(foreign.iter().map(String::as_str));
    keys.extend(["p/b", "p/c"]);
    driver.serve(server(&keys, false));
    let page = list(&mut driver, "/p", options(true, 2)).unwrap();
    assert_eq!((keys_of(&page), page.next.as_deref()), (vec!["/p/a", "/p/b"], Some(">/p/b")));
}

fn keys_of(page: &Page) -> Vec<&str> {
    page.entries.iter().map(|entry| entry.path.as_str()).collect()
}

#[test]
fn entries_tell_what_stat_tells() {
    let mut driver = start(&[("prefix", "root")]);
    driver.serve(server(&["root/p/a", "root/p/b/c"], false));
    let page = list(&mut driver, "/p", options(false, 10)).unwrap();
    assert_eq!(page.entries, [ObjectInfo::object("/p/a", 5, TIME, "e1"), ObjectInfo::prefix("/p/b")]);
    assert_eq!(page.next, None);
    let asked = query(&driver.requests()[0].url);
    assert_eq!((asked["prefix"].as_str(), asked["encoding-type"].as_str(), asked["max-keys"].as_str()), ("root/p/", "url", "10"));
}

#[test]
fn a_page_is_at_most_what_s3_answers() {
    let mut driver = start(&[]);
    let keys: Vec<String> = (0..2500).map(|index| format!("p/{index:04}")).collect();
    driver.serve(server(&keys.iter().map(String::as_str).collect::<Vec<_>>(), false));
    assert_eq!(list(&mut driver, "/p", options(false, 10_000)).unwrap().entries.len(), 1000);
    assert_eq!(driver.requests().len(), 1);
    assert_eq!(all(&mut driver, "/p", &options(true, 10_000)).len(), 2500);
    assert_eq!(driver.requests().len(), 3);
}

#[test]
fn what_does_not_exist_is_missing_on_the_first_page_only() {
    let mut driver = start(&[]);
    driver.serve(server(&["p/a", "pp/a"], false));
    assert_eq!(list(&mut driver, "/q", options(false, 1)).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(list(&mut driver, "/p/a", options(true, 1)).unwrap_err().kind, ErrorKind::NotFound);
    let cursor = Some(">/q/x".to_owned());
    assert_eq!(list(&mut driver, "/q", ListOptions { cursor, ..options(false, 1) }).unwrap().entries, []);
    driver.serve(server(&[], false));
    assert_eq!(list(&mut driver, "/", options(true, 1)).unwrap().entries, []);
    driver.script([error(404, "NoSuchBucket")]);
    assert_eq!(list(&mut driver, "/", options(true, 1)).unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn garbage_cursors_are_refused_without_asking() {
    let mut driver = start(&[]);
    for cursor in ["", "x", ">/q/a", ">/p/../q", "opaque p/a"] {
        let asked = ListOptions { cursor: Some(cursor.to_owned()), ..options(false, 1) };
        assert_eq!(list(&mut driver, "/p", asked).unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    assert_eq!(driver.requests(), []);
}

#[test]
fn a_page_that_leads_nowhere_is_an_error_and_no_loop() {
    let mut driver = start(&[]);
    let stuck = || xml(200, "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>");
    driver.script([stuck()]);
    assert_eq!(list(&mut driver, "/p", options(false, 1)).unwrap_err().kind, ErrorKind::Unavailable);
    driver.script([answer(200).body("<html>login here</html>")]);
    assert_eq!(list(&mut driver, "/", options(false, 1)).unwrap().entries, []);
}

#[test]
fn a_server_that_lists_no_etags_is_listed() {
    let mut driver = start(&[]);
    for etag in ["", "<ETag></ETag>"] {
        let listed = entry("p/a", false).replace("<ETag>&quot;e1&quot;</ETag>", etag);
        driver.script([xml(200, &format!("<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>"))]);
        let page = list(&mut driver, "/p", options(false, 10)).unwrap();
        let found: Vec<_> = page.entries.iter().map(|entry| (entry.path.as_str(), entry.etag.as_deref())).collect();
        assert_eq!(found, [("/p/a", None)]);
    }
}
