"""JSON schemas of types: of documents, of what they consist of, of parameters and headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from restream.interfaces.documents.answers import AcceptedDocument, ErrorDocument, SessionDocument
from restream.interfaces.documents.audit import AuditDocument
from restream.interfaces.documents.camera_details import (
    AvailabilityDocument,
    CameraDetailsDocument,
    MediaDocument,
    ProgressDocument,
)
from restream.interfaces.documents.cameras import CameraDocument, VerdictDocument
from restream.interfaces.documents.events import EventDocument
from restream.interfaces.documents.host_document import HostDocument
from restream.interfaces.documents.incidents import IncidentDocument, IncidentEntryDocument, IncidentsDocument
from restream.interfaces.documents.maintenance import WindowDocument, WindowsDocument
from restream.interfaces.documents.messages import DeltaDocument, SnapshotDocument
from restream.interfaces.documents.nodes import NodesDocument
from restream.interfaces.documents.status import ComponentDocument, StatusDocument
from restream.interfaces.documents.streams import (
    LatestStreamDocument,
    PublisherDocument,
    ServerPathDocument,
    SrtConnectionDocument,
    StreamsDocument,
)
from restream.interfaces.documents.visionaire import VisionaireDocument

Schema = dict[str, Any]

NAMED: tuple[type[msgspec.Struct], ...] = (
    *(VerdictDocument, CameraDocument, CameraDetailsDocument, AvailabilityDocument, MediaDocument, ProgressDocument),
    *(ServerPathDocument, SrtConnectionDocument, PublisherDocument, StatusDocument, ComponentDocument),
    *(StreamsDocument, LatestStreamDocument, HostDocument, EventDocument, VisionaireDocument, NodesDocument),
    *(IncidentDocument, IncidentEntryDocument, IncidentsDocument, WindowDocument, WindowsDocument),
    *(AuditDocument, SessionDocument, AcceptedDocument, SnapshotDocument, DeltaDocument, ErrorDocument),
)
"""Documents that the description has by name; all others stand where they are used."""

_PLAIN: Mapping[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
}
_LIMITS = {"ge": "minimum", "le": "maximum", "min_length": "minLength", "max_length": "maxLength"}


def components() -> dict[str, Schema]:
    """The schemas of what has a name."""
    return {_name(kind): _of(inspect.type_info(kind)) for kind in NAMED}


def schema_of(kind: Any) -> Schema:
    """The schema of a type; of a named document a reference to it."""
    return _of_part(inspect.type_info(kind))


def schema_of_body(kind: Any) -> Schema:
    """The schema of what is sent to us: what has a default may be missing, and other keys are ignored or forbidden."""
    info = inspect.type_info(kind)
    while isinstance(info, inspect.Metadata):
        info = info.type
    if not isinstance(info, inspect.StructType):
        return schema_of(kind) | {"additionalProperties": True}
    required = [field.encode_name for field in info.fields if field.required]
    return schema_of(kind) | {"required": required, "additionalProperties": not info.forbid_unknown_fields}


def named(name: str) -> Schema:
    """A reference to what has a name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _name(kind: type[msgspec.Struct]) -> str:
    return kind.__name__.removesuffix("Document")


def _of_part(kind: inspect.Type) -> Schema:
    if isinstance(kind, inspect.StructType) and kind.cls in NAMED:
        return named(_name(kind.cls))
    return _of(kind)


def _of(kind: inspect.Type) -> Schema:
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=told):
            return _told(_of_part(inner), told or {})
        case inspect.StructType():
            return _record(kind)
        case inspect.UnionType(types=types):
            return _union(types)
        case inspect.EnumType(cls=cls):
            return _choice(each.value for each in cls)
        case inspect.LiteralType(values=(value,)):
            return {"type": "string", "const": value}
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return {"type": "array", "items": _of_part(item)}
        case inspect.TupleType(item_types=items):
            return {"type": "array", "items": _of_part(items[0]), "minItems": len(items), "maxItems": len(items)}
        case inspect.DictType(key_type=key, value_type=value):
            return _table(_of(key), _of_part(value))
        case inspect.AnyType():
            return {}
        case _ if type(kind) in _PLAIN:
            return {"type": _PLAIN[type(kind)]} | _limits(kind)
    raise TypeError(f"no schema for {kind}")


def _told(schema: Schema, told: Mapping[str, Any]) -> Schema:
    """With what is told of it where it is used; null is one more value of a choice."""
    told = dict(told)
    if "enum" in told and "null" in schema["type"]:
        told["enum"] = [*told["enum"], None]
    return schema | told


def _limits(kind: inspect.Type) -> Schema:
    limits = {shown: getattr(kind, name, None) for name, shown in _LIMITS.items()}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _choice(values: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(values)}


def _record(kind: inspect.StructType) -> Schema:
    """An object with exactly these keys; those that may be unset may be missing."""
    properties = {field.encode_name: _of_part(field.type) for field in kind.fields}
    required = [field.encode_name for field in kind.fields if field.required or field.default is not msgspec.NODEFAULT]
    if kind.tag_field is not None:
        properties = {kind.tag_field: {"type": "string", "const": kind.tag}} | properties
        required = [kind.tag_field, *required]
    return {
        "type": "object",
        "description": " ".join((kind.cls.__doc__ or "").split()),
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _union(types: tuple[inspect.Type, ...]) -> Schema:
    known = [_of_part(each) for each in types if not isinstance(each, inspect.NoneType)]
    if len(known) > 1:
        return {"oneOf": known}
    return known[0] if len(known) == len(types) else _nullable(known[0])


def _nullable(known: Schema) -> Schema:
    if "type" not in known:
        return {"anyOf": [known, {"type": "null"}]}
    values = {"enum": [*known["enum"], None]} if "enum" in known else {}
    return known | values | {"type": [known["type"], "null"]}


def _table(key: Schema, value: Schema) -> Schema:
    """An object whose keys are names: of anything, or of a choice, of which some may be missing."""
    if "enum" in key:
        return {"type": "object", "properties": dict.fromkeys(key["enum"], value), "additionalProperties": False}
    return {"type": "object", "additionalProperties": value} if value else {"type": "object"}
