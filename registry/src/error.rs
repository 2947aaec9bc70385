//! What a registry can refuse or fail at: one error type, and how the distribution specification writes each of its kinds.

use std::time::Duration;

use cofferdam::ErrorKind;
use cofferdam::upload::{BlobDigest, UploadError};
use hyper::StatusCode;
use serde_json::{Value, json};

/// The result of an operation on a registry.
pub type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// When a client that was told to come again should: what clients wait by themselves, made explicit.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A failed operation. [`RegistryError::code`] and [`RegistryError::status`] are what the client is told, its `Display` is the message.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The name of a repository breaks the grammar.
    #[error("the repository name {name:?} {rule}")]
    NameInvalid {
        /// The name, shortened.
        name: String,
        /// What is wrong with it: `has …`.
        rule: String,
    },
    /// Nothing was ever pushed to the repository.
    #[error("no repository is called {name}")]
    NameUnknown {
        /// Its name.
        name: String,
    },
    /// A tag breaks the grammar.
    #[error("the tag {tag:?} {rule}")]
    TagInvalid {
        /// The tag, shortened.
        tag: String,
        /// What is wrong with it: `has …`.
        rule: String,
    },
    /// A digest is no digest, or of an algorithm that is not known.
    #[error("{digest:?} is no digest: one is `sha256:` and 64, or `sha512:` and 128, lower-case hexadecimal digits")]
    DigestInvalid {
        /// What was given.
        digest: String,
    },
    /// The bytes do not have the digest that was given for them.
    #[error("the content has the digest {actual}, not {expected}")]
    DigestMismatch {
        /// What the client said.
        expected: BlobDigest,
        /// What the bytes have.
        actual: BlobDigest,
    },
    /// The content is not as long as was said.
    #[error("{message}")]
    SizeInvalid {
        /// How long it is and how long it should be.
        message: String,
    },
    /// The repository has no such blob.
    #[error("this repository has no blob {digest}")]
    BlobUnknown {
        /// Its digest.
        digest: BlobDigest,
    },
    /// The upload is over, expired, or was never begun here.
    #[error("the upload is not known: it is over, has expired, or belongs to another repository; begin again with POST")]
    UploadUnknown,
    /// A request about an upload that makes no sense.
    #[error("{message}")]
    UploadInvalid {
        /// What is wrong with it.
        message: String,
    },
    /// The chunk does not begin where the upload is, or another client is writing to it. The upload goes on at `offset`.
    #[error("the upload is at byte {offset}; go on from there")]
    UploadOffset {
        /// How many bytes are durable.
        offset: u64,
    },
    /// The client went away in the middle of an upload. What arrived is kept.
    #[error("the connection ended at byte {offset} of the upload")]
    Interrupted {
        /// How many bytes are durable.
        offset: u64,
    },
    /// The range begins at or behind the end of the blob.
    #[error("the blob has {size} bytes and none in that range")]
    RangeUnsatisfiable {
        /// The size of the whole blob.
        size: u64,
    },
    /// The repository has no such manifest.
    #[error("this repository has no manifest {reference}")]
    ManifestUnknown {
        /// What it was asked for by.
        reference: String,
    },
    /// The manifest is not one.
    #[error("the manifest {rule}")]
    ManifestInvalid {
        /// What is wrong with it: `has …`.
        rule: String,
    },
    /// The manifest is longer than a registry takes.
    #[error("the manifest has more than the {limit} bytes that one may have")]
    ManifestTooLarge {
        /// What one may have.
        limit: u64,
    },
    /// The manifest needs what the repository does not have.
    #[error("the manifest needs {} that this repository does not have: push {} first", plural(missing.len()), them(missing.len()))]
    ManifestBlobUnknown {
        /// The digests, in the manifest's order.
        missing: Vec<BlobDigest>,
    },
    /// The operation is switched off here.
    #[error("{what}")]
    Unsupported {
        /// What is switched off and by which setting.
        what: String,
    },
    /// The client has not said who it is.
    #[error("authentication is required")]
    Unauthorized {
        /// The value of `WWW-Authenticate`.
        challenge: String,
    },
    /// The client may not do that.
    #[error("{who} may not {action} {repository}")]
    Denied {
        /// Who asked.
        who: String,
        /// What for: `push to`, say.
        action: String,
        /// Where.
        repository: String,
    },
    /// The blob is being collected at this moment; it can be pushed again when that has ended.
    #[error("the blob {digest} is being removed by a garbage collection at the moment; try again")]
    BeingCollected {
        /// Its digest.
        digest: BlobDigest,
    },
    /// Another garbage collection is at work.
    #[error("another garbage collection is at work, or died less than {seconds} s ago; try again then")]
    CollectionRunning {
        /// After so many seconds it counts as dead unless it says otherwise.
        seconds: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] cofferdam::Error),
}

