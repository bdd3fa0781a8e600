"""What a file of rows would change, in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from restream.domain.camera.row_changes import Effect
from restream.interfaces.console.text import Line, cut, printable, segments
from restream.interfaces.documents.rows import RowChangeDocument, RowChangesDocument

_STYLES = {Effect.NEW: "green", Effect.CHANGED: "yellow", Effect.REFUSED: "red"}
_MOST = 60


def print_row_changes(console: Console, found: RowChangesDocument) -> None:
    """A line for each row, and the counts at the end."""
    console.print(segments(Line(_line(row), _STYLES.get(row.effect, "")) for row in found.rows))
    counts = found.counts
    told = [f"{getattr(counts, effect)} {effect}" for effect in Effect if effect is not Effect.MISSING]
    text = ", ".join(told)
    if counts.missing:
        text += f"; {counts.missing} of the table not in the file"
    console.print(text, markup=False, highlight=False)


def _line(row: RowChangeDocument) -> str:
    where = f"line {row.line}" if row.line is not None else ""
    head = f"{where:<10} {row.effect:<9} {_text(row.id):<8} {_text(row.name)}"
    return "  ".join((head, *_told(row))).rstrip()


def _told(row: RowChangeDocument) -> Iterator[str]:
    if row.problem:
        yield printable(row.problem)
    for each in row.cells:
        if row.effect is Effect.NEW:
            yield f"{each.column}: {_text(each.new)}"
        else:
            yield f"{each.column}: {_text(each.old) or '-'} → {_text(each.new) or '-'}"


def _text(text: str) -> str:
    return cut(printable(text), _MOST)
