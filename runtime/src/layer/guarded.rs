//! The two traits over a store whose calls a policy makes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::observe::Operation;
use super::policy::{Call, Policy};
use crate::claims::Claims;
use crate::content::Content;
use crate::error::{Error, Result};
use crate::path::{AtomicKey, Prefix, StorePath};
use crate::store::{AtomicStore, StreamingStore};
use crate::types::{
    ByteRange, Condition, Etag, FoundPart, FoundUpload, Keys, ListOptions, ObjectInfo, Opened, Page, Part, PartId, PresignedAccess, PresignedUrl,
    UploadToken, Value, WrittenPart,
};

/// A store whose calls a policy makes: again, later, or not at all.
///
/// Calls that may be made twice are those that change nothing, removals and writes without a condition, copies, and what is stored by its digest, with content
/// that the host holds. A conditional write is made once: if its answer is lost, it may have happened, and a second one would be judged by what the
/// first did. So are `create-upload` (each makes an upload), `complete-upload` and `rename` (the second finds nothing), and `write-part` (the contract: a part that
/// failed is written again under another number).
#[derive(Clone, Debug)]
pub struct Guarded<S, P> {
    store: S,
    policy: P,
}

impl<S, P: Policy> Guarded<S, P> {
    /// `store`, called by `policy`.
    pub fn new(store: S, policy: P) -> Self {
        Self { store, policy }
    }

    /// What makes its calls.
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// A call that is only made twice without a condition.
    fn write(operation: Operation, condition: &Condition) -> Call {
        if *condition == Condition::Unconditional { Call::repeatable(operation) } else { Call::once(operation) }
    }
}

/// Content for each of a call's attempts: the same bytes again and again if they are held, else once.
struct Supply(Mutex<Option<Content>>);

impl Supply {
    /// `content` for `call`, which learns what kind it is.
    fn new(content: Content, call: &mut Call) -> Self {
        call.repeatable &= content.is_held();
        call.live = !content.is_held();
        call.bytes = content.size();
        Self(Mutex::new(Some(content)))
    }

    /// For the next attempt. A policy that attempts once more what is not repeatable gets content that is used up, and that says so.
    fn take(&self) -> Content {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match content.as_ref().and_then(Content::try_clone) {
            Some(copy) => copy,
            None => content.take().unwrap_or_else(|| Content::live(futures::stream::iter([Err(used_up())]), None)),
        }
    }
}

