//! `http` and `signing` natively: the test answers.

use super::data::Content;
use crate::bindings::cofferdam::storage::http::{Headers, Request};
use crate::error::Result;
use crate::testing::http::Asked;
use crate::testing::world::World;
use crate::types::Error;

/// How much of a body is read at a time: little, so that one which breaks does so half-way.
const PIECE: u32 = 64 << 10;

/// The headers that are the host's, which refuses a driver's.
const OF_THE_HOST: [&str; 4] = ["host", "content-length", "connection", "expect"];

/// As the host's `send`.
pub(crate) fn send(request: &Request, body: Option<&Content>) -> Result<(u16, Headers, Content)> {
    check(request)?;
    let body = body.map(read).transpose()?;
    let Request { method, url, headers, .. } = request.clone();
    let answer = World::current()?.ask(Asked { method, url, headers, body })?;
    let declared = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    // The answer to a HEAD says how long another's body would be.
    let size = declared.filter(|_| request.method != "HEAD").and_then(|(_, size)| size.parse().ok());
    Ok((answer.status, answer.headers, Content::response(answer.body, size)))
}

/// As the host's `send-all`, one after the other.
pub(crate) fn send_all(requests: &[Request]) -> Vec<Result<(u16, Headers, Content)>> {
    requests.iter().map(|request| send(request, None)).collect()
}

/// As the host's `presign`; the signature says what was signed.
pub(crate) fn presign(request: &Request, seconds: u32) -> Result<String> {
    check(request)?;
    let Request { method, url, .. } = request;
    let separator = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{separator}signed={method}&expires={seconds}"))
}

fn check(request: &Request) -> Result<()> {
    if !["http://", "https://"].iter().any(|scheme| request.url.starts_with(scheme)) {
        return Err(Error::invalid_argument(format!("the URL {:?} is not absolute", request.url)));
    }
    let taken = request.headers.iter().find(|(name, _)| OF_THE_HOST.iter().any(|own| name.eq_ignore_ascii_case(own)));
    if let Some((name, _)) = taken {
        return Err(Error::invalid_argument(format!("the header {name} is the host's to set")));
    }
    let broken = request.headers.iter().find(|(_, value)| value.contains(['\r', '\n', '\0']));
    broken.map_or(Ok(()), |(name, _)| Err(Error::invalid_argument(format!("the header {name} has a line break or a NUL"))))
}

/// All of a body, which must be as long as it says.
fn read(body: &Content) -> Result<Vec<u8>> {
    let size = body.size().ok_or_else(|| Error::invalid_argument("the size of a request's body must be known"))?;
    let mut bytes = Vec::new();
    loop {
        let piece = body.read(bytes.len() as u64, PIECE)?;
        if piece.is_empty() {
            break;
        }
        bytes.extend_from_slice(&piece);
    }
    if bytes.len() as u64 == size {
        return Ok(bytes);
    }
    Err(Error::invalid_argument(format!("the content has {} bytes, and its size was said to be {size}", bytes.len())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::host::http::Request;
    use crate::testing::content;
    use crate::testing::http::Answer;
    use crate::testing::world::World;
    use crate::types::ErrorKind;

    fn world(answer: fn() -> Answer) -> std::rc::Rc<World> {
        let world = World::new(&[]).unwrap();
        World::enter(&world);
        world.serve(Box::new(move |_| Ok(answer())));
        world
    }

    #[test]
    fn what_the_host_would_refuse_is_never_sent() {
        let world = world(|| Answer::new(200));
        let refused = |request: Request| assert_eq!(request.send().unwrap_err().kind, ErrorKind::InvalidArgument);
        refused(Request::get("/relative"));
        refused(Request::get("https://a.test/").header("Content-Length", "1"));
        refused(Request::get("https://a.test/").header("x-name", "a\r\nx-other: b"));
        for (body, kind) in [
            (content::live("unknown"), ErrorKind::InvalidArgument),
            (content::lying("three", 7), ErrorKind::InvalidArgument),
            (content::breaking("half"), ErrorKind::Unavailable),
        ] {
            assert_eq!(Request::put("https://a.test/").send_with(&body).unwrap_err().kind, kind);
        }
        assert_eq!(world.take_asked(), []);
    }

    #[test]
    fn requests_are_kept_and_responses_are_live() {
        let world = world(|| Answer::new(200).header("ETag", "\"1\"").body("socks"));
        let response = Request::put("https://a.test/x").header("x-a", "1").send_with(&content::held("in")).unwrap();
        assert_eq!((response.header("etag"), response.content.size()), (Some("\"1\""), Some(5)));
        assert_eq!(response.content.read(0, 2).unwrap(), b"so");
        assert_eq!(response.content.read(0, 2).unwrap_err().kind, ErrorKind::Unsupported);
        let asked = world.take_asked();
        assert_eq!((asked[0].method.as_str(), asked[0].header("X-A"), asked[0].text().as_str()), ("PUT", Some("1"), "in"));
        assert_eq!(Request::head("https://a.test/x").send().unwrap().content.size(), None);
    }

    #[test]
    fn a_response_that_is_cut_off_is_an_error_at_its_end() {
        let _world = world(|| Answer::new(200).header("content-length", "9").body("half"));
        let content = Request::get("https://a.test/x").send().unwrap().content;
        assert_eq!(content.bytes(100).unwrap_err().code.as_deref(), Some("reset"));
    }

    #[test]
    fn without_servers_there_is_no_answer() {
        let world = world(|| Answer::new(200));
        world.set_reachable(false);
        assert_eq!(Request::get("https://a.test/").send().unwrap_err().code.as_deref(), Some("connect"));
        World::enter(&World::new(&[]).unwrap());
        assert_eq!(Request::get("https://a.test/").send().unwrap_err().kind, ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_signed_url_says_what_was_signed() {
        let url = Request::head("https://a.test/x?y=1").presign(60).unwrap();
        assert_eq!(url, "https://a.test/x?y=1&signed=HEAD&expires=60");
    }
}
