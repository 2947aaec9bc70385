//! The contract as Rust types: the only place of the host where bindings are generated from `wit/`.

#![allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated; the documentation is in wit/")]

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package cofferdam:host;

        world host {
            import cofferdam:storage/data@1.0.0;
            import cofferdam:storage/system@1.0.0;
            import cofferdam:storage/files@1.0.0;
            import cofferdam:storage/connections@1.0.0;
            import cofferdam:storage/http@1.0.0;
            import cofferdam:storage/signing@1.0.0;
            export cofferdam:storage/lifecycle@1.0.0;
            export cofferdam:storage/atomic-store@1.0.0;
            export cofferdam:storage/streaming-store@1.0.0;
            export cofferdam:storage/uploads@1.0.0;
            export cofferdam:storage/upload-listing@1.0.0;
            export cofferdam:storage/copying@1.0.0;
            export cofferdam:storage/renaming@1.0.0;
            export cofferdam:storage/content-store@1.0.0;
            export cofferdam:storage/generator@1.0.0;
            export cofferdam:storage/presigning@1.0.0;
        }
    ",
    world: "cofferdam:host/host",
    imports: {
        "cofferdam:storage/data.[method]content.read": async | trappable,
        "cofferdam:storage/data.[method]content.digest": async | trappable,
        "cofferdam:storage/data.[method]buffer.append": async | trappable,
        "cofferdam:storage/files.replace": async | trappable,
        "cofferdam:storage/files.write": async | trappable,
        "cofferdam:storage/files.set-size": async | trappable,
        "cofferdam:storage/files.sync": async | trappable,
        "cofferdam:storage/files.commit": async | trappable,
        "cofferdam:storage/files.lock": async | trappable,
        "cofferdam:storage/connections.connect": async | trappable,
        "cofferdam:storage/connections.[method]connection.read": async | trappable,
        "cofferdam:storage/connections.[method]connection.write": async | trappable,
        "cofferdam:storage/http.send": async | trappable,
        "cofferdam:storage/http.send-all": async | trappable,
        "cofferdam:storage/signing.presign": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "cofferdam:storage/data.content": crate::content::Content,
        "cofferdam:storage/data.buffer": crate::content::Buffer,
        "cofferdam:storage/files.guard": crate::bindings::GuardId,
    },
});

/// A lock that a guest holds, by its place among its instance's [`crate::call::Guards`].
#[derive(Debug)]
pub struct GuardId(pub(crate) u64);
