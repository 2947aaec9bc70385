//! Where a bucket is: its URL in path style or as a virtual host, and the keys of paths, encoded as S3 encodes them.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::keys::Root;
use cofferdam_guest::web::urls::{self, encoded_path, query};

use crate::Settings;

/// A bucket, and the part of it that is this driver's.
pub(crate) struct Bucket {
    /// Without a `/` at its end.
    url: String,
    name: String,
    root: Root,
}

impl Bucket {
    /// The bucket that the settings name.
    ///
    /// # Errors
    /// `invalid-argument`, naming the setting that has no meaning.
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let Settings { bucket, region, endpoint, prefix, path_style, .. } = settings;
        let in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(in_name) || bucket.starts_with(['.', '-']) {
            return Err(refused("bucket", "is no name of a bucket: 3 to 63 of a-z 0-9 . -"));
        }
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            return Err(refused("region", "is no name of a region, such as eu-central-1"));
        }
        let (scheme, host) = match endpoint {
            None => ("https", format!("s3.{region}.amazonaws.com")),
            Some(endpoint) => {
                let parts = urls::endpoint(endpoint).map(|(scheme, host)| (scheme, host.to_owned()));
                parts.ok_or_else(|| refused("endpoint", "is no URL of a server, such as https://s3.example.org:9000"))?
            }
        };
        Ok(Self {
            url: if *path_style { format!("{scheme}://{host}/{bucket}") } else { format!("{scheme}://{bucket}.{host}") },
            name: bucket.clone(),
            root: Root::of_setting(prefix)?,
        })
    }

    /// What every key of this driver begins with.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// The URL of `key`.
    pub(crate) fn object(&self, key: &str, pairs: &[(&str, &str)]) -> String {
        format!("{}/{}{}", self.url, encoded_path(key), query(pairs))
    }

    /// The URL of the bucket itself.
    pub(crate) fn all(&self, pairs: &[(&str, &str)]) -> String {
        format!("{}/{}", self.url, query(pairs))
    }

    /// How a copy names the source `key`.
    pub(crate) fn copy_source(&self, key: &str) -> String {
        format!("/{}/{}", self.name, encoded_path(key))
    }
}

/// A key as a list has it, which was asked to encode keys.
pub(crate) fn decoded(key: &str) -> String {
    // Some servers write a space as a form does; a `+` itself always comes encoded.
    urls::decoded(&key.replace('+', " "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bucket(pairs: &[(&str, &str)]) -> Result<Bucket> {
        let pairs = [("bucket", "b1")].iter().chain(pairs).filter(|(name, _)| *name != "bucket");
        let mut pairs: Vec<_> = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        pairs.push(("bucket".to_owned(), "my-bucket".to_owned()));
        Bucket::new(&cofferdam_guest::Settings::parse(pairs)?)
    }

    #[test]
    fn both_styles_name_the_same_bucket() {
        assert_eq!(bucket(&[("region", "eu-west-3")]).unwrap().object("a/b", &[]), "https://my-bucket.s3.eu-west-3.amazonaws.com/a/b");
        let local = bucket(&[("endpoint", "http://127.0.0.1:9000/"), ("path-style", "true"), ("prefix", "/in/here/")]).unwrap();
        assert_eq!(local.object(&local.root().key("/a"), &[("uploads", "")]), "http://127.0.0.1:9000/my-bucket/in/here/a?uploads=");
        assert_eq!(local.all(&[("prefix", "a/b")]), "http://127.0.0.1:9000/my-bucket/?prefix=a%2Fb");
        assert_eq!(local.copy_source("a+b/c"), "/my-bucket/a%2Bb/c");
    }

    #[test]
    fn settings_without_meaning_are_refused_by_name() {
        for (name, value) in [
            ("region", ""),
            ("region", "eu west"),
            ("endpoint", ""),
            ("endpoint", "127.0.0.1:9000"),
            ("endpoint", "ftp://host"),
            ("endpoint", "http://user@host"),
            ("endpoint", "http://host/path"),
            ("prefix", "../up"),
            ("prefix", "a//b"),
        ] {
            let error = bucket(&[(name, value)]).err().unwrap();
            assert!(error.message.contains(&format!("`{name}`")), "{value:?}: {}", error.message);
        }
    }

    #[test]
    fn keys_are_decoded_as_lists_encode_them() {
        assert_eq!(decoded("a%2Bb+c%C3%A4/d"), "a+b cä/d");
    }
}
