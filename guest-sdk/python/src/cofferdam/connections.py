"""Named connections, opened, TLS-wrapped and authenticated by the host."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from wit_world.imports import connections as wit

from .errors import raising


class Connection:
    """A connection that this call alone uses. Use it by `with`; at its end it is closed, unless it was given back."""

    def __init__(self, handle: wit.Connection) -> None:
        self._handle: wit.Connection | None = handle

    @property
    def _open(self) -> wit.Connection:
        if self._handle is None:
            raise ValueError("the connection was closed")
        return self._handle

    def read(self, length: int) -> bytes:
        """Reads what is there, at most `length` bytes, waiting for the first one. Only none is the end."""
        return raising(self._open.read)(length)

    def write(self, data: bytes) -> None:
        """Writes all of it."""
        raising(self._open.write)(data)

    def give_back(self) -> None:
        """Says that no reply is outstanding, so that another call may have it."""
        raising(self._open.give_back)()
        self.close()

    def close(self) -> None:
        """Drops the handle. Again does nothing."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            handle.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def connect(name: str) -> Connection:
    """A connection of that name, new or given back before. `PermissionDenied` if the grant has none."""
    return Connection(raising(wit.connect)(name))
