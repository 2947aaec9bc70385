//! Lies about objects: what the contract forbids is never believed.

use cofferdam::{ByteRange, Condition, Driver, ErrorKind, Mount, MountOptions, StreamingStore};
use cofferdam_tests::drivers;
use cofferdam_tests::hostile::{Hostile, assert_error, four, grant, scratch, store_path};

#[tokio::test]
async fn metadata_that_the_contract_forbids_is_refused() {
    let hostile = Hostile::mount().await;
    for (path, part) in [
        ("/elsewhere", "the driver was asked for /elsewhere and answered about /fine"),
        ("/outside", "answered a path that is none: the path has the component `..`"),
        ("/no-path", "answered a path that is none: the path does not begin with `/`"),
        ("/prefix", "answered a prefix where an object was asked for"),
        ("/attributes", "answered 65 attributes"),
        ("/etag-empty", "answered the etag \"\""),
        ("/etag-control", "answered the etag \"a\\\\u{1b}[2Jb\""),
        ("/etag-long", "answered an etag of 9216 bytes"),
    ] {
        let error = hostile.refused(path).await;
        assert_error(&error, ErrorKind::Misbehaved, part);
        assert_eq!((error.operation(), error.driver()), (Some("stat"), Some("hostile")));
        assert!(error.to_string().bytes().all(|byte| !byte.is_ascii_control()), "it writes into a terminal: {error}");
        hostile.serves().await;
    }
    assert_eq!(hostile.mount.stats().traps, 0, "lies are no traps");
}

#[tokio::test]
async fn an_etag_in_any_script_is_taken_as_it_is() {
    let hostile = Hostile::mount().await;
    let info = hostile.mount.stat(&store_path("/etag-foreign")).await.unwrap();
    assert_eq!(info.etag.unwrap().0, "ж𝄞");
}

#[tokio::test]
async fn text_that_is_no_utf_8_fails_its_call_alone() {
    let component = drivers::patched(&drivers::bytes("hostile"), b"this etag is to be made", b"\xff\xfe\xc0\xc1 etag is to be made");
    let driver = Driver::load(&drivers::engine(), &component, None).unwrap();
    let data = scratch();
    let mount = Mount::open(&driver, &grant(data.path()), MountOptions::default()).await.unwrap();
    let hostile = Hostile { mount, data };
    let error = hostile.refused("/etag-patched").await;
    assert_error(&error, ErrorKind::Trapped, "utf-8");
    hostile.serves().await;
}

#[tokio::test]
async fn a_huge_error_message_does_not_reach_the_host() {
    let hostile = Hostile::mount_with(|grant| {
        grant.limits.memory = 256 << 20;
        grant.limits.cpu = std::time::Duration::from_secs(5);
    })
    .await;
    let error = hostile.refused("/error-huge").await;
    assert_eq!(error.kind(), ErrorKind::Trapped, "{}", &error.message()[..error.message().len().min(200)]);
    assert!(error.message().contains("fuel") || error.message().contains("too much"), "{}", error.message());
    hostile.serves().await;
}

#[tokio::test]
async fn a_long_error_message_is_cut_and_cannot_write_into_a_terminal() {
    let hostile = Hostile::mount().await;
    let error = hostile.refused("/error-long").await;
    assert_error(&error, ErrorKind::Internal, "mmmm");
    assert!(error.message().len() < (4 << 10) + 10 && error.message().ends_with('…'), "{} bytes", error.message().len());

    let error = hostile.refused("/error-evil").await;
    assert_error(&error, ErrorKind::Unavailable, "\\u{1b}[2Jcleared\\u{0}");
    assert!(error.code().unwrap().starts_with("\\u{7}"), "{:?}", error.code());
    assert!(error.to_string().bytes().all(|byte| !byte.is_ascii_control()));
    hostile.serves().await;
}

#[tokio::test]
async fn content_that_is_longer_or_shorter_than_its_object_is_refused() {
    let hostile = Hostile::mount().await;
    for (path, range, part) in [
        ("/longer", ByteRange::Whole, "opened 6 bytes where the range whole of 5 bytes has 5"),
        ("/shorter", ByteRange::Whole, "opened 4 bytes where the range whole of 5 bytes has 5"),
        // It answers everything, whatever the range.
        ("/fine", ByteRange::Last(2), "opened 5 bytes where the range -2 of 5 bytes has 2"),
        ("/fine", ByteRange::StartingAt(99), "opened 5 bytes where the range 99- of 5 bytes has 0"),
        ("/elsewhere", ByteRange::Whole, "was asked for /elsewhere and answered about /fine"),
        ("/prefix", ByteRange::Whole, "answered a prefix where an object was asked for"),
    ] {
        let error = hostile.mount.open(&store_path(path), range).await.unwrap_err();
        assert_error(&error, ErrorKind::Misbehaved, part);
        assert_eq!((error.operation(), error.path()), (Some("open"), Some(path)));
        hostile.serves().await;
    }
    assert_eq!(hostile.mount.stats().handles_live, 0, "refused content is let go");
}

#[tokio::test]
async fn a_put_that_answers_another_size_or_path_is_refused() {
    let hostile = Hostile::mount().await;
    for (path, part) in
        [("/more", "was given 4 bytes and says that it stored 5"), ("/elsewhere", "was asked for /elsewhere and answered about /fine")]
    {
        let error = hostile.mount.put(&store_path(path), four(), Condition::Unconditional).await.unwrap_err();
        assert_error(&error, ErrorKind::Misbehaved, part);
        assert_eq!((error.operation(), error.path()), (Some("put"), Some(path)));
        hostile.serves().await;
    }
}

#[tokio::test]
async fn a_removal_with_too_few_or_too_many_results_is_refused() {
    let hostile = Hostile::mount().await;
    for (path, results) in [("/fewer", 1), ("/more", 3)] {
        let error = hostile.mount.remove(&[store_path(path), store_path("/fine")]).await.unwrap_err();
        assert_error(&error, ErrorKind::Misbehaved, &format!("asked to remove 2 paths and answered {results} results"));
        assert_eq!(error.operation(), Some("remove"));
        hostile.serves().await;
    }
}
