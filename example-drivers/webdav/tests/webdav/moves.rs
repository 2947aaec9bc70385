//! Copies and moves by the server.

use super::*;

fn copy(driver: &mut Dav, from: &str, to: &str) -> Result<ObjectInfo> {
    driver.copy(&path(from), &path(to), Condition::Unconditional)
}

#[test]
fn a_copy_is_whole_before_it_has_its_name() {
    let mut driver = start(&[]);
    driver.script([head("\"1\""), answer(404), answer(409), answer(201), answer(201), answer(201), head("\"2\"")]);
    assert_eq!(copy(&mut driver, "/a", "/b").unwrap().etag.as_deref(), Some("2"));
    let requests = driver.requests();
    assert_eq!(
        (requests[4].method.as_str(), requests[4].url.as_str(), requests[4].header("depth")),
        ("COPY", format!("{URL}/a").as_str(), Some("0"))
    );
    let own = requests[4].header("destination").unwrap();
    assert!(own.contains("/%2Bcofferdam/") && requests[3].method == "MKCOL");
    assert_eq!((requests[5].method.as_str(), requests[5].url.as_str()), ("MOVE", own));
    assert_eq!((requests[5].header("destination"), requests[5].header("overwrite")), (Some(format!("{URL}/b").as_str()), Some("F")));
}

#[test]
fn what_is_at_the_destination_is_replaced_by_a_put() {
    let mut driver = start(&[]);
    driver.script([head("\"1\""), head("\"old\""), object(200, "\"1\"").body("hello"), answer(204), head("\"2\"")]);
    assert_eq!(copy(&mut driver, "/a", "/b").unwrap().etag.as_deref(), Some("2"));
    assert_eq!(asked(&driver), ["HEAD /a", "HEAD /b", "GET /a", "PUT /b", "HEAD /b"]);
    // Also if it came to be there meanwhile; what was copied aside goes.
    driver.script([
        head("\"1\""),
        answer(404),
        answer(201),
        answer(412),
        answer(204),
        object(200, "\"1\"").body("hello"),
        answer(204),
        head("\"2\""),
    ]);
    copy(&mut driver, "/a", "/b").unwrap();
    let requests = driver.requests();
    assert_eq!((requests[4].method.as_str(), Some(requests[4].url.as_str())), ("DELETE", requests[2].header("destination")));
    // What moved is at its destination already.
    driver.script([
        head("\"1\""),
        head("\"old\""),
        head("\"1\""),
        head("\"old\""),
        object(200, "\"1\"").body("hello"),
        answer(204),
        head("\"2\""),
        head("\"1\""),
        answer(204),
    ]);
    driver.rename(&path("/a"), &path("/b"), Condition::Unconditional).unwrap();
    assert_eq!(asked(&driver).last().unwrap(), "DELETE /a");
}

#[test]
fn a_move_is_one_step_where_the_destination_is_free() {
    let mut driver = start(&[]);
    driver.script([head("\"1\""), answer(404), answer(201), head("\"1\"")]);
    driver.rename(&path("/a"), &path("/b"), Condition::Unconditional).unwrap();
    assert_eq!(asked(&driver), ["HEAD /a", "HEAD /b", "MOVE /a", "HEAD /b"]);
}

#[test]
fn what_is_missing_or_itself_changes_nothing() {
    let mut driver = start(&[]);
    driver.script([answer(404)]);
    assert_eq!(copy(&mut driver, "/a", "/b").unwrap_err().kind, ErrorKind::NotFound);
    driver.script([answer(404)]);
    assert_eq!(driver.rename(&path("/a"), &path("/b"), Condition::Unconditional).unwrap_err().kind, ErrorKind::NotFound);
    driver.script([head("\"1\""), head("\"1\"")]);
    copy(&mut driver, "/a", "/a").unwrap();
    driver.rename(&path("/a"), &path("/a"), Condition::Unconditional).unwrap();
    assert!(driver.requests().iter().all(|asked| asked.method == "HEAD"));
    assert_eq!(driver.copy(&path("/a"), &path("/b"), Condition::IfAbsent).unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn a_copy_that_is_refused_leaves_nothing_aside() {
    let mut driver = start(&[]);
    driver.script([head("\"1\""), answer(404), answer(201), answer(507), answer(204)]);
    assert_eq!(copy(&mut driver, "/a", "/b").unwrap_err().kind, ErrorKind::QuotaExceeded);
    assert_eq!(driver.requests().last().unwrap().method, "DELETE");
}
