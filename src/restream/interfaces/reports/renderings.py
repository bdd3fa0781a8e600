"""A report in the formats it is asked for in: each a function from the report to bytes."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from restream.interfaces.console.text import printable
from restream.interfaces.documents.values import encode
from restream.interfaces.reports.availability_report import AvailabilityReport
from restream.interfaces.reports.document import report_document
from restream.interfaces.reports.sheets import Cell, Kind, heading, method, sheets, shown
from restream.interfaces.reports.words import ReportWords

_TEXT_WIDTH = 200
# What programs for tables take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class ReportFormat(StrEnum):
    """What a report is written as."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"
    PDF = "pdf"


class FormatMissingError(Exception):
    """What this format needs is not installed; one line with what to do."""


def as_text(report: AvailabilityReport, words: ReportWords, width: int = _TEXT_WIDTH) -> bytes:
    """For a terminal or a mail."""
    file = io.StringIO()
    console = Console(file=file, width=width, no_color=True, emoji=False, highlight=False, markup=False)
    title, lines = heading(report, words)
    for line in (title, *lines):
        console.print(printable(line))
    for sheet in sheets(report, words):
        table = Table(title=sheet.title, title_justify="left", title_style="", box=None, pad_edge=False)
        for name, kind in zip(sheet.headings, sheet.kinds, strict=True):
            table.add_column(Text(name), justify="left" if kind is Kind.TEXT else "right")
        for row in sheet.rows:
            table.add_row(*(Text(printable(shown(cell, kind))) for cell, kind in zip(row, sheet.kinds, strict=True)))
        console.print()
        console.print(table)
    console.print()
    for line in method(words):
        console.print(line)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).encode() + b"\n"


def as_csv(report: AvailabilityReport, words: ReportWords) -> bytes:
    """Cameras first, for programs; then, after an empty line each, sums and the method. Times in seconds, shares in
    percent. No cell is taken for a formula."""
    file = io.StringIO()
    writer = csv.writer(file)
    title, lines = heading(report, words)
    found = {sheet.name: sheet for sheet in sheets(report, words)}
    for name in ("cameras", "all", "sites", "causes"):
        if name not in found:
            continue
        sheet = found[name]
        if name != "cameras":
            writer.writerows([[], [sheet.title]])
        writer.writerow(harmless(each) for each in sheet.headings)
        writer.writerows(
            [_plain(cell, kind) for cell, kind in zip(row, sheet.kinds, strict=True)] for row in sheet.rows
        )
    writer.writerows([[], *([harmless(line)] for line in (title, *lines, *method(words)))])
    # Without the mark of its encoding, Excel takes it for another.
    return file.getvalue().encode("utf-8-sig")


def as_json(report: AvailabilityReport, words: ReportWords) -> bytes:
    """For programs."""
    return encode(report_document(report, words))


def as_xlsx(report: AvailabilityReport, words: ReportWords) -> bytes:
    """A workbook. Raises FormatMissingError."""
    _require("xlsxwriter")
    # Heavy, and seldom needed.
    from restream.interfaces.reports.workbook import workbook  # noqa: PLC0415

    return workbook(report, words)


def as_pdf(report: AvailabilityReport, words: ReportWords) -> bytes:
    """Pages to print. Raises FormatMissingError."""
    _require("fpdf")
    from restream.interfaces.reports.printed import printed  # noqa: PLC0415

    return printed(report, words)


class ReportRendering(NamedTuple):
    """A format."""

    media_type: str
    suffix: str
    render: Callable[[AvailabilityReport, ReportWords], bytes]


RENDERINGS: Mapping[ReportFormat, ReportRendering] = {
    ReportFormat.TEXT: ReportRendering("text/plain", "txt", as_text),
    ReportFormat.CSV: ReportRendering("text/csv", "csv", as_csv),
    ReportFormat.JSON: ReportRendering("application/json", "json", as_json),
    ReportFormat.XLSX: ReportRendering(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", as_xlsx
    ),
    ReportFormat.PDF: ReportRendering("application/pdf", "pdf", as_pdf),
}


def harmless(text: str) -> str:
    """A text that no program for tables takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(cell: Cell, kind: Kind) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return harmless(printable(cell))
    return shown(cell, kind).removesuffix(" %") if kind is Kind.SHARE else str(round(cell))


def _require(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise FormatMissingError("this format is not installed: the extra restream[reports]")


def file_name(report: AvailabilityReport, form: ReportFormat, begins: str = "restream") -> str:
    """A name for a file of it, of letters that every system takes."""
    period = report.period
    named = period.name or f"{period.shown(period.begin)[:10]}_{period.shown(period.end)[:10]}"
    return f"{begins}-{named}.{RENDERINGS[form].suffix}"
