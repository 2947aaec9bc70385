//! The driver run natively against answers of WebDAV servers: what no server can be made to answer when a test wants it. The contract as a
//! whole is the certifier's, against real servers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod collections;
mod errors;
mod lists;
mod moves;
mod objects;

use cofferdam_guest::prelude::*;
use cofferdam_guest::testing::Harness;
use cofferdam_guest::testing::http::{Answer, Asked};
use webdav_driver::WebDavDriver;

type Dav = Harness<WebDavDriver>;

const URL: &str = "https://dav.test/files/me";
const DATE: &str = "Tue, 24 Nov 2026 23:45:16 GMT";
const TIME: u64 = 1_795_563_916_000_000_000;

fn start(settings: &[(&str, &str)]) -> Dav {
    // What else is asked then has its own test.
    let mut all = vec![("url", URL), ("check-reads", "false")];
    all.retain(|(name, _)| settings.iter().all(|(given, _)| given != name));
    all.extend(settings);
    Harness::start(&all).unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

fn answer(status: u16) -> Answer {
    Answer::new(status).header("Date", DATE)
}

/// What HEAD and GET say of an object of five bytes.
fn object(status: u16, etag: &str) -> Answer {
    answer(status).header("ETag", etag).header("Last-Modified", DATE)
}

fn head(etag: &str) -> Answer {
    object(200, etag).header("Content-Length", "5")
}

fn multistatus(responses: &[String]) -> Answer {
    let body = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">{}</D:multistatus>", responses.concat());
    answer(207).header("Content-Type", "application/xml; charset=utf-8").body(body)
}

/// A resource as Apache tells of it: with what it lacks. One whose `href` ends with `/` is a collection.
fn resource(href: &str) -> String {
    let (kind, size) = if href.ends_with('/') { ("<D:collection/>", "") } else { ("", "<lp:getcontentlength>5</lp:getcontentlength>") };
    format!(
        "<D:response xmlns:lp=\"DAV:\" xmlns:g=\"DAV:\"><D:href>{href}</D:href>\n<D:propstat><D:prop><lp:resourcetype>{kind}</lp:resourcetype>{size}\
         <lp:getlastmodified>{DATE}</lp:getlastmodified><lp:getetag>W/\"e1\"</lp:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>\
         <D:propstat><D:prop><g:quota/><g:resourcetype><D:collection/></g:resourcetype></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>"
    )
}

fn put(driver: &mut Dav, at: &str, condition: Condition) -> Result<ObjectInfo> {
    StreamingStore::put(&mut **driver, &path(at), Content::from_bytes(b"hello"), condition)
}

/// The methods and URLs that were asked for, the collection's left out.
fn asked(driver: &Dav) -> Vec<String> {
    driver.requests().iter().map(shown).collect()
}

fn shown(asked: &Asked) -> String {
    format!("{} {}", asked.method, asked.url.strip_prefix(URL).unwrap_or(&asked.url))
}
