//! Drivers that do not start, or do not say the same twice.

use std::fs;

use cofferdam::{Error, ErrorKind, LoadError};
use cofferdam_tests::hostile::{Hostile, assert_backtrace, assert_error, assert_trapped_in, behave, scratch};

/// Why the driver does not start, in a directory with the file `file` and with the setting `behaviour`.
async fn refused(file: &str, behaviour: &str) -> LoadError {
    let data = scratch();
    if !file.is_empty() {
        fs::write(data.path().join(file), "").unwrap();
    }
    match Hostile::open(data.path(), |grant| behave(grant, behaviour)).await {
        Ok(_) => panic!("it starts, with {file}{behaviour}"),
        Err(error) => error,
    }
}

async fn not_started(file: &str, behaviour: &str) -> Error {
    match refused(file, behaviour).await {
        LoadError::Start(error) => error,
        other => panic!("another error than that of the start: {other}"),
    }
}

#[tokio::test]
async fn a_start_that_never_ends_ends_at_its_cpu_budget() {
    for (file, behaviour) in [("", "configure-spins"), ("describe-spins", "")] {
        let error = not_started(file, behaviour).await;
        assert_error(&error, ErrorKind::DeadlineExceeded, "CPU budget of 400ms");
        assert_backtrace(&error, "spin_forever");
    }
}

#[tokio::test]
async fn a_start_that_panics_is_a_trap_with_a_backtrace() {
    for (file, behaviour) in [("", "configure-panics"), ("describe-panics", "")] {
        assert_trapped_in(&not_started(file, behaviour).await, "give_up");
    }
}

#[tokio::test]
async fn a_start_that_hoards_memory_ends_at_the_limit() {
    assert_error(&not_started("", "configure-hoards").await, ErrorKind::Trapped, "`memory` under [limits]");
}

#[tokio::test]
async fn a_driver_that_refuses_its_settings_says_why() {
    let error = refused("", "configure-refuses").await;
    assert_eq!(error.to_string(), "the driver did not start: invalid-argument: these settings make no sense");
}

#[tokio::test]
async fn a_description_that_the_contract_forbids_is_refused() {
    let error = not_started("describe-evil-name", "").await;
    assert_error(&error, ErrorKind::Misbehaved, "calls itself");
    assert!(error.to_string().bytes().all(|byte| !byte.is_ascii_control()), "{error}");

    let error = refused("describe-no-schema", "").await;
    assert!(matches!(error, LoadError::Grant(_)), "{error}");
    assert!(error.to_string().contains("schema"), "{error}");
}

#[tokio::test]
async fn a_description_of_10_mb_does_not_reach_the_host() {
    let error = not_started("describe-huge-schema", "").await;
    assert_eq!(error.kind(), ErrorKind::Trapped, "{error}");
}

#[tokio::test]
async fn claims_that_contradict_each_other_or_mean_nothing_are_refused() {
    let error = not_started("", "claims-nonsense").await;
    assert_error(&error, ErrorKind::Misbehaved, "the claim `instances` is \"two\", not `pooled` or `single`");
    let error = not_started("", "claims-contradict").await;
    assert_error(&error, ErrorKind::Misbehaved, "`live-content` excludes `part-min` and `part-uniform`");
}

#[tokio::test]
async fn a_driver_that_describes_itself_anew_on_each_instance_is_refused_at_the_second() {
    let data = scratch();
    fs::write(data.path().join("describe-changes"), "").unwrap();
    let mount = Hostile::open(data.path(), |_| ()).await.unwrap();
    let hostile = Hostile { mount, data };
    hostile.serves().await;
    hostile.mount.empty_pool().await;
    let error = hostile.refused("/fine").await;
    assert_error(&error, ErrorKind::Misbehaved, "the driver does not say the same on every instance: it was hostile");
    assert_eq!((error.operation(), error.path()), (Some("stat"), Some("/fine")));

    fs::remove_file(hostile.data.path().join("describe-changes")).unwrap();
    assert_error(&hostile.refused("/fine").await, ErrorKind::Misbehaved, "and is hostile 1.0.0");
}

#[tokio::test]
async fn a_driver_whose_claims_change_is_refused_at_the_second_instance_and_the_first_serves_on() {
    let hostile = Hostile::behaving("claims-change").await;
    let error = {
        // Two calls at once need a second instance.
        let mut spinning = Box::pin(hostile.stat("/spin"));
        assert!(futures::poll!(&mut spinning).is_pending());
        hostile.refused("/fine").await
    };
    assert_error(&error, ErrorKind::Misbehaved, "the driver does not say the same on every instance: claims were");
}

#[tokio::test]
async fn a_setting_that_the_schema_does_not_have_is_refused_by_name() {
    let data = scratch();
    let unknown = Hostile::open(data.path(), |grant| {
        grant.settings.insert("behavior".to_owned(), cofferdam::SettingValue::Boolean(true));
    });
    let error = unknown.await.unwrap_err();
    assert!(error.to_string().contains("behavior") && error.to_string().contains("behaviour"), "{error}");
}
