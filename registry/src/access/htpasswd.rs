//! Users and bcrypt hashes from a file of `htpasswd -B`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, thread};

use hmac::{Hmac, KeyInit, Mac};
use quick_cache::sync::Cache;
use sha2::Sha256;
use tokio::sync::Semaphore;

use super::{AccessError, quoted};

/// How many verified passwords are remembered: some hundred bytes each.
const REMEMBERED: usize = 4096;

/// How often the file is looked at for changes, at most.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where the users are.
#[derive(Clone, Debug)]
pub struct HtpasswdOptions {
    /// The file. It is read again when it changes.
    pub file: PathBuf,
    /// What the registry is called where a password is asked for.
    pub realm: String,
}

/// The users of a file.
pub(super) struct Htpasswd {
    options: HtpasswdOptions,
    users: RwLock<Arc<Users>>,
    /// Passwords that were right, by a hash under a key of this process: bcrypt takes tens of milliseconds, on purpose.
    verified: Cache<[u8; 32], ()>,
    key: [u8; 32],
    /// As many at once as there are cores: more would only make each slower, and starve the transfers.
    hashing: Semaphore,
    began: Instant,
    looked: AtomicU64,
}

struct Users {
    hashes: HashMap<String, String>,
    /// What an unknown user's password is compared with, so that the time tells nobody which names exist.
    decoy: String,
    changed: Option<SystemTime>,
}

impl Htpasswd {
    pub(super) fn open(options: HtpasswdOptions) -> Result<Self, AccessError> {
        let users = RwLock::new(Arc::new(Users::read(&options.file)?));
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| AccessError::Hashing { problem: error.to_string() })?;
        let hashing = Semaphore::new(thread::available_parallelism().map_or(1, usize::from));
        Ok(Self { options, users, verified: Cache::new(REMEMBERED), key, hashing, began: Instant::now(), looked: AtomicU64::new(0) })
    }

    pub(super) fn challenge(&self) -> String {
        format!("Basic realm={}, charset=\"UTF-8\"", quoted(&self.options.realm))
    }

    /// Whether `password` is `name`'s.
    pub(super) async fn verify(&self, name: &str, password: &[u8]) -> bool {
        self.look_for_changes();
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner).clone();
        let known = users.hashes.get(name);
        let hash = known.unwrap_or(&users.decoy).clone();
        // The stored hash is part of it: with another password in the file, what was verified before is forgotten.
        let Some(remembered) = self.remembered(name, password, &hash) else { return false };
        if known.is_some() && self.verified.get(&remembered).is_some() {
            return true;
        }
        let Ok(_place) = self.hashing.acquire().await else { return false };
        let password = password.to_vec();
        let right = tokio::task::spawn_blocking(move || bcrypt::verify(&password, &hash)).await;
        let right = known.is_some() && matches!(right, Ok(Ok(true)));
        if right {
            self.verified.insert(remembered, ());
        }
        right
    }

    fn remembered(&self, name: &str, password: &[u8], hash: &str) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        for part in [name.as_bytes(), hash.as_bytes(), password] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }

    /// Reads the file again if it has changed. A file that is broken leaves the users as they were.
    fn look_for_changes(&self) {
        let now = self.began.elapsed().as_millis() as u64;
        let looked = self.looked.load(Ordering::Relaxed);
        if now < looked + LOOK_EVERY.as_millis() as u64 || self.looked.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let changed = fs::metadata(&self.options.file).and_then(|metadata| metadata.modified()).ok();
        if changed == self.users.read().unwrap_or_else(PoisonError::into_inner).changed {
            return;
        }
        match Users::read(&self.options.file) {
            Ok(users) => *self.users.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(users),
            Err(error) => tracing::error!("the users stay as they were: {error}"),
        }
    }
}

impl Users {
    fn read(file: &std::path::Path) -> Result<Self, AccessError> {
        let unreadable = |source| AccessError::Unreadable { what: "users", path: file.to_owned(), source };
        // Before the text: a change between the two is then noticed at the next look.
        let changed = fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
        let text = fs::read_to_string(file).map_err(unreadable)?;
        let mut hashes = HashMap::new();
        let mut cost = 0;
        for (at, line) in text.lines().enumerate() {
            let line_text = line.trim();
            if line_text.is_empty() || line_text.starts_with('#') {
                continue;
            }
            let bad = |problem| AccessError::User { path: file.to_owned(), line: at + 1, problem };
            let (name, hash) = line_text.split_once(':').ok_or_else(|| bad("this line is not `name:hash`"))?;
            if name.is_empty() {
                return Err(bad("the name before the `:` is empty"));
            }
            let parts: bcrypt::HashParts = hash.parse().map_err(|_| bad("the password is not hashed with bcrypt"))?;
            cost = cost.max(parts.get_cost());
            if hashes.insert(name.to_owned(), hash.to_owned()).is_some() {
                return Err(bad("this user stands in the file twice"));
            }
        }
        if hashes.is_empty() {
            return Err(AccessError::NoUsers { path: file.to_owned() });
        }
        let decoy = bcrypt::hash("", cost).map_err(|error| AccessError::Hashing { problem: error.to_string() })?;
        Ok(Self { hashes, decoy, changed })
    }
}
