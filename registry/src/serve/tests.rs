//! What a registry refuses to be started as.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use super::*;

fn config(text: &str) -> Config {
    Config::parse(&format!("{text}\n[mount.main]\ndriver = \"x.wasm\"\n"), Path::new("/etc/cofferdam.toml")).unwrap()
}

fn refusal(text: &str) -> String {
    check_exposure(&config(text)).unwrap_err().to_string()
}

const USERS: &str = "[auth.htpasswd]\nfile = \"users\"\n";

#[test]
fn what_others_reach_must_be_guarded() {
    let open = "listener = [{ address = \"127.0.0.1:1\" }, { address = \"0.0.0.0:5000\" }]\n";
    assert_eq!(
        refusal(open),
        "refusing to listen on 0.0.0.0:5000: other machines reach it, and nobody is asked for a name. Add [auth.htpasswd] or [auth.token] to the \
         configuration, or listen on 127.0.0.1, or write `insecure = true` at the top of the configuration if that is what you want"
    );
    check_exposure(&config(&format!("{open}{USERS}"))).unwrap();
    check_exposure(&config(&format!("insecure = true\n{open}"))).unwrap();
    check_exposure(&config("listener = [{ address = \"[::1]:1\" }, { address = \"127.9.9.9:1\" }]\n")).unwrap();
}
