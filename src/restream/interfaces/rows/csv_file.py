"""Rows as CSV: what spreadsheets make of it is read, and what is written they show as it is."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from restream.domain.camera.camera import COLUMNS
from restream.domain.camera.row_cells import masked
from restream.domain.camera.row_changes import GivenRow, RowTable
from restream.interfaces.documents.csv_table import csv_table, unescaped

MOST_ROWS = 100_000
_SEPARATORS = ",;\t|"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MOST_SHOWN = 40


class RowsFileError(ValueError):
    """A file of rows cannot be read as a whole; the message is one line that says what to do."""


def rows_csv(table: RowTable, *, with_passwords: bool = False) -> bytes:
    """All rows under our names of columns; without passwords `***` stands for each secret."""
    found = (table.cells(row) for row in table.rows)
    if not with_passwords:
        found = ({key: masked(key, text, row.get("password", "")) for key, text in row.items()} for row in found)
    return csv_table(table.columns, ([row[each] or None for each in table.columns] for row in found))


def read_rows(body: bytes, names: Mapping[str, str], *, encoding: str = "utf-8") -> list[GivenRow]:
    """The rows of a file; `names`: our column → the one of the table, which may stand in the titles as well.

    Commas, semicolons, tabs or bars between the cells; any line ends, also within quotes. Raises RowsFileError.
    """
    text = _decoded(body, encoding)
    records = _records(text)
    first = next(records, None)
    if first is None:
        raise RowsFileError("the file is empty: expected a line of titles, then a line for each camera")
    columns = _columns(first[1], names)
    given: list[GivenRow] = []
    for line, cells in records:
        if not any(map(str.strip, cells)):
            continue
        if len(given) == MOST_ROWS:
            raise RowsFileError(f"line {line}: more than {MOST_ROWS} rows: split the file")
        given.append(_given(line, columns, cells))
    return given


def _decoded(body: bytes, encoding: str) -> str:
    if body.startswith(_UTF_16):
        raise RowsFileError("the file is UTF-16 (“Unicode text”): save it as “CSV UTF-8”")
    try:
        return body.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except LookupError:
        raise RowsFileError(f"there is no encoding {encoding[:_MOST_SHOWN]!r}: latin-1, cp1252, utf-8, …") from None
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise RowsFileError(
            f"line {line} is not {encoding.upper()[:_MOST_SHOWN]} (Latin-1, perhaps): save the file as “CSV UTF-8”, or "
            "name its encoding"
        ) from None


def _records(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The line on which each record begins, and its cells."""
    lines = io.StringIO(text, newline="")
    separator, skipped = _separator(text)
    for _ in range(skipped):
        lines.readline()
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + skipped + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise RowsFileError(f"line {line}: {_trouble(str(error))}") from None
        if record is None:
            return
        yield line, record


def _separator(text: str) -> tuple[str, int]:
    """What stands between the cells, and how many lines to leave out: Excel writes `sep=;` before everything."""
    first = text.partition("\n")[0].rstrip("\r")
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4], 1
    counted = Counter(each for each in first if each in _SEPARATORS)
    return (counted.most_common(1)[0][0] if counted else ","), 0


def _trouble(text: str) -> str:
    if "unexpected end" in text:
        return 'a quote (") opens a cell here that never ends'
    if "expected after" in text:
        return 'a quote (") ends a cell too early: within quoted cells it is written twice ("")'
    return f"it is no CSV: {text[:100]}"


def _columns(titles: Iterable[str], names: Mapping[str, str]) -> list[str | None]:
    """Our column of each title; None: it has none, and nothing stands below it."""
    known = {names.get(each, each).lower(): each for each in COLUMNS} | {each: each for each in COLUMNS}
    columns: list[str | None] = []
    for title in titles:
        word = unescaped(title).strip().lower()
        column = known.get(word)
        if word and column is None:
            raise RowsFileError(f"line 1: there is no column {word[:_MOST_SHOWN]!r} (known: {', '.join(COLUMNS)})")
        if column is not None and column in columns:
            raise RowsFileError(f"line 1: the column {column!r} stands there twice")
        columns.append(column)
    if "id" not in columns:
        raise RowsFileError("line 1: the column 'id' is missing: the first line names the columns")
    return columns


def _given(line: int, columns: Sequence[str | None], cells: Sequence[str]) -> GivenRow:
    read = [unescaped(each) for each in cells]
    found = {column: text for column, text in zip(columns, read, strict=False) if column is not None}
    stray = any(text.strip() for column, text in zip(columns, read, strict=False) if column is None)
    if len(cells) != len(columns) or stray:
        return GivenRow(
            line, found, f"it has {len(cells)} cells, and {len(columns) - columns.count(None)} have a title"
        )
    return GivenRow(line, found)
