//! Bytes in and out, and what is listed of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use super::desk::{Desk, Run, driver};

/// All files below `root`, by their relative paths.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn a_file_goes_in_and_comes_out() {
    let Some(desk) = Desk::with_filesystem() else { return };
    let bytes = pattern(3_000_000);
    desk.write("in", &bytes);
    let put = desk.run("put in /blobs/one");
    assert_eq!(put.text(), "");
    assert!(put.errors().starts_with("put 1 file, 2.9 MiB in "), "{}", put.errors());
    desk.run("get /blobs/one out").text();
    assert_eq!(desk.read("out"), bytes);
    assert_eq!(desk.run("cat /blobs/one").bytes(), bytes);
    assert_eq!(desk.run("get /blobs/one -").bytes(), bytes);
    // As any new file, not as a temporary one.
    let umask_keeps = fs::metadata(desk.path("in")).unwrap().permissions().mode();
    assert_eq!(fs::metadata(desk.path("out")).unwrap().permissions().mode(), umask_keeps);
}

#[test]
fn a_slash_at_the_end_keeps_the_name() {
    let Some(desk) = Desk::with_filesystem() else { return };
    desk.write("a", "1");
    desk.write("b", "2");
    desk.run("put a b /two").text();
    desk.run("put a /one/").text();
    assert_eq!(desk.run("ls -r").text(), "/one/a\n/two/a\n/two/b\n");
    fs::create_dir(desk.path("d")).unwrap();
    desk.run("get /two/b d").text();
    assert_eq!(desk.read("d/b"), b"2");
}

#[test]
fn standard_input_is_stored_however_long_it_is() {
    let Some(desk) = Desk::with_filesystem() else { return };
    let bytes = pattern(5_000_001);
    desk.run_with("put - /piped", &bytes).text();
    assert_eq!(desk.run("cat /piped").bytes(), bytes);
    desk.run_with("put - /empty", b"").text();
    assert_eq!(desk.run("cat /empty").bytes(), b"");
    // `< file`, of which the first ten bytes were read by somebody else.
    desk.write("in", &bytes);
    let mut input = File::open(desk.path("in")).unwrap();
    input.read_exact(&mut [0; 10]).unwrap();
    Run(desk.command(["put", "-", "/rest"]).stdin(input).output().unwrap()).text();
    assert_eq!(desk.run("cat /rest").bytes(), &bytes[10..]);
}

#[test]
fn a_tree_survives_the_journey() {
    let Some(desk) = Desk::with_filesystem() else { return };
    for (name, length) in [("tree/empty", 0), ("tree/a/b/c", 1), ("tree/a/large", 2_000_000), ("tree/.hidden", 7), ("tree/a-b", 65_536)] {
        desk.write(name, pattern(length));
    }
    let totals = desk.run("put -r tree /deep/down --json").json();
    assert_eq!((totals["files"].as_u64(), totals["bytes"].as_u64()), (Some(5), Some(2_065_544)));
    assert!(totals["seconds"].as_f64().unwrap() > 0.0);
    let totals = desk.run("get -r /deep/down back --json").json();
    assert_eq!(totals["files"], 5);
    assert_eq!(files(&desk.path("back")), files(&desk.path("tree")));
    desk.run("get -r / all").text();
    assert_eq!(files(&desk.path("all/deep/down")), files(&desk.path("tree")));
}

#[test]
fn many_files_at_once() {
    let Some(desk) = Desk::with_filesystem() else { return };
    for number in 0..100 {
        desk.write(&format!("tree/{}/{number}", number % 7), pattern(number * 100));
    }
    desk.run("put -r tree /").text();
    desk.run("get -r / back").text();
    assert_eq!(files(&desk.path("back")), files(&desk.path("tree")));
}

