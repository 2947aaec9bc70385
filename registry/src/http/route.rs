//! What a request's path names: parsed once, by hand, into a value.
//!
//! Names of repositories contain slashes, and components such as `blobs` or `manifests`; a router that matches segments from the left cannot tell
//! `/v2/a/blobs/b/manifests/c` apart. What decides is at the end of the path, so it is read from there.

use std::borrow::Cow;

use cofferdam::upload::BlobDigest;
use hyper::Method;

use crate::error::RegistryError;
use crate::name::{Reference, RepositoryName, parse_digest};

/// An endpoint of the distribution specification, with what its path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/tags/list`
    Tags(RepositoryName),
    /// `/v2/<name>/referrers/<digest>`
    Referrers(RepositoryName, BlobDigest),
    /// `/v2/<name>/manifests/<reference>`
    Manifest(RepositoryName, Reference),
    /// `/v2/<name>/blobs/<digest>`
    Blob(RepositoryName, BlobDigest),
    /// `/v2/<name>/blobs/uploads/`
    Uploads(RepositoryName),
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload(RepositoryName, String),
}

/// A path that names no endpoint, or names it badly.
#[derive(Debug)]
pub(super) enum NoRoute {
    /// Nothing of the specification's.
    Unknown,
    /// An endpoint, with a name or digest that is none.
    Invalid(Kind, RegistryError),
}

/// The kinds of routes, for `Allow` and for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Base,
    Catalog,
    Tags,
    Referrers,
    Manifest,
    Blob,
    Uploads,
    Upload,
    /// Not the specification's: health, metrics, what does not exist.
    Other,
}

impl Kind {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Other as usize + 1;

    /// The name that metrics and logs have for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Catalog => "catalog",
            Self::Tags => "tags",
            Self::Referrers => "referrers",
            Self::Manifest => "manifest",
            Self::Blob => "blob",
            Self::Uploads => "uploads",
            Self::Upload => "upload",
            Self::Other => "other",
        }
    }

    /// The methods that it takes.
    pub(super) fn allowed(self) -> &'static [Method] {
        match self {
            Self::Base | Self::Catalog | Self::Tags | Self::Referrers | Self::Other => &[Method::GET, Method::HEAD],
            Self::Manifest => &[Method::GET, Method::HEAD, Method::PUT, Method::DELETE],
            Self::Blob => &[Method::GET, Method::HEAD, Method::DELETE],
            Self::Uploads => &[Method::POST],
            Self::Upload => &[Method::GET, Method::HEAD, Method::PATCH, Method::PUT, Method::DELETE],
        }
    }

    /// The value of `Allow`.
    pub(super) fn allow(self) -> &'static str {
        match self {
            Self::Base | Self::Catalog | Self::Tags | Self::Referrers | Self::Other => "GET, HEAD",
            Self::Manifest => "GET, HEAD, PUT, DELETE",
            Self::Blob => "GET, HEAD, DELETE",
            Self::Uploads => "POST",
            Self::Upload => "GET, HEAD, PATCH, PUT, DELETE",
        }
    }
}

impl Route {
    /// What `path` names.
    ///
    /// # Errors
    /// [`NoRoute::Unknown`] for 404, and what is wrong with a name or digest.
    pub(super) fn parse(path: &str) -> Result<Self, NoRoute> {
        let rest = match path.strip_prefix("/v2") {
            Some("" | "/") => return Ok(Self::Base),
            Some(rest) => rest.strip_prefix('/').ok_or(NoRoute::Unknown)?,
            None => return Err(NoRoute::Unknown),
        };
        let rest = decoded(rest).ok_or(NoRoute::Unknown)?;
        if rest == "_catalog" {
            return Ok(Self::Catalog);
        }
        let (before, last) = rest.rsplit_once('/').ok_or(NoRoute::Unknown)?;
        let (name, kind) = before.rsplit_once('/').ok_or(NoRoute::Unknown)?;
        match (kind, last) {
            ("tags", "list") => Ok(Self::Tags(repository(Kind::Tags, name)?)),
            ("referrers", digest) => Ok(Self::Referrers(repository(Kind::Referrers, name)?, valid(Kind::Referrers, parse_digest(digest))?)),
            ("manifests", reference) => Ok(Self::Manifest(repository(Kind::Manifest, name)?, valid(Kind::Manifest, reference.parse())?)),
            ("blobs", "uploads") => Ok(Self::Uploads(repository(Kind::Uploads, name)?)),
            ("blobs", digest) => Ok(Self::Blob(repository(Kind::Blob, name)?, valid(Kind::Blob, parse_digest(digest))?)),
            ("uploads", id) => {
                let name = name.strip_suffix("/blobs").ok_or(NoRoute::Unknown)?;
                match id {
                    "" => Ok(Self::Uploads(repository(Kind::Uploads, name)?)),
                    id => Ok(Self::Upload(repository(Kind::Upload, name)?, id.to_owned())),
                }
            }
            _ => Err(NoRoute::Unknown),
        }
    }

