"""The rules of paths and keys."""

from __future__ import annotations

import re

from .errors import InvalidPath
from .types import shown

PATH_MAX = 900
COMPONENT_MAX = 200

_COMPONENT = re.compile(r"[A-Za-z0-9._-]+")


def is_component(name: str) -> bool:
    """Whether `name` may be a component of a path."""
    return _COMPONENT.fullmatch(name) is not None and name not in (".", "..") and len(name) <= COMPONENT_MAX


def check_path(path: str) -> None:
    """Raises `InvalidPath` if `path` is not `/a/b…` by the rules of the contract."""
    if not path.startswith("/") or len(path) > PATH_MAX or not all(map(is_component, path[1:].split("/"))):
        raise InvalidPath(f"{shown(path)!r} is no path of an object")


def check_prefix(path: str) -> None:
    """As `check_path`; the root `/` is fine."""
    if path != "/":
        check_path(path)


def check_key(key: str) -> None:
    """Raises `InvalidPath` if `key` is no path without its leading `/`."""
    if len(key) >= PATH_MAX or not all(map(is_component, key.split("/"))):
        raise InvalidPath(f"{shown(key)!r} is no key of a value")


def base_of(prefix: str) -> str:
    """What everything below `prefix` begins with: the path with a `/` at its end."""
    return prefix if prefix.endswith("/") else prefix + "/"
