//! `cofferdam serve` on each example driver, as its `registry.toml` says: images are pushed and pulled by `skopeo`, and survive a `kill -9`.

use cofferdam_tests::client::noise;
use cofferdam_tests::images::{Layout, MANIFEST, descriptor};
use cofferdam_tests::server::Server;
use cofferdam_tests::skopeo::Skopeo;
use cofferdam_tests::tools::run_to_fail;
use cofferdam_tests::webdav::WebDavServer;

use crate::example::Example;

/// A layout with an image of a few layers as `v1`.
fn layout(example: &Example) -> Layout {
    let mut layout = Layout::new(&example.path("layout"));
    let large = noise(7, 9 << 20);
    let image = layout.add_image_of("amd64", &[("small".to_owned(), b"small".as_slice()), ("large".to_owned(), &large)]);
    layout.tag("v1", descriptor(MANIFEST, &image));
    layout
}

fn remote(server: &Server) -> String {
    format!("docker://{}/library/image:v1", server.address())
}

/// Pushes, pulls, kills the server, and pulls again.
fn serves(name: &'static str) {
    let Some(example) = Example::built(name) else { return };
    let Some(skopeo) = Skopeo::find(&example.path("home")) else { return };
    let layout = layout(&example);
    let mut server = Server::with_file(example.home.path(), example.registry());
    skopeo.copy(&layout.reference("v1"), &remote(&server));
    skopeo.pulls(&remote(&server), &layout, "v1", &example.path("pulled"));
    server.restart();
    skopeo.pulls(&remote(&server), &layout, "v1", &example.path("pulled again"));
}

#[test]
fn the_log_in_c() {
    serves("embedded-log");
}

#[test]
fn the_deduplicating_directory_in_go() {
    serves("dedup-directory");
}

#[test]
fn the_catalogue_in_python() {
    serves("sqlite-catalog");
}

#[test]
fn the_mirror_in_typescript() {
    let (Some(example), Some(origin)) = (Example::built("http-mirror"), WebDavServer::nginx()) else { return };
    let Some(skopeo) = Skopeo::find(&example.path("home")) else { return };
    let layout = layout(&example);
    let (mirror, filling) = (example.registry(), filling(&example.registry(), &origin));
    let server = Server::with_file(example.home.path(), filling);
    skopeo.copy(&layout.reference("v1"), &remote(&server));
    drop(server);
    let mirror = mirror.replace("origin = \"http://127.0.0.1:8088\"", &format!("origin = \"{}/dav\"", origin.origin()));
    let server = Server::with_file(example.home.path(), mirror.replace("http://127.0.0.1:8088", &origin.origin()));
    skopeo.pulls(&remote(&server), &layout, "v1", &example.path("pulled"));
    drop(origin);
    // What is cached is asked for again, and the origin is gone.
    run_to_fail(skopeo.command().args(["inspect", "--tls-verify=false", &remote(&server)]));
}

/// The mirror's registry with its blobs in the directory that the origin serves: what the mirror is filled by.
fn filling(registry: &str, origin: &WebDavServer) -> String {
    let (records, rest) = registry.split_once("# Blobs and manifests.").unwrap();
    let storage = &rest[rest.find("[storage]").unwrap()..];
    let blobs = "[mount.blobs]\nDRIVER\n[mount.blobs.settings]\nroot = \"/data\"\n[[mount.blobs.directory]]\nname = \"/data\"\nhost = \"HOST\"\naccess = \"read-write\"\n";
    let driver = records.lines().find(|line| line.starts_with("driver = ")).unwrap();
    let blobs = blobs.replace("DRIVER", driver).replace("HOST", &origin.folder().display().to_string());
    format!("{records}{blobs}{storage}")
}
