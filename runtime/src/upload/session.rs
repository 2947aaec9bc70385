//! The right to write to an upload: taken, kept, given back, and taken over from who has lost it.
//!
//! # Why nothing is lost or mixed
//! A writer is acknowledged only after its pieces are durable **and** it has then read the head unchanged (`Session::verify`). Who takes
//! over first changes the head (a new epoch), then lists the pieces, then fences the old epoch off at what it found. So a piece of
//! the old writer is either durable before the head changed, and is found; or its writer sees the change and is not acknowledged. What
//! it records later lies behind the fence. Clocks decide only when somebody may take over, never what counts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;

use super::error::UploadError;
use super::id::UploadId;
use super::journal::{Head, Lease, State, now};
use super::progress::Progress;
use super::{Inner, PARALLEL};
use crate::error::Result;
use crate::types::Etag;

/// How long an owner that has nothing to do keeps its lease: a client's next chunk comes sooner, and another replica waits less
/// than a client notices.
const IDLE: Duration = Duration::from_millis(250);

/// How long the pieces of an upload that was let go are remembered, so that the next chunk need not read them.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How often somebody who waits for a lease looks again.
const LOOK: Duration = Duration::from_millis(25);

/// An upload that this process may write to.
pub(super) struct Session {
    pub(super) id: UploadId,
    pub(super) head: Head,
    pub(super) etag: Etag,
    pub(super) progress: Progress,
    /// When the lease was last written.
    renewed: Instant,
}

/// What this process knows of one upload.
#[derive(Default)]
pub(super) struct Slot {
    /// Present while nobody in this process writes, and something is known.
    session: Arc<tokio::sync::Mutex<Option<Session>>>,
    /// Where the upload was last seen: everything before is durable.
    pub(super) offset: AtomicU64,
    /// How many wait for whoever writes at the moment.
    waiting: AtomicU32,
    /// Counts uses, so that who tends the slot sees that it was used.
    uses: AtomicU64,
}

impl Slot {
    /// Whether somebody in this process waits to write.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// The uploads that this process knows: those that somebody uses, or of which something is known.
#[derive(Default)]
pub(super) struct Slots(Mutex<HashMap<String, Arc<Slot>>>);

impl Slots {
    fn slots(&self) -> MutexGuard<'_, HashMap<String, Arc<Slot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(self: &Arc<Self>, id: &UploadId) -> Use {
        let slot = self.slots().entry(id.as_str().to_owned()).or_default().clone();
        Use { slot, slots: self.clone(), id: id.clone() }
    }