fn used_up() -> Error {
    Error::unsupported("this content can be read once, and was")
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: AtomicStore, P: Policy> AtomicStore for Guarded<S, P> {
    async fn get(&self, key: &AtomicKey) -> Result<Value> {
        self.policy.run(Call::repeatable(Operation::AtomicGet), || AtomicStore::get(&self.store, key)).await
    }

    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag> {
        let mut call = Self::write(Operation::AtomicPut, &condition);
        call.bytes = Some(data.len() as u64);
        self.policy.run(call, || AtomicStore::put(&self.store, key, data.clone(), condition.clone())).await
    }

    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()> {
        let call = Self::write(Operation::AtomicRemove, &condition);
        self.policy.run(call, || AtomicStore::remove(&self.store, key, condition.clone())).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        self.policy.run(Call::repeatable(Operation::AtomicList), || AtomicStore::list(&self.store, prefix, start_after, limit)).await
    }

    async fn count(&self, prefix: &str) -> Result<u64> {
        self.policy.run(Call::repeatable(Operation::AtomicCount), || AtomicStore::count(&self.store, prefix)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: StreamingStore, P: Policy> StreamingStore for Guarded<S, P> {
    fn claims(&self) -> &Claims {
        self.store.claims()
    }

    async fn hold(&self, content: Content) -> Result<Content> {
        // The host's own work: no backend is asked.
        self.store.hold(content).await
    }

    async fn stat(&self, path: &StorePath) -> Result<ObjectInfo> {
        self.policy.run(Call::repeatable(Operation::Stat), || self.store.stat(path)).await
    }

    async fn open(&self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        self.policy.run(Call::repeatable(Operation::Open), || self.store.open(path, range)).await
    }

    async fn put(&self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        let mut call = Self::write(Operation::Put, &condition);
        let supply = Supply::new(content, &mut call);
        self.policy.run(call, || StreamingStore::put(&self.store, path, supply.take(), condition.clone())).await
    }

    async fn list(&self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        self.policy.run(Call::repeatable(Operation::List), || StreamingStore::list(&self.store, prefix, options.clone())).await
    }

    async fn remove(&self, paths: &[StorePath]) -> Result<Vec<Result<()>>> {
        let removal = Removal::new(paths);
        let result = self.policy.run(Call::repeatable(Operation::Remove), || removal.attempt(&self.store)).await;
        removal.end(result)
    }

    async fn create_upload(&self, path: &StorePath) -> Result<UploadToken> {
        self.policy.run(Call::once(Operation::CreateUpload), || self.store.create_upload(path)).await
    }

    async fn write_part(&self, token: &UploadToken, part: Part, content: Content) -> Result<PartId> {
        let mut call = Call::once(Operation::WritePart);
        let supply = Supply::new(content, &mut call);
        self.policy.run(call, || self.store.write_part(token, part, supply.take())).await
    }

    async fn complete_upload(&self, token: &UploadToken, parts: &[WrittenPart], destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let call = Call::once(Operation::CompleteUpload);
        self.policy.run(call, || self.store.complete_upload(token, parts, destination, condition.clone())).await
    }

    async fn abort_upload(&self, token: &UploadToken) -> Result<()> {
        self.policy.run(Call::repeatable(Operation::AbortUpload), || self.store.abort_upload(token)).await
    }

    async fn find_uploads(&self, cursor: Option<&str>, limit: u32) -> Result<(Vec<FoundUpload>, Option<String>)> {
        self.policy.run(Call::repeatable(Operation::FindUploads), || self.store.find_uploads(cursor, limit)).await
    }

    async fn written_parts(&self, token: &UploadToken) -> Result<Vec<FoundPart>> {
        self.policy.run(Call::repeatable(Operation::WrittenParts), || self.store.written_parts(token)).await
    }

    async fn copy(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let call = Self::write(Operation::Copy, &condition);
        self.policy.run(call, || self.store.copy(source, destination, condition.clone())).await
    }

    async fn rename(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        self.policy.run(Call::once(Operation::Rename), || self.store.rename(source, destination, condition.clone())).await
    }

    async fn store(&self, content: Content, algorithm: &str) -> Result<StorePath> {
        let mut call = Call::repeatable(Operation::Store);
        let supply = Supply::new(content, &mut call);
        self.policy.run(call, || StreamingStore::store(&self.store, supply.take(), algorithm)).await
    }

    async fn presign(&self, path: &StorePath, access: PresignedAccess, valid_for: Duration) -> Result<PresignedUrl> {
        self.policy.run(Call::repeatable(Operation::Presign), || self.store.presign(path, access, valid_for)).await
    }
}

/// The removal of several objects, of which a backend may refuse some for the moment: an attempt is about those that are left.
struct Removal<'a> {
    paths: &'a [StorePath],
    /// What became of each path at its last attempt; empty until one was answered.
    results: Mutex<Vec<Result<()>>>,
}

impl<'a> Removal<'a> {
    fn new(paths: &'a [StorePath]) -> Self {
        Self { paths, results: Mutex::new(Vec::new()) }
    }

    /// The places of the paths that another attempt may remove; all, before the first answer.
    fn left(&self) -> Option<Vec<usize>> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        if results.is_empty() {
            return None;
        }
        Some((0..results.len()).filter(|at| matches!(&results[*at], Err(error) if error.is_retryable())).collect())
    }

    /// One attempt. It fails if any path failed in a way that another attempt may mend.
    async fn attempt(&self, store: &impl StreamingStore) -> Result<()> {
        let (answers, places) = match self.left() {
            None => (store.remove(self.paths).await?, None),
            Some(places) => {
                let paths: Vec<_> = places.iter().map(|at| self.paths[*at].clone()).collect();
                (store.remove(&paths).await?, Some(places))
            }
        };
        let failed = answers.iter().filter_map(|answer| answer.as_ref().err()).find(|error| error.is_retryable()).cloned();
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        match places {
            None => *results = answers,
            Some(places) => places.into_iter().zip(answers).for_each(|(at, answer)| results[at] = answer),
        }
        failed.map_or(Ok(()), Err)
    }

    /// What became of each path, if any attempt was answered.
    fn end(self, result: Result<()>) -> Result<Vec<Result<()>>> {
        let results = self.results.into_inner().unwrap_or_else(PoisonError::into_inner);
        match result {
            Err(error) if results.is_empty() => Err(error),
            _ => Ok(results),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::layer::clock::manual::Manual;
    use crate::layer::retry::{Retry, RetryOptions};
    use crate::layer::scripted::{Scripted, error};

    /// A store whose next call fails with `unavailable`, and retries over it.
    fn failing_once() -> Guarded<Scripted, Retry> {
        failing([error(ErrorKind::Unavailable)])
    }

    fn failing(errors: impl IntoIterator<Item = Error>) -> Guarded<Scripted, Retry> {
        Guarded::new(Scripted::new(errors), Retry::with_clock(RetryOptions::default(), Manual::jumping().clock()))
    }

    fn path(path: &str) -> StorePath {
        StorePath::new(path).unwrap()
    }

    fn live() -> Content {
        Content::live(futures::stream::iter([Ok(Bytes::from_static(b"bytes"))]), Some(5))
    }

    #[tokio::test]
    async fn held_content_is_sent_again_and_live_content_is_not() {
        let store = failing_once();
        StreamingStore::put(&store, &path("/a"), Content::from_bytes("bytes"), Condition::Unconditional).await.unwrap();
        assert_eq!(store.store.asked(), ["put bytes", "put bytes"]);
        StreamingStore::store(&failing_once(), Content::from_bytes("bytes"), "sha256").await.unwrap();

        let store = failing_once();
        let lost = StreamingStore::put(&store, &path("/a"), live(), Condition::Unconditional).await.unwrap_err();
        assert_eq!((lost.kind(), store.store.asked()), (ErrorKind::Unavailable, vec!["put bytes".to_owned()]));
        StreamingStore::put(&store, &path("/a"), live(), Condition::Unconditional).await.unwrap();
        assert_eq!(store.store.asked(), ["put bytes"]);
    }

    #[tokio::test]
    async fn what_may_be_done_twice_is() {
        let key = AtomicKey::new("a").unwrap();
        let token = UploadToken::new("token").unwrap();
        let always = Condition::Unconditional;
        let again = |store: &Guarded<Scripted, Retry>| {
            assert_eq!(store.store.asked().len(), 2);
            store.store.fail(error(ErrorKind::Unavailable));
        };
        let store = failing_once();
        AtomicStore::get(&store, &key).await.unwrap();
        again(&store);
        AtomicStore::put(&store, &key, Bytes::new(), always.clone()).await.unwrap();
        again(&store);
        AtomicStore::remove(&store, &key, always.clone()).await.unwrap();
        again(&store);
        AtomicStore::list(&store, "", None, 1).await.unwrap();
        again(&store);
        AtomicStore::count(&store, "").await.unwrap();
        again(&store);
        store.stat(&path("/a")).await.unwrap();
        again(&store);
        store.open(&path("/a"), ByteRange::Whole).await.unwrap();
        again(&store);
        StreamingStore::list(&store, &Prefix::new("/").unwrap(), ListOptions::default()).await.unwrap();
        again(&store);
        store.abort_upload(&token).await.unwrap();
        again(&store);
        store.find_uploads(None, 1).await.unwrap();
        again(&store);
        store.written_parts(&token).await.unwrap();
        again(&store);
        store.copy(&path("/a"), &path("/b"), always).await.unwrap();
        again(&store);
    }

    #[tokio::test]
    async fn what_may_do_harm_when_done_twice_is_done_once() {
        let key = AtomicKey::new("a").unwrap();
        let token = UploadToken::new("token").unwrap();
        let store = failing([]);
        let once = |result: Result<()>| {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable);
            assert_eq!(store.store.asked().len(), 1);
        };
        let fails = || store.store.fail(error(ErrorKind::Unavailable));
        for condition in [Condition::IfAbsent, Condition::IfMatch(Etag("1".to_owned()))] {
            fails();
            once(AtomicStore::put(&store, &key, Bytes::new(), condition.clone()).await.map(drop));
            fails();
            once(AtomicStore::remove(&store, &key, condition.clone()).await);
            fails();
            once(StreamingStore::put(&store, &path("/a"), Content::from_bytes(""), condition.clone()).await.map(drop));
            fails();
            once(store.copy(&path("/a"), &path("/b"), condition).await.map(drop));
        }
        fails();
        once(store.create_upload(&path("/a")).await.map(drop));
        fails();
        once(store.write_part(&token, Part { number: 1, offset: 0, writer: 0 }, Content::from_bytes("")).await.map(drop));
        fails();
        once(store.complete_upload(&token, &[], &path("/a"), Condition::Unconditional).await.map(drop));
        fails();
        once(store.rename(&path("/a"), &path("/b"), Condition::Unconditional).await.map(drop));
    }

    #[tokio::test]
    async fn of_several_removals_those_are_tried_again_that_may_succeed() {
        let store = failing([]);
        let busy = || Err(error(ErrorKind::RateLimited));
        let denied = || Err(error(ErrorKind::PermissionDenied));
        store.store.removals.lock().unwrap().extend([vec![Ok(()), busy(), denied(), busy()], vec![busy(), Ok(())]]);
        let results = StreamingStore::remove(&store, &["/a", "/b", "/c", "/d"].map(path)).await.unwrap();
        let kinds: Vec<_> = results.into_iter().map(|result| result.err().map(|error| error.kind())).collect();
        assert_eq!(kinds, [None, None, Some(ErrorKind::PermissionDenied), None]);
        assert_eq!(store.store.asked(), ["remove /a /b /c /d", "remove /b /d", "remove /b"]);
    }

    #[tokio::test]
    async fn removals_tell_what_became_of_each_also_when_the_backend_goes_away() {
        let store = failing([]);
        store.store.removals.lock().unwrap().extend(vec![vec![Err(error(ErrorKind::RateLimited))]; 4]);
        let results = StreamingStore::remove(&store, &[path("/a")]).await.unwrap();
        assert_eq!(results[0].as_ref().unwrap_err().kind(), ErrorKind::RateLimited);
        assert_eq!(store.store.asked().len(), 4);

        let gone = failing(vec![error(ErrorKind::Unavailable); 4]);
        assert_eq!(StreamingStore::remove(&gone, &[path("/a")]).await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(StreamingStore::remove(&gone, &[]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_policy_that_repeats_what_it_must_not_gets_no_empty_content() {
        struct Twice;
        impl Policy for Twice {
            async fn run<T, F, A>(&self, _call: Call, attempt: F) -> Result<T>
            where
                T: Send,
                F: Fn() -> A + Send + Sync,
                A: Future<Output = Result<T>> + Send,
            {
                let _ = attempt().await;
                attempt().await
            }
        }
        let twice = Guarded::new(Scripted::new([]), Twice);
        let error = StreamingStore::put(&twice, &path("/a"), live(), Condition::Unconditional).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
