//! Fresh, empty places: inside the granted directories, gone when they are dropped, and by a setting where a server is the backend.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use cofferdam::{Access, Driver, Grant, GrantKind, SettingValue};
use tempfile::TempDir;

use crate::error::Error;

/// The name of the directory that a driver gets, inside one of ours: what it leaves beside that has escaped.
const INSIDE: &str = "store";

/// Where the host keeps locks and unfinished files of its own in a directory that it grants; no driver sees it.
const HOSTS_OWN: &str = ".cofferdam";

/// Fresh places for one case.
#[derive(Debug)]
pub(crate) struct Scratch {
    places: Vec<TempDir>,
}

impl Scratch {
    /// Replaces every directory that `grant` lets be written to by a new one inside it. What may only be read cannot be harmed, and stays.
    /// The setting `place` gets a value that was never used before.
    pub(crate) fn new(grant: &Grant, place: Option<&str>) -> Result<(Self, Grant), Error> {
        let mut fresh = grant.clone();
        if let Some(setting) = place {
            let value = match grant.settings.get(setting) {
                Some(SettingValue::Text(text) | SettingValue::Untyped(text)) if !text.is_empty() => format!("{text}-"),
                _ => String::new(),
            };
            fresh.settings.insert(setting.to_owned(), SettingValue::Text(format!("{value}certify-{}", unused())));
        }
        let mut places = Vec::new();
        for directory in fresh.directories.iter_mut().filter(|directory| directory.access == Access::ReadWrite) {
            let failed = |source| Error::Scratch { directory: directory.host.clone(), source };
            let place = tempfile::Builder::new().prefix("certify-").tempdir_in(&directory.host).map_err(failed)?;
            let inside = place.path().join(INSIDE);
            std::fs::create_dir(&inside).map_err(failed)?;
            directory.host = inside;
            places.push(place);
        }
        Ok((Self { places }, fresh))
    }

    /// The directories that the driver was given.
    pub(crate) fn directories(&self) -> impl Iterator<Item = PathBuf> {
        self.places.iter().map(|place| place.path().join(INSIDE))
    }

    /// What lies beside the directories that the driver was given: it must be nothing.
    pub(crate) fn strays(&self) -> std::io::Result<Vec<PathBuf>> {
        let mut strays = Vec::new();
        for place in &self.places {
            for entry in std::fs::read_dir(place.path())? {
                let path = entry?.path();
                if path.file_name().is_none_or(|name| name != INSIDE) {
                    strays.push(path);
                }
            }
        }
        Ok(strays)
    }
}

/// Whether cases of `driver` have fresh places: a driver that stores to a server needs the setting `place` for it.
pub(crate) fn check_place(driver: &Driver, place: Option<&str>) -> Result<(), Error> {
    let has_server = driver.inspection().needs().iter().any(|kind| *kind != GrantKind::Directory);
    if has_server && place.is_none() { Err(Error::NoPlace) } else { Ok(()) }
}

/// Digits that no other case has, in this process or in another.
fn unused() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos());
    format!("{now:x}{:x}{:x}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// What a driver can see below `directory`, with size and time of its last change: equal before and after if nothing was touched.
pub(crate) fn snapshot(directory: &Path) -> std::io::Result<Vec<String>> {
    let mut seen = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name == HOSTS_OWN) {
                continue;
            }
            let metadata = path.symlink_metadata()?;
            seen.push(format!("{} {} {:?}", path.display(), metadata.len(), metadata.modified()?));
            if metadata.is_dir() {
                left.push(path);
            }
        }
    }
    seen.sort();
    Ok(seen)
}

/// The bytes of all files below `directory`.
pub(crate) fn bytes_below(directory: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let metadata = path.symlink_metadata()?;
        bytes += if metadata.is_dir() { bytes_below(&path)? } else { metadata.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use cofferdam::DirectoryGrant;

    #[test]
    fn what_may_be_written_is_replaced_and_goes_away() {
        let host = tempfile::tempdir().unwrap();
        let directory = |name: &str, access| DirectoryGrant { name: name.to_owned(), host: host.path().to_owned(), access, wasi: false };
        let grant = Grant { directories: vec![directory("/data", Access::ReadWrite), directory("/seen", Access::ReadOnly)], ..Grant::default() };
        let (scratch, fresh) = Scratch::new(&grant, None).unwrap();
        assert!(fresh.directories[0].host.starts_with(host.path()) && fresh.directories[0].host != host.path());
        assert_eq!(fresh.directories[1].host, host.path());
        assert_eq!(scratch.strays().unwrap(), Vec::<PathBuf>::new());
        std::fs::write(fresh.directories[0].host.join("../escaped"), "x").unwrap();
        assert_eq!(scratch.strays().unwrap().len(), 1);
        drop(scratch);
        assert_eq!(std::fs::read_dir(host.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_place_by_a_setting_is_a_new_one_each_time() {
        let mut grant = Grant::default();
        grant.settings.insert("prefix".to_owned(), SettingValue::Text("mine".to_owned()));
        let place = |grant: &Grant, setting: &str| match Scratch::new(grant, Some(setting)).unwrap().1.settings.remove(setting) {
            Some(SettingValue::Text(text)) => text,
            other => panic!("{other:?}"),
        };
        assert!(place(&grant, "prefix").starts_with("mine-certify-"));
        assert!(place(&grant, "bucket").starts_with("certify-"));
        assert_ne!(place(&grant, "prefix"), place(&grant, "prefix"));
    }
}
