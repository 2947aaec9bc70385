//! Lists: order, where they begin, and what is not ours.

use super::*;

fn list(driver: &mut Azure, prefix: &str, options: ListOptions) -> Result<Page> {
    StreamingStore::list(&mut **driver, &Prefix::new(prefix)?, options)
}

fn options(recursive: bool, limit: u32, start_after: Option<&str>) -> ListOptions {
    ListOptions { recursive, start_after: start_after.map(str::to_owned), cursor: None, limit }
}

fn entries(names: &[&str], next: &str) -> Answer {
    let shown: String = names.iter().map(|name| entry(name)).collect();
    xml(&format!("<EnumerationResults ContainerName=\"blobs\"><Blobs>{shown}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"))
}

fn entry(name: &str) -> String {
    if name.ends_with('/') {
        return format!("<BlobPrefix><Name>{name}</Name></BlobPrefix>");
    }
    format!(
        "<Blob><Name>{name}</Name><Properties><Creation-Time>{DATE}</Creation-Time><Last-Modified>{DATE}</Last-Modified><Etag>0x8D1</Etag>\
         <Content-Length>5</Content-Length><BlobType>BlockBlob</BlobType></Properties><OrMetadata /></Blob>"
    )
}

fn keys(page: &Page) -> Vec<String> {
    page.entries.iter().map(ObjectInfo::sort_key).collect()
}

#[test]
fn entries_are_in_byte_order_and_tell_what_stat_tells() {
    let mut driver = start(&[("prefix", "r")]);
    driver.script([entries(&["r/p/a-x", "r/p/a0", "r/p/a/", "r/p/a b", "r/p/+own/"], "")]);
    let page = list(&mut driver, "/p", options(false, 10, None)).unwrap();
    assert_eq!((keys(&page), page.next.as_deref()), (["/p/a-x", "/p/a/", "/p/a0"].map(str::to_owned).to_vec(), None));
    assert_eq!(page.entries[0], ObjectInfo::object("/p/a-x", 5, TIME, "0x8D1"));
    assert_eq!(asked(&driver), ["GET ?restype=container&comp=list&maxresults=10&prefix=r%2Fp%2F&delimiter=%2F"]);
}

#[test]
fn a_list_begins_at_a_name_and_goes_on_by_marker_where_a_page_is_not_full() {
    let mut driver = start(&[]);
    driver.script([entries(&["p/%a"], "m1"), entries(&["p/b"], "m2"), entries(&["p/c"], "m3")]);
    let page = list(&mut driver, "/p", options(true, 2, Some("/p/a"))).unwrap();
    assert_eq!((keys(&page), page.next.as_deref()), (vec!["/p/b".to_owned(), "/p/c".to_owned()], Some(">/p/c")));
    let urls = asked(&driver);
    assert!(urls[0].ends_with("&maxresults=2&prefix=p%2F&startFrom=p%2Fa-"), "{urls:?}");
    assert!(urls[1].ends_with("&maxresults=2&prefix=p%2F&startFrom=p%2Fa-&marker=m1"), "{urls:?}");
    assert!(urls[2].ends_with("&maxresults=1&prefix=p%2F&startFrom=p%2Fa-&marker=m2"), "{urls:?}");
    // The next page begins after what was shown last, whatever the server's marker was.
    driver.script([entries(&[], "")]);
    list(&mut driver, "/p", ListOptions { cursor: page.next, ..options(true, 2, None) }).unwrap();
    assert!(asked(&driver)[0].ends_with("&startFrom=p%2Fc-"));
}

#[test]
fn a_server_that_begins_lists_at_their_beginning_is_waded_through() {
    let mut driver = start(&[]);
    driver.script([entries(&["p/a", "p/b"], "m1"), entries(&["p/c/", "p/d"], "")]);
    let page = list(&mut driver, "/p", options(false, 2, Some("/p/c/x"))).unwrap();
    assert_eq!(keys(&page), ["/p/d"]);
    assert!(asked(&driver)[0].contains("&startFrom=p%2Fc0"));
}

#[test]
fn what_does_not_exist_is_missing_on_the_first_page_only() {
    let mut driver = start(&[]);
    driver.script([entries(&[], ""), entries(&[], ""), entries(&[], ""), error(404, "ContainerNotFound")]);
    assert_eq!(list(&mut driver, "/q", options(false, 1, None)).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(list(&mut driver, "/q", options(false, 1, Some("/q/x"))).unwrap().entries, []);
    assert_eq!(list(&mut driver, "/", options(true, 1, None)).unwrap().entries, []);
    assert_eq!(list(&mut driver, "/", options(true, 1, None)).unwrap_err().kind, ErrorKind::Unavailable);
}
