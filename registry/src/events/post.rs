//! One batch of events to its receiver, signed.

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url, redirect};
use sha2::Sha256;

use super::envelope::MEDIA_TYPE;
use super::webhooks::{Webhook, WebhookError};

/// The header with the body's signature: `sha256=` and hexadecimal digits.
const SIGNATURE: HeaderName = HeaderName::from_static("x-cofferdam-signature");

/// Posts to one receiver.
pub(super) struct Post {
    client: Client,
    url: Url,
    bearer: Option<HeaderValue>,
    hmac: Option<Vec<u8>>,
}

/// What came of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Posted {
    /// The receiver took it.
    Taken,
    /// It did not, and may later.
    Later(String),
    /// It did not, and says that the request is wrong.
    Refused(String),
}

impl Post {
    pub(super) fn new(webhook: &Webhook) -> Result<Self, WebhookError> {
        let bad = |reason: String| WebhookError { webhook: webhook.name.clone(), reason };
        let bearer = webhook.bearer.as_ref().map(|token| {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| bad("its token has characters that no header has".to_owned()))?;
            value.set_sensitive(true);
            Ok(value)
        });
        // A redirect would carry the events, and their signature, to somebody whom nobody named.
        let client = Client::builder()
            .timeout(webhook.timeout)
            .connect_timeout(webhook.timeout.min(Duration::from_secs(10)))
            .redirect(redirect::Policy::none())
            .user_agent(concat!("cofferdam/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| bad(error.to_string()))?;
        let url = Url::parse(&webhook.url).map_err(|error| bad(error.to_string()))?;
        Ok(Self { client, url, bearer: bearer.transpose()?, hmac: webhook.hmac.clone() })
    }

    /// Posts `body`; signed if there is a secret.
    pub(super) async fn send(&self, body: Bytes) -> Posted {
        let mut request = self.client.post(self.url.clone()).header(CONTENT_TYPE, MEDIA_TYPE);
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        if let Some(signature) = self.hmac.as_ref().and_then(|secret| signature(secret, &body)) {
            request = request.header(SIGNATURE, signature);
        }
        match request.body(body).send().await {
            Ok(response) => judge(response.status()),
            // The URL is left out: it may carry a password.
            Err(error) => Posted::Later(chain(&error.without_url())),
        }
    }
}

/// `sha256=` and the digits of the body's HMAC.
fn signature(secret: &[u8], body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(body);
    let digits = base16ct::lower::encode_string(&mac.finalize().into_bytes());
    Some(format!("sha256={digits}"))
}

fn judge(status: StatusCode) -> Posted {
    let said = format!("it answered {status}");
    match status {
        _ if status.is_success() => Posted::Taken,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Posted::Later(said),
        _ if status.is_client_error() => Posted::Refused(said),
        _ => Posted::Later(said),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_rfc_4231_says() {
        // Test case 2.
        assert_eq!(
            signature(b"Jefe", b"what do ya want for nothing?").unwrap(),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn only_what_the_receiver_calls_wrong_is_refused() {
        assert_eq!(judge(StatusCode::NO_CONTENT), Posted::Taken);
        for later in [408, 429, 500, 502, 302] {
            assert!(matches!(judge(StatusCode::from_u16(later).unwrap()), Posted::Later(_)), "{later}");
        }
        for refused in [400, 401, 404, 413] {
            assert!(matches!(judge(StatusCode::from_u16(refused).unwrap()), Posted::Refused(_)), "{refused}");
        }
    }
}
