//! The end of an upload: its object made, once, whatever breaks off on the way; or its storage given back.

use std::sync::Arc;

use futures::StreamExt;

use super::digest::{BlobDigest, BlobHasher};
use super::error::UploadError;
use super::id::UploadId;
use super::journal::{Head, Piece, PiecePlace, State, Target};
use super::session::{Acquired, Exclusive, Session};
use super::{Committed, Destination, Inner};
use crate::error::{Error, ErrorKind, Result};
use crate::fallback;
use crate::path::StorePath;
use crate::types::{ByteRange, Condition, Part, UploadToken, WrittenPart};

impl Inner {
    /// Makes the object of everything that was written, if it has the digest `expected`. The head then says that it is committed and
    /// nobody holds it. Asked again after any interruption it goes on.
    ///
    /// # Errors
    /// `DigestMismatch`; `Busy` if the lease is lost; what the store answers: then asking again goes on.
    pub(super) async fn commit(&self, session: &mut Session, expected: &BlobDigest, to: &Destination) -> Result<Committed, UploadError> {
        let hasher = &session.progress.hasher;
        if expected.algorithm() == hasher.algorithm() {
            let actual = hasher.clone().finish();
            if actual != *expected {
                return Err(UploadError::DigestMismatch { expected: expected.clone(), actual });
            }
        }
        self.commit_matching(session, expected, to).await
    }

    /// Forgets the pieces of an upload that is over. Nobody waits for it: what is left if this process dies is swept by `purge`.
    pub(super) fn forget_later(self: &Arc<Self>, session: Session) {
        let inner = self.clone();
        tokio::spawn(async move {
            if let Err(error) = inner.forget_pieces(&session.id).await {
                tracing::debug!(upload = %session.id, %error, "the records of a finished upload wait for the next purge");
            }
        });
    }

    async fn commit_matching(&self, session: &mut Session, expected: &BlobDigest, to: &Destination) -> Result<Committed, UploadError> {
        self.fold_rest(session).await?;
        let target = match &session.head.state {
            State::Committing(target) if target.digest == *expected => target.clone(),
            _ => Target { path: self.destination(&session.id, to)?.to_string(), size: session.progress.offset, digest: expected.clone() },
        };
        // The intent is journalled before the backend is asked.
        session.head.state = State::Committing(target.clone());
        if !self.renew(session).await? {
            return Err(self.lost(&session.id).await?);
        }
        let path = StorePath::new(&target.path)?;
        if expected.algorithm() == session.progress.hasher.algorithm() {
            self.make(session, &path, target.size).await?;
        } else {
            self.make_unhashed(session, &path, &target).await?;
        }
        session.head.state = State::Committed(target.clone());
        session.head.lease = None;
        // Somebody who took over meanwhile makes the same object of the same bytes.
        self.write(session).await?;
        Ok(Committed { path, size: target.size })
    }

    pub(super) fn destination(&self, id: &UploadId, to: &Destination) -> Result<StorePath> {
        match to {
            Destination::At(path) => Ok(path.clone()),
            Destination::InPlace => self.place(id),
        }
    }

    /// What waits in segments becomes the last part, whatever its size.
    async fn fold_rest(&self, session: &mut Session) -> Result<()> {
        let Some(token) = session.head.token()? else { return Ok(()) };
        let Some(first) = session.progress.segments.first() else { return Ok(()) };
        let (offset, number) = (first.offset, session.progress.next);
        let content = self.store.hold(self.joined(&session.progress.segments, None)?).await?;
        session.progress.next += 1;
        let part = Part { number, offset, writer: session.head.epoch };
        let part_id = self.store.write_part(&token, part, content).await?;
        let (length, hash) = (session.progress.offset - offset, session.progress.hasher.save());
        let place = PiecePlace::Part(part_id.as_str().to_owned());
        let piece = Piece { number, epoch: session.head.epoch, offset, length, place, hash };
        self.journal.write_piece(&session.id, &piece).await?;
        session.progress.take(piece).map(drop)
    }

    /// The object at `path`, of everything that was written. Again is the same.
    async fn make(&self, session: &Session, path: &StorePath, size: u64) -> Result<()> {
        let Some(token) = session.head.token()? else {
            let content = self.joined(&session.progress.segments, None)?;
            return self.store.put(path, content, Condition::Unconditional).await.map(drop);
        };
        let parts = session.progress.parts.iter().filter_map(|piece| piece.as_part().transpose()).collect::<Result<Vec<_>>>()?;
        let place = self.place(&session.id)?;
        if *path == place || self.store.claims().late_destination {
            return self.complete(&token, &parts, path, size).await;
        }
        match self.complete(&token, &parts, &place, size).await {
            Ok(()) => {}
            // It was completed, and renamed, before this process came.
            Err(error) if is_over(&error) && self.has(path, size).await? => return Ok(()),
            Err(error) => return Err(error),
        }
        fallback::rename(&*self.store, &place, path, Condition::Unconditional).await.map(drop)
    }

