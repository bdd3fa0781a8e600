"""What becomes of JSON that another version, another program or a full disk has written."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

_PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 0, 2**31, 2**63, 2**64, 10**30, 1e308]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "unheard_of", "\x00", "\x1b[31m", "a\nb", "\u202e", "x" * 5000, "{}", "2026-02-31T00:00:00Z"]),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z"]),
)
VALUES = st.recursive(
    _PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
"""Anything that JSON knows, and numbers that it does not."""


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """With one to three values gone, replaced by anything, or added."""
    found = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        found = _with_one_change(draw, found)
    return found


@st.composite
def bodies(draw: st.DrawFn, document: Any) -> bytes:
    """JSON of a document that was changed, cut, or overwritten in part."""
    body = json.dumps(draw(changed(document)), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)):
        return body
    at = draw(st.integers(0, len(body)))
    return body[:at] + draw(st.binary(max_size=8)) + body[at + draw(st.integers(0, len(body))) :]


def _with_one_change(draw: st.DrawFn, value: Any) -> Any:
    """Somewhere below, or here."""
    places: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    if places and draw(st.integers(0, 4)):
        place = draw(st.sampled_from(places))
        if draw(st.integers(0, 5)):
            value[place] = _with_one_change(draw, value[place])
        else:
            del value[place]
        return value
    match value:
        case dict():
            return {**value, draw(st.text(max_size=8)): draw(VALUES)}
        case list():
            return [*value, draw(VALUES)]
    return draw(VALUES)
