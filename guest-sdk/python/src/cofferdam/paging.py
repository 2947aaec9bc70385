"""Pages of lists: where one begins, when it is full, and the cursor with which the next one begins."""

from __future__ import annotations

from .errors import InvalidArgument
from .paths import base_of, is_component
from .types import ListOptions, ObjectInfo, Page, sort_key

#: The first character of every cursor, so that a path is none.
_MARK = ">"

#: The most entries of a page, so that one does not outgrow an instance's memory.
_LIMIT_MAX = 10_000


class PageBuilder:
    """A page that is being filled, in the order of sort keys.

    Its cursor is the last entry's sort key, marked: any instance can go on from it.
    """

    def __init__(self, prefix: str, options: ListOptions) -> None:
        #: What every path of the list begins with.
        self.base = base_of(prefix)
        #: Whether this is the first page: the only one that may be `NotFound`.
        self.is_first = options.cursor is None and options.start_after is None
        #: What the entries come after, relative to `base`: `x/y`; empty for all, `None` if there can be none.
        self.after = self._after(options)
        #: How many entries it takes.
        self.limit = min(options.limit, _LIMIT_MAX)
        self._entries: list[ObjectInfo] = []
        self._more = False

    def _after(self, options: ListOptions) -> str | None:
        if options.cursor is not None:
            key = options.cursor.removeprefix(_MARK + self.base)
            if key == options.cursor or not all(map(is_component, key.removesuffix("/").split("/"))):
                raise InvalidArgument("the cursor is of no page of this list")
            return key
        start = options.start_after
        if start is None:
            return ""
        if start.startswith(self.base):
            return start[len(self.base) :]
        return None if start.encode() > self.base.encode() else ""

    def add(self, entry: ObjectInfo) -> bool:
        """Adds an entry. False if the page was full before: then there is a next one, and the list is over for now."""
        if len(self._entries) >= self.limit:
            self._more = True
            return False
        self._entries.append(entry)
        return True

    def page(self) -> Page:
        """The page."""
        following = _MARK + sort_key(self._entries[-1]) if self._more and self._entries else None
        return Page(self._entries, following)
