"""A report as text, CSV, JSON, XLSX and PDF: the same numbers, the method in words, nothing that a name can break."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from restream.domain.history.figures import ReportSum, camera_figures
from restream.domain.history.span import HealthSpan, SpanMark
from restream.domain.judgement.verdict import Health
from restream.interfaces.reports import printed, renderings
from restream.interfaces.reports.availability_report import AvailabilityReport
from restream.interfaces.reports.period import Period
from restream.interfaces.reports.renderings import RENDERINGS, FormatMissingError, ReportFormat, file_name
from restream.interfaces.reports.sheets import METHOD, Kind, duration, shown
from restream.interfaces.reports.words import LANGUAGES, ReportWords

BEGIN = 1_790_805_600.0
DAY_S = 86_400.0
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "＝1+1",
    'a,"b";c',
    "https://evil.example/",
    "[red]name[/red]",
    "Straße Köln",
    "Площадь Ленина",
    "<script>alert(1)</script>",
    "日本",
]


def a_report(names: list[str] = HOSTILE, *, sites: tuple[str, ...] = ()) -> AvailabilityReport:
    sums = ReportSum()
    for number, name in enumerate(names):
        up = SpanMark(Health.HEALTHY, site=["North", ""][number % 2], name=name)
        down = up._replace(state=Health.DOWN, cause="unreachable", side="network")
        cut = BEGIN + DAY_S - 60 * number - 1
        spans = [HealthSpan(str(number), BEGIN, cut, up), HealthSpan(str(number), cut, BEGIN + DAY_S, down)]
        sums.add(camera_figures(str(number), spans, BEGIN, BEGIN + DAY_S + 600))
    period = Period("2026-10-01", BEGIN, BEGIN + DAY_S + 600, "Europe/Berlin")
    return AvailabilityReport(period, BEGIN + 2 * DAY_S, sites, sums)


def rendered(form: str, language: str = "en", report: AvailabilityReport | None = None) -> bytes:
    return RENDERINGS[ReportFormat(form)].render(report or a_report(), ReportWords(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_as_text(language: str) -> None:
    words, text = ReportWords(language), rendered("text", language).decode()
    for key in ("report.title", "report.sheet.worst", "report.column.repair"):
        assert words(key) in text
    assert all(words(f"report.method.{name}")[:60] in text for name in METHOD)
    assert "Straße Köln" in text and "[red]name[/red]" in text
    assert "\x1b" not in text and max(map(len, text.splitlines())) <= 200


def test_as_csv_cameras_come_first_and_no_cell_is_a_formula() -> None:
    body = rendered("csv")
    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert rows[0][:4] == ["Camera", "Name", "Site", "Available"]
    cameras = {row[0]: row for row in rows[1 : 1 + len(HOSTILE)]}
    assert cameras["0"][1] == "'=cmd|' /C calc'!A0" and cameras["9"][1] == "Straße Köln"
    assert cameras["1"][3:6] == ["99.929", "61", "1"] and cameras["1"][-1] == "600"
    assert not [cell for row in rows for cell in row if re.match(r"[=+\-@\t\r＝＋－＠]", cell)]
    assert any(row and row[0] == ReportWords()("report.method.unknown") for row in rows)


def test_as_json() -> None:
    found = json.loads(rendered("json"))
    assert found["period"] == "2026-10-01" and found["zone"] == "Europe/Berlin" and len(found["method"]) == len(METHOD)
    assert {each["site"]: each["cameras"] for each in found["sites"]} == {"": 6, "North": 7}
    by_id = {each["camera"]: each for each in found["cameras"]}
    assert by_id["12"]["figures"]["down_s"] == 721 and by_id["12"]["figures"]["unknown_s"] == 600
    assert found["worst"][0] == "12" and len(found["worst"]) == 10
    assert found["causes"][0]["cause"] == "unreachable"


def test_as_xlsx_texts_are_texts_and_numbers_numbers() -> None:
    book = openpyxl.load_workbook(io.BytesIO(rendered("xlsx")))
    assert book.sheetnames == [
        "About",
        "All cameras together",
        "By site",
        "By cause",
        "The worst ten",
        "By camera",
    ]
    rows = {row[0].value: row for row in book["By camera"].iter_rows(min_row=2)}
    assert rows["0"][1].value == HOSTILE[0] and rows["0"][1].data_type == "s"
    assert all(cell.data_type in ("s", "n", "d") for row in rows.values() for cell in row)
    assert rows["1"][3].value == pytest.approx(1 - 61 / DAY_S, abs=1e-6) and rows["1"][3].number_format == "0.000%"
    assert book["By camera"]["B2"].hyperlink is None
    assert ReportWords()("report.method.planned") in [row[0].value for row in book["About"].iter_rows()]


def text_of_pdf(body: bytes) -> list[bytes]:
    return [
        zlib.decompress(found) for found in re.findall(rb"stream\n(.*?)\nendstream", body, re.S) if found[:1] == b"x"
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_as_pdf(language: str) -> None:
    body = rendered("pdf", language)
    assert body.startswith(b"%PDF-") and text_of_pdf(body)


def test_as_pdf_without_a_font_with_all_letters() -> None:
    body = printed.printed(a_report(), ReportWords("ru"), fonts=(Path("/nowhere.ttf"),))
    text = b"".join(text_of_pdf(body))
    assert (
        b"Availability of cameras" in text and "Straße Köln".encode("latin-1") in text and b"(??????? ??????)" in text
    )


def test_a_large_report_fills_pages_that_are_numbered() -> None:
    body = rendered("pdf", report=a_report([f"Camera {number}" for number in range(400)]))
    assert len(re.findall(rb"/Type /Page\b", body)) > 5


@pytest.mark.parametrize("form", list(ReportFormat))
def test_nothing_kept_is_said(form: str) -> None:
    empty = AvailabilityReport(Period("", BEGIN, BEGIN + DAY_S, "UTC"), BEGIN, ("North", ""))
    body = rendered(form, report=empty)
    if form in ("text", "csv"):
        assert (b"Nothing was kept" in body and b"North, without a site" in body) or b"without a site" in body


@pytest.mark.parametrize(("form", "module"), [("xlsx", "xlsxwriter"), ("pdf", "fpdf")])
def test_a_format_that_needs_more_says_what(monkeypatch: pytest.MonkeyPatch, form: str, module: str) -> None:
    monkeypatch.setattr(renderings.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FormatMissingError, match=r"restream\[reports\]"):
        rendered(form)


def test_a_file_is_named_by_its_range() -> None:
    assert file_name(a_report(), ReportFormat.PDF) == "restream-2026-10-01.pdf"
    free = AvailabilityReport(Period("", BEGIN, BEGIN + DAY_S, "UTC"), BEGIN)
    assert file_name(free, ReportFormat.TEXT) == "restream-2026-09-30_2026-10-01.txt"


@pytest.mark.parametrize(
    ("cell", "kind", "told"),
    [
        (1.0, Kind.SHARE, "100.000 %"),
        (0.999999999, Kind.SHARE, "99.999 %"),
        (None, Kind.SHARE, "–"),
        (59.6, Kind.TIME, "00:01:00"),
        (3 * DAY_S + 14_706, Kind.TIME, "3d 04:05:06"),
        ("", Kind.TEXT, ""),
        (7, Kind.COUNT, "7"),
    ],
)
def test_cells(cell: Any, kind: Kind, told: str) -> None:
    assert shown(cell, kind) == told
    assert duration(0) == "00:00:00"
