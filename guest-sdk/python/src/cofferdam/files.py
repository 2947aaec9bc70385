"""The granted directories: paths begin with the name of a grant, `/data/…`. Content moves from host to host."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from wit_world.imports import files as wit

from .content import Content
from .errors import raising
from .types import ByteRange, Condition, IfAbsent, Whole

FileInfo = wit.FileInfo
FileKind = wit.FileKind
WriteMode = wit.WriteMode
CommitMode = wit.CommitMode

#: How many entries the host answers at a time at most.
ENTRIES_MAX = 10_000

#: Replace what is there.
REPLACE = CommitMode(0)
#: Open what is there, or make the file.
KEEP = WriteMode(0)


@dataclass
class OpenedFile:
    """An opened file: what is known of all of it, and the bytes of the range."""

    info: FileInfo
    content: Content


class Guard:
    """A held lock. Released by `release`, at the end of a `with`, when the instance ends and when the process dies."""

    def __init__(self, handle: wit.Guard) -> None:
        self._handle: wit.Guard | None = handle

    def release(self) -> None:
        """Releases the lock. Again does nothing."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            handle.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def mode_of(condition: Condition) -> CommitMode:
    """How a file must be replaced for `condition` to hold: nothing may be there for `IfAbsent`."""
    return CommitMode.NO_REPLACE if isinstance(condition, IfAbsent) else REPLACE


def sort_key(info: FileInfo) -> str:
    """What directories are listed by: the name, a directory's with `/` appended."""
    return info.name + "/" if info.kind is FileKind.DIRECTORY else info.name


def open(path: str, wanted: ByteRange | None = None) -> OpenedFile:
    """Opens a regular file, or a range of it, as it is now, even if it is replaced or removed meanwhile. Use its content by `with`.

    `NotFound`; `InvalidArgument` if it is no regular file.
    """
    opened = raising(wit.open)(path, Whole() if wanted is None else wanted)
    return OpenedFile(opened.info, Content(opened.content))


def stat(path: str) -> FileInfo:
    """What is under `path`, without following a link. `NotFound`."""
    return raising(wit.stat)(path)


def entries(directory: str, after: str | None = None, limit: int = ENTRIES_MAX) -> list[FileInfo]:
    """Direct children in byte order of sort keys, after such a key; fewer than `limit` only at the end.

    `NotFound`; `InvalidArgument` if it is no directory.
    """
    return raising(wit.entries)(directory, after, limit)


def replace(path: str, content: Content, mode: CommitMode = REPLACE) -> FileInfo:
    """Replaces the file at `path` by `content`, whole and durable, or changes nothing. Missing parents are made.

    `AlreadyExists` with `NO_REPLACE`; `InvalidArgument` if a directory is at `path`, a parent is a file, or the content is not as
    long as it says.
    """
    return raising(wit.replace)(path, content.handle, mode)


def write(path: str, offset: int, content: Content, mode: WriteMode = KEEP) -> int:
    """Moves `content` into the file at `offset`; answers how many bytes. Not durable before `sync` or `commit`.

    `AlreadyExists` with `CREATE_NEW`; what reading the content answers: then a part of it may have been written.
    """
    return raising(wit.write)(path, offset, content.handle, mode)


def set_size(path: str, size: int) -> None:
    """Cuts the file to `size`, or extends it by zeros. `NotFound`."""
    raising(wit.set_size)(path, size)


def sync(path: str) -> None:
    """Makes the file's bytes and its name durable. `NotFound`."""
    raising(wit.sync)(path)


def commit(source: str, destination: str, mode: CommitMode = REPLACE) -> FileInfo:
    """Makes `source` durable and renames it to `destination`, durably. Missing parents are made.

    `NotFound`, always about `source`; `AlreadyExists` with `NO_REPLACE`.
    """
    return raising(wit.commit)(source, destination, mode)


def make_directory(path: str) -> None:
    """Makes a directory with its missing parents. `InvalidArgument` if something else is in the way."""
    raising(wit.make_directory)(path)


def remove(path: str) -> None:
    """Removes a file or an empty directory. `NotFound`; `InvalidArgument` if the directory is not empty."""
    raising(wit.remove)(path)


def lock(name: str) -> Guard:
    """Takes the lock of that name, which begins as a path does: `with files.lock("/data/x"): …`. Waits.

    Exclusive among all instances and processes that hold the grant. `Unavailable` at the call's deadline.
    """
    return Guard(raising(wit.lock)(name))
