//! The interface `files` as a guest calls it: arguments in, answers out, everything else in [`Directories`](super::Directories).

use wasmtime::component::Resource;

use super::{FileInfo, FileKind, WriteMode};
use crate::bindings::GuardId;
use crate::bindings::cofferdam::storage::files::{self as wit, CommitMode, Host, HostGuard, OpenedFile};
use crate::bindings::cofferdam::storage::store_types as types;
use crate::content::Content;
use crate::error::Result;
use crate::host::data::outcome;
use crate::host::state::State;

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl From<FileInfo> for wit::FileInfo {
    fn from(info: FileInfo) -> Self {
        let kind = match info.kind {
            FileKind::File => wit::FileKind::File,
            FileKind::Directory => wit::FileKind::Directory,
            FileKind::Other => wit::FileKind::Other,
        };
        Self { name: info.name, kind, size: info.size, modified: info.modified, stamp: info.stamp }
    }
}

impl State {
    /// Notes the host call, and turns its error into the guest's.
    fn answer<T>(&mut self, result: Result<T>, call: impl FnOnce() -> String, ok: impl FnOnce(&T) -> String) -> Answer<T> {
        self.trace(|| format!("{} {}", call(), outcome(&result, ok)));
        Ok(result.map_err(Into::into))
    }

    /// As [`State::answer`], at the end of a host call that waited.
    fn answer_late<T>(&mut self, result: Result<T>, call: impl FnOnce() -> String, ok: impl FnOnce(&T) -> String) -> Answer<T> {
        self.budget.leave_host();
        self.answer(result, call, ok)
    }
}

fn done<T>(_: &T) -> String {
    "ok".to_owned()
}

fn sized(info: &FileInfo) -> String {
    format!("{} bytes", info.size)
}

impl Host for State {
    fn open(&mut self, path: String, range: types::ByteRange) -> Answer<OpenedFile> {
        let opened = self.directories().and_then(|directories| directories.open_file(&path, range.into()));
        self.trace(|| format!("files.open({path:?}) {}", outcome(&opened, |(info, _)| sized(info))));
        match opened {
            Ok((info, content)) => Ok(Ok(OpenedFile { info: info.into(), content: self.give(content)? })),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn stat(&mut self, path: String) -> Answer<wit::FileInfo> {
        let info = self.directories().and_then(|directories| directories.stat(&path));
        let info = self.answer(info, || format!("files.stat({path:?})"), sized)?;
        Ok(info.map(Into::into))
    }

    fn entries(&mut self, directory: String, after: Option<String>, limit: u32) -> Answer<Vec<wit::FileInfo>> {
        let entries = self.directories().and_then(|directories| directories.entries(&directory, after.as_deref(), limit));
        let entries =
            self.answer(entries, || format!("files.entries({directory:?}, {after:?}, {limit})"), |entries| format!("{} entries", entries.len()))?;
        Ok(entries.map(|entries| entries.into_iter().map(Into::into).collect()))
    }

    async fn replace(&mut self, path: String, content: Resource<Content>, mode: CommitMode) -> Answer<wit::FileInfo> {
        self.budget.enter_host();
        let call = self.call().clone();
        let info = match (self.lent(&content)?, self.directories()) {
            (Ok(content), Ok(directories)) => directories.replace(&call, &path, &content, mode.contains(CommitMode::NO_REPLACE)).await,
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        let info = self.answer_late(info, || format!("files.replace({path:?}, {mode:?})"), sized)?;
        Ok(info.map(Into::into))
    }

    async fn write(&mut self, path: String, offset: u64, content: Resource<Content>, mode: wit::WriteMode) -> Answer<u64> {
        self.budget.enter_host();
        let call = self.call().clone();
        let how = WriteMode { create_new: mode.contains(wit::WriteMode::CREATE_NEW), truncate: mode.contains(wit::WriteMode::TRUNCATE) };
        let written = match (self.lent(&content)?, self.directories()) {
            (Ok(content), Ok(directories)) => directories.write(&call, &path, offset, &content, how).await,
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        self.answer_late(written, || format!("files.write({path:?}, {offset}, {mode:?})"), |bytes| format!("{bytes} bytes"))
    }

    async fn set_size(&mut self, path: String, size: u64) -> Answer<()> {
        self.budget.enter_host();
        let call = self.call().clone();
        let set = match self.directories() {
            Ok(directories) => directories.set_size(&call, &path, size).await,
            Err(error) => Err(error),
        };
        self.answer_late(set, || format!("files.set-size({path:?}, {size})"), done)
    }

    async fn sync(&mut self, path: String) -> Answer<()> {
        self.budget.enter_host();
        let call = self.call().clone();
        let synced = match self.directories() {
            Ok(directories) => directories.sync(&call, &path).await,
            Err(error) => Err(error),
        };
        self.answer_late(synced, || format!("files.sync({path:?})"), done)
    }

    async fn commit(&mut self, source: String, destination: String, mode: CommitMode) -> Answer<wit::FileInfo> {
        self.budget.enter_host();
        let call = self.call().clone();
        let info = match self.directories() {
            Ok(directories) => directories.commit(&call, &source, &destination, mode.contains(CommitMode::NO_REPLACE)).await,
            Err(error) => Err(error),
        };
        let info = self.answer_late(info, || format!("files.commit({source:?}, {destination:?}, {mode:?})"), sized)?;
        Ok(info.map(Into::into))
    }

    fn make_directory(&mut self, path: String) -> Answer<()> {
        let made = self.directories().and_then(|directories| directories.make_directory(&path));
        self.answer(made, || format!("files.make-directory({path:?})"), done)
    }

    fn remove(&mut self, path: String) -> Answer<()> {
        let removed = self.directories().and_then(|directories| directories.remove(&path));
        self.answer(removed, || format!("files.remove({path:?})"), done)
    }

    async fn lock(&mut self, name: String) -> Answer<Resource<GuardId>> {
        self.budget.enter_host();
        let call = self.call().clone();
        let wait = self.resources.lock_wait;
        let locked = match self.directories() {
            Ok(directories) => directories.lock(&call, &name, wait).await,
            Err(error) => Err(error),
        };
        self.budget.leave_host();
        self.trace(|| format!("files.lock({name:?}) {}", outcome(&locked, done)));
        match locked {
            Ok(guard) => {
                let id = self.guards.keep(guard);
                Ok(Ok(self.give(id)?))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl HostGuard for State {
    fn drop(&mut self, guard: Resource<GuardId>) -> wasmtime::Result<()> {
        let id = self.take(guard)?;
        self.guards.release(&id);
        Ok(())
    }
}
