//! The table `[mount.NAME.layers]` of `cofferdam.toml`: how a mount is called.

use std::time::Duration;

use cofferdam::VALUE_MAX;
use cofferdam::grant::GrantError;
use cofferdam::grant::fields::{Field, Fields};
use cofferdam::layer::{BreakerOptions, CacheOptions, ConcurrencyOptions, LayerOptions, RetryOptions, TimeoutOptions};

use super::parse::{TIME_MAX, duration};

const LAYERS_KEYS: &[&str] = &["retry", "timeout", "breaker", "concurrency", "cache"];
const RETRY_KEYS: &[&str] = &["attempts", "wait", "wait-max"];
const TIMEOUT_KEYS: &[&str] = &["attempt", "least-rate"];
const BREAKER_KEYS: &[&str] = &["failures", "open"];
const CONCURRENCY_KEYS: &[&str] = &["most", "least", "patience"];
const CACHE_KEYS: &[&str] = &["entries", "bytes", "value-max", "max-age"];

/// Ten milliseconds: timers are not much finer, and a backend that is asked more often has no rest.
const TIME_MIN: Duration = Duration::from_millis(10);

/// `[mount.NAME.layers]`.
pub(super) fn layers(field: Option<Field<'_, '_>>) -> Result<LayerOptions, GrantError> {
    let mut layers = LayerOptions::default();
    let Some(field) = field else { return Ok(layers) };
    let fields = field.table("in [mount.NAME.layers]", LAYERS_KEYS)?;
    if let Some(field) = fields.get("retry") {
        retry(&field.table("in [mount.NAME.layers.retry]", RETRY_KEYS)?, &mut layers.retry)?;
    }
    if let Some(field) = fields.get("timeout") {
        timeout(&field.table("in [mount.NAME.layers.timeout]", TIMEOUT_KEYS)?, &mut layers.timeout)?;
    }
    if let Some(field) = fields.get("breaker") {
        breaker(&field.table("in [mount.NAME.layers.breaker]", BREAKER_KEYS)?, &mut layers.breaker)?;
    }
    if let Some(field) = fields.get("concurrency") {
        concurrency(&field.table("in [mount.NAME.layers.concurrency]", CONCURRENCY_KEYS)?, &mut layers.concurrency)?;
    }
    layers.cache = fields.get("cache").map(|field| cache(&field.table("in [mount.NAME.layers.cache]", CACHE_KEYS)?)).transpose()?;
    Ok(layers)
}

fn retry(fields: &Fields<'_, '_>, retry: &mut RetryOptions) -> Result<(), GrantError> {
    retry.attempts = small_count(fields, "attempts", retry.attempts, 1..=100)?;
    retry.wait = duration(fields, "wait", retry.wait, TIME_MIN)?;
    // A longer pause than the usual longest one is as good as saying both.
    retry.wait_max = duration(fields, "wait-max", retry.wait_max.max(retry.wait), TIME_MIN)?;
    match fields.get("wait-max") {
        Some(field) if retry.wait_max < retry.wait => Err(field.bad("must not be shorter than `wait`, which is the first pause")),
        _ => Ok(()),
    }
}

fn timeout(fields: &Fields<'_, '_>, timeout: &mut TimeoutOptions) -> Result<(), GrantError> {
    timeout.attempt = fields.get("attempt").map(|field| field.duration(TIME_MIN..=TIME_MAX)).transpose()?;
    if let Some(field) = fields.get("least-rate") {
        timeout.least_rate = field.size(1024..=1 << 40)?;
    }
    Ok(())
}

fn breaker(fields: &Fields<'_, '_>, breaker: &mut BreakerOptions) -> Result<(), GrantError> {
    breaker.failures = small_count(fields, "failures", breaker.failures, 0..=1_000_000)?;
    breaker.open = duration(fields, "open", breaker.open, TIME_MIN)?;
    Ok(())
}

fn concurrency(fields: &Fields<'_, '_>, concurrency: &mut ConcurrencyOptions) -> Result<(), GrantError> {
    concurrency.most = small_count(fields, "most", concurrency.most, 1..=1_000_000)?;
    concurrency.least = small_count(fields, "least", concurrency.least, 1..=1_000_000)?;
    concurrency.patience = duration(fields, "patience", concurrency.patience, TIME_MIN)?;
    match fields.get("least") {
        Some(field) if concurrency.least > concurrency.most => Err(field.bad(format!("must not be over `most`, which is {}", concurrency.most))),
        _ => Ok(()),
    }
}

