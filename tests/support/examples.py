"""The examples of the documentation, as a reader would copy them."""

from __future__ import annotations

import re

from tests.support.service import ROOT


def examples(page: str, language: str) -> list[str]:
    """The code blocks of a language in a page of docs/, in order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.S | re.M)


def commands(page: str) -> list[str]:
    """The lines of all blocks for a shell."""
    return [line for block in examples(page, "sh") for line in block.splitlines()]
