//! What nobody will finish: uploads that nobody touches any more, and what a driver holds that no journal knows.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::UploadError;
use super::id::UploadId;
use super::journal::{Head, State, now};
use super::session::Acquired;
use super::{Inner, PurgeMode, Purged, UploadInfo};
use crate::error::{ErrorKind, Result};

/// How many heads are looked at in one page.
const PAGE: u32 = 500;

impl Inner {
    pub(super) async fn purge(self: &Arc<Self>, older_than: Duration, mode: PurgeMode) -> Result<Purged> {
        let mut purged = Purged::default();
        let mut tokens = HashSet::new();
        let mut after: Option<String> = None;
        loop {
            let ids = self.journal.ids(after.as_deref(), PAGE).await?;
            let Some(last) = ids.last() else { break };
            after = Some(last.as_str().to_owned());
            for id in &ids {
                let Some((head, _)) = self.journal.head(id).await? else { continue };
                tokens.extend(head.token.clone());
                self.purge_one(id, head, older_than, mode, &mut purged).await?;
            }
        }
        self.purge_orphans(&tokens, older_than, mode, &mut purged).await?;
        Ok(purged)
    }

    async fn purge_one(self: &Arc<Self>, id: &UploadId, head: Head, older_than: Duration, mode: PurgeMode, purged: &mut Purged) -> Result<()> {
        if Duration::from_millis(now().saturating_sub(head.touched)) < older_than || head.is_held() {
            return Ok(());
        }
        match head.state {
            State::Open | State::Committing(_) => {
                purged.uploads.push(UploadInfo::new(id, &head));
                if mode == PurgeMode::Remove {
                    self.end(id).await?;
                }
            }
            // While its name is good, the head must say that it is over.
            State::Committed(_) | State::Aborted if expired(id, older_than) => {
                purged.records += 1;
                if mode == PurgeMode::Remove {
                    self.forget_pieces(id).await?;
                    self.journal.remove_head(id).await?;
                }
            }
            State::Committed(_) | State::Aborted => {}
        }
        Ok(())
    }

    /// Gives up an upload; one that somebody has begun to write to again is left alone.
    async fn end(self: &Arc<Self>, id: &UploadId) -> Result<()> {
        let ended = async {
            let mut exclusive = self.exclusive(id).await?;
            if let Acquired::Owned(mut session) = self.acquire(&mut exclusive, id).await? {
                self.give_up(&mut session).await?;
            }
            Ok::<_, UploadError>(())
        };
        match ended.await {
            Err(UploadError::Store(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Uploads of the driver that no head knows: their process died between asking the driver and writing the answer down.
    async fn purge_orphans(&self, known: &HashSet<String>, older_than: Duration, mode: PurgeMode, purged: &mut Purged) -> Result<()> {
        let oldest = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(older_than).as_nanos() as u64;
        let mut cursor: Option<String> = None;
        loop {
            let (found, next) = match self.store.find_uploads(cursor.as_deref(), PAGE).await {
                Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(()),
                found => found?,
            };
            for upload in found {
                // One whose age is not known may be younger than the list of heads.
                if known.contains(upload.token.as_str()) || upload.created.is_none_or(|created| created > oldest) {
                    continue;
                }
                purged.orphans += 1;
                if mode == PurgeMode::Remove {
                    self.store.abort_upload(&upload.token).await?;
                }
            }
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }
}

fn expired(id: &UploadId, age: Duration) -> bool {
    id.created() + age < SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
