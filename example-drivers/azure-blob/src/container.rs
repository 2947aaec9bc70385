//! Where a container is: its URL with the account in the host or in the path, and requests that name the version of the service.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::keys::Root;
use cofferdam_guest::web::urls::{self, encoded_path, query};

use crate::Settings;

/// The version of the service whose behaviour this driver knows: the first in which a list can begin at a name (`startFrom`).
const VERSION: &str = "2026-02-06";

/// A container, and the part of it that is this driver's.
pub(crate) struct Container {
    /// Without a `/` at its end.
    url: String,
    root: Root,
}

impl Container {
    /// The container that the settings name.
    ///
    /// # Errors
    /// `invalid-argument`, naming the setting that has no meaning.
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let Settings { account, container, endpoint, path_style, prefix, .. } = settings;
        let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !(3..=24).contains(&account.len()) || !account.bytes().all(small) {
            return Err(refused("account", "is no name of a storage account: 3 to 24 of a-z 0-9"));
        }
        let in_name = |byte: u8| small(byte) || byte == b'-';
        let odd = container.starts_with('-') || container.ends_with('-') || container.contains("--");
        if !(3..=63).contains(&container.len()) || !container.bytes().all(in_name) || odd {
            return Err(refused("container", "is no name of a container: 3 to 63 of a-z 0-9 and single -"));
        }
        let server = match endpoint {
            None => format!("https://{account}.blob.core.windows.net"),
            Some(endpoint) => {
                let parts = urls::endpoint(endpoint).map(|(scheme, host)| format!("{scheme}://{host}"));
                parts.ok_or_else(|| refused("endpoint", "is no URL of a server, such as http://127.0.0.1:10000"))?
            }
        };
        let url = if *path_style { format!("{server}/{account}/{container}") } else { format!("{server}/{container}") };
        Ok(Self { url, root: Root::of_setting(prefix)? })
    }

    /// What every name of this driver begins with.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// The URL of the blob of that name.
    pub(crate) fn blob(&self, name: &str, pairs: &[(&str, &str)]) -> String {
        format!("{}/{}{}", self.url, encoded_path(name), query(pairs))
    }

    /// The URL of a list of blobs.
    pub(crate) fn list(&self, pairs: &[(&str, &str)]) -> String {
        let all: Vec<_> = [("restype", "container"), ("comp", "list")].iter().chain(pairs).copied().collect();
        format!("{}{}", self.url, query(&all))
    }
}

macro_rules! requests {
    ($($function:ident)*) => {$(
        /// A request in the version of the service that this driver knows.
        pub(crate) fn $function(url: impl Into<String>) -> Request {
            Request::$function(url).header("x-ms-version", VERSION)
        }
    )*};
}
requests! { get head put delete }

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn container(pairs: &[(&str, &str)]) -> Result<Container> {
        let mut all = vec![("account", "store1"), ("container", "blobs")];
        all.retain(|(name, _)| pairs.iter().all(|(given, _)| given != name));
        all.extend(pairs);
        let all = all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Container::new(&cofferdam_guest::Settings::parse(all)?)
    }

    #[test]
    fn the_account_is_in_the_host_or_in_the_path() {
        assert_eq!(container(&[]).unwrap().blob("a/b+c", &[]), "https://store1.blob.core.windows.net/blobs/a/b%2Bc");
        let local = container(&[("endpoint", "http://127.0.0.1:10000/"), ("path-style", "true")]).unwrap();
        assert_eq!(local.blob("a", &[("comp", "block")]), "http://127.0.0.1:10000/store1/blobs/a?comp=block");
        assert_eq!(local.list(&[("prefix", "a/")]), "http://127.0.0.1:10000/store1/blobs?restype=container&comp=list&prefix=a%2F");
        let own = container(&[("endpoint", "https://blobs.example.com")]).unwrap();
        assert_eq!(own.blob("a", &[]), "https://blobs.example.com/blobs/a");
    }

    #[test]
    fn settings_without_meaning_are_refused_by_name() {
        for (name, value) in [
            ("account", "My_Store"),
            ("account", "ab"),
            ("container", "a"),
            ("container", "a--b"),
            ("container", "-ab"),
            ("container", "$root"),
            ("endpoint", "127.0.0.1:10000"),
            ("endpoint", "http://127.0.0.1:10000/devstoreaccount1"),
            ("prefix", "../up"),
        ] {
            let error = container(&[(name, value)]).err().unwrap();
            assert!(error.message.contains(&format!("`{name}`")), "{value:?}: {}", error.message);
        }
    }
}
