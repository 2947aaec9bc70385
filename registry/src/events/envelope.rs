//! Events as docker-registry's notifications write them (distribution, "Work with notifications").

use jiff::Timestamp;
use serde::Serialize;

use super::{Event, EventTarget};

/// The media type of a body of notifications.
pub(super) const MEDIA_TYPE: &str = "application/vnd.docker.distribution.events.v1+json";

/// The most that a notification repeats of what a client says of itself: a batch of them must stay below what an atomic store takes.
const TEXT_MAX: usize = 256;

/// The media type of a blob, whatever is in it.
const BLOB: &str = "application/octet-stream";

#[derive(Serialize)]
struct Notification<'a> {
    id: &'a str,
    timestamp: String,
    action: &'static str,
    target: Target<'a>,
    request: Request<'a>,
    actor: Actor<'a>,
    source: Source<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Target<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// The same as `size`: receivers read either.
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    repository: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_repository: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
}

#[derive(Serialize)]
struct Request<'a> {
    id: &'a str,
    addr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    useragent: Option<&'a str>,
}

#[derive(Serialize)]
struct Actor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct Source<'a> {
    #[serde(rename = "instanceID")]
    instance_id: &'a str,
}

/// One event as JSON; `instance` is the process that it happened in.
///
/// # Errors
/// None in practice: an event is text and numbers.
pub(super) fn notification(event: &Event, id: &str, at: Timestamp, instance: &str) -> serde_json::Result<Vec<u8>> {
    let (media_type, digest, size, tag) = match &event.target {
        EventTarget::Blob { digest, size } => (Some(BLOB), Some(digest), *size, None),
        EventTarget::Manifest { digest, media_type, size, tag } => (media_type.as_deref().map(short), digest.as_ref(), *size, tag.as_ref()),
    };
    let origin = &event.origin;
    let notification = Notification {
        id,
        timestamp: at.to_string(),
        action: event.action.as_str(),
        target: Target {
            media_type,
            digest: digest.map(ToString::to_string),
            size,
            length: size,
            repository: event.repository.as_str(),
            from_repository: event.from_repository.as_ref().map(|name| name.as_str()),
            tag: tag.map(|tag| tag.as_str()),
        },
        request: Request {
            id: short(&origin.request_id),
            addr: origin.peer.to_string(),
            host: origin.host.as_deref().map(short),
            method: short(&origin.method),
            useragent: origin.user_agent.as_deref().map(short),
        },
        actor: Actor { name: origin.actor.as_deref().map(short) },
        source: Source { instance_id: instance },
    };
    serde_json::to_vec(&notification)
}

/// Several notifications as the body of one post.
pub(super) fn envelope(notifications: &[Vec<u8>]) -> Vec<u8> {
    let mut body = b"{\"events\":[".to_vec();
    for (at, notification) in notifications.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(notification);
    }
    body.extend_from_slice(b"]}");
    body
}

/// The beginning of `text`.
fn short(text: &str) -> &str {
    let end = (0..=TEXT_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}
