"""The stores below a middleware, by the names that the mount gives them."""

from __future__ import annotations

from collections.abc import Sequence

from componentize_py_types import Err
from wit_world.imports import upstream as wit

from .content import Content, Opened
from .errors import StoreError, from_wit, raising
from .types import ByteRange, Condition, ListOptions, ObjectInfo, Page


class Store:
    """A store below this driver. Its functions mean, and fail as, those of `StreamingStore`."""

    def __init__(self, name: str) -> None:
        self._handle = raising(wit.Store.named)(name)

    def stat(self, path: str) -> ObjectInfo:
        """As `StreamingStore.stat`."""
        return raising(self._handle.stat)(path)

    def open(self, path: str, wanted: ByteRange) -> Opened:
        """As `StreamingStore.open`. What it answers can be handed on as it is."""
        opened = raising(self._handle.open)(path, wanted)
        return Opened(opened.info, Content(opened.content))

    def put(self, path: str, content: Content, condition: Condition) -> ObjectInfo:
        """As `StreamingStore.put`."""
        return raising(self._handle.put)(path, content.handle, condition)

    def list(self, prefix: str, options: ListOptions) -> Page:
        """As `StreamingStore.list`."""
        return raising(self._handle.list)(prefix, options)

    def remove_many(self, paths: Sequence[str]) -> Sequence[StoreError | None]:
        """As `StreamingStore.remove_many`."""
        answers = self._handle.remove([*paths])
        return [from_wit(answer.value) if isinstance(answer, Err) else None for answer in answers]


def names() -> Sequence[str]:
    """The names of the stores below, in the order in which the mount lists them."""
    return wit.names()
