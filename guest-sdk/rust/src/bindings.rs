//! What `wit-bindgen` makes of the contract: the only place where it is called.
//!
//! The host's interfaces and all shared types come from one world. Each interface that a driver may export has a module and a
//! world of its own, since a component must export exactly what its driver implements: the section that describes a
//! world is emitted by its `export!` macro, and sections of several worlds are merged when the component is encoded.

wit_bindgen::generate!({
    path: "wit",
    inline: "
        package cofferdam:guest;
        world imports {
            import cofferdam:storage/store-types@1.0.0;
            import cofferdam:storage/connections@1.0.0;
            import cofferdam:storage/data@1.0.0;
            import cofferdam:storage/files@1.0.0;
            import cofferdam:storage/http@1.0.0;
            import cofferdam:storage/signing@1.0.0;
            import cofferdam:storage/system@1.0.0;
        }
    ",
    world: "cofferdam:guest/imports",
    generate_all,
    generate_unused_types: true,
    additional_derives: [PartialEq],
    additional_derives_ignore: ["opened", "opened-file", "response"],
});

/// A module with the bindings of one exported interface; its shared types are those above.
macro_rules! exported {
    ($($module:ident: $world:literal, $inline:literal $(, with $shared:literal: $path:path)*;)*) => {$(
        #[doc = concat!("The world `", $world, "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                inline: $inline,
                world: $world,
                with: {
                    "cofferdam:storage/store-types@1.0.0": crate::bindings::cofferdam::storage::store_types,
                    $($shared: $path,)*
                },
                generate_all,
                pub_export_macro: true,
            });
            pub use exports::cofferdam::storage::$module as interface;
        }
    )*};
}

exported! {
    lifecycle: "export-lifecycle", "package cofferdam:guest; world export-lifecycle { export cofferdam:storage/lifecycle@1.0.0; }";
    atomic_store: "export-atomic-store", "package cofferdam:guest; world export-atomic-store { export cofferdam:storage/atomic-store@1.0.0; }";
    streaming_store: "export-streaming-store", "package cofferdam:guest; world export-streaming-store { export cofferdam:storage/streaming-store@1.0.0; }",
        with "cofferdam:storage/data@1.0.0": crate::bindings::cofferdam::storage::data;
    uploads: "export-uploads", "package cofferdam:guest; world export-uploads { export cofferdam:storage/uploads@1.0.0; }",
        with "cofferdam:storage/data@1.0.0": crate::bindings::cofferdam::storage::data;
    upload_listing: "export-upload-listing", "package cofferdam:guest; world export-upload-listing { export cofferdam:storage/upload-listing@1.0.0; }";
    copying: "export-copying", "package cofferdam:guest; world export-copying { export cofferdam:storage/copying@1.0.0; }";
    renaming: "export-renaming", "package cofferdam:guest; world export-renaming { export cofferdam:storage/renaming@1.0.0; }";
    content_store: "export-content-store", "package cofferdam:guest; world export-content-store { export cofferdam:storage/content-store@1.0.0; }",
        with "cofferdam:storage/data@1.0.0": crate::bindings::cofferdam::storage::data;
    presigning: "export-presigning", "package cofferdam:guest; world export-presigning { export cofferdam:storage/presigning@1.0.0; }";
    generator: "export-generator", "package cofferdam:guest; world export-generator { export cofferdam:storage/generator@1.0.0; }";
}
