//! Directories: made when they are missing, removed when they are empty, and never with anything in them.

use super::*;

fn remove(driver: &mut Dav, paths: &[&str]) -> Vec<std::result::Result<(), ErrorKind>> {
    let paths: Vec<_> = paths.iter().map(|at| path(at)).collect();
    StreamingStore::remove(&mut **driver, &paths).into_iter().map(|answer| answer.map_err(|error| error.kind)).collect()
}

fn has_only_itself(at: &str) -> Answer {
    multistatus(&[resource(&format!("/files/me{at}/"))])
}

#[test]
fn what_is_missing_above_is_made_from_the_first_that_is_there() {
    let mut driver = start(&[]);
    driver.script([answer(409), answer(409), answer(409), answer(201), answer(201), answer(201), answer(201), head("\"1\"")]);
    put(&mut driver, "/a/b/c/d", Condition::Unconditional).unwrap();
    let expected = ["PUT /a/b/c/d", "MKCOL /a/b/c/", "MKCOL /a/b/", "MKCOL /a/", "MKCOL /a/b/", "MKCOL /a/b/c/", "PUT /a/b/c/d", "HEAD /a/b/c/d"];
    assert_eq!(asked(&driver), expected);
    // Another one makes them at the same time.
    driver.script([answer(409), answer(405), answer(201), head("\"1\"")]);
    put(&mut driver, "/a/b", Condition::Unconditional).unwrap();
    // Another one removes them again.
    driver.script([answer(409), answer(201), answer(409), answer(201), answer(201), head("\"1\"")]);
    put(&mut driver, "/a/b", Condition::Unconditional).unwrap();
}

#[test]
fn what_is_large_is_sent_when_its_collection_is_there() {
    let mut driver = start(&[]);
    driver.script([answer(405), answer(201), head("\"1\"").header("Content-Length", "100000")]);
    let large = Content::from_bytes(&[7; 100_000]);
    StreamingStore::put(&mut *driver, &path("/p/a"), large, Condition::Unconditional).unwrap();
    assert_eq!(asked(&driver), ["MKCOL /p/", "PUT /p/a", "HEAD /p/a"]);
}

#[test]
fn an_object_above_or_a_prefix_in_the_way_is_an_error_that_names_it() {
    let mut driver = start(&[]);
    driver.script([answer(409), answer(409), answer(405), answer(409), answer(404), answer(404), multistatus(&[resource("/files/me/a")])]);
    let error = put(&mut driver, "/a/b/c", Condition::Unconditional).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
    assert!(error.message.starts_with("/files/me/a is an object"), "{}", error.message);
    driver.script([answer(409), answer(405), answer(409), has_only_itself("/a")]);
    let error = put(&mut driver, "/a", Condition::Unconditional).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
    assert!(error.message.contains("is a prefix"), "{}", error.message);
}

#[test]
fn a_removal_is_of_the_version_that_is_an_object() {
    let mut driver = start(&[]);
    driver.script([head("\"e1\""), answer(412), head("\"e2\""), answer(204)]);
    assert_eq!(remove(&mut driver, &["/a"]), [Ok(())]);
    let requests = driver.requests();
    assert_eq!((requests[1].header("if-match"), requests[3].header("if-match")), (Some("\"e1\""), Some("\"e2\"")));
    // A weak one matches nothing.
    driver.script([head("W/\"e1\""), answer(204)]);
    assert_eq!(remove(&mut driver, &["/a"]), [Ok(())]);
    assert_eq!(driver.requests()[1].header("if-match"), None);
    // What is missing or a prefix is as good as removed, and is not touched.
    driver.script([answer(404), answer(301), has_only_itself("/p")]);
    assert_eq!(remove(&mut driver, &["/a", "/p"]), [Ok(()), Ok(())]);
    assert!(driver.requests().iter().all(|asked| asked.method != "DELETE"));
    driver.script([answer(503), head("\"1\""), answer(207)]);
    assert_eq!(remove(&mut driver, &["/a", "/b"]), [Err(ErrorKind::Unavailable), Err(ErrorKind::Unavailable)]);
}

