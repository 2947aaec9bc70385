//! Several requests of one call: in order, each by itself, and bounded.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::sync::Barrier;

use super::tests::{Server, asked, call, no_names, open};
use super::*;
use crate::error::ErrorKind;

/// Requests for these paths of `server`, as `send_all` takes them.
fn several(server: &Server, paths: impl IntoIterator<Item = String>) -> Vec<Result<Asked>> {
    paths.into_iter().map(|path| Ok(asked("GET", server.url(&path)))).collect()
}

#[tokio::test]
async fn several_requests_are_answered_in_their_order_each_by_itself() {
    let server = Server::new(|seen, stream| {
        let path = seen.head.split(' ').nth(1).unwrap();
        let body = if path == "/long" { "x".repeat(70_000) } else { path.to_owned() };
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).is_ok()
    });
    let http = open(&[server.rule()], &no_names());
    let mut all = several(&server, (0..40).map(|n| format!("/{n}")));
    all[7] = Ok(asked("GET", "http://203.0.113.1/"));
    all[8] = Err(Error::invalid_argument("no request"));
    all[9] = Ok(asked("GET", server.url("/long")));
    let mut kinds = Vec::new();
    for (n, answered) in http.send_all(&call(), all).await.into_iter().enumerate() {
        match answered {
            Err(error) => kinds.push((n, error.kind())),
            Ok(answered) => {
                assert!(answered.content.is_held());
                assert_eq!(answered.content.bytes(100).await.unwrap(), format!("/{n}"));
            }
        }
    }
    assert_eq!(kinds, [(7, ErrorKind::PermissionDenied), (8, ErrorKind::InvalidArgument), (9, ErrorKind::QuotaExceeded)]);
    let before = server.seen().len();
    let too_many = http.send_all(&call(), several(&server, (0..257).map(|n| format!("/{n}")))).await;
    assert_eq!(too_many.len(), 257);
    assert!(too_many.iter().all(|answered| answered.as_ref().unwrap_err().kind() == ErrorKind::InvalidArgument));
    assert_eq!(server.seen().len(), before, "none was sent");
}

#[tokio::test]
async fn no_more_than_a_few_of_several_requests_are_under_way() {
    const DONE: &[u8] = b"HTTP/1.1 204 Done\r\n\r\n";
    let (under_way, most) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
    let (seen, all_here) = (most.clone(), Barrier::new(AT_ONCE));
    let server = Server::new(move |_, stream| {
        seen.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // No one is answered before so many are here: fewer at once would never be.
        all_here.wait();
        under_way.fetch_sub(1, Ordering::SeqCst);
        stream.write_all(DONE).is_ok()
    });
    let rule = HttpRule { connections: 64, ..server.rule() };
    let asked = several(&server, (0..6 * AT_ONCE).map(|n| format!("/{n}")));
    let answered = open(&[rule], &no_names()).send_all(&call(), asked).await;
    assert!(answered.iter().all(|answered| answered.as_ref().unwrap().status == 204));
    assert_eq!(most.load(Ordering::SeqCst), AT_ONCE as u64);
    // Fewer places than that are enough: an answer's body is taken at once, and its place is free for the next.
    let server = Server::new(|_, stream| stream.write_all(DONE).is_ok());
    let rule = HttpRule { connections: 2, ..server.rule() };
    let answered = open(&[rule], &no_names()).send_all(&call(), several(&server, (0..20).map(|n| format!("/{n}")))).await;
    assert!(answered.iter().all(|answered| answered.as_ref().unwrap().status == 204));
}
