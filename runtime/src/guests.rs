//! The exports of a driver: found once when it is loaded, bound to each instance.

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::bindings::exports::cofferdam::storage as exports;
use crate::host::state::State;

macro_rules! optional_exports {
    ($($field:ident: $module:ident = $name:literal, $variant:ident),* $(,)?) => {
        /// The interfaces that a driver may export beside `lifecycle`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Interface {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Interface {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The interface's name in the contract.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        /// Where a driver's exports are.
        pub(crate) struct Indices {
            lifecycle: exports::lifecycle::GuestIndices,
            $($field: Option<exports::$module::GuestIndices>,)*
        }

        /// The exports of one instance.
        pub(crate) struct Guests {
            pub(crate) lifecycle: exports::lifecycle::Guest,
            $(pub(crate) $field: Option<exports::$module::Guest>,)*
        }

        impl Indices {
            /// Looks up what `exported` says is there.
            pub(crate) fn of(prepared: &InstancePre<State>, exported: impl Fn(&str) -> bool) -> wasmtime::Result<Self> {
                Ok(Self {
                    lifecycle: exports::lifecycle::GuestIndices::new(prepared)?,
                    $($field: exported($name).then(|| exports::$module::GuestIndices::new(prepared)).transpose()?,)*
                })
            }

            /// Binds them to an instance.
            pub(crate) fn bind(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Guests> {
                Ok(Guests {
                    lifecycle: self.lifecycle.load(&mut *store, instance)?,
                    $($field: self.$field.as_ref().map(|indices| indices.load(&mut *store, instance)).transpose()?,)*
                })
            }

            /// Whether the driver exports `interface`.
            pub(crate) fn has(&self, interface: Interface) -> bool {
                match interface {
                    $(Interface::$variant => self.$field.is_some(),)*
                }
            }
        }
    };
}

optional_exports! {
    atomic: atomic_store = "atomic-store", AtomicStore,
    streaming: streaming_store = "streaming-store", StreamingStore,
    uploads: uploads = "uploads", Uploads,
    upload_listing: upload_listing = "upload-listing", UploadListing,
    copying: copying = "copying", Copying,
    renaming: renaming = "renaming", Renaming,
    content_store: content_store = "content-store", ContentStore,
    generator: generator = "generator", Generator,
    presigning: presigning = "presigning", Presigning,
}
