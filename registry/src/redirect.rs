//! Whether clients fetch blobs from the store itself, by presigned URLs, and what is said when it makes none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cofferdam::{PresignedUrl, Result};

/// The choice of one store.
pub(crate) struct Redirect {
    valid_for: Duration,
    /// Whether the last URL could be had: a store that makes none is told of once, not at each of a thousand pulls.
    works: AtomicBool,
}

impl Redirect {
    /// URLs that are good for `valid_for`.
    pub(crate) fn new(valid_for: Duration) -> Self {
        Self { valid_for, works: AtomicBool::new(true) }
    }

    /// How long a URL is good.
    pub(crate) fn valid_for(&self) -> Duration {
        self.valid_for
    }

    /// The URL, if there is one. Without it the blob is proxied, which whoever chose to redirect has to know.
    pub(crate) fn usable(&self, store: &str, url: Result<PresignedUrl>) -> Option<PresignedUrl> {
        let worked = self.works.swap(url.is_ok(), Ordering::Relaxed);
        match url {
            Ok(url) => Some(url),
            Err(error) => {
                if worked {
                    tracing::warn!(mount = store, %error, "no presigned URL could be had: blobs of this mount are proxied until one can");
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cofferdam::Error;

    use super::*;

    #[test]
    fn a_url_that_cannot_be_had_is_none() {
        let redirect = Redirect::new(Duration::from_secs(60));
        assert!(redirect.usable("main", Err(Error::unsupported("the rule has no `sign`"))).is_none());
        assert!(redirect.usable("main", Ok(PresignedUrl::new("https://store.example/a"))).is_some());
    }
}
