//! Unmodified clients against a running server: `skopeo`, `umoci`, `buildah`, `podman` and `curl` push, pull, list and delete.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cofferdam_tests::client::sha256;
use cofferdam_tests::images::{self, INDEX, Layout, MANIFEST, digest_in};
use cofferdam_tests::server::Server;
use cofferdam_tests::tools::{self, run};
use tempfile::TempDir;

/// A server, and a directory with an OCI layout in it.
struct Desk {
    server: Server,
    layout: Layout,
    scratch: TempDir,
}

impl Desk {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let data = scratch.path().join("data");
        fs::create_dir(&data).unwrap();
        let mut layout = Layout::new(&scratch.path().join("layout"));
        let image = layout.add_image("amd64");
        let descriptor = images::descriptor(MANIFEST, &image);
        layout.tag("single", descriptor);
        Self { server: Server::under_test(&data), layout, scratch }
    }

    /// A command that finds nothing of this machine's own settings or stores.
    fn command(&self, program: &Path) -> Command {
        let home = self.path("home");
        fs::create_dir_all(home.join("run")).unwrap();
        fs::write(home.join("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
        let mut command = Command::new(program);
        command.env("HOME", &home).env("XDG_RUNTIME_DIR", home.join("run")).env("TMPDIR", &home).current_dir(&home);
        command
    }

    fn skopeo(&self, program: &Path) -> Command {
        let mut command = self.command(program);
        command.arg("--policy").arg(self.path("home/policy.json"));
        command
    }

    /// `buildah` or `podman` with a store of its own, which needs neither privileges nor a file system of layers.
    fn containers(&self, program: &Path) -> Command {
        let mut command = self.command(program);
        command.arg("--storage-driver=vfs").arg("--root").arg(self.path("store")).arg("--runroot").arg(self.path("run"));
        command
    }

    /// Two platforms and an index of them, tagged `both`; answers the index's digest.
    fn add_index(&mut self) -> String {
        let (one, two) = (self.layout.add_image("amd64"), self.layout.add_image("arm64"));
        let index = images::bytes(&images::index(&[("amd64", &one), ("arm64", &two)]));
        let descriptor = self.layout.add(INDEX, &index);
        self.layout.tag("both", descriptor);
        sha256(&index)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// `docker://…`, as the clients name an image in the server.
    fn remote(&self, image: &str) -> String {
        format!("docker://{}/{image}", self.server.address())
    }

    /// Copies with `skopeo`.
    fn copy(&self, skopeo: &Path, arguments: &[&str]) -> String {
        run(self.skopeo(skopeo).args(["copy", "--src-tls-verify=false", "--dest-tls-verify=false"]).args(arguments))
    }
}

#[test]
fn skopeo_pushes_and_pulls_an_image_by_tag_and_by_digest() {
    let Some(skopeo) = tools::find("skopeo") else { return };
    let desk = Desk::new();
    desk.copy(&skopeo, &[&desk.layout.reference("single"), &desk.remote("library/single:v1")]);
    let digest = desk.layout.digest("single");
    for (name, source) in [("tagged", "library/single:v1".to_owned()), ("digested", format!("library/single@{digest}"))] {
        desk.copy(&skopeo, &[&desk.remote(&source), &format!("oci:{}:pulled", desk.path(name).display())]);
        assert_eq!(digest_in(&desk.path(name), "pulled"), digest);
        same_blobs(&desk.layout.directory, &desk.path(name));
    }
}

/// Sees that every blob of the layout `copy` is one of `original`, byte for byte.
fn same_blobs(original: &Path, copy: &Path) {
    let mut seen = 0;
    for entry in fs::read_dir(copy.join("blobs/sha256")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |layout: &Path| fs::read(layout.join("blobs/sha256").join(&name)).unwrap();
        assert_eq!(read(original), read(copy), "{name:?}");
        seen += 1;
    }
    assert!(seen >= 4, "a manifest, a configuration and two layers, not {seen} blobs");
}

#[test]
fn skopeo_pushes_and_pulls_a_directory() {
    let Some(skopeo) = tools::find("skopeo") else { return };
    let desk = Desk::new();
    let (out, back) = (desk.path("out"), desk.path("back"));
    desk.copy(&skopeo, &[&desk.layout.reference("single"), &format!("dir:{}", out.display())]);
    desk.copy(&skopeo, &[&format!("dir:{}", out.display()), &desk.remote("dirs/image:latest")]);
    desk.copy(&skopeo, &[&desk.remote("dirs/image:latest"), &format!("dir:{}", back.display())]);
    assert_eq!(fs::read(out.join("manifest.json")).unwrap(), fs::read(back.join("manifest.json")).unwrap());
}

#[test]
fn skopeo_copies_every_platform_of_an_index() {
    let Some(skopeo) = tools::find("skopeo") else { return };
    let mut desk = Desk::new();
    let digest = desk.add_index();
    desk.copy(&skopeo, &["--all", &desk.layout.reference("both"), &desk.remote("library/both:latest")]);
    desk.copy(&skopeo, &["--all", &desk.remote("library/both:latest"), &format!("oci:{}:pulled", desk.path("copy").display())]);
    assert_eq!(digest_in(&desk.path("copy"), "pulled"), digest);
    // One platform alone: the client finds its way through the index.
    let arm = format!("oci:{}:arm", desk.path("arm").display());
    run(desk.skopeo(&skopeo).args(["--override-arch=arm64", "copy", "--src-tls-verify=false", &desk.remote("library/both:latest"), &arm]));
    let config = run(desk.skopeo(&skopeo).args(["inspect", "--config", "--raw", &arm]));
    assert!(config.contains("arm64"), "{config}");
}

#[test]
fn skopeo_copies_from_one_repository_to_another() {
    let Some(skopeo) = tools::find("skopeo") else { return };
    let desk = Desk::new();
    desk.copy(&skopeo, &[&desk.layout.reference("single"), &desk.remote("team/a:v1")]);
    desk.copy(&skopeo, &[&desk.remote("team/a:v1"), &desk.remote("team/b:v1")]);
    let digest = run(desk.skopeo(&skopeo).args(["inspect", "--tls-verify=false", "--format={{.Digest}}", &desk.remote("team/b:v1")]));
    assert_eq!(digest.trim(), desk.layout.digest("single"));
}

#[tokio::test]
async fn an_artifact_that_skopeo_copies_is_found_by_its_subject() {
    let Some(skopeo) = tools::find("skopeo") else { return };
    let mut desk = Desk::new();
    let subject = desk.layout.digest("single");
    let image = fs::read(desk.layout.directory.join("blobs").join(subject.replace(':', "/"))).unwrap();
    let artifact = images::bytes(&images::artifact("application/vnd.example.sbom", &images::descriptor(MANIFEST, &image), b"a list of parts"));
    desk.layout.add("application/vnd.oci.empty.v1+json", b"{}");
    desk.layout.add("application/octet-stream", b"a list of parts");
    let descriptor = desk.layout.add(MANIFEST, &artifact);
    desk.layout.tag("sbom", descriptor);
    for tag in ["single", "sbom"] {
        desk.copy(&skopeo, &["--preserve-digests", &desk.layout.reference(tag), &desk.remote(&format!("library/single:{tag}"))]);
    }
    let referrers = desk.server.client().get(&format!("/v2/library/single/referrers/{subject}")).await.expect(200).json();
    assert_eq!(referrers["manifests"][0]["digest"], sha256(&artifact));
    assert_eq!(referrers["manifests"][0]["artifactType"], "application/vnd.example.sbom");
}

#[test]
fn skopeo_lists_and_deletes() {
    let Some(skopeo) = tools::find("skopeo") else { return };
    let desk = Desk::new();
    for tag in ["v1", "v2"] {
        desk.copy(&skopeo, &[&desk.layout.reference("single"), &desk.remote(&format!("library/single:{tag}"))]);
    }
    let list = || run(desk.skopeo(&skopeo).args(["list-tags", "--tls-verify=false", &desk.remote("library/single")]));
    let tags: serde_json::Value = serde_json::from_str(&list()).unwrap();
    assert_eq!(tags["Tags"], serde_json::json!(["v1", "v2"]));
    run(desk.skopeo(&skopeo).args(["delete", "--tls-verify=false", &desk.remote("library/single:v1")]));
    tools::run_to_fail(desk.skopeo(&skopeo).args(["inspect", "--tls-verify=false", &desk.remote("library/single:v1")]));
}

#[test]
fn umoci_unpacks_what_was_pulled_and_its_change_is_pushed() {
    let (Some(skopeo), Some(umoci)) = (tools::find("skopeo"), tools::find("umoci")) else { return };
    let desk = Desk::new();
    desk.copy(&skopeo, &[&desk.layout.reference("single"), &desk.remote("library/single:v1")]);
    let (layout, bundle) = (desk.path("pulled"), desk.path("bundle"));
    desk.copy(&skopeo, &[&desk.remote("library/single:v1"), &format!("oci:{}:v1", layout.display())]);
    let image = |tag: &str| format!("{}:{tag}", layout.display());
    run(desk.command(&umoci).args(["unpack", "--rootless", "--image", &image("v1")]).arg(&bundle));
    assert_eq!(fs::read_to_string(bundle.join("rootfs/first-of-amd64")).unwrap(), "first of amd64");
    fs::write(bundle.join("rootfs/added"), "by umoci").unwrap();
    run(desk.command(&umoci).args(["repack", "--image", &image("v2")]).arg(&bundle));
    desk.copy(&skopeo, &[&format!("oci:{}", image("v2")), &desk.remote("library/single:v2")]);
    desk.copy(&skopeo, &[&desk.remote("library/single:v2"), &format!("oci:{}:v2", desk.path("again").display())]);
    assert_eq!(digest_in(&desk.path("again"), "v2"), digest_in(&layout, "v2"));
    assert_ne!(digest_in(&layout, "v2"), digest_in(&layout, "v1"));
}

#[test]
fn buildah_builds_pushes_and_pulls() {
    let Some(buildah) = tools::find("buildah") else { return };
    let desk = Desk::new();
    fs::create_dir(desk.path("context")).unwrap();
    fs::write(desk.path("context/file"), "in the image").unwrap();
    fs::write(desk.path("context/Containerfile"), "FROM scratch\nCOPY file /file\nLABEL made=here\n").unwrap();
    run(desk.containers(&buildah).args(["build", "--isolation=chroot", "--tag=local/built"]).arg(desk.path("context")));
    pushed_and_pulled(&desk, &buildah, "local/built");
}

#[test]
fn podman_pushes_and_pulls() {
    let Some(podman) = tools::find("podman") else { return };
    let desk = Desk::new();
    let tar = desk.path("files.tar");
    run(desk.command(Path::new("tar")).arg("--create").arg("--file").arg(&tar).arg("--directory").arg(&desk.layout.directory).arg("oci-layout"));
    run(desk.containers(&podman).args(["import", "--quiet"]).arg(&tar).arg("local/imported"));
    pushed_and_pulled(&desk, &podman, "local/imported");
}

/// Pushes the local image, forgets it, pulls it again, and sees that it is the same.
fn pushed_and_pulled(desk: &Desk, program: &Path, image: &str) {
    let id = || run(desk.containers(program).args(["images", "--quiet", "--no-trunc"]));
    let before = id();
    run(desk.containers(program).args(["push", "--tls-verify=false", "--quiet", image, &desk.remote("containers/image:v1")]));
    run(desk.containers(program).args(["rmi", "--all", "--force"]));
    assert_eq!(id(), "");
    let remote = format!("{}/containers/image:v1", desk.server.address());
    run(desk.containers(program).args(["pull", "--tls-verify=false", "--quiet", &remote]));
    assert_eq!(id(), before);
}

#[test]
fn curl_pushes_a_blob_as_a_script_would() {
    let Some(curl) = tools::find("curl") else { return };
    let desk = Desk::new();
    let blob = desk.path("blob");
    fs::write(&blob, vec![b'x'; 5 << 20]).unwrap();
    let digest = sha256(&fs::read(&blob).unwrap());
    let base = format!("http://{}/v2/library/curl/blobs", desk.server.address());
    let curl = || {
        let mut command = desk.command(&curl);
        command.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
        command
    };
    let head = run(curl().args(["--request", "POST", "--dump-header", "-", "--output", "/dev/null", &format!("{base}/uploads/")]));
    let location = head.lines().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("location"))).unwrap().1;
    let location = if location.starts_with('/') { format!("http://{}{location}", desk.server.address()) } else { location.to_owned() };
    let separator = if location.contains('?') { '&' } else { '?' };
    run(curl().arg("--upload-file").arg(&blob).arg(format!("{location}{separator}digest={digest}")));
    let out = desk.path("pulled");
    run(curl().arg("--output").arg(&out).arg(format!("{base}/{digest}")));
    assert_eq!(sha256(&fs::read(&out).unwrap()), digest);
}
