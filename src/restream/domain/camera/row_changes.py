"""What a file of rows would change in the cameras table. Nothing is written here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from restream.domain.camera.camera import COLUMNS, Camera, RejectedRow, RowReader, without_collisions
from restream.domain.camera.row_cells import cell, masked, meaning
from restream.domain.camera.secret import MASK

_WHOLE = re.compile(r"([+-]?[0-9]{1,18})(?:\.0+)?")


class Effect(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    """It cannot be taken; nothing is written as long as there is one."""
    MISSING = "missing"
    """It is in the table, and not in the file."""


@dataclass(frozen=True, slots=True)
class GivenRow:
    """A row of a file: the line it begins on, its cells by our names of columns."""

    line: int
    cells: Mapping[str, str] = field(repr=False)
    problem: str = ""
    """Why it cannot be read at all."""


@dataclass(frozen=True, slots=True)
class CellChange:
    """What stands in a cell, and what would: both as people may see them."""

    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """What becomes of one row."""

    effect: Effect
    id: str
    name: str = ""
    line: int | None = None
    cells: tuple[CellChange, ...] = ()
    problem: str = ""
    written: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """What would be written, by our names of columns, in clear text; None: null."""


@dataclass(frozen=True, slots=True)
class RowTable:
    """The rows that the table has now, and how rows are understood."""

    reader: RowReader
    rows: Sequence[Mapping[str, object]] = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Which of our columns the table has; of an empty table all are taken to be there."""
        names = self.reader.columns
        return tuple(each for each in COLUMNS if not self.rows or names.get(each, each) in self.rows[0])

    def cells(self, row: Mapping[str, object]) -> dict[str, str]:
        """A row by our columns."""
        names = self.reader.columns
        return {each: cell(each, row.get(names.get(each, each))) for each in self.columns}

    def whole(self) -> frozenset[str]:
        """Our columns in which whole numbers stand, and nothing else."""
        found = set()
        for each in self.columns:
            name = self.reader.columns.get(each, each)
            values = [row[name] for row in self.rows if row.get(name) is not None]
            if values and all(isinstance(value, int) and not isinstance(value, bool) for value in values):
                found.add(each)
        return frozenset(found)

    def compare(self, given: Iterable[GivenRow]) -> tuple[RowChange, ...]:
        """What each row of the file would do, in its order; then the rows of the table that it does not have."""
        present = {self.reader.id_of(row): row for row in reversed(self.rows)}
        comparison = _Comparison(self, present, self.columns, self.whole())
        changes = [comparison.change(row) for row in given]
        named = {change.id for change in changes}
        rest = {key: row for key, row in present.items() if key not in named}
        missing = [
            RowChange(Effect.MISSING, cells.get("id", ""), cells.get("name", ""))
            for row in self.rows
            if rest.get(key := self.reader.id_of(row)) is row and key != "?"
            for cells in (self.cells(row),)
        ]
        return (*comparison.without_collisions(changes, rest.values()), *missing)


class _Comparison:
    def __init__(
        self,
        table: RowTable,
        present: Mapping[str, Mapping[str, object]],
        columns: Collection[str],
        whole: Collection[str],
    ) -> None:
        self._table = table
        self._present = present
        self._columns = columns
        self._whole = whole
        self._lines: dict[str, int] = {}
        self._merged: dict[str, Mapping[str, object]] = {}

    def change(self, given: GivenRow) -> RowChange:
        """What becomes of a row, as far as that is its own affair."""
        camera_id = given.cells.get("id", "").strip()
        try:
            if given.problem:
                raise ValueError(given.problem)
            cells = {column: self._taken(column, text) for column, text in given.cells.items()}
            camera_id = cells.get("id", "")
            if not camera_id:
                raise ValueError("id: is empty")
            if (before := self._lines.setdefault(camera_id, given.line)) != given.line:
                raise ValueError(f"id: {camera_id[:40]!r} stands in line {before} already")
            return self._compared(camera_id, given.line, cells)
        except ValueError as error:
            return RowChange(Effect.REFUSED, camera_id[:200], given.cells.get("name", ""), given.line, (), str(error))

    def without_collisions(
        self, changes: Sequence[RowChange], others: Iterable[Mapping[str, object]]
    ) -> list[RowChange]:
        """Refuse what would take a path that another row has: rows that stay as they are come first."""
        read = self._table.reader.read
        stay = [self._merged[each.id] for each in changes if each.effect is Effect.UNCHANGED]
        move = [self._merged[each.id] for each in changes if each.effect in (Effect.NEW, Effect.CHANGED)]
        found = {each.id: each for each in without_collisions([read(row) for row in (*others, *stay, *move)])}

        def judged(change: RowChange) -> RowChange:
            item: Camera | RejectedRow | None = found.get(change.id)
            if change.effect not in (Effect.NEW, Effect.CHANGED) or not isinstance(item, RejectedRow):
                return change
            return RowChange(Effect.REFUSED, change.id, change.name, change.line, (), item.problem)

        return [judged(change) for change in changes]

    def _taken(self, column: str, text: str) -> str:
        """The text that is to be written. Raises ValueError."""
        text = text if column == "password" else text.strip()
        if text and column not in self._columns:
            raise ValueError(f"{column}: the table has no such column")
        if text and column in self._whole:
            if column == "enabled":
                return "1" if meaning(column, text) is True else "0" if meaning(column, text) is False else text
            match = _WHOLE.fullmatch(text)
            if match is None and text != MASK:
                raise ValueError(f"{column}: expected a whole number, as the table has there")
            return str(int(match[1])) if match is not None else text
        return text

    def _compared(self, camera_id: str, line: int, cells: Mapping[str, str]) -> RowChange:
        present = self._present.get(camera_id)
        old = self._table.cells(present) if present is not None else {}
        secret = old.get("password", "")
        written, shown = {}, []
        for column, given in cells.items():
            was, text = old.get(column, ""), given
            if present is not None and text == masked(column, was, secret):
                continue
            if MASK in text and MASK not in was:
                raise ValueError(f"{column}: {MASK} stands for a secret that was left out of the export: write it out")
            if present is None or meaning(column, text) != meaning(column, was):
                if column == "enabled" and not text:
                    text = "1" if column in self._whole else "true"
                if text or was:
                    written[column] = text or None
                new = masked(column, text, cells.get("password", secret))
                shown.append(CellChange(column, masked(column, was, secret), new))
        names = self._table.reader.columns
        self._merged[camera_id] = row = {
            **(present or {}),
            **{names.get(column, column): text for column, text in written.items()},
        }
        name = cells.get("name") or old.get("name", "")
        if present is not None and not written:
            return RowChange(Effect.UNCHANGED, camera_id, name, line)
        understood = self._table.reader.read(row)
        if isinstance(understood, RejectedRow):
            raise ValueError(understood.problem)
        effect = Effect.NEW if present is None else Effect.CHANGED
        filled = tuple(each for each in shown if each.old or each.new)
        return RowChange(effect, camera_id, name, line, filled, "", written)
