"""What comments say was measured names what shows it, and what they name is there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from restream.config.places import ROOT

FOLDERS = ("src", "bench")
SCRIPT_COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)
MEASURED = re.compile(r"\([^()]*\bmeasured\b[^()]*\)")
SHOWN_BY = re.compile(r"\btest_\w+|\b(?:tests|bench|docs)/|\bRFC \d|\bv\d+\.\d+")
NAMED_FILE = re.compile(r"(?<![\w/.])(?:tests|bench|docs|etc)/[\w./-]*\w")
NAMED_TEST = re.compile(r"(?<![\w/])test_\w+")


def said(path: Path) -> Iterator[str]:
    """The comments of a file, neighbouring lines joined, and its docstrings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from SCRIPT_COMMENT.findall(text)
        return
    lines: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if lines and token.start[0] > lines[-1][0] + 1:
                yield " ".join(line for _, line in lines)
                lines = []
            lines.append((token.start[0], token.string.lstrip("# ")))
    yield " ".join(line for _, line in lines)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield " ".join(node.value.value.split())


ALL = [
    (path.relative_to(ROOT), text)
    for folder in FOLDERS
    for suffix in ("py", "js", "css", "c")
    for path in sorted((ROOT / folder).rglob(f"*.{suffix}"))
    for text in said(path)
]


def unfounded(text: str) -> list[str]:
    return [claim for claim in MEASURED.findall(text) if not SHOWN_BY.search(claim)]


@pytest.mark.parametrize("claim", ["(measured)", "(measured, 5.1)", "(as measured on a busy host)"])
def test_a_bare_claim_is_found(claim: str) -> None:
    assert unfounded(f"It takes 3 s {claim}.") == [claim]


def test_a_claim_that_names_its_source_is_not() -> None:
    assert unfounded("It takes 3 s (measured by bench/cycle.py), and 2 s elsewhere (measured: test_claims).") == []


def test_every_measurement_names_what_shows_it() -> None:
    assert len(ALL) > 1000
    assert [(str(path), claim) for path, text in ALL for claim in unfounded(text)] == []


def test_every_file_that_a_comment_names_exists() -> None:
    named = [(str(path), name) for path, text in ALL for name in NAMED_FILE.findall(text)]
    assert len(named) > 10
    assert [(path, name) for path, name in named if not (ROOT / name).exists()] == []


def test_every_test_that_a_comment_names_exists() -> None:
    known: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        known |= {path.stem, *re.findall(r"^ *(?:async )?def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE)}
    named = {name for _, text in ALL for name in NAMED_TEST.findall(text)}
    assert named
    assert named <= known, named - known
