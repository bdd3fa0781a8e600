"""What a node tells of itself, as the document in its row; another's is believed only as far as it fits."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from restream.domain.fleet.node import NodeTraits

FORMAT = 1
"""Another one when a key changes its meaning; keys are added without. A document of another format tells nothing."""

# PostgreSQL has no text with a NUL in it; an even number of backslashes before it is text.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_MOST_TEXT = 256
_MOST_SITES = 1000
_MOST_FACTS = 100
_MOST_COUNT = 10**9
_MOST_WEIGHT = 1e6


def node_document(traits: NodeTraits) -> str:
    """JSON. A number that JSON does not have (a load that is not a number) is null."""
    document = {
        "format": FORMAT,
        "cameras": traits.cameras,
        "room": traits.room,
        "busy": traits.busy,
        "weight": traits.weight,
        "sites": sorted(traits.sites),
        "version": traits.version,
        "facts": dict(traits.facts),
    }
    return _NUL.sub(r"\1�", msgspec.json.encode(document).decode())


def read_traits(text: str | None) -> NodeTraits:
    """What fits of a document: unknown keys are passed over, a value of a wrong kind is the default. Never raises."""
    try:
        document = json.loads(text or "")
    except (ValueError, RecursionError):
        return NodeTraits()
    if not isinstance(document, dict) or not _is_count(document.get("format")) or document["format"] != FORMAT:
        return NodeTraits()
    read = {key: document[key] for key, fits in _FITS.items() if key in document and fits(document[key])}
    if "sites" in read:
        read["sites"] = frozenset(read["sites"])
    return NodeTraits(**read)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_COUNT


def _is_weight(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 < value <= _MOST_WEIGHT
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MOST_TEXT


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "cameras": _is_count,
    "room": lambda value: value is None or _is_count(value),
    "busy": lambda value: isinstance(value, bool),
    "weight": _is_weight,
    "sites": lambda value: isinstance(value, list) and len(value) <= _MOST_SITES and all(map(_is_text, value)),
    "version": _is_text,
    "facts": lambda value: isinstance(value, dict) and len(value) <= _MOST_FACTS,
}
