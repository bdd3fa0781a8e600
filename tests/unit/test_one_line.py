"""What a server says of an error is one bounded, printable, masked line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from restream.adapters.postgres import translated
from restream.adapters.stores.redis_connection import redis_trouble
from restream.domain.camera.secret import Secret
from restream.domain.one_line import MOST_CHARACTERS, one_line

LONG = "relation does not exist\nLINE 1: SELECT " + "x" * 800


@given(st.text(max_size=3000))
def test_any_text(text: str) -> None:
    line = one_line(text)
    assert len(line) <= MOST_CHARACTERS and (line.isprintable() or line == "")


def test_a_password_at_the_cut_is_hidden_as_a_whole() -> None:
    for before in range(0, 2600, 7):
        assert "sEc" not in one_line("y " * (before // 2) + "sEcret " * 3, ["sEcret"])


def test_a_megabyte_is_looked_at_in_time() -> None:
    assert len(one_line("postgresql://u:p" * 200_000)) <= MOST_CHARACTERS


def test_what_databases_say() -> None:
    found = str(translated(ValueError(LONG), Secret("postgresql://u:x@h/db")))
    assert found.startswith("relation does not exist LINE 1: SELECT x") and len(found) <= MOST_CHARACTERS
    assert found.endswith("…")
    assert len(redis_trouble(ValueError(LONG), Secret("redis://h/0"))) <= MOST_CHARACTERS
