"""Typed settings: a dataclass is a driver's schema, and what its settings are read into."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, field, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from .errors import InvalidArgument

SettingsT = TypeVar("SettingsT")

_DESCRIPTION = "cofferdam.description"
_SECRET = "cofferdam.secret"

#: The JSON Schema type of each type that a setting may have.
_JSON_TYPES: dict[object, str] = {str: "string", int: "integer", bool: "boolean"}


def setting(description: str, *, default: Any = MISSING, secret: bool = False) -> Any:
    """A field of a settings dataclass: `root: str = setting("Where it is", default="/data")`.

    Without a default it must be given. A secret is kept from logs and listings, and from the dataclass's own `repr`.
    """
    return field(default=default, repr=not secret, metadata={_DESCRIPTION: description, _SECRET: secret})


def _typed_fields(settings: type[Any]) -> list[tuple[Field[Any], Any]]:
    if not is_dataclass(settings):
        raise TypeError(f"the settings {settings.__name__} are no dataclass")
    hints = get_type_hints(settings)
    for one in fields(settings):
        if hints[one.name] not in _JSON_TYPES:
            raise TypeError(f"the setting {settings.__name__}.{one.name} is no str, int or bool")
    return [(one, hints[one.name]) for one in fields(settings)]


def schema_of(settings: type[Any]) -> str:
    """The JSON Schema that `describe` answers."""
    properties = {}
    required = []
    for one, kind in _typed_fields(settings):
        about: dict[str, Any] = {"type": _JSON_TYPES[kind], "description": one.metadata.get(_DESCRIPTION, "")}
        if one.default is MISSING:
            required.append(one.name)
        else:
            about["default"] = one.default
        if one.metadata.get(_SECRET):
            about["writeOnly"] = True
        properties[one.name] = about
    return json.dumps({"type": "object", "properties": properties, "required": required})


def parse(settings: type[SettingsT], pairs: list[tuple[str, str]]) -> SettingsT:
    """Reads the pairs that `configure` is given. Defaults stand for what is not there.

    Raises `InvalidArgument`, naming the setting: unknown, missing, given twice or not of its type.
    """
    kinds = {one.name: kind for one, kind in _typed_fields(settings)}
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name not in kinds:
            raise InvalidArgument(f"the setting `{name}` is not known")
        if name in values:
            raise InvalidArgument(f"the setting `{name}` is given twice")
        values[name] = _value(name, kinds[name], text)
    for one, _ in _typed_fields(settings):
        if one.default is MISSING and one.name not in values:
            raise InvalidArgument(f"the setting `{one.name}` is missing")
    return settings(**values)


def _value(name: str, kind: object, text: str) -> str | int | bool:
    if kind is bool:
        if text not in ("true", "false"):
            raise InvalidArgument(f"the setting `{name}` is not `true` or `false`")
        return text == "true"
    if kind is int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise InvalidArgument(f"the setting `{name}` is not an integer")
        return int(text)
    return text
