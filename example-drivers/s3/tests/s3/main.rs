//! The driver run natively against answers of S3 servers: what no server can be made to answer when a test wants it. The contract
//! as a whole is the certifier's, against real servers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod copies;
mod errors;
mod lists;
mod objects;
mod settings;
mod uploads;

use cofferdam_guest::prelude::*;
use cofferdam_guest::testing::Harness;
use cofferdam_guest::testing::http::{Answer, Asked};
use s3_driver::S3Driver;

type S3 = Harness<S3Driver>;

const BUCKET: &str = "https://bucket.s3.us-east-1.amazonaws.com";
const DATE: &str = "Tue, 24 Nov 2026 23:45:16 GMT";
const TIME: u64 = 1_795_563_916_000_000_000;
const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn start(settings: &[(&str, &str)]) -> S3 {
    let mut all = vec![("bucket", "bucket"), ("conditional-put", "true")];
    all.retain(|(name, _)| settings.iter().all(|(given, _)| given != name));
    all.extend(settings);
    Harness::start(&all).unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

/// An answer of a server: it has a date.
fn answer(status: u16) -> Answer {
    Answer::new(status).header("x-amz-request-id", "656c76696e6727732072657175657374").header("Date", DATE)
}

/// What HEAD and GET say of an object, and PUT of one that it made.
fn object(status: u16, etag: &str) -> Answer {
    answer(status).header("ETag", format!("\"{etag}\"")).header("Last-Modified", DATE)
}

fn xml(status: u16, body: &str) -> Answer {
    answer(status).header("Content-Type", "application/xml").body(format!("{XML}{body}"))
}

/// An error as S3 writes it.
fn error(status: u16, code: &str) -> Answer {
    let message = "What went wrong, in a sentence.";
    xml(status, &format!("<Error><Code>{code}</Code><Message>{message}</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"))
}

/// The methods and URLs that were asked for, the bucket's left out.
fn asked(driver: &S3) -> Vec<String> {
    driver.requests().iter().map(shown).collect()
}

fn shown(asked: &Asked) -> String {
    format!("{} {}", asked.method, asked.url.strip_prefix(BUCKET).unwrap_or(&asked.url))
}
