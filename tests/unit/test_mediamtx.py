"""Answers of the control API, of several versions and of hostile servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.server.mediamtx import PathObservation, parse_paths, parse_sessions, parse_srt

V1_20 = {
    "name": "cam1",
    "ready": True,
    "available": True,
    "availableTime": "2026-08-22T18:57:28Z",
    "online": True,
    "source": {"type": "rtspSession", "id": "0d4e"},
    "tracks": ["H264", "MPEG-4 Audio"],
    "readers": [{"type": "hlsSession", "id": "x"}, {"type": "rtspSession", "id": "y"}],
    "inboundBytes": 29012345,
    "outboundBytes": 7,
    "inboundFramesInError": 2,
    "bytesReceived": 1,
}
V1_9 = {
    "name": "cam1",
    "ready": True,
    "readyTime": "2024-01-01T00:00:00Z",
    "source": {"type": "rtspSession", "id": "0d4e"},
    "tracks": ["H264"],
    "readers": [],
    "bytesReceived": 5,
    "bytesSent": 6,
}


def _one(item: dict[str, Any]) -> PathObservation:
    return parse_paths({"items": [item]})["cam1"]


def test_a_path_of_the_newest_version() -> None:
    path = _one(V1_20)
    assert (path.available, path.source_type, path.source_id) == (True, "rtspSession", "0d4e")
    assert path.tracks == ("H264", "MPEG-4 Audio")
    assert (path.inbound_bytes, path.outbound_bytes, path.readers, path.frames_in_error) == (29012345, 7, 2, 2)


def test_a_path_of_an_old_version() -> None:
    path = _one(V1_9)
    assert (path.available, path.inbound_bytes, path.outbound_bytes) == (True, 5, 6)
    assert path.available_since == "2024-01-01T00:00:00Z"


# What each path of the recording was configured as, and whether anything of a camera goes to its readers.
RECORDED = {
    "plain": (True, False),
    "srt": (True, False),
    "goodpull": (True, True),
    "alwaysfed": (True, False),
    "always": (False, False),
    "alwayspull": (False, True),
    "pull": (False, True),
    "pullod": (False, True),
    "hls": (False, True),
    "redirect": (False, True),
    "ondemand": (False, False),
}


def _recorded() -> list[dict[str, PathObservation]]:
    """Two sweeps over a real server, two seconds apart."""
    document = (Path(__file__).parents[1] / "data" / "mediamtx" / "paths-1.20.1.json").read_text(encoding="utf-8")
    return [parse_paths(each) for each in json.loads(document)]


def test_who_feeds_a_path_of_the_real_server_is_known() -> None:
    for paths in _recorded():
        assert {name: (path.live, path.pulled) for name, path in paths.items()} == RECORDED


def test_neither_available_nor_moving_bytes_prove_a_publisher() -> None:
    """A path that is always available counts what the server itself plays on it."""
    before, after = (paths["always"] for paths in _recorded())
    assert before.available and after.inbound_bytes > before.inbound_bytes > 0


@pytest.mark.parametrize("told", [{"online": None}, {"online": "yes"}, {}])
def test_a_server_that_does_not_say_online_is_judged_by_the_source(told: dict[str, Any]) -> None:
    """As 1.16, which knows `alwaysAvailable` and no `online`."""
    older = {key: value for key, value in V1_20.items() if key != "online"} | told
    assert _one(older).live
    assert not _one({**older, "source": None}).live


@pytest.mark.parametrize(
    ("kind", "pulled"),
    [
        *((kind, False) for kind in ("rtspsSession", "rtmpConn", "rtmpsConn", "webRTCSession", "moqSession")),
        *((kind, True) for kind in ("rpiCameraSource", "webRTCSource", "mpegtsSource", "moqSource", "aNewOne")),
        (None, False),
    ],
)
def test_what_is_no_publisher_is_fetched_by_the_server(kind: str | None, pulled: bool) -> None:
    assert _one({**V1_20, "source": {"type": kind, "id": ""}}).pulled is pulled


def test_tracks_are_found_in_the_new_list_too() -> None:
    assert _one({"name": "cam1", "tracks2": [{"codec": "H265"}, {"codec": None}, 7]}).tracks == ("H265",)


@pytest.mark.parametrize(
    ("field", "value"),
    [("available", "yes"), ("source", []), ("tracks", 7), ("readers", {}), ("inboundBytes", -1), ("inboundBytes", "9")],
)
def test_a_value_of_the_wrong_type_is_as_good_as_none(field: str, value: object) -> None:
    path = _one({**V1_20, field: value})
    assert path.name == "cam1"
    assert path.inbound_bytes >= 0


def test_srt_connections_that_publish() -> None:
    item = {
        "id": "s1",
        "state": "publish",
        "path": "cam1",
        "remoteAddr": "10.0.0.9:4000",
        "msRTT": 1.5,
        "mbpsReceiveRate": 2,
        "mbpsLinkCapacity": 900.5,
        "packetsReceivedUnique": 10,
        "packetsReceivedLoss": 1,
    }
    reading = {**item, "id": "s2", "state": "read"}
    idle = {**item, "id": "s3", "state": "idle", "path": ""}
    found = parse_srt({"items": [item, reading, idle]})
    assert set(found) == {"s1"}
    assert (found["s1"].rtt_ms, found["s1"].receive_rate_mbps, found["s1"].packets_lost) == (1.5, 2.0, 1)


def test_how_somebody_logged_in_is_not_told() -> None:
    item = {"id": "s1", "state": "publish", "path": "cam1", "query": "user=me&pass=sEcret&x=1"}
    found = parse_sessions({"items": [item, {**item, "id": "s2", "query": "jwt=sEcret.sEcret"}]})
    assert [session.query for session in found.values()] == ["user=me&pass=***&x=1", "jwt=***"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["items", "name", "id", "state", "source", "tracks", "tracks2", "readers", "msRTT", "available"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_no_answer_of_a_server_makes_a_parser_raise(document: object) -> None:
    for parse in (parse_paths, parse_srt, parse_sessions):
        parse(document)
        parse({"items": [document, {"name": "x", "id": "y", "state": "publish", "source": document}]})
