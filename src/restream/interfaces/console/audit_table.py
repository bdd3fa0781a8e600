"""The audit log in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console

from restream.interfaces.console.text import Line, fitted, printable, segments
from restream.interfaces.documents.audit import AuditDocument

EMPTY = "Nobody has done anything yet, as far as it is kept."

_TITLES = ("AT", "WHO", "ACTION", "TARGET", "RESULT", "FROM", "NODE", "DETAIL")
_MOST = 60
_STYLES = {"done": "", "refused": "yellow", "failed": "red"}


def print_audit(console: Console, entries: Sequence[AuditDocument]) -> None:
    """A line of titles, then a line an entry, as they come."""
    if not entries:
        console.print(EMPTY)
        return
    rows = [_TITLES, *map(_cells, entries)]
    widths = [min(_MOST, max(map(cell_len, column))) for column in zip(*rows, strict=True)]
    styles = ("bold", *(_STYLES[entry.result] for entry in entries))
    lines = [
        Line("  ".join(fitted(text, width) for text, width in zip(row, widths, strict=True)).rstrip(), style)
        for row, style in zip(rows, styles, strict=True)
    ]
    console.print(segments(lines))


def _cells(entry: AuditDocument) -> tuple[str, ...]:
    texts = (entry.at, entry.who or "-", entry.action, entry.target, entry.result, entry.address, entry.node)
    return tuple(printable(text) for text in (*texts, entry.detail))