    /// Completes the driver's upload; one that is over already counts if its object is there.
    async fn complete(&self, token: &UploadToken, parts: &[WrittenPart], path: &StorePath, size: u64) -> Result<()> {
        match self.store.complete_upload(token, parts, path, Condition::Unconditional).await {
            Ok(_) => Ok(()),
            Err(error) if is_over(&error) && self.has(path, size).await? => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn has(&self, path: &StorePath, size: u64) -> Result<bool> {
        match self.store.stat(path).await {
            Ok(info) => Ok(info.size == size),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// As [`Inner::make`] where the digest is of another algorithm than was hashed on the way: the object is made beside its place, read
    /// once and moved. One that has another digest is removed, and the upload with it.
    async fn make_unhashed(&self, session: &mut Session, path: &StorePath, target: &Target) -> Result<(), UploadError> {
        let place = self.place(&session.id)?;
        self.make(session, &place, target.size).await?;
        let actual = match self.hash(&place, target).await {
            Ok(actual) => actual,
            Err(error) if error.kind() == ErrorKind::NotFound && self.has(path, target.size).await? => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if actual == target.digest {
            if place != *path {
                fallback::rename(&*self.store, &place, path, Condition::Unconditional).await?;
            }
            return Ok(());
        }
        session.head.state = State::Aborted;
        session.head.lease = None;
        self.write(session).await?;
        for removed in self.store.remove(std::slice::from_ref(&place)).await? {
            removed?;
        }
        Err(UploadError::DigestMismatch { expected: target.digest.clone(), actual })
    }

    async fn hash(&self, path: &StorePath, target: &Target) -> Result<BlobDigest> {
        let mut hasher = BlobHasher::new(target.digest.algorithm());
        let mut stream = self.store.open(path, ByteRange::Whole).await?.content.into_stream();
        while let Some(frame) = stream.next().await {
            hasher.update(&frame?);
            tokio::task::consume_budget().await;
        }
        Ok(hasher.finish())
    }

    /// Gives up an upload, whether or not anybody has written to it.
    ///
    /// # Errors
    /// `Unknown` for one that is over; `Busy` while somebody else writes; what the store answers.
    pub(super) async fn abandon(&self, exclusive: &mut Exclusive, id: &UploadId) -> Result<(), UploadError> {
        loop {
            match self.acquire(exclusive, id).await? {
                Acquired::Owned(mut session) => return self.give_up(&mut session).await,
                Acquired::Committed => return Err(UploadError::Unknown),
                Acquired::Fresh => {
                    let mut head = Head::new(id, self.part_size());
                    head.state = State::Aborted;
                    if self.journal.write_head(id, &head, None).await?.is_some() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Gives up an upload that this process holds: its storage, then its records. The head stays, as the sign that it is over.
    pub(super) async fn give_up(&self, session: &mut Session) -> Result<(), UploadError> {
        session.head.state = State::Aborted;
        session.head.lease = None;
        if !self.write(session).await? {
            return Err(self.lost(&session.id).await?);
        }
        self.release(&session.id, &session.head).await?;
        Ok(())
    }

    /// Gives back the storage of an upload that is to be given up, on a store so full that not even that can be written. Should this process
    /// die before the head says that it is over, whoever goes on is told that it has expired.
    ///
    /// # Errors
    /// `Busy` while another process writes; what the store answers.
    pub(super) async fn make_room(&self, id: &UploadId) -> Result<(), UploadError> {
        let Some((head, _)) = self.journal.head(id).await? else { return Ok(()) };
        let ours = head.lease.as_ref().is_some_and(|lease| lease.owner == self.owner);
        if head.is_held() && !ours {
            return Err(UploadError::Busy { offset: self.replayed(id, &head).await?.offset });
        }
        Ok(self.release(id, &head).await?)
    }

    /// Gives back the storage of an upload that is over, and forgets its pieces.
    pub(super) async fn release(&self, id: &UploadId, head: &Head) -> Result<()> {
        if let Some(token) = head.token()? {
            match self.store.abort_upload(&token).await {
                Err(error) if !is_over(&error) => return Err(error),
                _ => {}
            }
        }
        self.forget_pieces(id).await
    }

    /// Removes segments and the records of all pieces.
    pub(super) async fn forget_pieces(&self, id: &UploadId) -> Result<()> {
        let segments = self.journal.all_pieces(id).await?.into_iter().filter_map(|piece| match piece.place {
            PiecePlace::Segment(path) => Some(StorePath::new(path)),
            PiecePlace::Part(_) => None,
        });
        let segments = segments.collect::<Result<Vec<_>>>()?;
        if !segments.is_empty() {
            for removed in self.store.remove(&segments).await? {
                removed?;
            }
        }
        self.journal.remove_pieces(id).await
    }
}

/// Whether there was no room for what had to be written.
pub(super) fn is_full(error: &UploadError) -> bool {
    matches!(error, UploadError::Store(error) if error.kind() == ErrorKind::QuotaExceeded)
}

/// Whether the driver says that its upload is over.
fn is_over(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::UploadExpired | ErrorKind::NotFound)
}
