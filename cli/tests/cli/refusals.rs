//! Bad input: what is wrong is named, nothing is stored, the exit code says so.

use super::desk::{Desk, driver};

#[test]
fn no_driver_is_named() {
    assert_eq!(Desk::empty().run("ls").refusal(1), "error: no driver is named: give --driver FILE, or write driver = \"FILE\" in cofferdam.toml\n");
}

#[test]
fn a_command_that_is_none_is_usage() {
    assert!(Desk::empty().run("lss").refusal(2).contains("a similar subcommand exists: 'ls'"));
    assert!(Desk::empty().run("ls --setting root").refusal(2).contains("write NAME=VALUE"));
    assert!(Desk::empty().run("ls --pin md5:00").refusal(2).contains("`md5:00` is no digest: write `sha256:` and 64 hexadecimal digits"));
}

#[test]
fn a_local_file_that_is_not_there() {
    assert_eq!(Desk::empty().run("put gone /a").refusal(1), "error: no such file: gone\nhelp: nothing was stored; check the spelling\n");
    let desk = Desk::empty();
    desk.write("tree/a", "a");
    assert_eq!(desk.run("put tree /a").refusal(1), "error: tree is a directory\nhelp: -r stores it with all that is in it\n");
}

#[test]
fn a_path_that_is_no_store_path() {
    let desk = Desk::empty();
    desk.write("a", "a");
    for line in ["put a x", "get x y", "cat x", "stat x", "rm x", "mv x /y", "cp /x y", "ls x"] {
        let error = desk.run(line).refusal(1);
        assert!(error.contains("invalid-path: the path does not begin with `/`"), "{line}: {error}");
    }
}

#[test]
fn a_name_that_cannot_be_stored_is_found_before_anything_is() {
    let Some(desk) = Desk::with_filesystem() else { return };
    desk.write("tree/a", "a");
    desk.write("tree/not fine", "b");
    let error = desk.run("put -r tree /t").refusal(1);
    assert!(error.starts_with("error: tree/not fine cannot be stored under its name; nothing was stored\n"), "{error}");
    assert!(error.contains("has the character ' '; only A-Z a-z 0-9 . _ - are allowed"), "{error}");
    assert_eq!(desk.run("ls -r").text(), "");
}

#[test]
fn a_grant_is_read_strictly() {
    let desk = Desk::empty();
    desk.write("driver.wasm", "");
    let refusal = |grant: &str| {
        desk.write("grant.toml", grant);
        desk.run("ls --driver driver.wasm --grant grant.toml").refusal(1)
    };
    assert_eq!(refusal("[limits]\nmemroy = 5"), "error: grant.toml:2:1: unknown key `memroy` in [limits]; did you mean `memory`?\n");
    assert_eq!(
        refusal("[limits]\ncpu = 5"),
        "error: grant.toml:2:7: `cpu` in [limits] must be a duration such as \"5s\" or \"500ms\", not an integer\n"
    );
    assert!(refusal("[[http]]\nallow = 'https://example.com/a'").contains("grant.toml:2:9: `allow` in [[http]] has a path: write it as `path = "));
    assert!(refusal("= 5").starts_with("error: grant.toml:1:1: not TOML: "));
}

#[test]
fn a_grant_that_is_not_there() {
    let error = Desk::empty().run("ls --driver driver.wasm --grant gone.toml").refusal(1);
    assert_eq!(error, "error: cannot read gone.toml\n  because: No such file or directory (os error 2)\n");
}

#[test]
fn a_driver_that_is_none() {
    let desk = Desk::empty();
    assert_eq!(
        desk.run("ls --driver gone.wasm").refusal(1),
        "error: cannot read the driver gone.wasm\n  because: No such file or directory (os error 2)\n"
    );
    desk.write("text.wasm", "#!/bin/sh\n");
    assert_eq!(desk.run("inspect text.wasm").refusal(1), "error: text.wasm: not WebAssembly: it begins with `#!/bin/s`, not with `\\0asm`\n");
    desk.write("core.wasm", b"\0asm\x01\0\0\0");
    let error = desk.run("certify core.wasm").refusal(1);
    assert!(error.starts_with("error: core.wasm: a core WebAssembly module, where a driver is a component"), "{error}");
    // A component that exports nothing.
    desk.write("empty.wasm", b"\0asm\x0d\0\x01\0");
    let error = desk.run("ls --driver empty.wasm").refusal(1);
    assert!(error.starts_with("error: empty.wasm: a component, but not a driver"), "{error}");
}

#[test]
fn a_driver_that_is_not_the_pinned_one() {
    let Some(memory) = driver("memory") else { return };
    let pin = format!("sha256:{}", "0".repeat(64));
    let error = Desk::empty().run(&format!("ls --driver {} --pin {pin}", memory.display())).refusal(1);
    assert!(error.contains(&format!("but {pin} is pinned: it is not the file that was approved")), "{error}");
}

#[test]
fn a_driver_without_its_grant_is_told_what_to_add() {
    let Some(filesystem) = driver("filesystem") else { return };
    let error = Desk::empty().run(&format!("ls --driver {}", filesystem.display())).refusal(1);
    assert!(error.contains("the driver imports what the grant does not give:\n  - "), "{error}");
    assert!(error.contains("cofferdam:storage/files"), "{error}");
    assert!(error.contains("To allow it, add to the grant:\n\n[[directory]]\nname = \"/data\""), "{error}");
}

#[test]
fn a_granted_directory_that_does_not_exist() {
    let Some(desk) = Desk::with_filesystem() else { return };
    std::fs::remove_dir(desk.path("store")).unwrap();
    let error = desk.run("ls").refusal(1);
    let store = desk.path("store");
    assert!(error.contains(&store.display().to_string()), "{error}");
    assert!(error.contains("mkdir -p"), "{error}");
}

#[test]
fn a_setting_that_the_driver_does_not_have() {
    let Some(memory) = driver("memory") else { return };
    let desk = Desk::empty();
    let line = |setting: &str| format!("ls --driver {} --setting {setting}", memory.display());
    assert_eq!(desk.run(&line("capacty=5")).refusal(1), "error: unknown setting `capacty`; did you mean `capacity`?\n");
    assert_eq!(desk.run(&line("capacity=s3cret")).refusal(1), "error: the setting `capacity` must be an integer, not other text\n");
}

#[test]
fn a_get_that_fails_leaves_no_file() {
    let Some(desk) = Desk::with_filesystem() else { return };
    assert!(desk.run("get /gone here").refusal(1).contains("not-found"));
    assert!(!desk.path("here").exists());
    desk.write("a", "a");
    desk.run("put a /a").text();
    assert_eq!(desk.run("get /a no/such/file").refusal(1), "error: no such directory: no/such\nhelp: make it: mkdir -p no/such\n");
    assert!(!desk.path("no").exists());
}

#[test]
fn missing_objects_are_named() {
    let Some(desk) = Desk::with_filesystem() else { return };
    for line in ["stat /gone", "cat /gone", "rm /gone", "rm -r /gone", "mv /gone /a", "cp /gone /a", "ls /gone", "get -r /gone out"] {
        let error = desk.run(line).refusal(1);
        assert!(error.contains("\"/gone\"") && error.contains("not-found"), "{line}: {error}");
    }
    desk.run("rm -f /gone").text();
    desk.run("rm -rf /gone").text();
}
