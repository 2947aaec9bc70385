//! `serve`: what keeps a registry from starting is said in a sentence, before anything is made.

use super::desk::{Desk, driver};

#[test]
fn a_configuration_is_read_strictly() {
    let desk = Desk::empty();
    let refusal = |text: &str| {
        desk.write("registry.toml", text);
        desk.run("serve --config registry.toml").refusal(1)
    };
    assert_eq!(
        refusal("[mount.main]\ndriver = \"d.wasm\"\n[uploads]\npurge-ag = \"1h\""),
        "error: registry.toml:4:1: unknown key `purge-ag` in [uploads]; did you mean `purge-age`?\n"
    );
    assert_eq!(
        refusal(""),
        "error: registry.toml:1:1: `mount` is missing at the top level; add it: [mount.main] with driver = \"filesystem.wasm\" in it\n"
    );
    let missing = refusal("[mount.main]\ndriver = \"d.wasm\"");
    assert!(missing.starts_with("error: [mount.main]: cannot read the driver ") && missing.contains("because: No such file"), "{missing}");
}

#[test]
fn an_open_address_is_refused_before_anything_is_loaded() {
    let desk = Desk::empty();
    let error = desk.run("serve --listen 0.0.0.0:0 --driver gone.wasm --data d").refusal(1);
    assert!(error.starts_with("error: refusing to listen on 0.0.0.0:0: other machines reach it, and nobody is asked for a name."), "{error}");
}

#[test]
fn a_driver_that_is_not_there_is_named() {
    let error = Desk::empty().run("serve --listen 127.0.0.1:0 --driver gone.wasm").refusal(1);
    assert!(error.starts_with("error: [mount.main]: cannot read the driver gone.wasm"), "{error}");
}

#[test]
fn a_file_and_a_directory_exclude_each_other() {
    let error = Desk::empty().run("serve --config a.toml --data b").refusal(2);
    assert!(error.contains("cannot be used with"), "{error}");
}

#[test]
fn an_empty_registry_has_no_garbage_and_no_damage() {
    let Some(driver) = driver("filesystem") else { return };
    let desk = Desk::empty();
    desk.write("data/keep", "");
    let registry = format!("--data data --driver {}", driver.display());
    assert_eq!(
        desk.run(&format!("gc --grace 2s {registry}")).text(),
        "main: 0 manifests, 0 blobs; 0 removed (0 B), 0 kept because somebody came to rely on them\n"
    );
    assert!(desk.run(&format!("gc --dry-run {registry}")).text().contains("0 would be removed"));
    assert_eq!(desk.run(&format!("scrub {registry}")).text(), "main: 0 blobs read (0 B); 0 damaged, 0 missing\n");
    assert!(desk.run(&format!("gc --grace never {registry}")).refusal(2).contains("write a duration such as 90s, 10min or 1h"));
}

#[test]
fn a_damaged_blob_is_named() {
    let Some(driver) = driver("filesystem") else { return };
    let desk = Desk::empty();
    let registry = format!("--data data --driver {}", driver.display());
    // As docker-registry keeps them: a blob whose bytes are others.
    let damaged = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    desk.write(&format!("data/docker/registry/v2/blobs/sha256/ba/{damaged}/data"), "not abc");
    let run = desk.run(&format!("scrub {registry}"));
    assert_eq!(run.0.status.code(), Some(1), "{}", run.errors());
    let text = String::from_utf8_lossy(&run.0.stdout);
    assert!(text.contains("1 damaged, 0 missing") && text.contains(&format!("  damaged: sha256:{damaged}")), "{text}");
}

#[test]
fn a_redirect_without_presigned_urls_is_refused() {
    let Some(driver) = driver("memory") else { return };
    let desk = Desk::empty();
    desk.write("a.toml", format!("[mount.main]\ndriver = {driver:?}\nredirect = \"10m\"\n"));
    let error = desk.run("serve --config a.toml --listen 127.0.0.1:0").refusal(1);
    assert!(error.starts_with("error: [mount.main]: the driver `memory` makes no presigned URLs, so no client can be redirected"), "{error}");
    desk.write("a.toml", format!("[mount.main]\ndriver = {driver:?}\nredirect = \"10d\"\n"));
    let error = desk.run("serve --config a.toml --listen 127.0.0.1:0").refusal(1);
    assert!(error.contains("a.toml:3:12: `redirect` in [mount.NAME]"), "{error}");
}
