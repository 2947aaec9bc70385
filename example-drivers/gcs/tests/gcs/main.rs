//! The driver run natively against answers of GCS: what no server can be made to answer when a test wants it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod objects;
mod uploads;

use cofferdam_guest::prelude::*;
use cofferdam_guest::testing::Harness;
use cofferdam_guest::testing::http::{Answer, Asked};
use gcs_driver::GcsDriver;
use serde_json::{Value, json};

type Gcs = Harness<GcsDriver>;

const SERVER: &str = "https://storage.googleapis.com";
const DATE: &str = "Tue, 24 Nov 2026 23:45:16 GMT";
const TIME: u64 = 1_795_563_916_000_000_000;

fn start(settings: &[(&str, &str)]) -> Gcs {
    let mut all = vec![("bucket", "blobs")];
    all.extend(settings);
    Harness::start(&all).unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer::new(status).header("Content-Type", "application/json").body(body.to_string())
}

/// What the server says of an object; a number of 64 bits is a text.
fn resource(name: &str, size: u64, generation: &str) -> Value {
    json!({ "name": name, "size": size.to_string(), "generation": generation, "updated": "2026-11-24T23:45:16.789Z" })
}

fn object(name: &str, size: u64, generation: &str) -> Answer {
    answer(200, &resource(name, size, generation))
}

/// An error as GCS writes it.
fn error(status: u16, reason: &str, message: &str) -> Answer {
    answer(status, &json!({ "error": { "code": status, "message": message, "errors": [{ "reason": reason, "domain": "global" }] } }))
}

fn missing() -> Answer {
    error(404, "notFound", "No such object: blobs/a")
}

/// The methods and URLs that were asked for, the server's left out.
fn asked(driver: &Gcs) -> Vec<String> {
    driver.requests().iter().map(shown).collect()
}

fn shown(asked: &Asked) -> String {
    format!("{} {}", asked.method, asked.url.strip_prefix(SERVER).unwrap_or(&asked.url))
}
