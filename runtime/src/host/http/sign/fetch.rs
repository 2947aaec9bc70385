//! The host's own requests for credentials: to a token endpoint or a metadata service that the operator named, never the driver.

use std::time::Duration;

use bytes::BytesMut;
use reqwest::redirect::Policy;
use reqwest::{Client, Request, Url};

use crate::grant::Trust;
use crate::host::http::failure;
use crate::host::network::tls;

/// How long an answer may take. Endpoints of credentials are near, or made for this.
const LIMIT: Duration = Duration::from_secs(10);

/// The longest answer: no credentials are longer.
const ANSWER_MAX: usize = 64 << 10;

/// Asks. Clones share connections.
#[derive(Clone)]
pub(super) struct Fetcher(Client);

/// Why credentials could not be had; it names the endpoint, and shows no more of the answer than its status.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failure(String);

impl Failure {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

impl Fetcher {
    /// # Errors
    /// What the client says.
    pub(super) fn new() -> Result<Self, String> {
        let tls = tls::client(&Trust::WebRoots).map_err(|error| error.to_string())?;
        let client = Client::builder().redirect(Policy::none()).referer(false).no_proxy().tls_backend_preconfigured(tls).timeout(LIMIT);
        client.build().map(Self).map_err(|error| failure::chain(&error))
    }

    /// The body of a successful answer.
    ///
    /// # Errors
    /// [`Failure`] for whatever is none.
    ///
    /// # Cancel safety
    /// Dropping the future gives the request up.
    pub(super) async fn ask(&self, request: Request) -> Result<Vec<u8>, Failure> {
        let asked = shown(request.url());
        let failed = |error: reqwest::Error| Failure(format!("{asked} cannot be asked: {}", failure::chain(&error.without_url())));
        let mut response = self.0.execute(request).await.map_err(failed)?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failure(format!("{asked} answers {status}")));
        }
        let mut body = BytesMut::new();
        while let Some(bytes) = response.chunk().await.map_err(failed)? {
            if body.len() + bytes.len() > ANSWER_MAX {
                return Err(Failure(format!("{asked} answers more than {ANSWER_MAX} bytes")));
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body.to_vec())
    }
}

/// An endpoint, for people: without what may be secret of it.
pub(super) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
