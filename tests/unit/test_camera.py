"""Rows of every shape become cameras, or rejections that name the column and never the value."""

import json
import uuid
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.camera import COLUMNS, Camera, RejectedRow, RowReader, without_collisions
from restream.domain.camera.options import AudioChoice, Transport
from restream.domain.camera.urls import CameraTypes

TYPES = CameraTypes.parse({"default": "{login}:{password}@{link}:554/stream={channel}"})
READER = RowReader(TYPES)
CLASSIC = {"id": 7, "camera_type": "X", "link": "10.0.0.7", "login": "admin", "password": "sEcret", "channel": 1}


def read(row: Mapping[str, object], reader: RowReader = READER) -> Camera:
    found = reader.read(row)
    assert isinstance(found, Camera), found
    return found


def rejected(**columns: object) -> RejectedRow:
    found = READER.read({**CLASSIC, **columns})
    assert isinstance(found, RejectedRow), found
    return found


def test_the_classic_table() -> None:
    camera = read(CLASSIC)
    assert (camera.id, camera.name, camera.site, camera.enabled, camera.path) == ("7", "camera 7", "", True, "cam7")
    assert camera.source.reveal() == "rtsp://admin:sEcret@10.0.0.7:554/stream=1"


def test_only_an_id_and_a_way_to_a_url_are_needed() -> None:
    assert read({"id": 1, "rtsp_url": "rtsp://h/x"}).source.reveal() == "rtsp://h/x"
    assert read({"id": 1, "link": "h"}).source.reveal() == "rtsp://h:554/stream=0"


def test_columns_of_the_larger_table() -> None:
    camera = read({**CLASSIC, "name": "Gate", "site": "North", "enabled": False, "rtsp_url": "rtsp://h/x"})
    assert (camera.name, camera.site, camera.enabled) == ("Gate", "North", False)
    assert camera.source.reveal() == "rtsp://h/x"


def test_columns_that_nobody_knows_are_ignored() -> None:
    extra = {"created_at": object(), "geometry": b"\x00", "notes": "x" * 100_000, "ID": 3}
    assert read({**CLASSIC, **extra}) == read(CLASSIC)


def test_null_everywhere_it_can_be() -> None:
    nulls = dict.fromkeys(COLUMNS) | {"id": 1, "link": "h"}
    camera = read(nulls)
    assert (camera.enabled, camera.camera_type, camera.name) == (True, "", "camera 1")
    assert camera.source.reveal() == "rtsp://h:554/stream=0"


def test_renamed_columns() -> None:
    reader = RowReader(TYPES, columns={"id": "cam_no", "link": "ip", "password": "pwd", "name": "title"})
    row = {"cam_no": 5, "ip": "10.0.0.5", "login": "admin", "pwd": "sEcret", "title": "Door", "id": 99, "link": "no"}
    camera = read(row, reader)
    assert (camera.id, camera.name, camera.path) == ("5", "Door", "cam5")
    assert camera.source.reveal() == "rtsp://admin:sEcret@10.0.0.5:554/stream=0"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, True) for value in (None, True, 1, "1", "t", "true", "TRUE", "Yes", "y", "on", " on ")),
        *((value, False) for value in (False, 0, "0", "f", "False", "no", "N", "off", "OFF")),
    ],
)
def test_spellings_of_enabled(value: object, expected: bool) -> None:
    assert read({**CLASSIC, "enabled": value}).enabled is expected


@pytest.mark.parametrize("value", ["", "maybe", 2, -1, "2", "null", []])
def test_what_enabled_cannot_be(value: object) -> None:
    assert rejected(enabled=value).problem == "enabled: expected true or false"


@pytest.mark.parametrize(
    ("value", "text", "path"),
    [
        (7, "7", "cam7"),
        (2**63 - 1, "9223372036854775807", "cam9223372036854775807"),
        (Decimal(7), "7", "cam7"),
        ("north-1", "north-1", "camnorth-1"),
        (" 7 ", "7", "cam7"),
        (uuid.UUID(int=10), str(uuid.UUID(int=10)), f"cam{uuid.UUID(int=10)}"),
    ],
)
def test_kinds_of_ids(value: object, text: str, path: str) -> None:
    camera = read({**CLASSIC, "id": value})
    assert (camera.id, camera.path) == (text, path)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_row_without_an_id(value: object) -> None:
    assert rejected(id=value) == RejectedRow("?", "", "id: is empty")


@pytest.mark.parametrize("value", ["a b", "a?b", "ü", "a/../x", "x" * 200, "a%2Fb"])
def test_an_id_that_makes_no_path_needs_one_in_its_options(value: str) -> None:
    problem = rejected(id=value).problem
    assert problem.startswith("id: ")
    assert "options.path" in problem
    assert read({**CLASSIC, "id": value, "options": {"path": "gate"}}).path == "gate"


def test_the_path_template() -> None:
    assert read(CLASSIC, RowReader(TYPES, path_template="site/a/{id}")).path == "site/a/7"


@pytest.mark.parametrize(
    "document", [{"audio": "none", "publish": "srt"}, json.dumps({"audio": "none", "publish": "srt"})]
)
def test_options_as_document_or_text(document: object) -> None:
    options = read({**CLASSIC, "options": document}).options
    assert (options.audio, options.publish) == (AudioChoice.NONE, Transport.SRT)


@pytest.mark.parametrize("document", [None, "", "  ", "null", {}, "{}"])
def test_no_options(document: object) -> None:
    assert read({**CLASSIC, "options": document}) == read(CLASSIC)


@pytest.mark.parametrize("document", ["{", "not json", "[" * 5000, '{"audio": }'])
def test_options_that_are_no_json(document: str) -> None:
    assert rejected(options=document).problem == "options: is not valid JSON"


