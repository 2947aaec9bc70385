//! Lies about uploads.

use cofferdam::{Condition, ErrorKind, Part, PartId, StreamingStore, UploadToken, WrittenPart};
use cofferdam_tests::hostile::{Hostile, assert_error, four, store_path};

const PART: Part = Part { number: 1, offset: 0, writer: 1 };

fn token(text: &str) -> UploadToken {
    UploadToken::new(text).unwrap()
}

#[tokio::test]
async fn a_token_of_10_mb_does_not_reach_the_host() {
    let hostile = Hostile::mount_with(|grant| grant.limits.memory = 64 << 20).await;
    let error = hostile.mount.create_upload(&store_path("/token-huge")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trapped, "{error}");
    hostile.serves().await;
}

#[tokio::test]
async fn tokens_and_part_ids_that_are_too_long_are_refused() {
    let hostile = Hostile::mount().await;
    let error = hostile.mount.create_upload(&store_path("/token-long")).await.unwrap_err();
    assert_error(&error, ErrorKind::Misbehaved, "upload token of");
    hostile.serves().await;
    let error = hostile.mount.write_part(&token("id-long"), PART, four()).await.unwrap_err();
    assert_error(&error, ErrorKind::Misbehaved, "part id of");
    hostile.serves().await;
}

#[tokio::test]
async fn a_completion_that_answers_another_size_or_path_is_refused() {
    let hostile = Hostile::mount().await;
    let parts = [WrittenPart { number: 1, offset: 0, length: 4, writer: 1, id: PartId::new("id").unwrap() }];
    for (name, part) in [("more", "was given 4 bytes and says that it stored 5"), ("elsewhere", "was asked for /a and answered about /fine")] {
        let error = hostile.mount.complete_upload(&token(name), &parts, &store_path("/a"), Condition::Unconditional).await.unwrap_err();
        assert_error(&error, ErrorKind::Misbehaved, part);
        assert_eq!((error.operation(), error.path()), (Some("complete"), Some("/a")));
        hostile.serves().await;
    }
    hostile.mount.complete_upload(&token("fine"), &parts, &store_path("/a"), Condition::Unconditional).await.unwrap();
}

#[tokio::test]
async fn parts_that_a_driver_keeps_are_let_go_with_its_instance() {
    let hostile = Hostile::mount().await;
    for number in 1..=1000 {
        hostile.mount.write_part(&token("keep"), Part { number, ..PART }, four()).await.unwrap();
    }
    assert!(hostile.mount.stats().handles_live <= 257, "{:?}", hostile.mount.stats());
    hostile.mount.empty_pool().await;
    assert_eq!(hostile.mount.stats().handles_live, 0);
}
