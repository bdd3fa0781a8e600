"""Values of every kind of column that a stranger's table can have."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.camera import Camera, RejectedRow, RowReader
from restream.domain.camera.column_text import column_text
from restream.domain.camera.urls import CameraTypes, UrlError

READER = RowReader(CameraTypes.parse({"default": "rtsp://{login}:{password}@{link}/ch{channel}"}))
ROW = {"id": 7, "link": "10.0.0.7", "login": "admin", "password": "x"}
NOW = dt.datetime(2026, 1, 5, 10, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (101, "101"),
        (101.0, "101"),
        (-0.0, "0"),
        (101.5, "101.5"),
        (0.0000001, "0.0000001"),
        (2.0**53, "9007199254740992"),
        (Decimal("101.00"), "101"),
        (Decimal("1E+2"), "100"),
        (Decimal("101.50"), "101.50"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("0E+30"), "0"),
        (" 0101 ", " 0101 "),
        (uuid.UUID(int=5), str(uuid.UUID(int=5))),
        (ip_address("10.0.0.1"), "10.0.0.1"),
        (ip_interface("10.0.0.1/24"), "10.0.0.1"),
        (ip_network("10.0.0.1/32"), "10.0.0.1"),
        (ip_address("fe80::1"), "[fe80::1]"),
    ],
)
def test_what_the_author_meant(value: object, text: str) -> None:
    assert column_text("channel", value) == text


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, b"x", [1], {"a": 1}, object(), dt.timedelta(days=1)),
        *(NOW, NOW.date(), NOW.time()),
        *(float("nan"), float("inf"), Decimal("sNaN"), Decimal("-Infinity")),
        # Huge: what a double cannot hold exactly is no number that anybody wrote; the others would fill the memory.
        *(1e16, 1e300, 10**5000, Decimal("1E+300"), Decimal("1E+999999"), Decimal("1E-999999"), Decimal("0E+999999")),
        Decimal("1." + "1" * 50),
        ip_network("10.0.0.0/24"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_text_and_no_number(value: object) -> None:
    with pytest.raises(UrlError, match=r"^channel: expected a text or a number$"):
        column_text("channel", value)


@pytest.mark.parametrize("value", [101, 101.0, Decimal("101.00"), Decimal("1.01E+2"), "101", " 101 "])
def test_a_channel_in_a_template(value: object) -> None:
    camera = READER.read({**ROW, "channel": value})
    assert isinstance(camera, Camera)
    assert camera.source.reveal() == "rtsp://admin:x@10.0.0.7/ch101"


@pytest.mark.parametrize("column", ["id", "name", "site"])
def test_a_moment_is_a_name_at_most(column: str) -> None:
    found = READER.read({**ROW, column: NOW.date()})
    assert isinstance(found, Camera)
    for column_ in ("channel", "login", "password", "link", "rtsp_url", "camera_type"):
        rejected = READER.read({**ROW, column_: NOW})
        assert isinstance(rejected, RejectedRow) and rejected.problem.startswith(f"{column_}: ")


@given(st.floats() | st.decimals() | st.integers())
def test_a_number_never_has_an_exponent_or_an_empty_fraction(value: float | Decimal | int) -> None:
    try:
        text = column_text("channel", value)
    except UrlError:
        return
    assert len(text) < 100
    assert "e" not in text.lower()
    assert Decimal(text) == Decimal(repr(value) if isinstance(value, float) else value)
    assert "." not in text or text.rpartition(".")[2].strip("0")


@pytest.mark.parametrize(("value", "enabled"), [(True, True), (1.0, True), (Decimal("0.00"), False), ("t", True)])
def test_enabled_of_a_number(value: object, enabled: bool) -> None:
    camera = READER.read({**ROW, "enabled": value})
    assert isinstance(camera, Camera) and camera.enabled is enabled
