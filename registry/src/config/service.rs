//! The tables of `cofferdam.toml` that say how a registry behaves: uploads, manifests, metrics, webhooks.

use std::time::Duration;

use cofferdam::grant::GrantError;
use cofferdam::grant::fields::{Field, Fields};
use reqwest::Url;

use super::auth::patterns;
use super::parse::{boolean, duration};
use super::{ManifestsConfig, MetricsConfig, PurgeConfig, UploadsConfig, WebhookConfig};
use crate::events::EventAction;

const UPLOADS_KEYS: &[&str] = &["lease", "purge-age", "purge-interval", "purge"];
const MANIFESTS_KEYS: &[&str] = &["max-size", "absent-children"];
const METRICS_KEYS: &[&str] = &["enabled", "health-interval", "health-timeout"];
const WEBHOOK_KEYS: &[&str] = &["name", "url", "actions", "repositories", "hmac-file", "bearer-file", "timeout", "queue"];

const ACTIONS: [(&str, EventAction); 4] =
    [("push", EventAction::Push), ("pull", EventAction::Pull), ("delete", EventAction::Delete), ("mount", EventAction::Mount)];

/// One second: shorter leases and intervals cost more than they help.
const SECOND: Duration = Duration::from_secs(1);

pub(super) fn uploads(field: Option<Field<'_, '_>>) -> Result<UploadsConfig, GrantError> {
    let mut uploads = UploadsConfig::default();
    let Some(field) = field else { return Ok(uploads) };
    let fields = field.table("in [uploads]", UPLOADS_KEYS)?;
    uploads.lease = duration(&fields, "lease", uploads.lease, SECOND)?;
    uploads.purge_age = duration(&fields, "purge-age", uploads.purge_age, SECOND)?;
    uploads.purge_interval = duration(&fields, "purge-interval", uploads.purge_interval, SECOND)?;
    if let Some(field) = fields.get("purge") {
        uploads.purge = field.one_of(&[("remove", PurgeConfig::Remove), ("dry-run", PurgeConfig::DryRun), ("off", PurgeConfig::Off)])?;
    }
    if let Some(age) = fields.get("purge-age")
        && uploads.purge_age <= uploads.lease
    {
        return Err(age.bad("must be longer than `lease`: an upload that is being written would be purged"));
    }
    Ok(uploads)
}

pub(super) fn manifests(field: Option<Field<'_, '_>>) -> Result<ManifestsConfig, GrantError> {
    let mut manifests = ManifestsConfig::default();
    let Some(field) = field else { return Ok(manifests) };
    let fields = field.table("in [manifests]", MANIFESTS_KEYS)?;
    if let Some(field) = fields.get("max-size") {
        // A manifest is held in memory; one of more than 64 MiB is a mistake or an attack.
        manifests.max_size = field.size(1024..=64 << 20)?;
    }
    manifests.absent_children = boolean(&fields, "absent-children", false)?;
    Ok(manifests)
}

pub(super) fn metrics(field: Option<Field<'_, '_>>) -> Result<MetricsConfig, GrantError> {
    let mut metrics = MetricsConfig::default();
    let Some(field) = field else { return Ok(metrics) };
    let fields = field.table("in [metrics]", METRICS_KEYS)?;
    metrics.enabled = fields.get("enabled").map(|field| field.boolean()).transpose()?;
    metrics.health_interval = duration(&fields, "health-interval", metrics.health_interval, SECOND)?;
    metrics.health_timeout = duration(&fields, "health-timeout", metrics.health_timeout, Duration::from_millis(100))?;
    Ok(metrics)
}

pub(super) fn webhooks(field: Option<Field<'_, '_>>) -> Result<Vec<WebhookConfig>, GrantError> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let mut webhooks: Vec<WebhookConfig> = Vec::new();
    for fields in field.tables("in [[webhook]]", WEBHOOK_KEYS)? {
        let webhook = webhook(&fields)?;
        if webhooks.iter().any(|other| other.name == webhook.name) {
            let name = fields.require("name", "name = \"search\"")?;
            return Err(name.bad(format!("is {:?}, which another webhook has already", webhook.name)));
        }
        webhooks.push(webhook);
    }
    Ok(webhooks)
}

fn webhook(fields: &Fields<'_, '_>) -> Result<WebhookConfig, GrantError> {
    let name = fields.require("name", "name = \"search\"")?;
    let text = name.text()?;
    // The name is a component of keys in the atomic store.
    if text.is_empty() || text.len() > 64 || !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return Err(name.bad(format!("is {text:?} but must be at most 64 letters, digits, `-` and `_`")));
    }
    let actions = match fields.get("actions") {
        Some(field) => {
            field.items("a list of \"push\", \"pull\", \"delete\" and \"mount\"")?.map(|item| item.one_of(&ACTIONS)).collect::<Result<_, _>>()?
        }
        // Pulls are many, and few receivers want them.
        None => vec![EventAction::Push, EventAction::Delete],
    };
    Ok(WebhookConfig {
        name: text.to_owned(),
        url: url(&fields.require("url", "url = \"https://search.example/events\"")?)?,
        actions,
        repositories: patterns(fields.get("repositories"))?,
        hmac: fields.get("hmac-file").map(|field| field.path()).transpose()?,
        bearer: fields.get("bearer-file").map(|field| field.path()).transpose()?,
        timeout: duration(fields, "timeout", Duration::from_secs(10), Duration::from_millis(100))?,
        queue: fields.get("queue").map_or(Ok(10_000), |field| field.small_count(1..=1_000_000))?,
    })
}

fn url(field: &Field<'_, '_>) -> Result<String, GrantError> {
    let text = field.text()?;
    // The value is not shown: a URL may carry a password.
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(text.to_owned()),
        _ => Err(field.bad("must be a URL that begins with https:// or http://")),
    }
}
