"""README.md and docs/: links between documents lead somewhere, and the README has every command."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from restream.cli import build_parser
from restream.config.places import ROOT

README = ROOT / "README.md"
DOCUMENTS = (README, *sorted((ROOT / "docs").glob("*.md")))
_FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)


def prose(document: Path) -> str:
    """A document without its blocks of code."""
    return _FENCED.sub("", document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """What a link may name after `#`: titles as GitHub writes them, and what was named by hand."""
    text = prose(document)
    titles = [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", each) for each in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)
    ]
    written = {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in titles}
    return written | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each.name)
def test_links_lead_to_files_and_titles_that_there_are(document: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_the_readme_has_every_command_and_every_table() -> None:
    text = README.read_text(encoding="utf-8").partition("## Commands")[2].partition("\n## ")[0]
    (action,) = (each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction))
    told = set(re.findall(r"`([a-z][a-z-]*)[ `]", text))
    assert set(action.choices) - told == set()
    tables = {option for each in action.choices["init-db"]._actions for option in each.option_strings if each.const}
    assert {each for each in tables if each not in text} - {"--or-demo", "--once", "--plain", "--help"} == set()
