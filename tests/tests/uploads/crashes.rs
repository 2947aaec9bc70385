//! A process that dies at any operation loses nothing that it acknowledged, and shows nothing that was not committed.

use super::{KINDS, Process, Stage, content, destination};
use cofferdam::upload::{UploadError, UploadId};

/// What each chunk of the upload has, in bytes.
const CHUNKS: [usize; 4] = [150, 1, 90, 400];

/// Sends everything from where the upload is; remembers what was acknowledged.
async fn send(process: &Process, id: &UploadId, whole: &[u8], acknowledged: &mut u64) -> Result<(), UploadError> {
    let mut offset = process.uploads.status(id).await? as usize;
    assert!(offset as u64 >= *acknowledged, "{acknowledged} bytes were acknowledged, and {offset} are there");
    let mut end = 0;
    for size in CHUNKS {
        end += size;
        if offset < end {
            *acknowledged = process.append(id, offset as u64, &whole[offset..end]).await?;
            assert_eq!(*acknowledged, end as u64);
            offset = end;
        }
    }
    process.finish(id, whole).await
}

#[tokio::test]
async fn who_dies_at_any_operation_is_followed_by_one_who_goes_on() {
    for kind in KINDS {
        for done in [false, true] {
            for operation in 0.. {
                let stage = Stage::new(*kind).await;
                let (first, id, whole) = (stage.process(), stage.id(), content(CHUNKS.iter().sum()));
                let told = format!("{}, operation {operation}, done: {done}", kind.name);
                first.store.die_after(operation, done);
                let mut acknowledged = 0;
                let sent = send(&first, &id, &whole, &mut acknowledged).await;
                if sent.is_ok() {
                    assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{told}");
                    if !first.store.is_dead() {
                        break;
                    }
                    continue;
                }
                if let Some(visible) = stage.read(&destination()).await {
                    assert_eq!(visible, whole, "{told}: what is visible is whole");
                }
                match send(&stage.process(), &id, &whole, &mut acknowledged).await {
                    // It died after the commit: the client asks for the end once more.
                    Err(UploadError::Unknown) => stage.process().finish(&id, &whole).await.unwrap_or_else(|error| panic!("{told}: {error}")),
                    sent => sent.unwrap_or_else(|error| panic!("{told}: {error}")),
                }
                assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{told}");
            }
        }
    }
}

#[tokio::test]
async fn who_follows_may_die_as_well() {
    for kind in KINDS {
        for operation in (0..24).step_by(3) {
            let stage = Stage::new(*kind).await;
            let (id, whole) = (stage.id(), content(CHUNKS.iter().sum()));
            let mut acknowledged = 0;
            for _ in 0..3 {
                let process = stage.process();
                process.store.die_after(operation, operation % 2 == 0);
                if send(&process, &id, &whole, &mut acknowledged).await.is_ok() {
                    break;
                }
            }
            match send(&stage.process(), &id, &whole, &mut acknowledged).await {
                Err(UploadError::Unknown) => stage.process().finish(&id, &whole).await.unwrap(),
                sent => sent.unwrap_or_else(|error| panic!("{}, operation {operation}: {error}", kind.name)),
            }
            assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{}, operation {operation}", kind.name);
        }
    }
}