fn plural(count: usize) -> String {
    if count == 1 { "a blob".to_owned() } else { format!("{count} blobs") }
}

fn them(count: usize) -> &'static str {
    if count == 1 { "it" } else { "them" }
}

impl RegistryError {
    /// The code that the specification has for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NameInvalid { .. } => "NAME_INVALID",
            Self::NameUnknown { .. } => "NAME_UNKNOWN",
            Self::TagInvalid { .. } | Self::ManifestInvalid { .. } => "MANIFEST_INVALID",
            Self::DigestInvalid { .. } | Self::DigestMismatch { .. } => "DIGEST_INVALID",
            Self::SizeInvalid { .. } | Self::ManifestTooLarge { .. } => "SIZE_INVALID",
            Self::BlobUnknown { .. } => "BLOB_UNKNOWN",
            Self::UploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::UploadInvalid { .. } | Self::UploadOffset { .. } | Self::Interrupted { .. } => "BLOB_UPLOAD_INVALID",
            Self::RangeUnsatisfiable { .. } => "RANGE_INVALID",
            Self::ManifestUnknown { .. } => "MANIFEST_UNKNOWN",
            Self::ManifestBlobUnknown { .. } => "MANIFEST_BLOB_UNKNOWN",
            Self::Unsupported { .. } => "UNSUPPORTED",
            Self::Unauthorized { .. } => "UNAUTHORIZED",
            Self::Denied { .. } => "DENIED",
            Self::BeingCollected { .. } | Self::CollectionRunning { .. } => "UNAVAILABLE",
            Self::Storage(error) => storage_code(error.kind()),
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NameInvalid { .. }
            | Self::TagInvalid { .. }
            | Self::DigestInvalid { .. }
            | Self::DigestMismatch { .. }
            | Self::SizeInvalid { .. }
            | Self::UploadInvalid { .. }
            | Self::Interrupted { .. }
            | Self::ManifestInvalid { .. } => StatusCode::BAD_REQUEST,
            Self::NameUnknown { .. }
            | Self::BlobUnknown { .. }
            | Self::UploadUnknown
            | Self::ManifestUnknown { .. }
            | Self::ManifestBlobUnknown { .. } => StatusCode::NOT_FOUND,
            Self::UploadOffset { .. } | Self::RangeUnsatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::ManifestTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unsupported { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Denied { .. } => StatusCode::FORBIDDEN,
            Self::BeingCollected { .. } | Self::CollectionRunning { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Storage(error) => storage_status(error.kind()),
        }
    }

    /// After how long the client should try again, where that helps.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::BeingCollected { .. } => Some(RETRY_AFTER),
            Self::Storage(error) => {
                let told = error.retry_after_ms().map(|milliseconds| Duration::from_millis(milliseconds.into()));
                let status = storage_status(error.kind());
                let again = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
                told.or(again.then_some(RETRY_AFTER))
            }
            _ => None,
        }
    }

    /// The message for the client. What a store says may name paths, hosts and accounts of the operator's: it goes to the log, not out.
    pub fn message(&self) -> String {
        match self {
            Self::Storage(error) => storage_message(error.kind()).to_owned(),
            told => told.to_string(),
        }
    }

    /// What the answer's `detail` says, where the specification's examples have one.
    pub fn detail(&self) -> Option<Value> {
        match self {
            Self::NameInvalid { name, .. } | Self::NameUnknown { name } => Some(json!({ "name": name })),
            Self::TagInvalid { tag, .. } => Some(json!({ "tag": tag })),
            Self::DigestInvalid { digest } => Some(json!({ "digest": digest })),
            Self::DigestMismatch { expected, actual } => Some(json!({ "expected": expected.to_string(), "actual": actual.to_string() })),
            Self::BlobUnknown { digest } | Self::BeingCollected { digest } => Some(json!({ "digest": digest.to_string() })),
            Self::UploadOffset { offset } | Self::Interrupted { offset } => Some(json!({ "offset": offset })),
            Self::RangeUnsatisfiable { size } => Some(json!({ "size": size })),
            Self::ManifestUnknown { reference } => Some(json!({ "reference": reference })),
            Self::ManifestTooLarge { limit } => Some(json!({ "limit": limit })),
            Self::ManifestBlobUnknown { missing } => Some(json!({ "digests": missing.iter().map(BlobDigest::to_string).collect::<Vec<_>>() })),
            _ => None,
        }
    }

    /// Whether it is a fault of the registry or its store, which the operator should see.
    pub fn is_fault(&self) -> bool {
        self.status().is_server_error()
    }
}

