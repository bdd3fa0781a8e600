"""The OpenAPI document as a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus

from restream.interfaces.http.openapi.operation import JSON
from restream.interfaces.http.openapi.schema import Schema
from restream.reference.samples import resolved, sample
from restream.reference.table import cell, table

_BASE = "http://127.0.0.1:8000"
_HEAD = """\
# The HTTP interface

Made by `python -m restream.reference` from the document at `GET /openapi.json`. How to begin is in \
[frontend.md](frontend.md)."""
_ACCESS = """\
Where `http.token` is set, or somebody is in section `api`, send a token as `Authorization: Bearer …`, or log in for a \
cookie; with `http.auth: none` only actions need it. Without both nothing needs it. Operations marked *open* never do. \
Each caller has a [role](security.md#roles), and may see some sites alone."""


def api_page(document: Schema) -> str:
    """Markdown, from the description of a service that has a token."""
    return "\n\n".join(_blocks(document)) + "\n"


def _blocks(document: Schema) -> Iterator[str]:
    yield _HEAD
    yield document["info"]["description"]
    yield _ACCESS
    operations = [(path, method, each) for path, item in document["paths"].items() for method, each in item.items()]
    yield table(
        ("", ""),
        (
            [f"[`{method.upper()} {path}`](#{each['operationId']})", each["summary"]]
            for path, method, each in operations
        ),
    )
    for tag in document["tags"]:
        yield f"## {tag['name'].capitalize()}\n\n{tag['description']}"
        for path, method, each in operations:
            if tag["name"] in each["tags"]:
                yield from _operation(f"{method.upper()} {path}", each, document)
    yield "## Schemas"
    for name, schema in document["components"]["schemas"].items():
        yield f"### {name}\n\n{schema.get('description', '')}"
        yield table(("key", "type", ""), _keys(schema))


def _operation(title: str, operation: Schema, document: Schema) -> Iterator[str]:
    yield f'<a id="{operation["operationId"]}"></a>\n\n### `{title}`'
    sentences = [operation["summary"] + ".", operation.get("description", "")]
    told = " ".join(filter(None, [*sentences, "" if operation["security"] else "*Open.*"]))
    names = "|".join(document["components"]["schemas"])
    yield re.sub(rf"`({names})`", lambda name: f"[{name[1]}](#{name[1].lower()})", told)
    if "parameters" in operation:
        yield table(("parameter", "type", ""), map(_parameter, operation["parameters"]))
    if "requestBody" in operation:
        kind, media = next(iter(operation["requestBody"]["content"].items()))
        yield "Body:" if kind == JSON else f"Body: `{kind}`."
        if kind == JSON:
            yield table(("key", "type", ""), _keys(media["schema"]))
    yield table(("status", "", "body"), (_answer(*each) for each in operation["responses"].items()))
    yield from _example(title, operation, document)


def _parameter(parameter: Schema) -> list[str]:
    place = "" if parameter["in"] == "query" else f" ({parameter['in']})"
    schema = parameter["schema"]
    several = "; one or several, separated by commas"
    kind = _kind(schema["items"]) + several if "items" in schema else _kind(schema)
    default = f"Default: `{schema['default']}`." if "default" in schema else ""
    return [f"`{parameter['name']}`{place}", kind, f"{parameter['description']} {default}".strip()]


def _answer(status: str, answer: Schema) -> list[str]:
    bodies = [
        _kind(media["schema"]) if kind == JSON else "a file" if kind == "*/*" else f"`{kind}`"
        for kind, media in answer.get("content", {}).items()
    ]
    headers = ", ".join(f"`{name}`" for name in answer.get("headers", {}))
    told = answer["description"] + (f" Headers: {headers}." if headers else "")
    return [f"{status} {HTTPStatus(int(status)).phrase}", told, ", ".join(bodies)]


# The one body that is no JSON.
_FILE = "--data-binary @rows.csv "


def _example(title: str, operation: Schema, document: Schema) -> Iterator[str]:
    """The request for a shell, and the good answer where it is a document of its own."""
    method, _, path = title.partition(" ")
    good = next(answer for status, answer in operation["responses"].items() if status < "400")
    media = good.get("content", {}).get(JSON)
    if media is None:
        return
    for parameter in operation.get("parameters", ()):
        path = path.replace(f"{{{parameter['name']}}}", str(sample(parameter["schema"], document)))
    post = "-X POST " if method == "POST" else ""
    if "requestBody" in operation:
        kind, body = next(iter(operation["requestBody"]["content"].items()))
        post += f"-H 'Content-Type: {kind}' "
        post += f"-d '{json.dumps(sample(body['schema'], document), ensure_ascii=False)}' " if kind == JSON else _FILE
    yield f"```sh\ncurl -s {post}{_BASE}{path}\n```"
    if resolved(media["schema"], document) != {"type": "object"}:
        shown = json.dumps(sample(media["schema"], document), indent=2, ensure_ascii=False)
        yield f"```json\n{shown}\n```"


def _keys(schema: Schema, prefix: str = "") -> Iterator[list[str]]:
    """A line per key; objects inside follow theirs as `outer.inner`, those in arrays as `outer[].inner`."""
    schema = schema.get("anyOf", [schema])[0]
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        optional = "" if name in required else ", may be missing"
        yield [f"`{prefix}{name}`", _kind(each) + optional, each.get("description", "")]
        nested, dots = each, f"{prefix}{name}"
        while "items" in nested:
            nested, dots = nested["items"], dots + "[]"
        yield from _keys(nested, dots + ".")


def _kind(schema: Schema) -> str:
    """The type in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return " or ".join(_kind(each) for each in schema[choice])
    if "const" in schema:
        return f"`{schema['const']}`"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "items" in schema:
        kinds = [f"array of {_kind(schema['items'])}", *kinds[1:]]
    elif "enum" in schema:
        kinds = [", ".join(f"`{value}`" for value in schema["enum"] if value is not None), *kinds[1:]]
    elif isinstance(schema.get("additionalProperties"), dict):
        kinds = [f"object of {_kind(schema['additionalProperties'])}", *kinds[1:]]
    elif "maximum" in schema:
        kinds = [f"{kinds[0]}, {schema['minimum']} to {schema['maximum']}", *kinds[1:]]
    return cell(" or ".join(kinds))
