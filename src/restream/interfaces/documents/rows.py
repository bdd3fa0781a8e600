"""What a file of rows would change in the cameras table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from restream.domain.camera.row_changes import Effect, RowChange
from restream.interfaces.documents.values import Document, Whole, about


class CellChangeDocument(Document):
    """A cell that would change; secrets are masked."""

    column: Annotated[str, about("", "link")]
    old: Annotated[str, about("Empty: null.", "192.0.2.7")]
    new: Annotated[str, about("", "192.0.2.8")]


class RowChangeDocument(Document):
    """What becomes of a row."""

    effect: Annotated[Effect, about("`missing`: it is in the table, and not in the file.", "changed")]
    line: Annotated[Whole | None, about("Of the file, on which it begins.", 4)]
    id: Annotated[str, about("", "7")]
    name: Annotated[str, about("", "Gate")]
    cells: Annotated[Sequence[CellChangeDocument], about("What changes.")] = ()
    problem: Annotated[str, about("Why it is refused.", "")] = ""


class RowCountsDocument(Document):
    """How many rows of each kind."""

    new: Annotated[Whole, about("", 1)]
    changed: Annotated[Whole, about("", 1)]
    unchanged: Annotated[Whole, about("", 40)]
    refused: Annotated[Whole, about("", 0)]
    missing: Annotated[Whole, about("In the table, and not in the file.", 0)]


class RowChangesDocument(Document):
    """What a file would change. Nothing was written."""

    counts: RowCountsDocument
    rows: Annotated[
        Sequence[RowChangeDocument], about("In the order of the file; those that would stay as they are are counted.")
    ]
    sql: Annotated[
        str | None,
        about(
            "Statements that make the changes, in one transaction, with the passwords of the file in clear; null: rows "
            "are refused, or `database.query` does not tell the table.",
            None,
        ),
    ]


def changes_document(
    changes: Sequence[RowChange], sql: str | None, *, also_unchanged: bool = False
) -> RowChangesDocument:
    """Of rows that are unchanged or missing only the number, unless all are wanted."""
    counted = Counter(change.effect for change in changes)
    shown = set(Effect) if also_unchanged else {Effect.NEW, Effect.CHANGED, Effect.REFUSED, Effect.MISSING}
    return RowChangesDocument(
        RowCountsDocument(*(counted[effect] for effect in Effect)),
        [_row(change) for change in changes if change.effect in shown],
        sql,
    )


def _row(change: RowChange) -> RowChangeDocument:
    cells = [CellChangeDocument(each.column, each.old, each.new) for each in change.cells]
    return RowChangeDocument(change.effect, change.line, change.id, change.name, cells, change.problem)
