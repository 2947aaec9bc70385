//! `certify`: a table for people, one object for programs, and the exit code.

use super::desk::{Desk, driver};

#[test]
fn a_driver_that_keeps_its_word_passes() {
    let Some(memory) = driver("memory") else { return };
    let desk = Desk::empty();
    let json = desk.run(&format!("certify {} --case put.* --json", memory.display())).json();
    assert_eq!(json["failed"], 0);
    let passed = json["passed"].as_u64().unwrap();
    let skipped = json["skipped"].as_u64().unwrap();
    let cases = json["cases"].as_array().unwrap();
    assert!(passed >= 3, "{json}");
    assert_eq!(cases.len() as u64, passed + skipped);
    assert!(cases.iter().all(|case| case["id"].as_str().unwrap().starts_with("put.")));
    assert!(cases.iter().filter(|case| case["result"] == "skipped").all(|case| !case["reason"].as_str().unwrap().is_empty()));
    let text = desk.run(&format!("certify {} --case put.round-trip", memory.display()));
    assert!(text.text().contains("put.round-trip") && text.text().contains("1 passed"), "{}", text.text());
}

#[test]
fn a_pattern_that_matches_no_case_is_refused() {
    let Some(memory) = driver("memory") else { return };
    let error = Desk::empty().run(&format!("certify {} --case putt.*", memory.display())).refusal(1);
    assert!(error.contains("putt.*"), "{error}");
}
