"""What a node tells of itself survives its row, and no row of another raises or tells what it may not."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.adapters.node_document import FORMAT, node_document, read_traits
from restream.domain.fleet.node import NodeTraits

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=5),
    max_leaves=20,
)
KEYS = ("format", "cameras", "room", "weight", "sites", "version", "facts", "later")
TRAITS = st.builds(
    NodeTraits,
    cameras=st.integers(0, 10**6),
    room=st.none() | st.integers(0, 10**6),
    weight=st.floats(0.001, 1000),
    sites=st.frozensets(TEXTS, max_size=5),
    version=TEXTS,
    facts=st.dictionaries(TEXTS, st.integers(-9, 9) | TEXTS, max_size=5),
)


@given(TRAITS)
def test_what_is_told_is_read_again(traits: NodeTraits) -> None:
    assert read_traits(node_document(traits)) == traits


def check_bounds(traits: NodeTraits) -> None:
    counts = [traits.cameras, *([] if traits.room is None else [traits.room])]
    assert all(type(count) is int and 0 <= count <= 10**9 for count in counts)
    assert math.isfinite(traits.weight) and 0 < traits.weight <= 1e6 and type(traits.weight) is not bool
    assert len(traits.sites) <= 1000 and all(isinstance(site, str) and len(site) <= 256 for site in traits.sites)
    assert isinstance(traits.version, str) and len(traits.version) <= 256
    assert isinstance(traits.facts, dict) and len(traits.facts) <= 100


@given(st.dictionaries(st.sampled_from(KEYS), JSON) | JSON, st.booleans())
def test_whatever_stands_there_is_bounded_and_never_raises(document: object, known: bool) -> None:
    if isinstance(document, dict) and known:
        document["format"] = FORMAT
    check_bounds(read_traits(json.dumps(document)))


@given(st.text(max_size=200))
def test_whatever_is_no_document_tells_nothing(text: str) -> None:
    check_bounds(read_traits(text))


@pytest.mark.parametrize("text", [None, "", "null", "[]", "[" * 60_000, "9" * 60_000, '{"format": true, "cameras": 1}'])
def test_what_is_no_document_of_ours_tells_nothing(text: str | None) -> None:
    assert read_traits(text) == NodeTraits()


def test_one_wrong_value_spoils_no_other() -> None:
    document = {
        "format": FORMAT,
        "cameras": True,
        "room": "many",
        "weight": 2,
        "sites": ["a", 1],
        "version": "9",
        "x": 1,
    }
    assert read_traits(json.dumps(document)) == NodeTraits(weight=2, version="9")


def test_another_format_tells_nothing() -> None:
    assert read_traits(json.dumps({"format": FORMAT + 1, "weight": 2})) == NodeTraits()


def test_what_postgres_cannot_hold_is_not_sent() -> None:
    text = node_document(NodeTraits(version="a\0\0b\\\0", facts={"load": math.nan, "\\u0000": "\\\\u0000"}))
    assert "NaN" not in text
    assert read_traits(text) == NodeTraits(version="a��b\\�", facts={"load": None, "\\u0000": "\\\\u0000"})
