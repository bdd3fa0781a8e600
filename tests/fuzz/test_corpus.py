"""Every file of the corpus through every target, without the fuzzer: seeds, and what it has found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

FILES = sorted(path for path in Path(__file__).with_name("corpus").rglob("*") if path.is_file())


def test_each_target_has_seeds() -> None:
    assert {path.parent.name for path in FILES} == set(TARGETS)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_corpus(target: str) -> None:
    for path in FILES:
        data = path.read_bytes()
        for piece in (data, data[: len(data) // 2], data[1:], data[::-1]):
            try:
                TARGETS[target](piece)
            except Exception as error:
                raise AssertionError(f"{path.parent.name}/{path.name}: {piece[:80]!r}") from error
