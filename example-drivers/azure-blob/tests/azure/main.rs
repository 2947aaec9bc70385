//! The driver run natively against answers of Azure: what no server can be made to answer when a test wants it. The contract as a
//! whole is the certifier's, against azurite.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod copies;
mod errors;
mod lists;
mod objects;
mod settings;
mod uploads;

use azure_blob_driver::AzureBlobDriver;
use cofferdam_guest::prelude::*;
use cofferdam_guest::testing::Harness;
use cofferdam_guest::testing::http::{Answer, Asked};

type Azure = Harness<AzureBlobDriver>;

const CONTAINER: &str = "https://store1.blob.core.windows.net/blobs";
const DATE: &str = "Tue, 24 Nov 2026 23:45:16 GMT";
const TIME: u64 = 1_795_563_916_000_000_000;
/// As Azure begins a document: with a mark of its byte order.
const XML: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>";

fn start(settings: &[(&str, &str)]) -> Azure {
    let mut all = vec![("account", "store1"), ("container", "blobs")];
    all.retain(|(name, _)| settings.iter().all(|(given, _)| given != name));
    all.extend(settings);
    Harness::start(&all).unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

/// An answer of the service: it has a date.
fn answer(status: u16) -> Answer {
    Answer::new(status).header("x-ms-version", "2026-02-06").header("Date", DATE)
}

/// What HEAD and GET say of a blob, and Put Blob of one that it made.
fn blob(status: u16, etag: &str) -> Answer {
    answer(status).header("ETag", format!("\"{etag}\"")).header("Last-Modified", DATE)
}

fn xml(body: &str) -> Answer {
    answer(200).header("Content-Type", "application/xml").body(format!("{XML}{body}"))
}

/// An error as Azure writes it.
fn error(status: u16, code: &str) -> Answer {
    let message = "What went wrong, in a sentence.\nRequestId:25fe2ed6-801e-0093\nTime:2026-11-24T23:45:16.0Z";
    let body = format!("{XML}<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    answer(status).header("x-ms-error-code", code).header("Content-Type", "application/xml").body(body)
}

/// The methods and URLs that were asked for, the container's left out.
fn asked(driver: &Azure) -> Vec<String> {
    driver.requests().iter().map(shown).collect()
}

fn shown(asked: &Asked) -> String {
    format!("{} {}", asked.method, asked.url.strip_prefix(CONTAINER).unwrap_or(&asked.url))
}