    pub(super) fn peek(&self, id: &UploadId) -> Option<Arc<Slot>> {
        self.slots().get(id.as_str()).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Slot>> {
        self.slots().values().cloned().collect()
    }

    /// Forgets an upload that nobody but the caller uses and of which nothing is known.
    fn forget(&self, id: &UploadId, slot: &Arc<Slot>) {
        let mut slots = self.slots();
        // The map's, and the caller's.
        if Arc::strong_count(slot) <= 2 && slot.session.try_lock().is_ok_and(|session| session.is_none()) {
            slots.remove(id.as_str());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots().len()
    }
}

/// Somebody who uses an upload, or waits to.
struct Use {
    slot: Arc<Slot>,
    slots: Arc<Slots>,
    id: UploadId,
}

impl Drop for Use {
    fn drop(&mut self) {
        self.slots.forget(&self.id, &self.slot);
    }
}

/// Counts a waiter for as long as it waits.
struct Waiting<'a>(&'a Slot);

impl<'a> Waiting<'a> {
    fn new(slot: &'a Slot) -> Self {
        slot.waiting.fetch_add(1, Ordering::Relaxed);
        Self(slot)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place in which nobody else in this process writes to the upload. What is left in `session` is there for whoever comes next.
pub(super) struct Exclusive {
    /// Before `used`, whose end looks whether anything is known.
    session: OwnedMutexGuard<Option<Session>>,
    used: Use,
}

impl Exclusive {
    /// Whether this process has written to the upload of late.
    pub(super) fn is_known(&self) -> bool {
        self.session.is_some()
    }

    /// What this process knows of it, apart from the session.
    pub(super) fn slot(&self) -> &Slot {
        &self.used.slot
    }
}

/// What there is to write to.
pub(super) enum Acquired {
    /// This process may write.
    Owned(Box<Session>),
    /// There is no head.
    Fresh,
    /// It is over: its object is there.
    Committed,
}

impl Inner {
    /// Waits until nobody else in this process writes to the upload.
    ///
    /// # Errors
    /// `Busy` after the patience that is set.
    pub(super) async fn exclusive(&self, id: &UploadId) -> Result<Exclusive, UploadError> {
        let used = self.slots.get(id);
        let waiting = Waiting::new(&used.slot);
        let locked = tokio::time::timeout(self.options.patience, used.slot.session.clone().lock_owned()).await;
        drop(waiting);
        match locked {
            Ok(session) => {
                used.slot.uses.fetch_add(1, Ordering::Relaxed);
                Ok(Exclusive { session, used })
            }
            Err(_) => Err(UploadError::Busy { offset: used.slot.offset.load(Ordering::Relaxed) }),
        }
    }

    /// The right to write, waited for as long as the patience that is set lasts.
    ///
    /// # Errors
    /// `Busy` if another process keeps it; `Unknown` if the upload was given up; what the store answers.
    pub(super) async fn acquire(&self, exclusive: &mut Exclusive, id: &UploadId) -> Result<Acquired, UploadError> {
        let deadline = Instant::now() + self.options.patience;
        let mut known = exclusive.session.take();
        loop {
            // The lease is still ours, as far as this process can tell; `verify` decides.
            if let Some(session) = known.take_if(|session| session.head.lease.is_some() && session.renewed.elapsed() < self.options.lease / 3) {
                return Ok(Acquired::Owned(Box::new(session)));
            }
            let Some((head, etag)) = self.journal.head(id).await? else { return Ok(Acquired::Fresh) };
            match &head.state {
                State::Aborted => return Err(UploadError::Unknown),
                State::Committed(_) => return Ok(Acquired::Committed),
                State::Open | State::Committing(_) => {}
            }
            let ours = head.lease.as_ref().is_some_and(|lease| lease.owner == self.owner);
            if head.is_held() && !ours {
                if Instant::now() >= deadline {
                    return Err(UploadError::Busy { offset: self.replayed(id, &head).await?.offset });
                }
                tokio::time::sleep(LOOK).await;
                continue;
            }
            let session = match known.take().filter(|session| session.etag == etag) {
                // Nobody was here since: what is known still holds.
                Some(session) => self.claim(session).await?,
                None if head.lease.is_none() => {
                    let progress = self.replayed(id, &head).await?;
                    self.claim(Session { id: id.clone(), head, etag, progress, renewed: Instant::now() }).await?
                }
                None => self.take_over(id, head, &etag).await?,
            };
            if let Some(session) = session {
                exclusive.slot().offset.store(session.progress.offset, Ordering::Relaxed);
                return Ok(Acquired::Owned(Box::new(session)));
            }
        }
    }

    /// As [`Inner::acquire`], for who brings bytes: makes the head where there is none, and asks the driver for an upload.
    ///
    /// # Errors
    /// As [`Inner::acquire`]; `Unknown` for an upload that is over.
    pub(super) async fn acquire_to_write(&self, exclusive: &mut Exclusive, id: &UploadId) -> Result<Session, UploadError> {
        loop {
            let mut session = match self.acquire(exclusive, id).await? {
                Acquired::Owned(session) => *session,
                Acquired::Committed => return Err(UploadError::Unknown),
                Acquired::Fresh => match self.begin(id).await? {
                    Some(session) => session,
                    None => continue,
                },
            };
            if session.head.token.is_none() && session.progress.offset == 0 && self.driver_has_uploads() {
                self.begin_in_driver(&mut session).await?;
            }
            return Ok(session);
        }
    }

    /// The first head. `None` if somebody else was faster.
    async fn begin(&self, id: &UploadId) -> Result<Option<Session>> {
        let mut head = Head::new(id, self.part_size());
        head.lease = Some(self.lease());
        let Some(etag) = self.journal.write_head(id, &head, None).await? else { return Ok(None) };
        let progress = Progress::start(&head)?;
        Ok(Some(Session { id: id.clone(), head, etag, progress, renewed: Instant::now() }))
    }

    fn lease(&self) -> Lease {
        Lease { owner: self.owner.clone(), expires: now() + self.options.lease.as_millis() as u64 }
    }

    /// Takes the lease of a head that nobody holds, or renews our own. `None` if somebody else was faster.
    pub(super) async fn claim(&self, mut session: Session) -> Result<Option<Session>> {
        Ok(self.renew(&mut session).await?.then_some(session))
    }

    /// Writes the head with a fresh lease. False if it has changed: the lease is lost.
    pub(super) async fn renew(&self, session: &mut Session) -> Result<bool> {
        session.head.lease = Some(self.lease());
        session.renewed = Instant::now();
        self.write(session).await
    }

    /// Writes the head. False if somebody else has changed it: the lease is lost.
    pub(super) async fn write(&self, session: &mut Session) -> Result<bool> {
        session.head.touched = now();
        match self.journal.write_head(&session.id, &session.head, Some(&session.etag)).await? {
            Some(etag) => session.etag = etag,
            None => return Ok(false),
        }
        Ok(true)
    }

    /// Takes the upload from an owner that has not let go.
    async fn take_over(&self, id: &UploadId, mut head: Head, etag: &Etag) -> Result<Option<Session>> {
        let old = head.epoch;
        head.epoch += 1;
        head.lease = Some(self.lease());
        head.touched = now();
        // From here on the old owner is acknowledged nothing.
        let Some(etag) = self.journal.write_head(id, &head, Some(etag)).await? else { return Ok(None) };
        let mut progress = self.replayed(id, &head).await?;
        // It may have used numbers that it never came to record.
        progress.next += PARALLEL as u32;
        head.fences.push((old, progress.fence(old)));
        head.settled.offset = progress.offset;
        head.settled.hash = progress.hasher.save();
        head.settled.next = progress.next;
        let mut session = Session { id: id.clone(), head, etag, progress, renewed: Instant::now() };
        Ok(self.write(&mut session).await?.then_some(session))
    }

    /// Where an upload stands by its records.
    pub(super) async fn replayed(&self, id: &UploadId, head: &Head) -> Result<Progress> {
        Progress::replay(head, self.journal.all_pieces(id).await?)
    }

    /// Whether nobody took over since the last look: to be asked after what is to be acknowledged is durable.
    ///
    /// # Errors
    /// `Busy` if somebody did.
    pub(super) async fn verify(&self, session: &Session) -> Result<(), UploadError> {
        if self.journal.head_etag(&session.id).await?.as_ref() == Some(&session.etag) { Ok(()) } else { Err(self.lost(&session.id).await?) }
    }

    /// The error of who has lost the lease.
    pub(super) async fn lost(&self, id: &UploadId) -> Result<UploadError> {
        Ok(match self.journal.head(id).await? {
            Some((head, _)) => UploadError::Busy { offset: self.replayed(id, &head).await?.offset },
            None => UploadError::Unknown,
        })
    }

    /// Leaves the upload to whoever comes next in this process; tends it until nobody comes.
    pub(super) fn leave(self: &Arc<Self>, mut exclusive: Exclusive, session: Session) {
        exclusive.slot().offset.store(session.progress.offset, Ordering::Relaxed);
        *exclusive.session = Some(session);
        let (slot, uses) = (Arc::downgrade(&exclusive.used.slot), exclusive.slot().uses.load(Ordering::Relaxed));
        tokio::spawn(self.clone().tend(exclusive.used.id.clone(), slot, uses));
    }

    /// Gives the lease back if nobody uses it for a moment, and forgets the upload if nobody does for longer.
    async fn tend(self: Arc<Self>, id: UploadId, slot: Weak<Slot>, uses: u64) {
        for (wait, last) in [(IDLE, false), (REMEMBERED, true)] {
            tokio::time::sleep(wait).await;
            let Some(slot) = slot.upgrade().filter(|slot| slot.uses.load(Ordering::Relaxed) == uses) else { return };
            if !last {
                self.let_go(&slot).await;
            } else if let Ok(mut session) = slot.session.try_lock() {
                session.take();
            }
            self.slots.forget(&id, &slot);
        }
    }

    /// Gives the lease of an idle upload back. An error costs the next owner in another process a wait, no more.
    pub(super) async fn let_go(&self, slot: &Slot) {
        let Ok(mut guard) = slot.session.clone().try_lock_owned() else { return };
        let Some(mut session) = guard.take().filter(|session| session.head.lease.is_some()) else { return };
        session.head.lease = None;
        session.head.settled.offset = session.progress.offset;
        session.head.settled.hash = session.progress.hasher.save();
        session.head.settled.next = session.progress.next;
        match self.write(&mut session).await {
            Ok(true) => *guard = Some(session),
            Ok(false) => {}
            Err(error) => tracing::debug!(upload = %session.id, %error, "the lease of an idle upload could not be given back"),
        }
    }
}
