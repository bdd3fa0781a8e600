"""Text for terminals: nothing raw reaches them, and everything fits."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style
from rich.text import Text

HEALTH_STYLES = {
    "healthy": "green",
    "degraded": "yellow",
    "down": "red",
    "unknown": "cyan",
    "disabled": "bright_black",
}

_style = functools.cache(Style.parse)
_LAYOUT = Console(width=80, color_system=None)


@dataclass(frozen=True, slots=True)
class Line:
    """One line and how it looks as a whole (a style of rich, or "")."""

    text: str
    style: str = ""


def printable(text: str) -> str:
    """`text` without what drives a terminal or forges a line: controls, escapes, bidi overrides, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "�" for character in text)


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells, cut with an ellipsis where it is longer."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if right else text + padding


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells."""
    return fitted(text, width) if cell_len(text) > width else text


def folded(text: str, width: int) -> list[str]:
    """`text` on as many lines of at most `width` cells as it takes, broken between words where that is possible."""
    if cell_len(text) <= width:
        return [text]
    return [line.plain.rstrip() for line in Text(text).wrap(_LAYOUT, max(1, width))]


def hanging(lead: str, text: str, width: int) -> list[str]:
    """`text` after `lead`, folded; what does not fit on the first line stands below its beginning."""
    indent = cell_len(lead)
    first, *rest = folded(printable(text), max(10, width - indent))
    return [(lead + first).rstrip(), *(" " * indent + each for each in rest)]


def segments(lines: Iterable[Line]) -> Segments:
    """Something that rich prints as it is."""

    def made() -> Iterator[Segment]:
        for line in lines:
            yield Segment(line.text, _style(line.style) if line.style else None)
            yield Segment.line()

    return Segments(made())
