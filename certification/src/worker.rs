//! The second host process: does what it is told, a line of JSON each, until it is killed.
//!
//! A command that [`crate::Options::worker`] names loads the same driver and calls [`serve`]. It reads orders from standard
//! input and answers each on standard output; the certifier kills it with SIGKILL when it likes, which is what it is for.

mod orders;
mod process;

use std::io::{BufRead, Write};

use cofferdam::{AtomicKey, Condition, Content, Driver, ErrorKind, Grant, Mount, MountOptions, Part, StorePath, StreamingStore, UploadToken};
use tokio::task::JoinSet;

pub(crate) use orders::{Answer, Order, PlainCondition};
pub(crate) use process::Worker;

use crate::data::Data;
use crate::steps::atomic;

/// Serves a certifier at standard input and output with `driver`, until input ends or the process is killed.
///
/// Must be called on a multi-thread tokio runtime: it blocks one thread on its input.
///
/// # Errors
/// If standard input or output fails.
pub async fn serve(driver: &Driver) -> std::io::Result<()> {
    let mut mount = None;
    loop {
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map(|read| (read > 0).then_some(line))
        });
        let Some(line) = line.await?? else { return Ok(()) };
        let order: Order = serde_json::from_str(&line)?;
        let answer = match order {
            Order::Open(grant) => match Mount::open(driver, &Grant::from(grant), MountOptions::default()).await {
                Ok(opened) => {
                    mount = Some(opened);
                    Answer::Done(String::new())
                }
                Err(error) => Answer::Refused { kind: "load".to_owned(), message: error.to_string() },
            },
            order => match &mount {
                Some(mount) => {
                    obey(mount, order).await.unwrap_or_else(|error| Answer::Refused { kind: error.kind().to_string(), message: error.to_string() })
                }
                None => Answer::Refused { kind: "order".to_owned(), message: "nothing is open".to_owned() },
            },
        };
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
}

async fn obey(mount: &Mount, order: Order) -> cofferdam::Result<Answer> {
    match order {
        Order::Open(_) => Ok(Answer::Done(String::new())),
        Order::Put { path, data } => {
            let info = mount.put(&StorePath::new(path)?, Content::from_bytes(data.bytes()), Condition::Unconditional).await?;
            Ok(Answer::Done(info.etag.map(|etag| etag.0).unwrap_or_default()))
        }
        Order::PutValue { key, data } => {
            let etag = atomic(mount).put(&AtomicKey::new(key)?, data.bytes(), Condition::Unconditional).await?;
            Ok(Answer::Done(etag.0))
        }
        Order::RacePut { path, condition, tries } => race_put(mount, &StorePath::new(path)?, condition.into(), &tries).await,
        Order::Increment { key, writers, times } => {
            increment(mount, &AtomicKey::new(key)?, writers, times).await?;
            Ok(Answer::Done(String::new()))
        }
        Order::CreateUpload { path } => Ok(Answer::Done(mount.create_upload(&StorePath::new(path)?).await?.as_str().to_owned())),
        Order::WritePart { token, number, offset, writer, data } => {
            let part = Part { number, offset, writer };
            let id = mount.write_part(&UploadToken::new(token)?, part, Content::from_bytes(data.bytes())).await?;
            Ok(Answer::Done(id.as_str().to_owned()))
        }
    }
}

/// Tries all at once; answers how many succeeded.
async fn race_put(mount: &Mount, path: &StorePath, condition: Condition, tries: &[Data]) -> cofferdam::Result<Answer> {
    Ok(Answer::Done(winners(mount, path, &condition, tries).await?.len().to_string()))
}

/// Puts all of `tries` at once with one condition; answers those that succeeded. The others must have lost by the condition.
pub(crate) async fn winners(mount: &Mount, path: &StorePath, condition: &Condition, tries: &[Data]) -> cofferdam::Result<Vec<Data>> {
    let mut tasks = JoinSet::new();
    for data in tries.iter().copied() {
        let (mount, path, condition) = (mount.clone(), path.clone(), condition.clone());
        tasks.spawn(async move { (data, mount.put(&path, Content::from_bytes(data.bytes()), condition).await) });
    }
    let lost = if *condition == Condition::IfAbsent { ErrorKind::AlreadyExists } else { ErrorKind::PreconditionFailed };
    let mut winners = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (data, result) = done.map_err(|error| cofferdam::Error::new(ErrorKind::Internal, error.to_string()))?;
        match result {
            Ok(_) => winners.push(data),
            Err(error) if error.kind() == lost => {}
            Err(error) => return Err(error),
        }
    }
    Ok(winners)
}

/// Adds one to the number under `key`, `times` by each of `writers` at once, by compare and swap.
pub(crate) async fn increment(mount: &Mount, key: &AtomicKey, writers: u32, times: u32) -> cofferdam::Result<()> {
    let mut tasks = JoinSet::<cofferdam::Result<()>>::new();
    for _ in 0..writers {
        let (mount, key) = (mount.clone(), key.clone());
        tasks.spawn(async move {
            for _ in 0..times {
                add_one(&mount, &key).await?;
            }
            Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| cofferdam::Error::new(ErrorKind::Internal, error.to_string()))??;
    }
    Ok(())
}

async fn add_one(mount: &Mount, key: &AtomicKey) -> cofferdam::Result<()> {
    loop {
        let (number, condition) = match atomic(mount).get(key).await {
            Ok(value) => (number(&value.data)?, Condition::IfMatch(value.etag)),
            Err(error) if error.kind() == ErrorKind::NotFound => (0, Condition::IfAbsent),
            Err(error) => return Err(error),
        };
        match atomic(mount).put(key, (number + 1).to_string().into(), condition).await {
            Ok(_) => return Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::PreconditionFailed | ErrorKind::AlreadyExists) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The number that a value spells.
pub(crate) fn number(data: &[u8]) -> cofferdam::Result<u32> {
    let text = std::str::from_utf8(data).ok();
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| cofferdam::Error::new(ErrorKind::Corrupted, format!("a counter holds {data:?}, which nobody put there")))
}
