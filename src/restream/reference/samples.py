"""Examples that follow from a schema."""

from __future__ import annotations

from typing import Any

from restream.interfaces.http.openapi.schema import Schema

_PLAIN = {"string": "", "integer": 0, "number": 0, "boolean": False, "null": None}


def resolved(schema: Schema, document: Schema) -> Schema:
    """A schema, or what it refers to."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Schema = document["components"]["schemas"][name] if name else schema
    return found


def sample(schema: Schema, document: Schema) -> Any:
    """A value that fits the schema: its own example, else the least that can be said."""
    schema = resolved(schema, document)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return sample(schema[choice][0], document)
    if "const" in schema:
        return schema["const"]
    for listed in ("examples", "enum"):
        if listed in schema:
            return schema[listed][0]
    kinds = schema["type"]
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        required = schema.get("required", ())
        return {name: sample(each, document) for name, each in schema.get("properties", {}).items() if name in required}
    if kind == "array":
        return [sample(schema["items"], document)] * max(1, schema.get("minItems", 1))
    return _PLAIN[kind]
