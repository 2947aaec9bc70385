"""What a driver's author implements: one abstract class an exported interface of the contract.

Each is made with the configured driver, `self.driver`. An instance serves one call at a time, and the host runs as many instances
as it needs: what a store knows must be in its backend, not in `self`, unless the driver claims `instances="single"`.

What these functions raise is of `cofferdam.errors`; paths and keys were checked before they are called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Generic, TypeVar

from .errors import StoreError
from .types import ByteRange, Condition, ListOptions, ObjectInfo, Page, Part, WrittenPart

if TYPE_CHECKING:
    from .content import Content, Opened

DriverT = TypeVar("DriverT")


class _OfDriver(ABC, Generic[DriverT]):
    def __init__(self, driver: DriverT) -> None:
        self.driver = driver


class StreamingStore(_OfDriver[DriverT]):
    """Objects of any size. A success means durable."""

    @abstractmethod
    def stat(self, path: str) -> ObjectInfo:
        """The metadata of an object. `NotFound` if there is none, also for a prefix."""

    @abstractmethod
    def open(self, path: str, wanted: ByteRange) -> Opened:
        """Opens the object at `path` for reading: its metadata as of this moment, and the bytes of the range.

        The bytes are of the version that `info` describes even if the object is replaced or removed meanwhile. A range that starts at
        or after the end is empty. `NotFound` if there is none, also for a prefix.
        """

    @abstractmethod
    def put(self, path: str, content: Content, condition: Condition) -> ObjectInfo:
        """Writes the object at `path`, replacing what is there: readers see all of the old or all of the new bytes.

        Any error leaves what was there whole. `AlreadyExists` or `PreconditionFailed` if `condition` does not hold; `Unsupported` for
        one that is not claimed; `InvalidArgument` if `content` turns out shorter or longer than its size.
        """

    @abstractmethod
    def list(self, prefix: str, options: ListOptions) -> Page:
        """One page of what is below `prefix`, which may be `/`: its direct children, or with `recursive` all objects.

        In byte order of whole paths, a prefix counting as `name/`. `PageBuilder` keeps the rules of pages. `NotFound` only for a first
        page of a prefix that does not exist; an empty root is an empty page.
        """

    @abstractmethod
    def remove(self, path: str) -> None:
        """Removes exactly this object. One that is missing is a success, and so is a prefix, of which nothing is removed."""

    def remove_many(self, paths: Sequence[str]) -> Sequence[StoreError | None]:
        """Removes these objects: one answer each, in order. For a backend that removes many at once; else `remove` is called."""
        answers: list[StoreError | None] = []
        for path in paths:
            try:
                self.remove(path)
            except StoreError as error:
                answers.append(error)
            else:
                answers.append(None)
        return answers


@dataclass
class Value:
    """A small value: 0 to 1 MiB, and an etag that changes with every change."""

    data: bytes
    etag: str


@dataclass
class Keys:
    """A piece of a list of keys, in byte order, and whether more follow."""

    keys: list[str]
    more: bool


class AtomicStore(_OfDriver[DriverT]):
    """Small values under keys, with compare and swap. A success means durable.

    Keys are in a namespace of their own, in which `a` and `a/b` may both be keys.
    """

    @abstractmethod
    def get(self, key: str) -> Value:
        """The value under `key`, as some `put` left it whole. `NotFound` if there is none."""

    @abstractmethod
    def put(self, key: str, data: bytes, condition: Condition) -> str:
        """Writes the value under `key` if `condition` holds, in one step, and answers its etag.

        Every driver takes all three conditions. `AlreadyExists` or `PreconditionFailed` if it does not hold. Values over 1 MiB are
        refused before this is called.
        """

    @abstractmethod
    def remove(self, key: str, condition: Condition) -> None:
        """Removes the value under `key`. One that is missing is a success, unless `IfMatch` is asked: `PreconditionFailed`.

        `Unsupported` for `IfMatch` if `atomic_remove_if_match` is not claimed. `IfAbsent` is refused before this is called.
        """

    @abstractmethod
    def list(self, prefix: str, start_after: str | None, limit: int) -> Keys:
        """Keys that begin with `prefix`, a plain string, and come after `start_after`, in byte order: at most `limit`."""

    @abstractmethod
    def count(self, prefix: str) -> int:
        """How many keys begin with `prefix`."""


class Uploads(_OfDriver[DriverT]):
    """Optional: objects made of parts, continued by any instance, process or replica. Nothing is visible before `complete`."""

    @abstractmethod
    def create(self, path: str) -> str:
        """Begins an upload to `path`; answers its token."""

    @abstractmethod
    def write_part(self, token: str, part: Part, content: Content) -> str:
        """Writes one part durably; answers its id. A part that failed does not count, and nothing of it is in the object.

        `UploadExpired` or `NotFound` after `complete` or `abort`.
        """

    @abstractmethod
    def complete(self, token: str, parts: list[WrittenPart], destination: str, condition: Condition) -> ObjectInfo:
        """Makes the object: `parts`, which may be none, joined in the order of their numbers.

        `InvalidArgument` for a part id that was never answered and for parts that leave a gap: the upload stays usable. Again with the
        same parts, after a success: the same answer or `UploadExpired`.
        """

    @abstractmethod
    def abort(self, token: str) -> None:
        """Gives up the upload and its storage. Twice is a success, and so is an upload that is not known."""


@dataclass
class Found:
    """An unfinished upload: its token, and when it was created."""

    token: str
    created: int | None


class UploadListing(_OfDriver[DriverT]):
    """Optional, for purging only: the unfinished uploads of this driver."""

    @abstractmethod
    def find(self, cursor: str | None, limit: int) -> tuple[list[Found], str | None]:
        """One page of unfinished uploads, and the next page's cursor if more may follow. `InvalidArgument` for an unknown cursor."""

    @abstractmethod
    def written(self, token: str) -> Sequence[object]:
        """The parts of an upload that were written, by number, as records of the bindings or dataclasses with their fields."""


