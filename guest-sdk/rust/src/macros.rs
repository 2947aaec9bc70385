//! [`export_driver!`](crate::export_driver!), which makes a crate's driver the exports of its component.

/// Exports a driver with `lifecycle` and the interfaces that are named: those of the traits in [`driver`](crate::driver).
///
/// Once a component, in the crate that is built as `cdylib`. On other targets than `wasm32` it makes nothing, so that the
/// same crate is tested natively. A crate that others wrap puts it behind a feature, since a component has one driver.
///
/// ```text
/// #[cfg(feature = "export")]
/// cofferdam_guest::export_driver!(MyDriver: StreamingStore, AtomicStore, Uploads);
/// ```
#[macro_export]
macro_rules! export_driver {
    ($driver:ty: $($interface:ident),+ $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type CofferdamExport = $crate::export::Exported<$driver>;
            $crate::export_driver!(@export Lifecycle);
            $($crate::export_driver!(@export $interface);)+
        };
    };
    (@export Lifecycle) => { $crate::export_driver!(@bindings lifecycle); };
    (@export AtomicStore) => { $crate::export_driver!(@bindings atomic_store); };
    (@export StreamingStore) => { $crate::export_driver!(@bindings streaming_store); };
    (@export Uploads) => { $crate::export_driver!(@bindings uploads); };
    (@export UploadListing) => { $crate::export_driver!(@bindings upload_listing); };
    (@export Copying) => { $crate::export_driver!(@bindings copying); };
    (@export Renaming) => { $crate::export_driver!(@bindings renaming); };
    (@export ContentStore) => { $crate::export_driver!(@bindings content_store); };
    (@export Presigning) => { $crate::export_driver!(@bindings presigning); };
    (@export Generator) => { $crate::export_driver!(@bindings generator); };
    (@export $unknown:ident) => {
        compile_error!(concat!("`", stringify!($unknown), "` is none of the interfaces that a driver exports"));
    };
    (@bindings $module:ident) => {
        $crate::bindings::$module::export!(CofferdamExport with_types_in $crate::bindings::$module);
    };
}
