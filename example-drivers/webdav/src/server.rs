//! Where things are on the server: URLs out of paths, and names out of the URLs that the server answers.

use std::fmt;

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::urls::{decoded, encoded_path, endpoint};

/// The name below which the driver keeps what is under way. No path has it.
const OWN: &str = "+cofferdam";

/// How much of a directory's path is in the name that it gets while it is looked at before it is removed: file systems take 255 bytes.
const SHOWN_MAX: usize = 150;

/// The collection that a mount stores below.
pub(crate) struct Server {
    /// Scheme and host, without a `/` at the end.
    origin: String,
    /// The path of the `url`, as it is written there, without a `/` at the end.
    top: String,
    /// The `prefix`: empty, or with a `/` at its start.
    prefix: String,
}

/// A resource: its place on the server.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    server: &'a Server,
    /// Below `top`, not encoded: empty, or with a `/` at its start.
    path: String,
}

impl Server {
    /// The server and the collection that the settings name.
    ///
    /// # Errors
    /// `invalid-argument`, naming the setting that has no meaning.
    pub(crate) fn new(url: &str, prefix: &str) -> Result<Self> {
        let wrong = || refused("url", "is no URL of a collection, such as https://dav.example.org/files/me");
        let after_scheme = url.find("://").map_or(0, |at| at + 3);
        let end = url[after_scheme..].find('/').map_or(url.len(), |at| after_scheme + at);
        let (origin, top) = (&url[..end], url[end..].trim_end_matches('/'));
        let (scheme, host) = endpoint(origin).ok_or_else(wrong)?;
        let in_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte);
        if !top.bytes().all(in_path) || decoded(top).split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) {
            return Err(wrong());
        }
        let prefix = prefix.trim_matches('/');
        if !prefix.is_empty() && StorePath::new(format!("/{prefix}")).is_err() {
            return Err(refused("prefix", "is no path, such as registry/blobs"));
        }
        Ok(Self {
            origin: format!("{scheme}://{host}"),
            top: top.to_owned(),
            prefix: if prefix.is_empty() { String::new() } else { format!("/{prefix}") },
        })
    }

    /// The collection in `url` itself.
    pub(crate) fn top(&self) -> Place<'_> {
        Place { server: self, path: String::new() }
    }

    /// Where `path` is: of an object, or of a prefix (`/`, or empty, for all of the store).
    pub(crate) fn place(&self, path: impl AsRef<str>) -> Place<'_> {
        Place { server: self, path: format!("{}{}", self.prefix, path.as_ref().trim_end_matches('/')) }
    }

    /// A name that nobody else uses, for something that is under way.
    pub(crate) fn own_place(&self) -> Place<'_> {
        Place { server: self, path: format!("{}/{OWN}/{}", self.prefix, system::random_hex(16)) }
    }

    /// As [`Server::own_place`], for what was at `place`: its name says from where it came.
    pub(crate) fn own_place_of(&self, place: &Place<'_>) -> Place<'_> {
        let path = place.path.replace('/', "+");
        let shown = path.char_indices().nth(SHOWN_MAX).map_or(path.as_str(), |(end, _)| &path[..end]);
        Place { server: self, path: format!("{}{shown}", self.own_place().path) }
    }
}

impl<'a> Place<'a> {
    /// Its URL as that of an object.
    pub(crate) fn url(&self) -> String {
        format!("{}{}{}", self.server.origin, self.server.top, encoded_path(&self.path))
    }

    /// Its URL as that of a collection: servers differ in whether they know one without the `/`.
    pub(crate) fn collection_url(&self) -> String {
        format!("{}/", self.url())
    }