fn cache(fields: &Fields<'_, '_>) -> Result<CacheOptions, GrantError> {
    let mut cache = CacheOptions::default();
    if let Some(field) = fields.get("entries") {
        cache.entries = field.count(1..=100_000_000)?;
    }
    if let Some(field) = fields.get("bytes") {
        cache.bytes = field.size(64 << 10..=1 << 40)?;
    }
    if let Some(field) = fields.get("value-max") {
        cache.value_max = field.size(0..=VALUE_MAX as u64)?;
    }
    cache.max_age = duration(fields, "max-age", cache.max_age, TIME_MIN)?;
    Ok(cache)
}

fn small_count(fields: &Fields<'_, '_>, key: &str, default: u32, range: std::ops::RangeInclusive<u32>) -> Result<u32, GrantError> {
    fields.get(key).map_or(Ok(default), |field| field.small_count(range))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    /// A mount `main` in the first two lines, and `text`.
    fn parse(text: &str) -> Result<LayerOptions, String> {
        let text = format!("[mount.main]\ndriver = \"s3.wasm\"\n{text}");
        let config = Config::parse(&text, Path::new("/c.toml")).map_err(|error| error.to_string())?;
        Ok(config.layers["main"])
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let usual = LayerOptions::default();
        assert_eq!(parse("").unwrap(), usual);
        assert_eq!(parse("[mount.main.layers]\n").unwrap(), usual);
        assert_eq!((usual.cache, usual.timeout.attempt), (None, None));
        let on = parse("[mount.main.layers.cache]").unwrap();
        assert_eq!(on.cache, Some(CacheOptions::default()));
    }

    #[test]
    fn every_key_is_read() {
        let layers = parse(
            "[mount.main.layers]\nretry = { attempts = 7, wait = \"50ms\", wait-max = \"2s\" }\ntimeout = { attempt = \"15s\", least-rate = \"1 MiB\" }\n\
             breaker = { failures = 5, open = \"3s\" }\nconcurrency = { most = 16, least = 2, patience = \"4s\" }\n\
             cache = { entries = 9, bytes = \"1 MiB\", value-max = \"4 KiB\", max-age = \"250ms\" }\n",
        )
        .unwrap();
        let retry = (layers.retry.attempts, layers.retry.wait, layers.retry.wait_max);
        assert_eq!(retry, (7, Duration::from_millis(50), Duration::from_secs(2)));
        assert_eq!((layers.timeout.attempt, layers.timeout.least_rate), (Some(Duration::from_secs(15)), 1 << 20));
        assert_eq!((layers.breaker.failures, layers.breaker.open), (5, Duration::from_secs(3)));
        let concurrency = (layers.concurrency.most, layers.concurrency.least, layers.concurrency.patience);
        assert_eq!(concurrency, (16, 2, Duration::from_secs(4)));
        let cache = layers.cache.unwrap();
        assert_eq!((cache.entries, cache.bytes, cache.value_max, cache.max_age), (9, 1 << 20, 4096, Duration::from_millis(250)));
        assert_eq!(parse("layers.retry.wait = \"9s\"").unwrap().retry.wait_max, Duration::from_secs(9));
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, expected) in [
            ("layer = 1", "3:1: unknown key `layer` in [mount.NAME]; did you mean `layers`?"),
            ("[mount.main.layers]\nretri = 1", "4:1: unknown key `retri` in [mount.NAME.layers]; did you mean `retry`?"),
            ("[mount.main.layers.retry]\nattempt = 1", "4:1: unknown key `attempt` in [mount.NAME.layers.retry]; did you mean `attempts`?"),
            ("[mount.main.layers.retry]\nattempts = 0", "4:12: `attempts` in [mount.NAME.layers.retry] is 0 but must be between 1 and 100"),
            (
                "[mount.main.layers.retry]\nwait = \"2s\"\nwait-max = \"1s\"",
                "5:12: `wait-max` in [mount.NAME.layers.retry] must not be shorter than `wait`, which is the first pause",
            ),
            (
                "[mount.main.layers]\nconcurrency = { most = 4, least = 5 }",
                "4:35: `least` in [mount.NAME.layers.concurrency] must not be over `most`, which is 4",
            ),
            ("[mount.main.layers]\ncache = true", "4:9: `cache` in [mount.NAME.layers] must be a table, [cache], not a boolean"),
            (
                "[mount.main.layers.timeout]\nattempt = 5",
                "4:11: `attempt` in [mount.NAME.layers.timeout] must be a duration such as \"5s\" or \"500ms\", not an integer",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), format!("/c.toml:{expected}"));
        }
    }
}