#[test]
fn lists_are_for_people_and_for_programs() {
    let Some(desk) = Desk::with_filesystem() else { return };
    assert_eq!(desk.run("ls").text(), "");
    assert_eq!(desk.run("ls --json").json(), serde_json::json!([]));
    desk.write("f", pattern(1536));
    desk.run("put f /a/one").text();
    desk.run("put f /b").text();
    assert_eq!(desk.run("ls").text(), "/a/\n/b\n");
    assert_eq!(desk.run("ls /a").text(), "/a/one\n");
    assert_eq!(desk.run("ls /b").text(), "/b\n");
    assert_eq!(desk.run("ls -r").text(), "/a/one\n/b\n");
    let long = desk.run("ls -l");
    let lines: Vec<Vec<&str>> = long.text().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["-", "-", "/a/"]);
    assert_eq!((lines[1][0], lines[1][1], lines[1][3]), ("1.5", "KiB", "/b"));
    let list = desk.run("ls --json").json();
    assert_eq!(list[0], serde_json::json!({ "path": "/a", "kind": "prefix", "size": 0, "modified": null, "etag": null }));
    assert_eq!((&list[1]["path"], &list[1]["kind"], &list[1]["size"]), (&"/b".into(), &"object".into(), &1536.into()));
    let stat = desk.run("stat /b --json").json();
    assert_eq!((&stat["etag"], &stat["modified"]), (&list[1]["etag"], &list[1]["modified"]));
    assert!(desk.run("stat /b").text().contains("size      1.5 KiB (1536 bytes)\n"));
}

#[test]
fn objects_are_moved_copied_and_removed() {
    let Some(desk) = Desk::with_filesystem() else { return };
    desk.write("f", "bytes");
    desk.run("put f /a").text();
    desk.run("cp /a /b").text();
    desk.run("mv /a /d/").text();
    assert_eq!(desk.run("ls -r").text(), "/b\n/d/a\n");
    assert_eq!(desk.run("cat /b /d/a").text(), "bytesbytes");
    desk.run("put f /d/e/f").text();
    desk.run("rm -r /d").text();
    assert_eq!(desk.run("ls -r").text(), "/b\n");
    desk.run("rm /b").text();
    assert_eq!(desk.run("ls -r").text(), "");
}

#[test]
fn if_absent_does_not_replace() {
    let Some(desk) = Desk::with_filesystem() else { return };
    desk.run_with("put - /a --if-absent", b"first").text();
    let second = desk.run_with("put - /a --if-absent", b"second");
    assert!(second.refusal(1).contains("already-exists: /a exists already"));
    assert_eq!(desk.run("cat /a").text(), "first");
}

#[test]
fn flags_stand_above_the_file() {
    let Some(desk) = Desk::with_filesystem() else { return };
    let Some(memory) = driver("memory") else { return };
    desk.run_with("put - /a", b"kept").text();
    // Another driver with the file's grant: it starts empty.
    assert_eq!(desk.run(&format!("ls --driver {}", memory.display())).text(), "");
    desk.write("other/cofferdam.toml", desk.read("cofferdam.toml"));
    fs::create_dir(desk.path("other/store")).unwrap();
    assert_eq!(desk.run("ls --config other/cofferdam.toml").text(), "");
    assert_eq!(desk.run("ls --grant grant.toml").text(), "/a\n");
    desk.write("cofferdam.toml", "broken");
    assert!(desk.run("ls").refusal(1).contains("cofferdam.toml:1:"));
    let filesystem = driver("filesystem").unwrap();
    assert_eq!(desk.run(&format!("ls --driver {} --grant grant.toml", filesystem.display())).text(), "/a\n");
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    let Some(desk) = Desk::with_filesystem() else { return };
    desk.run_with("put - /a", b"bytes").text();
    desk.run("get /a /dev/null").text();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let Some(desk) = Desk::with_filesystem() else { return };
    desk.write("f", pattern(4_000_000));
    desk.run("put f /a").text();
    let mut child = desk.command(["cat", "/a"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 1]).unwrap();
    drop(output);
    let run = Run(child.wait_with_output().unwrap());
    assert!(run.0.status.success());
    assert_eq!(run.errors(), "");
}

#[test]
fn a_trace_shows_the_call_and_what_it_asked_of_the_host() {
    let Some(desk) = Desk::with_filesystem() else { return };
    desk.run_with("put - /a --trace=calls.txt", b"bytes").text();
    let trace = String::from_utf8(desk.read("calls.txt")).unwrap();
    let block: Vec<_> = trace.lines().skip_while(|line| !line.contains(" put \"/a\"")).collect();
    assert!(block.len() >= 3, "{trace}");
    assert!(block[1].starts_with("    files."), "{trace}");
    assert!(block.iter().any(|line| line.starts_with("  = ok (")), "{trace}");
    assert!(desk.run("ls --trace").errors().contains(" list "));
}

#[test]
fn completions_are_of_this_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Desk::empty().run(&format!("completions {shell}"));
        assert!(script.text().contains("certify"), "{shell}");
    }
}
