//! Where a bucket is: the URLs of the JSON API, and those that clients read by.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::keys::Root;
use cofferdam_guest::web::urls::{self, encoded, encoded_path, query};

use serde_json::Value;

use crate::Settings;
use crate::errors::document;

/// A bucket, and the part of it that is this driver's.
pub(crate) struct Bucket {
    /// Without a `/` at its end.
    server: String,
    name: String,
    root: Root,
}

impl Bucket {
    /// The bucket that the settings name.
    ///
    /// # Errors
    /// `invalid-argument`, naming the setting that has no meaning.
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let Settings { bucket, endpoint, prefix, .. } = settings;
        let in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if !(3..=222).contains(&bucket.len()) || !bucket.bytes().all(in_name) || bucket.starts_with(['.', '-', '_']) {
            return Err(refused("bucket", "is no name of a bucket: 3 to 222 of a-z 0-9 . _ -"));
        }
        let parts = urls::endpoint(endpoint).map(|(scheme, host)| format!("{scheme}://{host}"));
        let server = parts.ok_or_else(|| refused("endpoint", "is no URL of a server, such as https://storage.googleapis.com"))?;
        Ok(Self { server, name: bucket.clone(), root: Root::of_setting(prefix)? })
    }

    /// What every name of this driver begins with.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// The URL of the object `name`, or of what is done with it.
    pub(crate) fn object(&self, name: &str, action: &str, pairs: &[(&str, &str)]) -> String {
        format!("{}/storage/v1/b/{}/o/{}{action}{}", self.server, self.name, encoded(name), query(pairs))
    }

    /// The URL at which the object `name` is written.
    pub(crate) fn upload(&self, name: &str, pairs: &[(&str, &str)]) -> String {
        let all: Vec<_> = [("uploadType", "media"), ("name", name)].iter().chain(pairs).copied().collect();
        format!("{}/upload/storage/v1/b/{}/o{}", self.server, self.name, query(&all))
    }

    /// The document of a list of objects, which errors call `what`.
    ///
    /// # Errors
    /// What the server answered. A 404 is about the bucket, however the server words it: where nothing is, a list is empty.
    pub(crate) fn list(&self, pairs: &[(&str, &str)], what: &str) -> Result<Value> {
        let url = format!("{}/storage/v1/b/{}/o{}", self.server, self.name, query(pairs));
        document(Request::get(url).send()?, what).map_err(|error| match error.kind {
            ErrorKind::NotFound => {
                Error { kind: ErrorKind::Unavailable, message: format!("there is no bucket {}: {}", self.name, error.message), ..error }
            }
            _ => error,
        })
    }

    /// The URL of the XML API for the object `name`: the only one that can be signed for a client.
    pub(crate) fn for_clients(&self, name: &str) -> String {
        format!("{}/{}/{}", self.server, self.name, encoded_path(name))
    }

    /// What copies the object `source` to `name`, in the URL of `source`.
    pub(crate) fn rewrite(&self, source: &str, name: &str, pairs: &[(&str, &str)]) -> String {
        self.object(source, &format!("/rewriteTo/b/{}/o/{}", self.name, encoded(name)), pairs)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bucket(pairs: &[(&str, &str)]) -> Result<Bucket> {
        let mut all = vec![("bucket", "blobs")];
        all.retain(|(name, _)| pairs.iter().all(|(given, _)| given != name));
        all.extend(pairs);
        let all = all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Bucket::new(&cofferdam_guest::Settings::parse(all)?)
    }

    #[test]
    fn a_name_is_one_component_of_the_api_and_a_path_for_clients() {
        let google = bucket(&[]).unwrap();
        assert_eq!(google.object("a/+b", "", &[("alt", "media")]), "https://storage.googleapis.com/storage/v1/b/blobs/o/a%2F%2Bb?alt=media");
        assert_eq!(google.rewrite("a/b", "c/d", &[]), "https://storage.googleapis.com/storage/v1/b/blobs/o/a%2Fb/rewriteTo/b/blobs/o/c%2Fd");
        assert_eq!(google.for_clients("a/+b"), "https://storage.googleapis.com/blobs/a/%2Bb");
        let local = bucket(&[("endpoint", "http://127.0.0.1:9023/")]).unwrap();
        assert_eq!(
            local.upload("a/b", &[("ifGenerationMatch", "0")]),
            "http://127.0.0.1:9023/upload/storage/v1/b/blobs/o?uploadType=media&name=a%2Fb&ifGenerationMatch=0"
        );
    }

    #[test]
    fn settings_without_meaning_are_refused_by_name() {
        for (name, value) in [("bucket", "B"), ("bucket", "-ab"), ("bucket", "a/b"), ("endpoint", "storage"), ("prefix", "../up")] {
            let error = bucket(&[(name, value)]).err().unwrap();
            assert!(error.message.contains(&format!("`{name}`")), "{value:?}: {}", error.message);
        }
    }
}