#[test]
fn an_empty_collection_is_moved_away_looked_at_and_removed() {
    let mut driver = start(&[]);
    driver.serve(|asked| {
        Ok(match (asked.method.as_str(), asked.url.strip_prefix(URL).unwrap()) {
            ("HEAD", _) => head("\"1\""),
            ("PROPFIND", "/p/q/") => has_only_itself("/p/q"),
            ("PROPFIND", "/p/") => multistatus(&[resource("/files/me/p/"), resource("/files/me/p/other")]),
            ("PROPFIND", aside) => multistatus(&[resource(&format!("/files/me{aside}"))]),
            ("MOVE", _) => answer(201),
            ("DELETE", _) => answer(204),
            _ => answer(500),
        })
    });
    assert_eq!(remove(&mut driver, &["/p/q/a", "/p/q/b"]), [Ok(()), Ok(())]);
    let requests: Vec<_> = driver.requests();
    let shown: Vec<_> = requests.iter().map(shown).collect();
    assert_eq!(&shown[..6], ["HEAD /p/q/a", "DELETE /p/q/a", "HEAD /p/q/b", "DELETE /p/q/b", "PROPFIND /p/q/", "MOVE /p/q/"]);
    let to = requests[5].header("destination").unwrap().strip_prefix(URL).unwrap();
    assert!(to.starts_with("/%2Bcofferdam/") && to.ends_with("%2Bp%2Bq/"), "{to}");
    assert_eq!(&shown[6..], [format!("PROPFIND {to}"), format!("DELETE {to}"), "PROPFIND /p/".to_owned()]);

    // Somebody put something into it after it was found empty: it goes back.
    driver.serve(move |asked| {
        Ok(match (asked.method.as_str(), asked.url.strip_prefix(URL).unwrap()) {
            ("HEAD", _) => head("\"1\""),
            ("PROPFIND", "/p/") => has_only_itself("/p"),
            ("PROPFIND", aside) => multistatus(&[resource(&format!("/files/me{aside}")), resource(&format!("/files/me{aside}new"))]),
            ("MOVE", _) => answer(201),
            ("DELETE", "/p/a") => answer(204),
            _ => panic!("{} {} loses what was stored", asked.method, asked.url),
        })
    });
    assert_eq!(remove(&mut driver, &["/p/a"]), [Ok(())]);
    let moves: Vec<_> = driver.requests().into_iter().filter(|asked| asked.method == "MOVE").collect();
    assert_eq!((moves[1].header("destination"), moves[1].header("overwrite")), (Some(moves[0].url.as_str()), Some("F")));
    assert_eq!(moves[0].header("destination"), Some(moves[1].url.as_str()));
}

#[test]
fn what_was_moved_away_goes_back_piece_by_piece_where_there_is_a_collection_again() {
    let mut driver = start(&[]);
    driver.serve(|asked| {
        Ok(match (asked.method.as_str(), asked.url.strip_prefix(URL).unwrap()) {
            ("HEAD", _) => head("\"1\""),
            ("PROPFIND", "/p/") => has_only_itself("/p"),
            ("PROPFIND", aside) => {
                let more = ["", "new", "newer"].map(|name| resource(&format!("/files/me{aside}{name}")));
                multistatus(&more)
            }
            ("MOVE", "/p/") => answer(201),
            // The whole, and one that was written anew.
            ("MOVE", from) if from.ends_with('/') || from.ends_with("/newer") => answer(412),
            ("MOVE", _) => answer(201),
            ("DELETE", "/p/a") => answer(204),
            _ => panic!("{} {} loses what was stored", asked.method, asked.url),
        })
    });
    assert_eq!(remove(&mut driver, &["/p/a"]), [Ok(())]);
    let requests = driver.requests();
    let back: Vec<_> = requests.iter().filter(|asked| asked.method == "MOVE").skip(1).map(|asked| asked.header("destination").unwrap()).collect();
    assert_eq!(back, [format!("{URL}/p/"), format!("{URL}/p/new"), format!("{URL}/p/newer")]);
}

#[test]
fn what_goes_wrong_with_a_collection_does_not_undo_a_removal() {
    let mut driver = start(&[]);
    driver.script([head("\"1\""), answer(204), answer(503)]);
    assert_eq!(remove(&mut driver, &["/p/a"]), [Ok(())]);
    driver.script([head("\"1\""), answer(204), has_only_itself("/p"), answer(403)]);
    assert_eq!(remove(&mut driver, &["/p/a"]), [Ok(())]);
}
