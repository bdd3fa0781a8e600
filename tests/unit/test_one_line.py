"""What a server says of an error is one bounded, printable, masked line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.adapters.postgres import translated
from restream.adapters.stores.redis_connection import redis_trouble
from restream.domain.camera.secret import Secret
from restream.domain.one_line import _LOOKED_AT, _MOST_TAKEN, MOST_CHARACTERS, one_line

LONG = "relation does not exist\nLINE 1: SELECT " + "x" * 800


@given(st.text(max_size=3000))
def test_any_text(text: str) -> None:
    line = one_line(text)
    assert len(line) <= MOST_CHARACTERS and (line.isprintable() or line == "")


@pytest.mark.parametrize("secret", ["sEcret", "sEcret" * 200, "sEcret" * 2000])
def test_a_password_at_a_cut_is_hidden_as_a_whole(secret: str) -> None:
    for cut in (MOST_CHARACTERS, _LOOKED_AT, _MOST_TAKEN):
        for before in range(cut - 8, cut + 2):
            assert "sEc" not in one_line(f"y{' ' * (before - 1)}{secret}{secret} {secret}", [secret])
            assert "sEc" not in one_line(f"{'y' * before}{secret}", [secret])
            assert "sEc" not in one_line(f"{' ' * before}rtsp://user:{'sEcret' * 300}@host/")


def test_a_megabyte_is_looked_at_in_time() -> None:
    assert len(one_line("postgresql://u:p" * 200_000)) <= MOST_CHARACTERS


def test_what_databases_say() -> None:
    found = str(translated(ValueError(LONG), Secret("postgresql://u:x@h/db")))
    assert found.startswith("relation does not exist LINE 1: SELECT x") and len(found) <= MOST_CHARACTERS
    assert found.endswith("…")
    assert len(redis_trouble(ValueError(LONG), Secret("redis://h/0"))) <= MOST_CHARACTERS
