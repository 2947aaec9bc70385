//! Runs the cases one after another, each on a fresh place and bounded in time.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cofferdam::{Access, Claims, Driver, ErrorKind, Grant, Interface, Mount, MountOptions, PresignedAccess, StorePath, StreamingStore};

use crate::case::{Case, Claim};
use crate::cases::cases;
use crate::context::{Context, Filled};
use crate::error::Error;
use crate::options::{Options, Progress, matches};
use crate::report::{CaseReport, Outcome, Report};
use crate::scratch::{Scratch, check_place};
use crate::verdict::{Stop, Verdict, ensure, skip};

/// Runs every selected case against `driver` with `grant`, one after another.
///
/// Must be called on a multi-thread tokio runtime with time enabled: some cases block one thread. A case that panics or
/// outlasts [`Options::case_limit`] has failed; the next one begins afresh.
///
/// # Errors
/// [`Error`] if nothing could be asked: the driver does not mount, no fresh place can be made. What the driver does wrong is in the report.
///
/// # Cancel safety
/// Dropping the future ends the case that runs, and removes what it stored.
pub async fn certify(driver: &Driver, grant: &Grant, options: &Options) -> Result<Report, Error> {
    if let Some(pattern) = options.cases.iter().find(|pattern| !cases().any(|case| matches(pattern, case.id))) {
        return Err(Error::NoCase { pattern: pattern.clone() });
    }
    if let Some(id) = options.left_out.keys().find(|id| !cases().any(|case| case.id == **id)) {
        return Err(Error::NoCase { pattern: id.clone() });
    }
    let filled: Arc<[Filled]> = match &options.filled {
        Some(directory) => filled(directory).map_err(|source| Error::Filled { directory: directory.clone(), source })?.into(),
        None => Arc::new([]),
    };
    check_place(driver, options.place.as_deref())?;
    let (_scratch, probed) = Scratch::new(grant, options.place.as_deref())?;
    let probe = Mount::open(driver, &probed, MountOptions::default()).await?;
    let description = probe.description();
    let mut report = Report {
        driver: description.name.clone(),
        version: description.version.clone(),
        digest: driver.inspection().digest.to_string(),
        claims: probe.claims().pairs().to_vec(),
        interfaces: Interface::ALL.iter().filter(|interface| probe.has(**interface)).map(|interface| interface.name()).collect(),
        passed: 0,
        failed: 0,
        skipped: 0,
        cases: Vec::new(),
    };
    let grant = &as_claimed(grant, probe.claims());
    let selected: Vec<&Case> = cases().filter(|case| options.selects(case.id)).collect();
    for (done, case) in selected.iter().enumerate() {
        options.tell(Progress::Started { id: case.id, done, total: selected.len() });
        let started = Instant::now();
        let (outcome, notes) = match unasked(case, &probe, options).await {
            Err(stop) => (outcome(case, Err(stop)), Vec::new()),
            Ok(()) => run(case, driver, grant, probe.claims(), &filled, options).await?,
        };
        let ended = CaseReport { id: case.id, outcome, notes, took: started.elapsed() };
        options.tell(Progress::Finished(&ended));
        report.add(ended);
    }
    Ok(report)
}

/// The grant for the cases. A driver that says that it does not write reads what is there already, and is held to its word.
fn as_claimed(grant: &Grant, claims: &Claims) -> Grant {
    let mut grant = grant.clone();
    if !claims.writable {
        grant.directories.iter_mut().for_each(|directory| directory.access = Access::ReadOnly);
    }
    grant
}

/// Whether `case` is to be asked; where a claim is missing, whether what is not claimed is refused.
async fn unasked(case: &Case, probe: &Mount, options: &Options) -> Verdict {
    if let Some(reason) = options.left_out.get(case.id) {
        return skip(format!("left out: {reason}"));
    }
    if case.long && !options.long {
        return skip("part of the long run only");
    }
    let Some(missing) = case.claims.iter().find(|claim| !claim.is_held_by(probe)) else { return Ok(()) };
    if let Claim::Interface(interface) = missing {
        refuses(probe, *interface).await?;
    }
    skip(format!("not claimed: {missing}"))
}

