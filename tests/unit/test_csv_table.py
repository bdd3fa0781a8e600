"""Tables for spreadsheets: whatever stands in a row is shown, and nothing of it is done."""

from __future__ import annotations

import csv
import io

import pytest

from restream.interfaces.documents.csv_table import cameras_csv, csv_table
from tests.unit.test_query import FLEET


def read(table: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-Gate", "'-Gate"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1", "'＝1"),
        ("Gate = North", "Gate = North"),
        ('a,"b"\nc;d', 'a,"b"\nc;d'),
        ("", ""),
        ("Süd \u202e Ворота", "Süd \u202e Ворота"),
        ("a\0b\ud800", "ab?"),
    ],
)
def test_a_text_of_others_is_no_formula(text: str, cell: str) -> None:
    assert read(csv_table(["text", "number"], [[text, -4], [None, 0.5]])) == [
        ["text", "number"],
        [cell, "-4"],
        ["", "0.5"],
    ]


def test_a_camera_is_a_line() -> None:
    titles, *lines = read(cameras_csv(FLEET))
    assert [dict(zip(titles, line, strict=True))["id"] for line in lines] == ["10", "2", "1", "3"]
    found = dict(zip(titles, lines[3], strict=True))
    assert (found["health"], found["fault"], found["name"], found["engine"]) == ("down", "network", "Gate two", "")
