//! `serve`: what keeps a registry from starting is said in a sentence, before anything is made.

use super::desk::Desk;

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
