//! Content under a key that the store makes of its digest.

use cofferdam::{ErrorKind, StreamingStore};

use crate::case::{CONTENT_STORE, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{holds, refused};
use crate::verdict::{Verdict, ensure};

cases! {
    "store.key", "the key is made of the digest and is the path of an object; twice gives the same; an unknown algorithm is `unsupported`",
        [STREAMING, WRITABLE, CONTENT_STORE] => key;
}

async fn key(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    for size in [0, 1, 100_000] {
        let data = context.data(context.fitting_put(size));
        let key = mount.store(data.content().await?, "sha256").await?;
        let digest = data.sha256();
        // However it is cut into components.
        let plain: String = key.as_str().chars().filter(char::is_ascii_hexdigit).collect();
        ensure!(plain.contains(&digest), "the key {key} is not made of the digest {digest}");
        holds(&mount, &key, &data, "what was stored by its digest").await?;
        let again = mount.store(data.content().await?, "sha256").await?;
        ensure!(again == key, "the same content got the key {key} and then {again}");
        let other = mount.store(context.data(data.size() + 1).content().await?, "sha256").await?;
        ensure!(other != key, "other content got the key {key} too");
        holds(&mount, &key, &data, "after other content was stored").await?;
    }
    for unknown in ["whirlpool", "", "SHA256", "sha-256"] {
        let answered = mount.store(context.data(10).content().await?, unknown).await;
        refused(answered, &[ErrorKind::Unsupported], format_args!("`store` by the algorithm {unknown:?}"))?;
    }
    Ok(())
}
