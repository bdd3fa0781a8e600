"""Golden files: what was said once, and whether it is still said; tests/unit/test_golden.py tells how to use them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import Any

import yaml

from restream.config.places import ROOT

GOLDEN = ROOT / "tests" / "data" / "golden"
_UPDATE = "RESTREAM_UPDATE_GOLDEN"
_MOST_SHOWN = 40


def updating() -> bool:
    return os.environ.get(_UPDATE) == "1"


def written(value: Any) -> str:
    """As a golden file holds it: text as it is, anything else as JSON with its keys in their order."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def hold(name: str, value: Any) -> None:
    """Assert that `value` is what the golden file says, but for listed additions; or write the file."""
    path = GOLDEN / name
    if updating():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(value), encoding="utf-8")
        return
    golden = path.read_text(encoding="utf-8")
    if isinstance(value, str):
        found = list(text_differences(golden.splitlines(), value.splitlines(), allowed(name)))
    else:
        plain = json.loads(written(value))
        found = list(differences(json.loads(golden), plain, allowed(name)))
    more = f"\n… and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    assert not found, f"{name} differs ({_UPDATE}=1 rewrites it):\n" + "\n".join(found[:_MOST_SHOWN]) + more


def allowed(name: str) -> list[str]:
    """Patterns of what a file may have in addition."""
    listed = yaml.safe_load((GOLDEN / "additions.yml").read_text(encoding="utf-8")) or {}
    return [str(pattern) for pattern in listed.get(name, ())]


def differences(golden: Any, found: Any, additions: Sequence[str] = (), place: str = "") -> Iterator[str]:
    """One line per place that differs: `-` is missing, `+` is an addition that is not listed, `~` has changed."""
    if isinstance(golden, dict) and isinstance(found, dict):
        for key, value in golden.items():
            if key in found:
                yield from differences(value, found[key], additions, f"{place}/{key}")
            else:
                yield f"- {place}/{key}: {_short(value)}"
        yield from (
            f"+ {place}/{key}: {_short(value)}"
            for key, value in found.items()
            if key not in golden and not _listed(f"{place}/{key}", additions)
        )
        order = [key for key in found if key in golden]
        if order != [key for key in golden if key in found]:
            yield f"~ {place or '/'}: the keys have another order: {_short(order)}"
    elif isinstance(golden, list) and isinstance(found, list):
        for index, (value, other) in enumerate(zip(golden, found, strict=False)):
            yield from differences(value, other, additions, f"{place}/{index}")
        yield from (f"- {place}/{n}: {_short(golden[n])}" for n in range(len(found), len(golden)))
        yield from (
            f"+ {place}/{n}: {_short(found[n])}"
            for n in range(len(golden), len(found))
            if not _listed(f"{place}/{n}", additions)
        )
    elif type(golden) is not type(found) or golden != found:
        yield f"~ {place or '/'}: {_short(golden)} -> {_short(found)}"


def text_differences(golden: Sequence[str], found: Sequence[str], additions: Sequence[str] = ()) -> Iterator[str]:
    """The same for lines: those that are listed do not count, unless the file has them."""
    known = set(golden)
    kept = [line for line in found if line in known or not _listed(line, additions)]
    return (line for line in unified_diff(golden, kept, "golden", "found", lineterm="", n=1))


def _listed(place: str, additions: Sequence[str]) -> bool:
    return any(re.fullmatch(_expression(pattern), place) for pattern in additions)


def _expression(pattern: str) -> str:
    """`*` stands for anything but a slash, `**` for anything."""
    parts = re.split(r"(\*\*|\*)", pattern)
    return "".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else text[:300] + "…"


def openapi_shape(document: dict[str, Any]) -> dict[str, Any]:
    """What of a description binds: paths, methods and statuses; names, types, values and required keys of schemas."""
    operations = {
        f"{method.upper()} {path}": dict.fromkeys(operation["responses"], True)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    schemas = document["components"]["schemas"]
    return {
        "operations": dict(sorted(operations.items())),
        "schemas": {name: _schema_shape(schemas[name], schemas, ()) for name in sorted(schemas)},
    }


def _schema_shape(schema: Any, schemas: dict[str, Any], inside: tuple[str, ...]) -> Any:
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {"again": name} if name in inside else _schema_shape(schemas[name], schemas, (*inside, name))
    kinds = schema.get("type", [])
    types = {kinds} if isinstance(kinds, str) else set(kinds)
    choices = [each for key in ("anyOf", "oneOf") for each in schema.get(key, [])]
    known = [each for each in choices if each != {"type": "null"}]
    nullable = "null" in types or len(known) < len(choices)
    if len(known) == 1 and not types:
        return {**_schema_shape(known[0], schemas, inside), "nullable": nullable}
    shape: dict[str, Any] = {"type": sorted(types - {"null"}), "nullable": nullable}
    if "enum" in schema:
        shape["enum"] = {str(value): True for value in sorted(map(str, schema["enum"])) if value != "None"}
    if "const" in schema:
        shape["const"] = schema["const"]
    if "properties" in schema:
        shape["properties"] = {
            name: _schema_shape(each, schemas, inside) for name, each in sorted(schema["properties"].items())
        }
        shape["required"] = dict.fromkeys(sorted(schema.get("required", [])), True)
    for key in ("items", "additionalProperties"):
        if key in schema:
            shape[key] = _schema_shape(schema[key], schemas, inside)
    if known:
        shape["one of"] = [_schema_shape(each, schemas, inside) for each in known]
    return shape
