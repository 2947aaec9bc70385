//! The host functions as the component imports them: the same names and shapes as the native ones of the test harness.

pub(crate) mod data {
    //! The bindings of `data`.
    pub(crate) use crate::bindings::cofferdam::storage::data::{Buffer, Content, from_bytes, from_generator, new_buffer};
}

pub(crate) mod connections {
    //! The bindings of `connections`.
    pub(crate) use crate::bindings::cofferdam::storage::connections::{Connection, connect};
}

pub(crate) mod system {
    //! The bindings of `system`.
    pub(crate) use crate::bindings::cofferdam::storage::system::{log, now, random};
}

pub(crate) mod http {
    //! The bindings of `http` and `signing`; a response as its parts.
    use super::data::Content;
    use crate::bindings::cofferdam::storage::http::{self, Headers, Request};
    pub(crate) use crate::bindings::cofferdam::storage::signing::presign;
    use crate::error::Result;

    /// As the host's `send`.
    pub(crate) fn send(request: &Request, body: Option<&Content>) -> Result<(u16, Headers, Content)> {
        http::send(request, body).map(parts)
    }

    /// As the host's `send-all`.
    pub(crate) fn send_all(requests: &[Request]) -> Vec<Result<(u16, Headers, Content)>> {
        http::send_all(requests).into_iter().map(|answered| answered.map(parts)).collect()
    }

    fn parts(response: http::Response) -> (u16, Headers, Content) {
        (response.status, response.headers, response.content)
    }
}

pub(crate) mod files {
    //! The bindings of `files`; an opened file as a pair.
    use super::data::Content;
    use crate::bindings::cofferdam::storage::files;
    pub(crate) use crate::bindings::cofferdam::storage::files::{
        Guard, commit, entries, lock, make_directory, remove, replace, set_size, stat, sync, write,
    };
    use crate::error::Result;
    use crate::types::ByteRange;

    /// As the host's `open`.
    pub(crate) fn open(path: &str, range: ByteRange) -> Result<(files::FileInfo, Content)> {
        files::open(path, range).map(|opened| (opened.info, opened.content))
    }
}
