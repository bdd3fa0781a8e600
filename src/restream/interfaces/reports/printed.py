"""A report as PDF, to print and to hand on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from restream.interfaces.console.text import printable
from restream.interfaces.reports.availability_report import AvailabilityReport
from restream.interfaces.reports.sheets import Kind, Sheet, heading, method, sheets, shown
from restream.interfaces.reports.words import ReportWords

FONTS = (
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    Path("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf"),
    Path("/usr/share/fonts/TTF/DejaVuSans.ttf"),
    Path("/usr/share/fonts/dejavu/DejaVuSans.ttf"),
)
"""Where Debian, Fedora, Arch and Alpine have a font with all letters of the page's languages."""
_LINE_MM, _SIZE_PT, _TITLE_PT, _HEAD_PT = 4.6, 7.5, 14.0, 10.0
_SHARES = {Kind.TEXT: 2.4, Kind.SHARE: 1.1, Kind.TIME: 1.25, Kind.COUNT: 0.9}


class _Pages(FPDF):
    """A4, landscape, numbered."""

    def __init__(self, words: ReportWords, font: Path | None) -> None:
        super().__init__("L", "mm", "A4")
        self._words = words
        self.family = "Helvetica" if font is None else "report"
        if font is not None:
            self.add_font(self.family, fname=font)
        self.latin_only = font is None
        self.set_margins(12, 12)
        self.set_auto_page_break(auto=True, margin=14)
        self.alias_nb_pages()

    def footer(self) -> None:
        """The number of the page."""
        self.set_y(-11)
        self.set_font(self.family, size=_SIZE_PT)
        number = self.plain(self._words("report.page", number=self.page_no(), pages="{nb}"))
        self.cell(0, _LINE_MM, number, align="R")

    def plain(self, text: str) -> str:
        """What the font can show."""
        text = printable(text)
        if not self.latin_only:
            return text
        return text.replace("–", "-").encode("latin-1", "replace").decode("latin-1")

    def fitted(self, text: str, width: float) -> str:
        """A text cut to a width."""
        text = self.plain(text)
        if self.get_string_width(text) <= width:
            return text
        dots = "..." if self.latin_only else "…"
        while text and self.get_string_width(text + dots) > width:
            text = text[:-1]
        return text + dots

    def lines(self, texts: Sequence[str], size_pt: float) -> None:
        """Paragraphs."""
        self.set_font(self.family, size=size_pt)
        for text in texts:
            self.multi_cell(0, _LINE_MM * size_pt / _SIZE_PT, self.plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def sheet(self, sheet: Sheet) -> None:
        """A table, with its head on every page."""
        whole = sum(_SHARES[kind] for kind in sheet.kinds)
        widths = [self.epw * _SHARES[kind] / whole for kind in sheet.kinds]
        if self.will_page_break(8 * _LINE_MM):
            self.add_page()
        self.ln(_LINE_MM)
        self.lines([sheet.title], _HEAD_PT)
        self._head(sheet, widths)
        for row in sheet.rows:
            if self.will_page_break(_LINE_MM):
                self.add_page()
                self._head(sheet, widths)
            self._row([shown(cell, kind) for cell, kind in zip(row, sheet.kinds, strict=True)], sheet, widths)

    def _head(self, sheet: Sheet, widths: Sequence[float]) -> None:
        self.set_font(self.family, size=_SIZE_PT)
        self.set_fill_color(225, 229, 235)
        self._row(sheet.headings, sheet, widths, fill=True)

    def _row(self, texts: Sequence[str], sheet: Sheet, widths: Sequence[float], *, fill: bool = False) -> None:
        for text, kind, width in zip(texts, sheet.kinds, widths, strict=True):
            align = "L" if kind is Kind.TEXT else "R"
            self.cell(width, _LINE_MM, self.fitted(text, width - 2), border="B", align=align, fill=fill)
        self.ln(_LINE_MM)


def printed(report: AvailabilityReport, words: ReportWords, fonts: Sequence[Path] = FONTS) -> bytes:
    """The file. Without a font that has all letters, those that Helvetica lacks are question marks, in English."""
    font = next((each for each in fonts if each.is_file()), None)
    if font is None and words.language == "ru":
        words = ReportWords("en")
    pages = _Pages(words, font)
    title, lines = heading(report, words)
    pages.set_title(title)
    pages.add_page()
    pages.lines([title], _TITLE_PT)
    pages.lines(lines, _SIZE_PT + 1)
    for sheet in sheets(report, words):
        pages.sheet(sheet)
    pages.ln(_LINE_MM)
    pages.lines(method(words), _SIZE_PT)
    return bytes(pages.output())