fn storage_code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::RateLimited => "TOOMANYREQUESTS",
        ErrorKind::QuotaExceeded => "QUOTA_EXCEEDED",
        _ if storage_status(kind) == StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        _ => "UNKNOWN",
    }
}

/// A refusal by the backend is the operator's affair, never the client's: `permission-denied` is not 403.
fn storage_status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::QuotaExceeded => StatusCode::INSUFFICIENT_STORAGE,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable | ErrorKind::Overloaded | ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn storage_message(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::QuotaExceeded => "the registry's storage is full",
        ErrorKind::RateLimited => "the registry's storage asks for fewer requests; try again later",
        ErrorKind::Overloaded => "the registry has more to do than it can; try again later",
        ErrorKind::Unavailable => "the registry's storage cannot be reached at the moment; try again later",
        ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => "the registry's storage refuses its credentials or settings; ask its operator",
        ErrorKind::DeadlineExceeded => "the registry's storage did not answer in time",
        ErrorKind::Corrupted => "stored data is damaged; ask the registry's operator",
        _ => "the registry's storage failed; its log says why",
    }
}

impl From<UploadError> for RegistryError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Unknown => Self::UploadUnknown,
            UploadError::WrongOffset { offset } | UploadError::Busy { offset } => Self::UploadOffset { offset },
            UploadError::DigestMismatch { expected, actual } => Self::DigestMismatch { expected, actual },
            UploadError::Interrupted { offset } => Self::Interrupted { offset },
            UploadError::Store(error) => Self::Storage(error),
            other => Self::SizeInvalid { message: other.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(kind: ErrorKind) -> RegistryError {
        RegistryError::Storage(cofferdam::Error::new(kind, "bucket secret-name on host backend").at_path("/private"))
    }

    #[test]
    fn errors_of_the_store_have_the_status_that_tells_the_client_what_to_do() {
        let expected = [
            (ErrorKind::QuotaExceeded, 507, false),
            (ErrorKind::RateLimited, 429, true),
            (ErrorKind::Unavailable, 503, true),
            (ErrorKind::Overloaded, 503, true),
            (ErrorKind::PermissionDenied, 503, true),
            (ErrorKind::Unauthenticated, 503, true),
            (ErrorKind::DeadlineExceeded, 504, false),
            (ErrorKind::Trapped, 500, false),
            (ErrorKind::NotFound, 500, false),
        ];
        for (kind, status, again) in expected {
            let error = storage(kind);
            assert_eq!((error.status().as_u16(), error.retry_after().is_some()), (status, again), "{kind}");
            assert!(error.is_fault() == (status != 429), "{kind}");
        }
        let told = RegistryError::Storage(cofferdam::Error::new(ErrorKind::RateLimited, "").with_retry_after_ms(2500));
        assert_eq!(told.retry_after(), Some(Duration::from_millis(2500)));
    }

    #[test]
    fn what_a_store_says_is_not_told_to_clients() {
        for kind in [ErrorKind::Internal, ErrorKind::Unavailable, ErrorKind::Corrupted, ErrorKind::QuotaExceeded] {
            let message = storage(kind).message();
            assert!(!message.contains("secret-name") && !message.contains("private"), "{message}");
        }
    }
}