    /// The collection that it is in; `None` for the topmost.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (parent, _) = self.path.rsplit_once('/')?;
        Some(Self { server: self.server, path: parent.to_owned() })
    }

    /// What is at `below` in it: `x/y`.
    pub(crate) fn child(&self, below: &str) -> Self {
        Self { server: self.server, path: format!("{}/{below}", self.path) }
    }

    /// Whether the store has this as a prefix that may vanish: neither its root, nor what is above.
    pub(crate) fn is_below_root(&self) -> bool {
        self.path.len() > self.server.prefix.len()
    }

    /// The name, below this collection, that the server's `href` has: empty for the collection itself, `None` for what is not in it.
    pub(crate) fn name_of(&self, href: &str) -> Option<String> {
        let path = match href.find("://") {
            Some(at) => href[at + 3..].find('/').map_or("/", |slash| &href[at + 3 + slash..]),
            None => href,
        };
        let (own, path) = (format!("{}{}", decoded(&self.server.top), self.path), decoded(path));
        let rest = path.trim_end_matches('/').strip_prefix(&own)?;
        match rest.strip_prefix('/') {
            Some(name) => Some(name.to_owned()).filter(|name| !name.contains('/')),
            None => rest.is_empty().then(String::new),
        }
    }
}

/// For people: the path, from the host on.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.server.top, self.path)?;
        if self.server.top.is_empty() && self.path.is_empty() { f.write_str("/") } else { Ok(()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_below_the_collection_and_the_prefix() {
        let server = Server::new("https://dav.example:8443/files/J%C3%B6rg/", "in/here").unwrap();
        assert_eq!(server.place("/a/b").url(), "https://dav.example:8443/files/J%C3%B6rg/in/here/a/b");
        assert_eq!(server.place("/").collection_url(), "https://dav.example:8443/files/J%C3%B6rg/in/here/");
        assert_eq!(server.top().collection_url(), "https://dav.example:8443/files/J%C3%B6rg/");
        let parents: Vec<_> = std::iter::successors(server.place("/a/b").parent(), Place::parent).map(|place| place.path).collect();
        assert_eq!(parents, ["/in/here/a", "/in/here", "/in", ""]);
        assert!(server.place("/a").is_below_root() && !server.place("/").is_below_root());
        assert_eq!(Server::new("http://[::1]:80", "").unwrap().place("/a").url(), "http://[::1]:80/a");
    }

    #[test]
    fn a_name_is_found_in_whatever_form_a_server_writes_its_url() {
        let server = Server::new("https://dav.example/files/J%C3%B6rg", "").unwrap();
        let place = server.place("/p");
        for (href, name) in [
            ("/files/J%c3%b6rg/p/", Some("")),
            ("/files/J\u{f6}rg/p", Some("")),
            ("https://dav.example/files/J%C3%B6rg/p/a%2Db", Some("a-b")),
            ("http://10.0.0.1:8080/files/J%C3%B6rg/p/sub/", Some("sub")),
            ("/files/J%C3%B6rg/p/a%20b", Some("a b")),
            ("/files/J%C3%B6rg/p/sub/deeper", None),
            ("/files/J%C3%B6rg/pp", None),
            ("/files/other/p/x", None),
            ("https://dav.example", None),
            ("", None),
        ] {
            assert_eq!(place.name_of(href).as_deref(), name, "{href}");
        }
        let root = Server::new("http://host", "").unwrap();
        assert_eq!((root.place("/").name_of("/").as_deref(), root.place("/").name_of("/a").as_deref()), (Some(""), Some("a")));
    }

    #[test]
    fn settings_without_meaning_are_refused_by_name() {
        for url in [
            "",
            "dav.example",
            "ftp://host/",
            "http://u:p@host/",
            "http:///a",
            "http://host/a?b",
            "http://host/a#b",
            "http://host/a/../b",
            "http://h/%2e%2e/b",
            "http://h/a//b",
        ] {
            assert!(Server::new(url, "").err().unwrap().message.contains("`url`"), "{url}");
        }
        assert!(Server::new("http://host", "../up").err().unwrap().message.contains("`prefix`"));
    }

    #[test]
    fn own_names_are_in_no_store() {
        let server = Server::new("http://host", "in").unwrap();
        assert!(StorePath::new(server.own_place().path).is_err());
        let of = server.own_place_of(&server.place(format!("/a/{}", "b".repeat(300))));
        let name = of.path.rsplit_once('/').unwrap().1;
        assert!(name.contains("+in+a+bbb") && name.len() < 200, "{name}");
    }
}