class Copying(_OfDriver[DriverT]):
    """Optional: a copy that the backend does."""

    @abstractmethod
    def copy(self, source: str, destination: str, condition: Condition) -> ObjectInfo:
        """Writes the bytes of `source` to `destination`, as `put` does. Onto itself it loses nothing. `NotFound` without a source."""


class Renaming(_OfDriver[DriverT]):
    """Optional: a copy and a removal in one step."""

    @abstractmethod
    def rename(self, source: str, destination: str, condition: Condition) -> ObjectInfo:
        """Moves the object, replacing what is at `destination`. Onto itself it loses nothing. `NotFound` without a source."""


class ContentStore(_OfDriver[DriverT]):
    """Optional: the store names what it keeps."""

    @abstractmethod
    def store(self, content: Content, algorithm: str) -> str:
        """Stores `content` under a path made of its digest, which is answered. `Unsupported` for another algorithm."""


class Access(Enum):
    """What a presigned URL is good for."""

    #: `GET`: the bytes.
    READ = 0
    #: `HEAD`: whether it is there, and its size.
    STAT = 1


class Presigning(_OfDriver[DriverT]):
    """Optional: a URL at which a client reads the object itself."""

    @abstractmethod
    def presign(self, path: str, access: Access, seconds: int) -> str:
        """A URL for `access` to exactly this object, for so many seconds. Whether the object is there is not checked."""


class Generator(_OfDriver[DriverT]):
    """For a driver that transforms what it hands out: the other side of `Content.generated`."""

    @abstractmethod
    def pull(self, cursor: int, max: int) -> bytes:
        """The next bytes, at most `max`; none is the end."""

    @abstractmethod
    def close(self, cursor: int) -> None:
        """The cursor is not needed any more. Comes exactly once."""
