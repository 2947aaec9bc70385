"""What the author's functions answer, held against the types of the bindings: a wrong one is told by name."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from enum import Enum, Flag
from typing import Any, Union, get_args, get_origin, get_type_hints

_U32 = (1 << 32) - 1
_U64 = (1 << 64) - 1

#: The fields of the contract that have 32 bits; all other numbers have 64.
_SHORT = frozenset({"number", "retry_after_ms"})


class WrongType(Exception):
    """An answer of another type than the contract says."""


def converted(value: object, wanted: Any, place: str) -> Any:
    """`value` as the bindings take it: a dataclass with the fields of a record becomes that record.

    Raises `WrongType`, naming the place in the answer.
    """
    if wanted is None or wanted is type(None):
        if value is not None:
            raise _wrong(value, "None", place)
        return None
    origin = get_origin(wanted)
    if origin in (Union, types.UnionType):
        return _one_of(value, get_args(wanted), place)
    if origin is list:
        if not isinstance(value, (list, tuple)):
            raise _wrong(value, "a list", place)
        (item,) = get_args(wanted)
        return [converted(one, item, f"{place}[{at}]") for at, one in enumerate(value)]
    if origin is tuple:
        items = get_args(wanted)
        if not isinstance(value, tuple) or len(value) != len(items):
            raise _wrong(value, f"a tuple of {len(items)}", place)
        return tuple(converted(one, item, f"{place}[{at}]") for at, (one, item) in enumerate(zip(value, items)))
    if isinstance(wanted, type) and is_dataclass(wanted):
        return _record(value, wanted, place)
    return _plain(value, wanted, place)


def _one_of(value: object, choices: tuple[Any, ...], place: str) -> Any:
    if value is None and type(None) in choices:
        return None
    present = [one for one in choices if one is not type(None)]
    if len(present) == 1:
        return converted(value, present[0], place)
    if not isinstance(value, tuple(get_origin(one) or one for one in present)):
        raise _wrong(value, " or ".join(one.__name__ for one in present), place)
    return value


#: The fields of each record that was answered, and their types: finding them out is slow.
_known: dict[type[Any], list[tuple[str, Any]]] = {}


def _fields(record: type[Any]) -> list[tuple[str, Any]]:
    if record not in _known:
        hints = get_type_hints(record)
        _known[record] = [(one.name, hints[one.name]) for one in fields(record)]
    return _known[record]


def _record(value: object, wanted: type[Any], place: str) -> Any:
    if not is_dataclass(value) or isinstance(value, type):
        raise _wrong(value, wanted.__name__, place)
    values = []
    for name, kind in _fields(wanted):
        if not hasattr(value, name):
            raise _wrong(value, wanted.__name__, place)
        values.append(converted(getattr(value, name), kind, f"{place}.{name}"))
    return wanted(*values)


def _plain(value: object, wanted: Any, place: str) -> Any:
    if wanted is int:
        # A bool is an int to Python, and no number to the contract.
        if type(value) is not int:
            raise _wrong(value, "int", place)
        most = _U32 if place.rpartition(".")[2] in _SHORT else _U64
        if not 0 <= value <= most:
            raise WrongType(f"{place} is {value}, which is not from 0 to {most}")
    elif wanted is bytes:
        if isinstance(value, (bytearray, memoryview)):
            return bytes(value)
        if not isinstance(value, bytes):
            raise _wrong(value, "bytes", place)
    elif wanted is str:
        if not isinstance(value, str):
            raise _wrong(value, "str", place)
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise WrongType(f"{place} is {value!a}, which is no Unicode text") from None
    elif isinstance(wanted, type) and not isinstance(value, wanted):
        raise _wrong(value, wanted.__name__, place)
    return value


def _wrong(value: object, wanted: str, place: str) -> WrongType:
    said = repr(value) if value is None or isinstance(value, (str, int, float, bytes, Enum, Flag)) else ""
    said = f" {said[:60]}" if said and value is not None else ""
    return WrongType(f"{place} is {type(value).__name__ if value is not None else 'None'}{said}, not {wanted}")
