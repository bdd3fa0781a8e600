"""Filter, search, sort and page of the camera list."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from aiohttp import web
from multidict import MultiDict

from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.http.query import Query, select_cameras


def _camera(camera_id: str, health: str = "healthy", fault: str = "none", **fields: Any) -> CameraDocument:
    known = {
        "id": camera_id,
        "name": f"Camera {camera_id}",
        "site": "",
        "host": f"10.0.0.{camera_id}",
        "path": f"cam{camera_id}",
        "media_server": "default",
        "node": "site-a",
        "engine": "ffmpeg",
        "camera_type": "",
        "phase": "running",
        "since": f"2026-01-01T00:00:{int(camera_id):02}Z",
        "detail": "",
        "restarts": 0,
        "failures": 0,
        "verdict": {"health": health, "fault": fault, "reasons": [], "hint": "", "since": ""},
    }
    unknown = dict.fromkeys(("next_retry", "video", "audio", "bitrate_bps", "readers", "rtt_ms", "loss_ratio"))
    return msgspec.convert(known | unknown | fields, CameraDocument)


FLEET = [
    _camera("10", site="North", name="Gate"),
    _camera("2", "down", "camera", site="South", restarts=3, phase="backoff", node="site-b"),
    _camera("1", "unknown", site="North", bitrate_bps=5, engine="relay", phase="idle"),
    _camera("3", "down", "network", site="North", name="Gate two", media_server="west", engine=None),
]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, ["2", "3", "1", "10"]),
        ({"sort": "id"}, ["1", "2", "3", "10"]),
        ({"sort": "-id"}, ["10", "3", "2", "1"]),
        ({"sort": "restarts", "limit": "1"}, ["2"]),
        ({"sort": "bitrate", "limit": "1"}, ["1"]),
        ({"health": "down"}, ["2", "3"]),
        ({"health": "down,unknown", "site": "North"}, ["3", "1"]),
        ({"fault": "network"}, ["3"]),
        ({"phase": "backoff"}, ["2"]),
        ({"phase": "idle"}, ["1"]),
        ({"engine": "relay"}, ["1"]),
        ({"engine": "relay,ffmpeg"}, ["2", "1", "10"]),
        ({"engine": "None"}, []),
        ({"engine": '""'}, ["3"]),
        ({"site": '"North"'}, ["3", "1", "10"]),
        ({"site": '"North", South'}, ["2", "3", "1", "10"]),
        ({"site": '"North, South"'}, []),
        ({"site": '"North'}, []),
        ({"type": '""', "sort": "phase"}, ["2", "1", "3", "10"]),
        ({"q": "two NORTH"}, ["3"]),
        ({"sort": "node", "limit": "1"}, ["1"]),
        ({"server": "west"}, ["3"]),
        ({"node": "site-b,site-c"}, ["2"]),
        ({"q": "gATE"}, ["3", "10"]),
        ({"host": "10.0.0.2,10.0.0.3"}, ["2", "3"]),
        ({"sort": "id", "offset": "1", "limit": "2"}, ["2", "3"]),
        ({"offset": "9"}, []),
    ],
)
def test_selection(query: dict[str, str], ids: list[str]) -> None:
    found, total = select_cameras(FLEET, Query(MultiDict(query)))
    assert [camera.id for camera in found] == ids
    assert total >= len(found)


def test_the_total_counts_all_pages() -> None:
    assert select_cameras(FLEET, Query(MultiDict({"limit": "1", "site": "North"})))[1] == 3


@pytest.mark.parametrize(
    "query",
    [
        {"health": "fine"},
        {"fault": "x"},
        {"sort": "colour"},
        {"sort": ""},
        {"limit": "-1"},
        {"limit": "9" * 20},
        {"pge": "1"},
    ],
)
def test_bad_parameters_are_named(query: dict[str, str]) -> None:
    with pytest.raises(web.HTTPBadRequest) as caught:
        select_cameras(FLEET, Query(MultiDict(query)))
    assert next(iter(query)) in caught.value.reason


def test_a_parameter_given_twice_is_no_choice() -> None:
    with pytest.raises(web.HTTPBadRequest):
        select_cameras(FLEET, Query(MultiDict([("site", "North"), ("site", "South")])))
