"""docs/installation.md: every shell block of it is walked by a test, and its settings are ones."""

from __future__ import annotations

import re
import shlex

import pytest

from restream.config.places import ROOT
from restream.config.settings import load_settings
from tests.support.installation import DOCUMENT, blocks

WALKERS = sorted((ROOT / "tests" / "e2e").glob("test_*.py"))
WALKED = re.compile(r'\btyped\(\s*"([^"]*)",\s*"([^"]*)"\s*\)')
SETTINGS = [(place, text) for place, texts in blocks("ini").items() for text in texts]


def test_every_shell_block_is_walked() -> None:
    walked = {found for path in WALKERS for found in WALKED.findall(path.read_text(encoding="utf-8"))}
    assert set(blocks("sh")) - walked == set(), "no test walks these"
    assert walked - set(blocks("sh")) == set(), "these are not there"


def test_it_names_who_walks_each_way() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", text, re.MULTILINE))
    for section in {section for section, _ in blocks("sh")}:
        named = set(re.findall(r"`(tests/e2e/test_\w+\.py)`", sections[section]))
        walkers = {
            str(path.relative_to(ROOT))
            for path in WALKERS
            if section in {found[0] for found in WALKED.findall(path.read_text(encoding="utf-8"))}
        }
        assert walkers & named, f"{section}: {walkers} is not named"


@pytest.mark.parametrize(("place", "text"), SETTINGS, ids=[" ".join(place) for place, _ in SETTINGS])
def test_its_settings_are_ones(place: tuple[str, str], text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            # The file of a password is none of this machine.
            if not name.endswith("_FILE"):
                monkeypatch.setenv(name, "".join(shlex.split(value)))
    load_settings()
