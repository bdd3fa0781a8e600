"""Puts the OpenAPI document together, and serves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from aiohttp import web

from restream.interfaces.documents.answers import ErrorDocument
from restream.interfaces.documents.values import about, encode
from restream.interfaces.http.answer import encoded_answer
from restream.interfaces.http.auth import COOKIE, Access
from restream.interfaces.http.openapi.operation import JSON, Answer, Operation, Parameter, some
from restream.interfaces.http.openapi.operations import OPERATIONS
from restream.interfaces.http.openapi.schema import Schema, components, schema_of, schema_of_body
from restream.interfaces.http.rights import RIGHTS, Reach

ABOUT = """\
IP cameras republished to MediaMTX, and one verdict for each of them.

JSON in UTF-8. Times are RFC 3339 in UTC with milliseconds. Every error is `{"error": "…"}` with a fitting status; an \
unknown query parameter is an error. A method that a path does not have is answered with 405. Every GET answers HEAD \
too. All texts come from databases, cameras and servers: they are text, never markup."""

TAGS: Mapping[str, str] = {
    "cameras": "What each camera is like, and what can be done about it.",
    "fleet": "Everything that is not of one camera.",
    "incidents": "Cameras that went down together, and what is done about it.",
    "live": "Changes as they happen.",
    "access": "The token and sessions of browsers.",
    "operation": "For whoever runs the service.",
    "page": "For people.",
}

_SECURITY: Mapping[str, Schema] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "`http.token` of the configuration, or one of `api.tokens`.",
    },
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "From `POST /api/login`."},
}
_ERROR_HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": Annotated[str, about("", "Bearer")]},
    426: {"Upgrade": Annotated[str, about("", "websocket")]},
    429: {"Retry-After": Annotated[str, about("Seconds to wait.", "60")]},
}


def routes(access: Access, version: str) -> list[web.RouteDef]:
    """`GET /openapi.json`."""
    body = encode(document(access, version))

    async def openapi(_: web.Request) -> web.Response:
        return encoded_answer(body, {"Cache-Control": "no-cache"})

    return [web.get("/openapi.json", openapi)]


def document(access: Access, version: str) -> Schema:
    """The whole description; it asks for a token where this service does."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, access)
    return {
        "openapi": "3.1.0",
        "info": {"title": "restream", "version": version, "description": ABOUT},
        "tags": [{"name": name, "description": told} for name, told in TAGS.items()],
        "paths": paths,
        "components": {"schemas": components(), "securitySchemes": dict(_SECURITY)},
    }


def _operation(operation: Operation, access: Access) -> Schema:
    known = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": " ".join(filter(None, (operation.text, _needs(operation)))),
        "tags": [operation.tag],
        "parameters": [_parameter(each) for each in operation.parameters],
        "security": [{name: []} for name in _SECURITY] if _guarded(operation, access) else [],
        "responses": dict(sorted(_responses(operation, access))),
    }
    if operation.body is not None:
        is_json = operation.body_type == JSON
        schema = schema_of_body(operation.body) if is_json else {"type": "string"}
        known["requestBody"] = {
            "required": not is_json or bool(schema["required"]),
            "content": {operation.body_type: {"schema": schema}},
        }
    return {key: value for key, value in known.items() if value or key == "security"}


def _needs(operation: Operation) -> str:
    """The role, and whether it is for those who see all sites."""
    right = RIGHTS[operation.method.upper(), operation.path]
    if right.role is None:
        return ""
    whom = ", of all sites" if right.reach is Reach.FLEET else ""
    return f"Role: `{right.role}`{whom}."


def _guarded(operation: Operation, access: Access) -> bool:
    needed = {"open": False, "read": access.token_to_read, "write": access.guarded}
    return needed[operation.access]


def _parameter(parameter: Parameter) -> Schema:
    schema = schema_of(parameter.kind)
    known = {"name": parameter.name, "in": parameter.place, "description": schema.pop("description", "")}
    if parameter.place == "path":
        known["required"] = True
    if schema["type"] == "array":
        known |= {"style": "form", "explode": False}
    return known | {"schema": schema}


def _responses(operation: Operation, access: Access) -> Iterator[tuple[str, Schema]]:
    errors = dict(operation.errors)
    if _guarded(operation, access):
        errors |= some(401, 429)
    if operation.access == "write":
        errors |= some(403)
    if access.hosts is not None:
        errors |= some(421)
    for status, told in errors.items():
        yield str(status), _answer(Answer(told, {JSON: ErrorDocument}, _ERROR_HEADERS.get(status, {})))
    for status, answer in operation.answers.items():
        yield str(status), _answer(answer)


def _answer(answer: Answer) -> Schema:
    known: Schema = {"description": answer.text}
    if answer.headers:
        known["headers"] = {name: _header(schema_of(kind)) for name, kind in answer.headers.items()}
    if answer.content:
        known["content"] = {
            media: {} if kind is None else {"schema": schema_of(kind)} for media, kind in answer.content.items()
        }
    return known


def _header(schema: Schema) -> Schema:
    return {"description": schema.get("description", ""), "required": True, "schema": schema}
