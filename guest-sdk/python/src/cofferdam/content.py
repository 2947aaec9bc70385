"""Bytes that the host holds: handles that a driver passes on, and reads only if it must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from wit_world.imports import data as wit

from .errors import InvalidArgument, raising
from .types import ObjectInfo

#: What the host answers to one `read` at most.
PIECE_MAX = 1 << 20


class Content:
    """Some bytes, by a handle of the host.

    *Held* content reads at any offset, any number of times. *Live* content, a response or a client's upload as it arrives, reads
    onwards only.

    A handle is dropped by `close`, or at the end of a `with`. What a driver is given is closed when its function returns, unless
    it was handed on in an `Opened` or taken by `detach`.
    """

    def __init__(self, handle: wit.Content) -> None:
        self._handle: wit.Content | None = handle

    @classmethod
    def from_bytes(cls, data: bytes) -> Content:
        """Held content with these bytes, which the host copies."""
        return cls(wit.from_bytes(data))

    @classmethod
    def generated(cls, cursor: int, size: int | None) -> Content:
        """Content that this driver makes when the host asks, by `Generator.pull(cursor, …)`. Only to be handed out of a call."""
        return cls(wit.from_generator(cursor, size))

    @property
    def handle(self) -> wit.Content:
        """The handle of the bindings."""
        if self._handle is None:
            raise ValueError("the content was closed or handed on")
        return self._handle

    @property
    def size(self) -> int | None:
        """How many bytes it has; always known of held content, and of what `put` is given. Of a range, the range's."""
        return self.handle.size()

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`, and at most 1 MiB; may be fewer, and only none is the end."""
        return raising(self.handle.read)(offset, min(length, PIECE_MAX))

    def pieces(self) -> Iterator[bytes]:
        """All bytes from the start, a piece at a time."""
        offset = 0
        while piece := self.read(offset, PIECE_MAX):
            yield piece
            offset += len(piece)

    def read_all(self, limit: int) -> bytes:
        """All bytes. `InvalidArgument` if there are more than `limit`: so none is read by mistake that does not fit in memory."""
        collected = bytearray()
        for piece in self.pieces():
            collected += piece
            if len(collected) > limit:
                raise InvalidArgument(f"the content has more than {limit} bytes")
        return bytes(collected)

    def digest(self, algorithm: str) -> bytes:
        """The digest of all bytes, computed by the host: `sha256`, `sha512`, `md5`, `crc32c` or `crc64nvme`. Held content only."""
        return raising(self.handle.digest)(algorithm)

    def detach(self) -> Content:
        """The same bytes under a name that outlives the call in which they were given. Whoever takes it closes it."""
        return Content(self.take())

    def take(self) -> wit.Content:
        """The handle, which is the caller's from now on."""
        handle, self._handle = self.handle, None
        return handle

    def close(self) -> None:
        """Drops the handle. Again, or after it was handed on, does nothing."""
        if self._handle is not None:
            self.take().__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@dataclass
class Opened:
    """What opening an object answers: what is known of the whole object, and the bytes of the range."""

    info: ObjectInfo
    content: Content


class Buffer:
    """Bytes that a driver makes piece by piece, kept by the host: for what must be transformed. Use it by `with`."""

    def __init__(self) -> None:
        self._handle: wit.Buffer | None = wit.new_buffer()

    @property
    def _open(self) -> wit.Buffer:
        if self._handle is None:
            raise ValueError("the buffer was closed")
        return self._handle

    def append(self, data: bytes) -> None:
        """Adds bytes at the end. `QuotaExceeded` over the mount's budget."""
        raising(self._open.append)(data)

    def finish(self) -> Content:
        """Held content with everything that was appended. It outlives the buffer."""
        return Content(raising(self._open.finish)())

    def close(self) -> None:
        """Drops the handle. Again does nothing."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            handle.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
