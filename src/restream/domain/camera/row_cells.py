"""A value of a row as the text of a cell: for spreadsheets, for statements, and what two of them have in common."""

from __future__ import annotations

import json

from restream.domain.camera.camera import flag
from restream.domain.camera.column_text import column_text
from restream.domain.camera.secret import MASK, mask_exact, mask_parameters, mask_patterns, spellings
from restream.domain.camera.urls import UrlError

_URLS = frozenset({"link", "rtsp_url"})


def cell(column: str, value: object) -> str:
    """The text that stands for a value; empty for null. What the service could not read is shown as Python has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if column == "options" and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str)
    try:
        return column_text(column, value)
    except UrlError:
        return str(value)


def masked(column: str, text: str, password: str = "") -> str:
    """The cell as people may see it; `password`: the one of its row."""
    if column == "password":
        return MASK if text else ""
    hidden = mask_patterns(mask_exact(text, spellings(password)) if column in _URLS else text)
    return mask_parameters(hidden) if column in _URLS else hidden


def meaning(column: str, text: str) -> object:
    """What two cells have in common that mean the same to the service."""
    if column == "password":
        return text
    stripped = text.strip()
    if column == "enabled":
        try:
            return flag(stripped) if stripped else True
        except ValueError:
            return stripped
    if column == "options":
        try:
            document = json.loads(stripped) if stripped else None
        except (ValueError, RecursionError):
            return stripped
        return json.dumps(document, sort_keys=True) if document not in (None, {}) else ""
    return stripped
