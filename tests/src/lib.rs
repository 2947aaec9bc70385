//! Helpers shared by the end-to-end tests.
//!
//! | module | gives a test |
//! |---|---|
//! | `announced` | a server as a process that says where it listens |
//! | [`azure`] | azurite, as a process |
//! | [`client`] | a registry's answers, asked for one request at a time |
//! | [`doubles`] | host interfaces that the runtime does not serve yet |
//! | [`drivers`] | the components that `cargo xtask build` made |
//! | [`faulty`] | a store that claims what a test wants, and dies when told to |
//! | [`gcs`] | `fake-gcs-server`, as a process |
//! | [`guests`] | the guests' linear memories, seen from outside of the sandbox |
//! | [`hostile`] | the hostile driver, mounted with tight limits on a scratch directory |
//! | [`images`] | OCI images and layouts, made here |
//! | [`log`] | what was logged while it ran |
//! | [`passage`] | the word that no byte of an object passes a guest |
//! | `port` | a server as a process that is told where to listen |
//! | [`presigner`] | the server of the fixture `presigner` |
//! | [`promises`] | what an example driver must be certified for |
//! | [`proxy`] | what networks and servers do to connections |
//! | [`redis`] | Debian's `redis-server` as a process |
//! | [`s3`] | real S3 servers as processes |
//! | [`secrets`] | the word that no secret is in a guest's memory, in any form |
//! | [`server`] | `cofferdam serve` as a process, and Debian's `docker-registry` beside it |
//! | [`skopeo`] | Debian's `skopeo`, an unmodified client |
//! | [`tiny`] | a driver of a hundred lines of WebAssembly text, for shapes that no compiler makes |
//! | [`tools`] | other programs, or the word that a test is skipped without them |
//! | [`wait`] | until something is so, at most so long |
//! | [`web`] | an HTTP server in this process |
//! | [`webdav`] | real WebDAV servers |

mod announced;
pub mod azure;
pub mod client;
pub mod doubles;
pub mod drivers;
pub mod faulty;
pub mod gcs;
pub mod guests;
pub mod hostile;
pub mod images;
pub mod log;
pub mod passage;
mod port;
pub mod presigner;
pub mod promises;
pub mod proxy;
pub mod redis;
pub mod s3;
mod s3s_fs;
pub mod secrets;
pub mod server;
pub mod skopeo;
pub mod tiny;
pub mod tools;
pub mod wait;
pub mod web;
pub mod webdav;
