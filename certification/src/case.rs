//! What a case is: an id, the rule that it holds, the claims that it needs, and what it does.

use std::fmt;

use cofferdam::{Claims, Instances, Interface, Mount};
use futures::future::BoxFuture;

use crate::context::Context;
use crate::verdict::Verdict;

/// Something that a driver may claim.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Claim {
    /// By exporting an interface.
    Interface(Interface),
    /// By an attribute that its `configure` answers.
    #[non_exhaustive]
    Attribute {
        /// The attribute, as the contract writes it, with `not` where it is its absence that counts.
        name: &'static str,
        /// Whether it is claimed.
        holds: fn(&Claims) -> bool,
    },
}

impl Claim {
    /// Whether `mount`'s driver claims it.
    pub fn is_held_by(&self, mount: &Mount) -> bool {
        match self {
            Self::Interface(interface) => mount.has(*interface),
            Self::Attribute { holds, .. } => holds(mount.claims()),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(interface) => f.write_str(interface.name()),
            Self::Attribute { name, .. } => f.write_str(name),
        }
    }
}

macro_rules! attributes {
    ($($name:ident = $text:literal: $holds:expr;)*) => {
        $(pub(crate) const $name: Claim = Claim::Attribute { name: $text, holds: $holds };)*
    };
}

pub(crate) const STREAMING: Claim = Claim::Interface(Interface::StreamingStore);
pub(crate) const ATOMIC: Claim = Claim::Interface(Interface::AtomicStore);
pub(crate) const UPLOADS: Claim = Claim::Interface(Interface::Uploads);
pub(crate) const UPLOAD_LISTING: Claim = Claim::Interface(Interface::UploadListing);
pub(crate) const CONTENT_STORE: Claim = Claim::Interface(Interface::ContentStore);
pub(crate) const PRESIGNING: Claim = Claim::Interface(Interface::Presigning);
pub(crate) const GENERATOR: Claim = Claim::Interface(Interface::Generator);

attributes! {
    WRITABLE = "writable": |claims| claims.writable;
    LISTABLE = "listable": |claims| claims.listable;
    NOT_WRITABLE = "writable = false": |claims| !claims.writable;
    NOT_LISTABLE = "listable = false": |claims| !claims.listable;
    OUTLIVES = "not volatile": |claims| !claims.volatile;
    POOLED = "instances = pooled": |claims| claims.instances == Instances::Pooled;
    SINGLE = "instances = single": |claims| claims.instances == Instances::Single;
    PUT_IF_ABSENT = "put-if-absent": |claims| claims.put_if_absent;
    PUT_IF_MATCH = "put-if-match": |claims| claims.put_if_match;
    PUT_MAX = "put-max": |claims| claims.put_max.is_some();
    PART_COUNT_MAX = "part-count-max": |claims| claims.part_count_max.is_some();
    LIVE_CONTENT = "live-content": |claims| claims.live_content;
    CAPACITY = "capacity": |claims| claims.capacity.is_some();
}

pub(crate) type Run = for<'a> fn(&'a Context) -> BoxFuture<'a, Verdict>;

/// One rule of the contract, and how it is tested.
#[derive(Debug)]
pub struct Case {
    pub(crate) id: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) claims: &'static [Claim],
    pub(crate) long: bool,
    pub(crate) run: Run,
}

impl Case {
    /// Its id, as `docs/contract.md` lists it.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What it holds a driver to, in a sentence.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// What a driver must claim to be asked. A driver that does not is skipped, after it was seen to refuse.
    pub fn claims(&self) -> &'static [Claim] {
        self.claims
    }

    /// Whether it belongs to the long run only.
    pub fn is_long(&self) -> bool {
        self.long
    }
}

/// A table of cases: `id, rule, [claims] => function;`
macro_rules! cases {
    ($($id:literal, $rule:literal, [$($claim:expr),*] => $run:path;)*) => {
        /// The cases of this group.
        pub(crate) const CASES: &[$crate::case::Case] = &[$($crate::case::Case {
            id: $id,
            rule: $rule,
            claims: &[$($claim),*],
            long: false,
            run: |context| Box::pin($run(context)),
        }),*];
    };
}
pub(crate) use cases;
