"""Rows, and changes of them, as statements of SQL for PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from restream.domain.camera.row_cells import masked
from restream.domain.camera.row_changes import Effect, RowChange, RowTable

_WORD = r'(?:[A-Za-z_][A-Za-z0-9_$]{0,62}|"[^"\x00-\x1f]{1,63}")'
_TABLE = re.compile(rf"{_WORD}(?:\.{_WORD})?")
_FROM = re.compile(rf"\bfrom\s+({_WORD}(?:\.{_WORD})?)(?=\s|;|$)", re.IGNORECASE)
_SEVERAL = re.compile(r"\b(join|union|with|intersect|except)\b|,\s*lateral\b", re.IGNORECASE)
# What a backslash means must not depend on how the server is set up.
_HEAD = "SET LOCAL standard_conforming_strings = on;"


def table_of(query: str | None, named: str | None = None) -> str:
    """The table that is written to: as it is named, else the one that the query reads. Raises ValueError."""
    if named is not None:
        if not _TABLE.fullmatch(named):
            raise ValueError('expected the name of a table: cameras, public.cameras, "Cameras"')
        return named
    if query is None:
        return "cameras"
    found = _FROM.findall(query)
    if len(found) != 1 or _SEVERAL.search(query) or re.search(r"\bfrom\b", query, re.IGNORECASE) is None:
        raise ValueError("database.query does not tell which table is written to: name it")
    return str(found[0])


def change_statements(
    changes: Iterable[RowChange], table: str, names: Mapping[str, str], *, delete_missing: bool = False
) -> Iterator[str]:
    """One statement for each row that is new, changed, or (where that is wanted) missing: with what the file holds,
    also passwords. `table` comes from `table_of`."""
    key = _name(names.get("id", "id"))
    for change in changes:
        written = {_name(names.get(column, column)): text for column, text in change.written.items()}
        if change.effect is Effect.NEW:
            filled = {column: text for column, text in written.items() if text is not None}
            yield _insert(table, filled)
        elif change.effect is Effect.CHANGED:
            pairs = ", ".join(f"{column} = {_literal(text)}" for column, text in written.items())
            yield f"UPDATE {table} SET {pairs} WHERE {key} = {_literal(change.id)};"  # noqa: S608
        elif change.effect is Effect.MISSING and delete_missing:
            yield f"DELETE FROM {table} WHERE {key} = {_literal(change.id)};"  # noqa: S608


def row_statements(table: RowTable, name: str, *, with_passwords: bool = False) -> Iterator[str]:
    """The rows as they are, for an empty table. Without passwords their columns are left out, and `***` stands for what
    is secret in URLs."""
    names = table.reader.columns
    for row in table.rows:
        cells = table.cells(row)
        if not with_passwords:
            secret = cells.pop("password", "")
            cells = {column: masked(column, text, secret) for column, text in cells.items()}
        yield _insert(name, {_name(names.get(column, column)): text for column, text in cells.items() if text})


def script(statements: Iterable[str]) -> str:
    """All of them or none."""
    return "\n".join(("BEGIN;", _HEAD, *statements, "COMMIT;", ""))


def within_transaction(statements: Iterable[str]) -> str:
    """For who has begun a transaction already."""
    return "\n".join((_HEAD, *statements))


def _insert(table: str, cells: Mapping[str, str]) -> str:
    columns, values = ", ".join(cells), ", ".join(map(_literal, cells.values()))
    return f"INSERT INTO {table} ({columns}) VALUES ({values});"  # noqa: S608


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _literal(text: str | None) -> str:
    """Of no type: the server reads it as the column's."""
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"
