//! What a driver says of itself, and whether its backend is well.

use std::time::Duration;

use cofferdam::grant::settings::{Schema, SettingType};
use cofferdam::{ErrorKind, Grant, GrantError, LoadError, Mount, MountOptions, SettingValue};

use crate::case::cases;
use crate::context::Context;
use crate::steps::refused;
use crate::verdict::{Stop, Verdict, ensure, failed};

cases! {
    "describe.schema", "the driver's name is lower-case letters, digits and `-`; the schema of its settings is one that the host reads, and each is described",
        [] => schema;
    "describe.stable", "`describe` and the claims are the same on every instance; unknown and ill-typed settings are refused by name",
        [] => stable;
    "configure.no-io", "`configure` works with every backend unreachable, and claims the same",
        [] => no_io;
    "health", "`health` answers within its deadline, and is `unavailable` when the backend is gone",
        [] => health;
}

async fn schema(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let description = mount.description();
    let legal = description.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let begins = description.name.starts_with(|first: char| first.is_ascii_lowercase());
    ensure!(legal && begins && description.name.len() <= 63, "the driver calls itself {:?}", description.name);
    ensure!(!description.version.is_empty(), "the driver has no version");
    let schema = Schema::parse(&description.settings_schema).map_err(|error| Stop::Failed(error.to_string()))?;
    for (name, setting) in &schema.settings {
        ensure!(!setting.description.is_empty(), "the setting `{name}` has no description");
        ensure!(!(setting.required && setting.default.is_some()), "the setting `{name}` is required and has a default");
    }
    Ok(())
}

async fn open(context: &Context, grant: &Grant) -> Result<Mount, LoadError> {
    Mount::open(context.driver(), grant, MountOptions::default()).await
}

async fn stable(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    for _ in 0..4 {
        let other = context.mount().await?;
        ensure!(other.description() == mount.description(), "`describe` answers {:?} and {:?}", mount.description(), other.description());
        ensure!(other.claims() == mount.claims(), "`configure` claims {:?} and {:?}", mount.claims().pairs(), other.claims().pairs());
    }
    if !context.claims().volatile {
        // Fresh instances of one mount: the host compares what they say.
        for _ in 0..4 {
            mount.empty_pool().await;
            mount.health().await.map_err(|error| Stop::Failed(format!("on a fresh instance: {error}")))?;
        }
    }
    let schema = Schema::parse(&mount.description().settings_schema).map_err(|error| Stop::Failed(error.to_string()))?;
    let with = |name: &str, value: SettingValue| {
        let mut grant = context.grant().clone();
        grant.settings.insert(name.to_owned(), value);
        grant
    };
    match open(context, &with("certify-no-such-setting", SettingValue::Boolean(true))).await {
        Err(LoadError::Grant(GrantError::UnknownSetting { name, .. })) if name == "certify-no-such-setting" => {}
        other => return failed(format!("an unknown setting must be refused by name, and gave {}", told(&other))),
    }
    for (name, setting) in &schema.settings {
        let wrong = if setting.kind == SettingType::Boolean { SettingValue::Integer(1) } else { SettingValue::Boolean(true) };
        match open(context, &with(name, wrong)).await {
            Err(LoadError::Grant(GrantError::SettingType { name: named, .. })) if named == *name => {}
            other => return failed(format!("a value of the wrong type for `{name}` must be refused by name, and gave {}", told(&other))),
        }
        // Well typed and perhaps without meaning: the driver takes it, or says which setting it does not take.
        let odd = match setting.kind {
            SettingType::String => {
                vec![SettingValue::Text(String::new()), SettingValue::Text("\u{1}../..".to_owned()), SettingValue::Text("x".repeat(10_000))]
            }
            SettingType::Integer => [i64::MIN, -1, 0, i64::MAX].map(SettingValue::Integer).to_vec(),
            SettingType::Boolean => [true, false].map(SettingValue::Boolean).to_vec(),
        };
        for value in odd {
            taken_or_named(open(context, &with(name, value)).await, name)?;
        }
    }
    Ok(())
}

fn told(result: &Result<Mount, LoadError>) -> String {
    match result {
        Ok(_) => "a mount".to_owned(),
        Err(error) => format!("{error}"),
    }
}

/// `configure` either takes a value or answers `invalid-argument` with the setting's name in the message.
fn taken_or_named(result: Result<Mount, LoadError>, name: &str) -> Verdict {
    match result {
        Ok(_) => Ok(()),
        Err(LoadError::Start(error)) => {
            ensure!(error.kind() == ErrorKind::InvalidArgument, "a value that `{name}` cannot have must be `invalid-argument`, and was: {error}");
            ensure!(error.message().contains(name), "the refusal of a value of `{name}` does not name the setting: {error}");
            Ok(())
        }
        Err(error) => failed(format!("a well-typed value of `{name}` gave {error}")),
    }
}

fn unreachable() -> MountOptions {
    let mut options = MountOptions::default();
    options.backends_reachable = false;
    options
}

async fn no_io(context: &Context) -> Verdict {
    let reachable = context.mount().await?;
    let mount = Mount::open(context.driver(), context.grant(), unreachable()).await;
    let mount = mount.map_err(|error| Stop::Failed(format!("with every backend unreachable, `configure` fails: {error}")))?;
    ensure!(mount.claims() == reachable.claims(), "`configure` claims other things when no backend is reachable: {:?}", mount.claims().pairs());
    Ok(())
}

async fn health(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let limit = context.grant().limits.no_progress.min(Duration::from_secs(10));
    let soon = async |mount: &Mount| match tokio::time::timeout(limit, mount.health()).await {
        Ok(result) => Ok(result),
        Err(_) => failed(format!("`health` has not answered after {limit:?}")),
    };
    soon(&mount).await?.map_err(|error| Stop::Failed(format!("`health` of a backend that is well: {error}")))?;
    if context.driver().inspection().needs().is_empty() {
        context.note("left out: a backend that is gone, since the driver has none outside itself");
        return Ok(());
    }
    mount.set_backends_reachable(false);
    refused(soon(&mount).await?, &[ErrorKind::Unavailable], "`health` when the backend is gone")?;
    mount.set_backends_reachable(true);
    soon(&mount).await?.map_err(|error| Stop::Failed(format!("`health` after the backend has come back: {error}")))
}
