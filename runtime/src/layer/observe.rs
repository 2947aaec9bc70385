//! Tells an observer of each call of a store: what was asked, how long it took, how many bytes it was about, and how it ended.

use std::time::{Duration, Instant};

use crate::error::{ErrorKind, Result};

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What was asked of a store.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation {
            $($(#[$doc])* $name,)*
        }

        impl Operation {
            /// All of them, in the order of their numbers (`operation as usize`).
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The operation's name: `atomic-get`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}
operations! {
    /// [`AtomicStore::get`](crate::AtomicStore::get)
    AtomicGet = "atomic-get",
    /// [`AtomicStore::put`](crate::AtomicStore::put)
    AtomicPut = "atomic-put",
    /// [`AtomicStore::remove`](crate::AtomicStore::remove)
    AtomicRemove = "atomic-remove",
    /// [`AtomicStore::list`](crate::AtomicStore::list)
    AtomicList = "atomic-list",
    /// [`AtomicStore::count`](crate::AtomicStore::count)
    AtomicCount = "atomic-count",
    /// [`StreamingStore::hold`](crate::StreamingStore::hold)
    Hold = "hold",
    /// [`StreamingStore::stat`](crate::StreamingStore::stat)
    Stat = "stat",
    /// [`StreamingStore::open`](crate::StreamingStore::open): until its bytes can be read
    Open = "open",
    /// [`StreamingStore::put`](crate::StreamingStore::put)
    Put = "put",
    /// [`StreamingStore::list`](crate::StreamingStore::list)
    List = "list",
    /// [`StreamingStore::remove`](crate::StreamingStore::remove)
    Remove = "remove",
    /// [`StreamingStore::create_upload`](crate::StreamingStore::create_upload)
    CreateUpload = "create-upload",
    /// [`StreamingStore::write_part`](crate::StreamingStore::write_part)
    WritePart = "write-part",
    /// [`StreamingStore::complete_upload`](crate::StreamingStore::complete_upload)
    CompleteUpload = "complete-upload",
    /// [`StreamingStore::abort_upload`](crate::StreamingStore::abort_upload)
    AbortUpload = "abort-upload",
    /// [`StreamingStore::find_uploads`](crate::StreamingStore::find_uploads)
    FindUploads = "find-uploads",
    /// [`StreamingStore::written_parts`](crate::StreamingStore::written_parts)
    WrittenParts = "written-parts",
    /// [`StreamingStore::copy`](crate::StreamingStore::copy)
    Copy = "copy",
    /// [`StreamingStore::rename`](crate::StreamingStore::rename)
    Rename = "rename",
    /// [`StreamingStore::store`](crate::StreamingStore::store)
    Store = "store",
    /// [`StreamingStore::presign`](crate::StreamingStore::presign)
    Presign = "presign",
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did what was asked.
    Done,
    /// It failed.
    Failed(ErrorKind),
    /// Whoever asked went away first.
    Dropped,
}

/// One call, when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What was asked.
    pub operation: Operation,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub elapsed: Duration,
    /// Bytes that were stored, or that can now be read; 0 where nobody knows yet how many.
    pub bytes: u64,
}

/// Is told of calls.
pub trait Observer: Send + Sync {
    /// Is told of one call, on the caller's thread: it must not wait for anything.
    fn observe(&self, observation: Observation);
}

/// A store whose calls an observer is told of.
#[derive(Clone, Debug)]
pub struct Observed<S, O> {
    pub(super) store: S,
    pub(super) observer: O,
}

impl<S, O: Observer> Observed<S, O> {
    /// `store`, observed.
    pub fn new(store: S, observer: O) -> Self {
        Self { store, observer }
    }

    /// Begins a call that is about `bytes` bytes, as far as that is known before.
    pub(super) fn begin(&self, operation: Operation, bytes: Option<u64>) -> Call<'_, O> {
        Call { observer: &self.observer, operation, began: Instant::now(), bytes: bytes.unwrap_or(0), outcome: Outcome::Dropped }
    }
}

/// A call that is going on; the observer is told when it is dropped, however that comes.
pub(super) struct Call<'a, O: Observer> {
    observer: &'a O,
    operation: Operation,
    began: Instant,
    bytes: u64,
    outcome: Outcome,
}

impl<O: Observer> Call<'_, O> {
    /// The call has ended with `result`.
    pub(super) fn end<T>(self, result: Result<T>) -> Result<T> {
        self.end_with(result, |_| None)
    }

    /// The call has ended with `result`, which says how many bytes it was about.
    pub(super) fn end_with<T>(mut self, result: Result<T>, bytes: impl FnOnce(&T) -> Option<u64>) -> Result<T> {
        self.outcome = match &result {
            Ok(answer) => {
                self.bytes = bytes(answer).unwrap_or(self.bytes);
                Outcome::Done
            }
            Err(error) => Outcome::Failed(error.kind()),
        };
        result
    }
}

impl<O: Observer> Drop for Call<'_, O> {
    fn drop(&mut self) {
        // What failed moved nothing that counts.
        let bytes = if self.outcome == Outcome::Done { self.bytes } else { 0 };
        let observation = Observation { operation: self.operation, outcome: self.outcome, elapsed: self.began.elapsed(), bytes };
        self.observer.observe(observation);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::error::Error;

    #[derive(Default)]
    struct Recorder(Mutex<Vec<(&'static str, Outcome, u64)>>);

    impl Observer for Recorder {
        fn observe(&self, observation: Observation) {
            self.0.lock().unwrap().push((observation.operation.as_str(), observation.outcome, observation.bytes));
        }
    }

    #[test]
    fn every_way_to_end_is_told_once() {
        let observed = Observed::new((), Recorder::default());
        let _ = observed.begin(Operation::Put, Some(7)).end(Ok(()));
        let _ = observed.begin(Operation::Open, None).end_with(Ok(9), |bytes| Some(*bytes));
        let _ = observed.begin(Operation::WritePart, Some(7)).end::<()>(Err(Error::not_found("/a")));
        drop(observed.begin(Operation::AtomicGet, Some(7)));
        let expected = [
            ("put", Outcome::Done, 7),
            ("open", Outcome::Done, 9),
            ("write-part", Outcome::Failed(ErrorKind::NotFound), 0),
            ("atomic-get", Outcome::Dropped, 0),
        ];
        assert_eq!(*observed.observer.0.lock().unwrap(), expected);
    }

    #[test]
    fn operations_have_the_numbers_of_their_places() {
        for (at, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, at);
        }
    }
}
