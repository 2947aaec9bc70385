//! `inspect`: what a driver says of itself before it runs.

use super::desk::{Desk, driver};

#[test]
fn a_driver_that_asks_for_nothing_needs_no_grant() {
    let Some(memory) = driver("memory") else { return };
    let desk = Desk::empty();
    let text = desk.run(&format!("inspect {}", memory.display()));
    assert!(text.text().contains("\n  cofferdam:storage/streaming-store@1.0.0: "), "{}", text.text());
    assert!(text.text().ends_with("\nThe smallest grant that lets it load:\n\n# this driver needs no grant: an empty file will do\n"));
    let json = desk.run(&format!("inspect --json {}", memory.display())).json();
    assert_eq!(json["interfaces"]["streaming-store"], serde_json::json!([[1, 0]]));
    assert_eq!(json["size"], std::fs::metadata(memory).unwrap().len());
}

#[test]
fn the_smallest_grant_can_be_used_as_it_is() {
    let Some(filesystem) = driver("filesystem") else { return };
    let desk = Desk::empty();
    let text = desk.run(&format!("inspect {}", filesystem.display()));
    assert!(text.text().contains("\nAsks for directories (needs a grant)\n  cofferdam:storage/files@1.0.0: "), "{}", text.text());
    let grant = desk.run(&format!("inspect --grant-only {}", filesystem.display()));
    assert!(text.text().ends_with(grant.text()));
    desk.write("grant.toml", grant.text());
    std::fs::create_dir(desk.path("cofferdam-data")).unwrap();
    let options = format!("--driver {} --grant grant.toml", filesystem.display());
    desk.run_with(&format!("put - /a {options}"), b"bytes").text();
    assert_eq!(desk.run(&format!("cat /a {options}")).text(), "bytes");
}

#[test]
fn what_was_compiled_once_is_kept_where_the_user_says() {
    let Some(memory) = driver("memory") else { return };
    let desk = Desk::empty();
    let mut command = desk.command(["inspect".as_ref(), memory.as_os_str()]);
    assert!(command.env("COFFERDAM_CACHE", desk.path("cache")).output().unwrap().status.success());
    assert!(std::fs::read_dir(desk.path("cache")).unwrap().next().is_some());
    let mut command = desk.command(["inspect".as_ref(), memory.as_os_str()]);
    assert!(command.env("COFFERDAM_CACHE", "").env("HOME", desk.path("home")).output().unwrap().status.success());
    assert!(!desk.path("home").exists());
}
