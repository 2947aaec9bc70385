"""The words of the contract: what is known about objects, ranges, conditions, lists and claims."""

from __future__ import annotations

from dataclasses import dataclass, fields

from wit_world.imports import store_types as wit

from .errors import AlreadyExists, PreconditionFailed

EntryKind = wit.EntryKind
ObjectInfo = wit.ObjectInfo
Page = wit.Page
ListOptions = wit.ListOptions
Part = wit.Part
WrittenPart = wit.WrittenPart
Span = wit.Span

#: Nothing must hold: replace what is there.
Unconditional = wit.Condition_Unconditional
#: Nothing is there; else `AlreadyExists`.
IfAbsent = wit.Condition_IfAbsent
#: What is there has the etag `value`; else `PreconditionFailed`.
IfMatch = wit.Condition_IfMatch
Condition = wit.Condition

#: All bytes.
Whole = wit.ByteRange_Whole
#: From the offset `value` to the end.
StartingAt = wit.ByteRange_StartingAt
#: At most `value.length` bytes from `value.offset`.
Bounded = wit.ByteRange_Bounded
#: The last `value` bytes; all of them if there are fewer.
Last = wit.ByteRange_Last
ByteRange = wit.ByteRange

#: The largest value of an atomic store.
VALUE_MAX = 1 << 20

#: As much of a name as an error shows: a path of a megabyte must not make an error of a megabyte.
_SHOWN_MAX = 120


def object_info(path: str, size: int, modified: int | None, etag: str | None) -> ObjectInfo:
    """What is known about an object; `modified` is in nanoseconds since 1970."""
    return ObjectInfo(path, EntryKind.OBJECT, size, modified, etag, [])


def prefix_info(path: str) -> ObjectInfo:
    """A path below which there are objects, as a list answers it."""
    return ObjectInfo(path, EntryKind.PREFIX, 0, None, None, [])


def sort_key(entry: ObjectInfo) -> str:
    """What lists sort by: the path, for a prefix with `/` appended."""
    return entry.path + "/" if entry.kind is EntryKind.PREFIX else entry.path


def resolve_range(wanted: ByteRange, size: int) -> tuple[int, int]:
    """Where a range of `size` bytes begins, and how many it has: clamped, and empty at or past the end."""
    match wanted:
        case wit.ByteRange_Whole():
            return 0, size
        case wit.ByteRange_StartingAt(offset):
            return min(offset, size), max(size - offset, 0)
        case wit.ByteRange_Bounded(span):
            start = min(span.offset, size)
            return start, min(span.length, size - start)
        case wit.ByteRange_Last(length):
            return max(size - length, 0), min(length, size)


def check_condition(condition: Condition, etag: str | None, name: str) -> None:
    """Checks `condition` on what is stored under `name`: its etag, `None` if nothing is.

    Raises `AlreadyExists` or `PreconditionFailed`. Check and write in one step: under a lock, or in a transaction.
    """
    match condition:
        case wit.Condition_IfAbsent() if etag is not None:
            raise AlreadyExists(f"{shown(name)} exists already")
        case wit.Condition_IfMatch(wanted) if etag != wanted:
            raise PreconditionFailed(f"{shown(name)} is not the version that was asked for")


def shown(name: str) -> str:
    """The first characters of a name, for a message."""
    return name if len(name) <= _SHOWN_MAX else name[:_SHOWN_MAX] + "…"


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What is true of a driver with its settings. What is claimed must work; the rest must be refused with `Unsupported`."""

    put_if_absent: bool = False
    put_if_match: bool = False
    #: The largest object that one `put` takes; `None`: any.
    put_max: int | None = None
    atomic_remove_if_match: bool = False
    late_destination: bool = False
    complete_if_absent: bool = False
    live_content: bool = False
    parallel_parts: bool = False
    out_of_order_parts: bool = False
    part_min: int | None = None
    part_max: int | None = None
    part_uniform: bool = False
    part_count_max: int | None = None
    #: `pooled`: an instance can be thrown away after any call; `single`: its state is the store.
    instances: str | None = None
    writable: bool = True
    listable: bool = True
    #: Several processes may use one backend at once.
    shared: bool = False
    #: Nothing outlives the instance.
    volatile: bool = False
    #: How many bytes the store holds at most.
    capacity: int | None = None

    def attributes(self) -> list[tuple[str, str]]:
        """As the contract has them: what is as it is by default is left out."""
        pairs = []
        for one in fields(self):
            value = getattr(self, one.name)
            if value != one.default:
                text = str(value).lower() if isinstance(value, bool) else str(value)
                pairs.append((one.name.replace("_", "-"), text))
        return pairs
