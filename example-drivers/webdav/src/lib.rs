//! The WebDAV driver: stores to a collection of a server that speaks RFC 4918 (Apache, nginx, Nextcloud …).
//!
//! The object `/a/b` is the resource `a/b` below the `url` of the settings, and `/a` is a collection, so that others see the same files. No
//! byte of an object enters the driver: what is put goes from the host to the server, and what is opened is the server's answer, handed on as
//! it arrives. No secret does either: the grant's rule signs every request after it has left. `README.md` has the grant that it needs.
//!
//! | module | its one job |
//! |---|---|
//! | `objects` | reading, writing, removing objects |
//! | `lists` | lists in the contract's order |
//! | `moves` | copies and moves by the server |
//! | `collections` | the directories of objects: made when they are missing, removed when they are empty |
//! | `server`, `multistatus`, `errors` | the words of WebDAV |

mod collections;
mod errors;
mod lists;
mod moves;
mod multistatus;
mod objects;
mod server;

use cofferdam_guest::prelude::*;
use server::Server;

#[cfg(feature = "export")]
cofferdam_guest::export_driver!(WebDavDriver: StreamingStore, Copying, Renaming);

// ---- Settings -----------------------------------------------------------------------------------------------------------

settings! {
    /// The settings of the WebDAV driver. There is no secret among them: the grant signs.
    pub struct Settings {
        /// The collection that everything is stored below, which must exist: https://dav.example.org/files/me.
        pub url: String,
        /// A path below it, made when something is stored, so that several mounts share a collection: registry/blobs.
        pub prefix: String = "",
        /// Whether the server checks If-None-Match and If-Match of a PUT and acts in one step. Most do not; certify it first.
        pub conditional_put: bool = false,
        /// Whether what is put goes to a temporary name and is moved when it is whole: for a server that shows half of what it is still receiving.
        pub put_through_move: bool = false,
        /// Whether what is opened is compared with what the server has afterwards. Needed for Apache, which may answer the length and the etag of one
        /// version and the bytes of the next.
        pub check_reads: bool = true,
    }
}

/// The driver. It keeps nothing between calls.
pub struct WebDavDriver {
    server: Server,
    conditional_put: bool,
    put_through_move: bool,
    check_reads: bool,
}

impl Driver for WebDavDriver {
    const NAME: &'static str = "webdav";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self> {
        if settings.conditional_put && settings.put_through_move {
            return Err(refused("put-through-move", "cannot be had with `conditional-put`: a condition is of one request"));
        }
        Ok(Self {
            server: Server::new(&settings.url, &settings.prefix)?,
            conditional_put: settings.conditional_put,
            put_through_move: settings.put_through_move,
            check_reads: settings.check_reads,
        })
    }

    fn claims(&self) -> Claims {
        let claims = Claims::new().shared();
        if self.conditional_put { claims.put_if_absent().put_if_match() } else { claims }
    }

    /// One round trip: what the server says of the collection in `url`.
    fn health(&mut self) -> Result<()> {
        let top = self.server.top();
        match multistatus::one(&top) {
            Ok(Some(top)) if top.is_directory() => Ok(()),
            Ok(_) => Err(Error::unavailable("what `url` names is no collection of the server")),
            Err(error) if error.kind == ErrorKind::Unsupported => {
                Err(Error { message: format!("the server at `url` speaks no WebDAV: {}", error.message), ..error })
            }
            Err(error) => Err(error),
        }
    }
}
