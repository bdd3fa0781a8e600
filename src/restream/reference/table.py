"""Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def cell(text: str) -> str:
    """Text that breaks no table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown; a column that is empty throughout is left out."""
    rows = [list(map(str, line)) for line in lines]
    kept = [index for index in range(len(head)) if any(row[index] for row in rows)]
    shown = [[row[index] for index in kept] for row in ([*head], ["---"] * len(head), *rows)]
    return "\n".join("|" + "|".join(f" {text} " if text != "---" else text for text in row) + "|" for row in shown)
