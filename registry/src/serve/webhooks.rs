//! Webhooks as the configuration names them: secrets from files, queues in the atomic store.

use std::fs;
use std::path::Path;

use super::ServeError;
use super::mounts::Mounts;
use crate::config::{Config, WebhookConfig};
use crate::events::{Webhook, Webhooks};

/// Starts delivering, if there is anybody to deliver to.
pub(super) fn start(config: &Config, mounts: &Mounts) -> Result<Option<Webhooks>, ServeError> {
    if config.webhooks.is_empty() {
        return Ok(None);
    }
    let webhooks = config.webhooks.iter().map(webhook).collect::<Result<_, _>>()?;
    Ok(Some(Webhooks::start(webhooks, &mounts.events(config)?)?))
}

fn webhook(config: &WebhookConfig) -> Result<Webhook, ServeError> {
    let secret = |path: &Path| {
        let failed = |error| ServeError::Secret { webhook: config.name.clone(), path: path.to_owned(), error };
        // A line break at the end is an editor's, not the secret's.
        fs::read_to_string(path).map(|text| text.trim_end_matches(['\r', '\n']).to_owned()).map_err(failed)
    };
    Ok(Webhook {
        name: config.name.clone(),
        url: config.url.clone(),
        actions: config.actions.clone(),
        repositories: config.repositories.clone(),
        hmac: config.hmac.as_deref().map(secret).transpose()?.map(String::into_bytes),
        bearer: config.bearer.as_deref().map(secret).transpose()?,
        timeout: config.timeout,
        queue: config.queue,
    })
}
