//! TLS from files: both versions of HTTP by ALPN, and a certificate that is renewed while the server runs.

use std::path::Path;
use std::process::Command;

use cofferdam_registry::TlsFiles;
use cofferdam_tests::client::{Answer, Method};
use cofferdam_tests::tools;
use cofferdam_tests::wait::until;
use tempfile::TempDir;

use crate::desk::{Desk, Setup};

/// A certificate for 127.0.0.1 that signs itself, as files.
fn certified(openssl: &Path, folder: &TempDir) -> TlsFiles {
    let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    let mut command = Command::new(openssl);
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=cofferdam"]);
    command.args(["-addext", "subjectAltName=IP:127.0.0.1"]).arg("-keyout").arg(&files.key).arg("-out").arg(&files.certificate);
    tools::run(&mut command);
    files
}

fn curl(program: &Path, desk: &Desk, files: &TlsFiles, version: &str) -> String {
    let url = format!("https://{}/v2/", desk.address);
    tools::run(Command::new(program).args(["-sS", version, "-w", "%{http_version} %{http_code}", "--cacert"]).arg(&files.certificate).arg(url))
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_http_are_spoken_over_tls() {
    let (Some(openssl), Some(program)) = (tools::find("openssl"), tools::find("curl")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = certified(&openssl, &folder);
    let desk = Desk::with(Setup { tls: Some(files.clone()), ..Setup::default() }, |api| api);
    assert_eq!(curl(&program, &desk, &files, "--http2"), "{}2 200");
    assert_eq!(curl(&program, &desk, &files, "--http1.1"), "{}1.1 200");
    // Plain HTTP is no handshake, and harms nobody.
    assert!(Answer::try_of(desk.client().request(Method::GET, "/v2/")).await.is_err());
    assert_eq!(curl(&program, &desk, &files, "--http2"), "{}2 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_serves_without_a_restart() {
    let (Some(openssl), Some(program)) = (tools::find("openssl"), tools::find("curl")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = certified(&openssl, &folder);
    let desk = Desk::with(Setup { tls: Some(files.clone()), ..Setup::default() }, |api| api);
    assert_eq!(curl(&program, &desk, &files, "--http2"), "{}2 200");
    let former = folder.path().join("former.pem");
    std::fs::copy(&files.certificate, &former).unwrap();
    // A key without its certificate, half-way through a renewal: the former serves on.
    let key = std::fs::read(&files.key).unwrap();
    std::fs::write(&files.key, "half of a").unwrap();
    let former = TlsFiles { certificate: former, key: files.key.clone() };
    assert_eq!(curl(&program, &desk, &former, "--http2"), "{}2 200");
    std::fs::write(&files.key, key).unwrap();
    let renewed = certified(&openssl, &folder);
    let url = format!("https://{}/v2/", desk.address);
    until("the renewed certificate serves", || {
        let asked = Command::new(&program).arg("-sS").arg("--cacert").arg(&renewed.certificate).arg(&url).output().unwrap();
        asked.status.success().then_some(())
    });
}