    /// Its kind.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Base => Kind::Base,
            Self::Catalog => Kind::Catalog,
            Self::Tags(_) => Kind::Tags,
            Self::Referrers(..) => Kind::Referrers,
            Self::Manifest(..) => Kind::Manifest,
            Self::Blob(..) => Kind::Blob,
            Self::Uploads(_) => Kind::Uploads,
            Self::Upload(..) => Kind::Upload,
        }
    }
}

fn repository(kind: Kind, name: &str) -> Result<RepositoryName, NoRoute> {
    valid(kind, RepositoryName::new(name))
}

fn valid<T>(kind: Kind, parsed: Result<T, RegistryError>) -> Result<T, NoRoute> {
    parsed.map_err(|error| NoRoute::Invalid(kind, error))
}

/// `path` without percent-encoding: some clients write the `:` of a digest as `%3A`. `None` for what decodes to no text.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(Cow::Borrowed(path));
    }
    percent_encoding::percent_decode_str(path).decode_utf8().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn name(name: &str) -> RepositoryName {
        RepositoryName::new(name).unwrap()
    }

    fn digest() -> String {
        format!("sha256:{}", "a".repeat(64))
    }

    #[test]
    fn every_endpoint_of_the_specification_is_found() {
        let digest = digest();
        let parsed: BlobDigest = digest.parse().unwrap();
        let expected = [
            ("/v2".to_owned(), Route::Base),
            ("/v2/".to_owned(), Route::Base),
            ("/v2/_catalog".to_owned(), Route::Catalog),
            ("/v2/a/b/tags/list".to_owned(), Route::Tags(name("a/b"))),
            ("/v2/a/manifests/latest".to_owned(), Route::Manifest(name("a"), "latest".parse().unwrap())),
            (format!("/v2/a/manifests/{digest}"), Route::Manifest(name("a"), Reference::Digest(parsed.clone()))),
            (format!("/v2/a/b/c/blobs/{digest}"), Route::Blob(name("a/b/c"), parsed.clone())),
            (format!("/v2/a/blobs/{}", digest.replace(':', "%3A")), Route::Blob(name("a"), parsed.clone())),
            (format!("/v2/a/referrers/{digest}"), Route::Referrers(name("a"), parsed)),
            ("/v2/a/blobs/uploads/".to_owned(), Route::Uploads(name("a"))),
            ("/v2/a/blobs/uploads".to_owned(), Route::Uploads(name("a"))),
            ("/v2/a/blobs/uploads/x-Y_1".to_owned(), Route::Upload(name("a"), "x-Y_1".to_owned())),
        ];
        for (path, route) in expected {
            assert_eq!(Route::parse(&path).unwrap(), route, "{path}");
        }
    }

    #[test]
    fn repositories_may_be_called_as_parts_of_paths_are() {
        let blob = format!("/v2/blobs/manifests/tags/blobs/{}", digest());
        assert!(matches!(Route::parse(&blob).unwrap(), Route::Blob(found, _) if found == name("blobs/manifests/tags")));
        assert_eq!(Route::parse("/v2/tags/list/tags/list").unwrap(), Route::Tags(name("tags/list")));
        assert_eq!(Route::parse("/v2/a/blobs/uploads/blobs/uploads/").unwrap(), Route::Uploads(name("a/blobs/uploads")));
    }

    #[test]
    fn what_names_no_endpoint_is_unknown() {
        for path in [
            "/",
            "/v1/",
            "/v2x",
            "/v2/a",
            "/v2/a/b",
            "/v2/tags/list",
            "/v2/manifests/latest",
            "/v2/a/uploads/x",
            "/v2/a/blobs/uploads/x/y",
            "/v2/%ff/tags/list",
        ] {
            assert!(matches!(Route::parse(path), Err(NoRoute::Unknown)), "{path}");
        }
    }

    #[test]
    fn bad_names_are_told_from_missing_endpoints() {
        for (path, kind, code) in [
            ("/v2/A/tags/list", Kind::Tags, "NAME_INVALID"),
            ("/v2//tags/list", Kind::Tags, "NAME_INVALID"),
            ("/v2/a%2f..%2fb/tags/list", Kind::Tags, "NAME_INVALID"),
            ("/v2/a/manifests/.x", Kind::Manifest, "MANIFEST_INVALID"),
            ("/v2/a/blobs/sha256:12", Kind::Blob, "DIGEST_INVALID"),
            ("/v2/a/blobs/latest", Kind::Blob, "DIGEST_INVALID"),
        ] {
            match Route::parse(path) {
                Err(NoRoute::Invalid(found, error)) => assert_eq!((found, error.code()), (kind, code), "{path}"),
                other => panic!("{path}: {other:?}"),
            }
        }
    }

    #[test]
    fn allow_says_what_is_allowed() {
        for kind in [Kind::Base, Kind::Catalog, Kind::Tags, Kind::Referrers, Kind::Manifest, Kind::Blob, Kind::Uploads, Kind::Upload, Kind::Other] {
            let listed: Vec<_> = kind.allowed().iter().map(Method::as_str).collect();
            assert_eq!(listed.join(", "), kind.allow());
        }
        assert_eq!(Kind::COUNT, 9);
    }
}