/// Whether calls of an interface that is not exported are `unsupported`.
async fn refuses(probe: &Mount, interface: Interface) -> Verdict {
    let path = StorePath::new("/certify")?;
    let answered = match interface {
        Interface::AtomicStore => cofferdam::AtomicStore::count(probe, "").await.err(),
        Interface::StreamingStore => probe.stat(&path).await.err(),
        Interface::Uploads => probe.create_upload(&path).await.err(),
        Interface::UploadListing => probe.find_uploads(None, 1).await.err(),
        Interface::Copying => probe.copy(&path, &path, cofferdam::Condition::Unconditional).await.err(),
        Interface::Renaming => probe.rename(&path, &path, cofferdam::Condition::Unconditional).await.err(),
        Interface::ContentStore => probe.store(cofferdam::Content::from_bytes("x"), "sha256").await.err(),
        Interface::Presigning => probe.presign(&path, PresignedAccess::Read, Duration::from_secs(60)).await.err(),
        // Nothing calls these by themselves.
        _ => return Ok(()),
    };
    let kind = answered.map(|error| error.kind());
    ensure!(kind == Some(ErrorKind::Unsupported), "`{}` is not exported, and a call of it gave {kind:?} instead of `unsupported`", interface.name());
    Ok(())
}

/// Runs one case in a task of its own, so that a panic or a hang of it is its failure.
async fn run(
    case: &'static Case,
    driver: &Driver,
    grant: &Grant,
    claims: &Claims,
    filled: &Arc<[Filled]>,
    options: &Options,
) -> Result<(Outcome, Vec<String>), Error> {
    let (scratch, fresh) = Scratch::new(grant, options.place.as_deref())?;
    let places = scratch.directories().collect();
    let seed = case.id.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(0x100_0000_01B3) ^ u64::from(byte));
    let context = Arc::new(Context::new(driver.clone(), fresh, places, claims.clone(), filled.clone(), options.clone(), seed));
    let task = AbortOnDrop(tokio::spawn({
        let context = context.clone();
        async move { (case.run)(&context).await }
    }));
    let verdict = wait(task, options).await;
    let verdict = verdict.and_then(|()| match scratch.strays() {
        Ok(strays) if strays.is_empty() => Ok(()),
        Ok(strays) => Err(Stop::Failed(format!("the driver left its grant: {strays:?} lie beside the directory that it was given"))),
        Err(error) => Err(error.into()),
    });
    Ok((outcome(case, verdict), context.take_notes()))
}

struct AbortOnDrop(tokio::task::JoinHandle<Verdict>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn wait(mut task: AbortOnDrop, options: &Options) -> Verdict {
    match tokio::time::timeout(options.case_limit, &mut task.0).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(error)) => {
            let panicked = error.is_panic().then(|| panic_message(error.into_panic()));
            Err(Stop::Failed(format!("the case itself panicked: {}", panicked.unwrap_or_else(|| "it was cancelled".to_owned()))))
        }
        Err(_) => Err(Stop::Failed(format!("not done after {:?}: it hangs, or is far too slow", options.case_limit))),
    }
}

fn panic_message(payload: Box<dyn std::any::Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().map_or_else(|| "without a message".to_owned(), |message| (*message).to_owned()),
    }
}

fn outcome(case: &Case, verdict: Verdict) -> Outcome {
    match verdict {
        Ok(()) => Outcome::Passed,
        Err(Stop::Failed(message)) => Outcome::Failed(format!("{message} (the rule: {})", case.rule)),
        Err(Stop::Skipped(reason)) => Outcome::Skipped(reason),
    }
}

/// The files below `directory` whose paths a store can have.
fn filled(directory: &Path) -> std::io::Result<Vec<Filled>> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(current) = left.pop() {
        for entry in std::fs::read_dir(current)? {
            let file = entry?.path();
            let metadata = file.symlink_metadata()?;
            if metadata.is_dir() {
                left.push(file);
                continue;
            }
            let relative = file.strip_prefix(directory).unwrap_or(&file).to_string_lossy().into_owned();
            let named = StorePath::new(format!("/{relative}"));
            let path = named.map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidFilename, error))?;
            found.push(Filled { path, size: metadata.len(), file });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_case_that_hangs_has_failed() {
        let hanging = AbortOnDrop(tokio::spawn(std::future::pending()));
        let options = Options { case_limit: std::time::Duration::ZERO, ..Options::default() };
        let Err(Stop::Failed(reason)) = wait(hanging, &options).await else { panic!("it ended") };
        assert_eq!(reason, "not done after 0ns: it hangs, or is far too slow");
    }

    #[tokio::test]
    async fn a_case_that_panics_has_failed() {
        let panicking = AbortOnDrop(tokio::spawn(async { panic!("the reason") }));
        let Err(Stop::Failed(reason)) = wait(panicking, &Options::default()).await else { panic!("it ended") };
        assert_eq!(reason, "the case itself panicked: the reason");
    }
}
