"""A report as a workbook: one sheet a table, numbers as numbers."""

from __future__ import annotations

import io

import xlsxwriter

from restream.interfaces.console.text import printable
from restream.interfaces.reports.availability_report import AvailabilityReport
from restream.interfaces.reports.sheets import Kind, heading, method, sheets
from restream.interfaces.reports.words import ReportWords

_DAY_S = 86_400
_FORMATS = {Kind.TEXT: "@", Kind.SHARE: "0.000%", Kind.TIME: "[h]:mm:ss", Kind.COUNT: "0"}
_WIDTHS = {Kind.TEXT: 24, Kind.SHARE: 12, Kind.TIME: 12, Kind.COUNT: 10}


def workbook(report: AvailabilityReport, words: ReportWords) -> bytes:
    """The file. Every text is written as one: none becomes a formula or a link."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "bottom": 1})
        formats = {kind: book.add_format({"num_format": form}) for kind, form in _FORMATS.items()}
        title, lines = heading(report, words)
        book.set_properties({"title": title})
        first = book.add_worksheet(words("report.sheet.about"))
        first.set_column(0, 0, 120)
        for number, line in enumerate((title, *lines, "", *method(words))):
            first.write_string(number, 0, printable(line))
        for sheet in sheets(report, words):
            page = book.add_worksheet(sheet.title)
            page.freeze_panes(1, 0)
            page.repeat_rows(0)
            page.set_landscape()
            page.fit_to_pages(1, 0)
            page.autofilter(0, 0, len(sheet.rows), len(sheet.headings) - 1)
            for column, (name, kind) in enumerate(zip(sheet.headings, sheet.kinds, strict=True)):
                page.set_column(column, column, _WIDTHS[kind])
                page.write_string(0, column, name, bold)
            for number, row in enumerate(sheet.rows, 1):
                for column, (cell, kind) in enumerate(zip(row, sheet.kinds, strict=True)):
                    if isinstance(cell, str):
                        page.write_string(number, column, printable(cell), formats[kind])
                    elif cell is not None:
                        value = cell / _DAY_S if kind is Kind.TIME else cell
                        page.write_number(number, column, value, formats[kind])
    return file.getvalue()
