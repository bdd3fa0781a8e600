"""The service's own description, and whether something fits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from restream import __version__
from restream.domain.camera.secret import Secret
from restream.interfaces.http.auth import Access
from restream.interfaces.http.openapi.document import document
from restream.interfaces.http.openapi.schema import named

DOCUMENT = document(Access(Secret("a token")), __version__)
MESSAGE = {"oneOf": [named("Snapshot"), named("Delta")]}


def misfits(value: object, schema: Mapping[str, Any]) -> list[str]:
    """What in a value does not fit a schema, with its place."""
    validator = Draft202012Validator(
        {**schema, "components": DOCUMENT["components"]}, format_checker=FormatChecker(["date-time"])
    )
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]


def conforms(value: object, name: str) -> None:
    """Assert that a value is what the description calls by this name."""
    assert misfits(value, named(name)) == []


def answer_schema(path: str, status: int = 200, method: str = "get") -> Mapping[str, Any]:
    """What an operation promises to send as JSON."""
    schema: Mapping[str, Any] = DOCUMENT["paths"][path][method]["responses"][str(status)]["content"][
        "application/json"
    ]["schema"]
    return schema
