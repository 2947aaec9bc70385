//! What decides whether, when and how often a call of a store is made.

use std::future::Future;

use super::observe::Operation;
use crate::error::Result;

/// A call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// What is asked.
    pub operation: Operation,
    /// To do it twice is as good as to do it once, and it can be done twice: its content, if it has any, is held.
    pub repeatable: bool,
    /// It takes content that arrives while it runs: how long it takes, and how it fails, is up to where that comes from too.
    pub live: bool,
    /// How many bytes of content it takes, if that is known.
    pub bytes: Option<u64>,
}

impl Call {
    /// A call that changes nothing, or that changes the same whether it is made once or twice.
    pub(super) fn repeatable(operation: Operation) -> Self {
        Self { operation, repeatable: true, live: false, bytes: None }
    }

    /// A call that may do harm when it is made twice.
    pub(super) fn once(operation: Operation) -> Self {
        Self { operation, repeatable: false, live: false, bytes: None }
    }
}

/// Makes calls: each once, later, several times or not at all.
pub trait Policy: Send + Sync {
    /// Makes `call`, each time by `attempt`.
    ///
    /// # Errors
    /// What the last attempt reports, or what the policy says instead of an attempt.
    ///
    /// # Cancel safety
    /// As the call itself.
    fn run<T, F, A>(&self, call: Call, attempt: F) -> impl Future<Output = Result<T>> + Send
    where
        T: Send,
        F: Fn() -> A + Send + Sync,
        A: Future<Output = Result<T>> + Send;
}

/// Two policies as one: each attempt of the first is a whole run of the second.
#[derive(Clone, Debug)]
pub struct Chain<A, B>(pub A, pub B);

impl<First: Policy, Second: Policy> Policy for Chain<First, Second> {
    async fn run<T, F, A>(&self, call: Call, attempt: F) -> Result<T>
    where
        T: Send,
        F: Fn() -> A + Send + Sync,
        A: Future<Output = Result<T>> + Send,
    {
        let attempt = &attempt;
        self.0.run(call, move || self.1.run(call, attempt)).await
    }
}
