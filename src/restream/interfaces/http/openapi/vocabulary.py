"""JSON schemas in few words. Every object is closed: what it does not list is not sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson

Schema = dict[str, Any]


def schema(kind: str, description: str = "", example: object = None, **limits: object) -> Schema:
    """A schema of one type. `example` None: the reference shows what the type suggests."""
    told = {"description": description, "examples": None if example is None else [example]}
    return {"type": kind, **{key: value for key, value in told.items() if value}, **limits}


def text(description: str = "", example: str | None = None, **limits: object) -> Schema:
    return schema("string", description, example, **limits)


def whole(description: str = "", example: int | None = None, **limits: object) -> Schema:
    """A whole number that is never negative."""
    return schema("integer", description, example, **({"minimum": 0} | limits))


def number(description: str = "", example: float | None = None, **limits: object) -> Schema:
    return schema("number", description, example, **limits)


def flag(description: str = "", example: bool | None = None) -> Schema:
    return schema("boolean", description, example)


def moment(description: str = "") -> Schema:
    """A time: RFC 3339 in UTC with milliseconds."""
    return text(description, "2026-01-05T10:00:40.000Z", format="date-time")


def choice(values: Iterable[str], description: str = "", example: str | None = None) -> Schema:
    return text(description, example, enum=[str(value) for value in values])


def many(items: Schema, description: str = "", **limits: object) -> Schema:
    return schema("array", description, items=items, **limits)


def record(description: str = "", optional: Iterable[str] = (), /, **properties: Schema) -> Schema:
    """An object with exactly these keys; those in `optional` may be missing."""
    left_out = frozenset(optional)
    required = [name for name in properties if name not in left_out]
    return schema("object", description, properties=properties, required=required, additionalProperties=False)


def table(values: Schema, description: str = "") -> Schema:
    """An object whose keys are names of something."""
    return schema("object", description, additionalProperties=values)


def counts(names: Iterable[str], description: str = "", **example: int) -> Schema:
    """How many of each; what there is none of is left out."""
    properties = {str(name): whole() for name in names}
    return schema("object", description, example, properties=properties, additionalProperties=False)


def nullable(known: Schema) -> Schema:
    """The same, or null."""
    if "type" not in known:
        return {"anyOf": [known, {"type": "null"}]}
    values = {"enum": [*known["enum"], None]} if "enum" in known else {}
    return known | values | {"type": [known["type"], "null"]}


def named(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_PLAIN: Mapping[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def of(kind: Any, optional: Iterable[str] = ()) -> Schema:
    """The schema of values that are shown field by field: of a dataclass, or of the type of one of its fields."""
    if kind in _PLAIN:
        return schema(_PLAIN[kind])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return choice(kind)
    if is_dataclass(kind):
        return record("", optional, **{name: of(hint) for name, hint in get_type_hints(kind).items()})
    arguments = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        (known,) = (each for each in arguments if each is not NoneType)
        return nullable(of(known))
    if get_origin(kind) is tuple:
        limits: Schema = {} if arguments[-1] is Ellipsis else {"minItems": len(arguments), "maxItems": len(arguments)}
        return many(of(arguments[0]), **limits)
    raise TypeError(f"no schema for {kind}")


def like(example: Any, description: str = "") -> Schema:
    """The schema of a dataclass or a named tuple, shown by one of its values."""
    shown = orjson.loads(orjson.dumps(example._asdict() if hasattr(example, "_asdict") else example))
    hints = get_type_hints(type(example))
    return record(description, **{name: of(hint) | {"examples": [shown[name]]} for name, hint in hints.items()})