@pytest.mark.parametrize("document", ["[]", [], 5, "5", '"text"', True])
def test_options_that_are_no_object(document: object) -> None:
    assert rejected(options=document).problem == "options: expected a JSON object"


def test_the_site_of_the_options_fills_in_for_a_missing_column() -> None:
    assert read({**CLASSIC, "options": {"site": "South"}}).site == "South"
    assert read({**CLASSIC, "site": "North", "options": {"site": "South"}}).site == "North"


@pytest.mark.parametrize(
    ("columns", "column"),
    [
        ({"link": ""}, "link"),
        ({"link": "10.0.0.7/sEcret"}, "link"),
        ({"link": "sEcret\nx"}, "link"),
        ({"link": "x" * 3000}, "link"),
        ({"login": "sEcret\x00"}, "login"),
        ({"password": "sEcret\r\nfile 'x'"}, "password"),
        ({"password": "sEcret" * 1000}, "password"),
        ({"rtsp_url": "file:///sEcret"}, "rtsp_url"),
        ({"rtsp_url": "rtsp://admin:sEcret@ho st/x"}, "rtsp_url"),
        ({"channel": "sEcret\n"}, None),
        ({"channel": "sEc\nret"}, "channel"),
        ({"enabled": "sEcret"}, "enabled"),
        ({"options": '{"sEcret'}, "options"),
        ({"options": {"input": {"timeout": "sEcret"}}}, "options"),
        ({"options": {"path": "sEcret secret"}}, "options"),
        ({"name": "a\x00sEcret"}, "name"),
    ],
)
def test_a_rejection_names_the_column_and_never_the_value(columns: dict[str, object], column: str | None) -> None:
    if column is None:
        read({**CLASSIC, **columns})
        return
    row = rejected(**columns)
    assert row.problem.startswith(f"{column}: ")
    assert "sEcret" not in row.problem
    assert "\n" not in row.problem
    assert row.id == "7"


def test_spaces_around_a_password_belong_to_it() -> None:
    assert "admin:%20sEcret%20@" in read({**CLASSIC, "password": " sEcret "}).source.reveal()
    assert read({**CLASSIC, "link": " 10.0.0.7 "}).source.host == "10.0.0.7"


def test_a_password_that_is_a_number_in_the_table() -> None:
    assert "admin:12345@" in read({**CLASSIC, "password": 12345}).source.reveal()


def test_printing_a_camera_shows_no_password() -> None:
    assert "sEcret" not in repr(read(CLASSIC)) + str(read(CLASSIC))


@pytest.mark.parametrize(
    ("columns", "restarts"),
    [
        ({"name": "New"}, False),
        ({"site": "New"}, False),
        ({"options": {"priority": 5}}, False),
        ({"options": {"site": "New"}}, False),
        ({"link": "10.0.0.8"}, True),
        ({"password": "other"}, True),
        ({"channel": 2}, True),
        ({"options": {"path": "gate"}}, True),
        ({"options": {"audio": "none"}}, True),
        ({"options": {"publish": "srt"}}, True),
        ({"options": {"rtsp_transport": "udp"}}, True),
        ({"options": {"stall_timeout_s": 30}}, True),
        ({"options": {"input": {"buffer_size": "1000"}}}, True),
        ({"options": {"output": {"muxdelay": "0"}}}, True),
    ],
)
def test_what_a_stream_is_made_of(columns: dict[str, object], restarts: bool) -> None:
    assert (read({**CLASSIC, **columns}).stream != read(CLASSIC).stream) is restarts


# -- several rows ------------------------------------------------------------------------------------------------------


def rows(*changes: dict[str, object]) -> list[Camera | RejectedRow]:
    return [READER.read({**CLASSIC, **columns}) for columns in changes]


def test_the_later_row_of_a_shared_path_is_rejected() -> None:
    first, second = without_collisions(rows({"id": 1}, {"id": 2, "options": {"path": "cam1"}}))
    assert isinstance(first, Camera)
    assert second == RejectedRow("2", "camera 2", "path: 'cam1' already belongs to camera 1")


def test_a_disabled_camera_owns_no_path() -> None:
    kept = without_collisions(rows({"id": 1, "enabled": False}, {"id": 2, "options": {"path": "cam1"}}))
    assert [type(item) for item in kept] == [Camera, Camera]
    kept = without_collisions(rows({"id": 1}, {"id": 2, "enabled": False, "options": {"path": "cam1"}}))
    assert [type(item) for item in kept] == [Camera, Camera]


def test_a_repeated_id_counts_once() -> None:
    kept = without_collisions(rows({"id": 1, "name": "first"}, {"id": 1, "name": "second"}, {"id": 2}))
    assert [(item.id, item.name) for item in kept] == [("1", "first"), ("2", "camera 2")]


def test_every_row_without_an_id_is_reported() -> None:
    kept = without_collisions(rows({"id": None}, {"id": None}, {"id": 1}))
    assert [item.id for item in kept] == ["?", "?", "1"]


@given(
    st.dictionaries(
        st.sampled_from([*COLUMNS, "unknown"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.integers()),
    )
)
def test_no_row_raises(row: dict[str, object]) -> None:
    found = READER.read(row)
    assert isinstance(found, Camera | RejectedRow)
    if isinstance(found, RejectedRow):
        assert found.problem


@pytest.mark.parametrize("character", ["\x85", "\x9b", "\u2028", "\u2029", "\u202e"])
def test_names_cannot_forge_log_lines_or_drive_terminals(character: str) -> None:
    assert rejected(name=f"a{character}b").problem == "name: contains a control character"
