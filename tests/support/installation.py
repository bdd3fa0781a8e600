"""docs/installation.md, taken apart: what it says to type, for the tests that type it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from restream.config.places import ROOT

DOCUMENT = ROOT / "docs" / "installation.md"


@cache
def blocks(language: str) -> dict[tuple[str, str], Sequence[str]]:
    """Fenced blocks of a language by section and heading; what stands before a section's first heading is under ""."""
    found: dict[tuple[str, str], list[str]] = {}
    section = heading = ""
    fence: list[str] | None = None
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if fence is None and (title := re.fullmatch("(##|###) (.+)", line)):
            section, heading = (title[2], "") if title[1] == "##" else (section, title[2])
        elif fence is None and line.startswith("```"):
            fence = [line.removeprefix("```")]
        elif fence is not None and line == "```":
            if fence[0] == language:
                found.setdefault((section, heading), []).append("\n".join([*fence[1:], ""]))
            fence = None
        elif fence is not None:
            fence.append(line)
    return dict(found)


def typed(section: str, heading: str) -> Sequence[str]:
    """The shell blocks there. Whoever names them walks them: tests/unit/test_installation_document.py looks for it."""
    return blocks("sh")[section, heading]
