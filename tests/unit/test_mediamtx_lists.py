"""Lists that are decoded by their types say what the parser that takes everything says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.adapters.server.mediamtx_lists import PATHS, SRT
from restream.domain.server.mediamtx import MAX_ITEMS, parse_paths, parse_srt

PATH: dict[str, Any] = {
    "name": "cam1",
    "confName": "all_others",
    "ready": True,
    "available": True,
    "availableTime": "2026-08-22T18:57:28Z",
    "online": True,
    "source": {"type": "srtConn", "id": "0d4e"},
    "tracks": ["H264", "MPEG-4 Audio"],
    "tracks2": [{"codec": "H264", "codecProps": {"width": 1920}}],
    "readers": [{"type": "hlsMuxer", "id": ""}],
    "inboundBytes": 29012345,
    "outboundBytes": 7,
    "inboundFramesInError": 2,
    "bytesReceived": 1,
}
IDLE = {**PATH, "name": "cam2", "available": False, "availableTime": None, "source": None, "tracks": [], "readers": []}
PULLED = {**PATH, "name": "cam3", "source": {"type": "rtspSource", "id": ""}}
CONNECTION: dict[str, Any] = {
    "id": "0d4e",
    "state": "publish",
    "path": "cam1",
    "remoteAddr": "10.0.0.9:4000",
    "msRTT": 1.5,
    "mbpsReceiveRate": 2,
    "mbpsLinkCapacity": 900.5,
    "msReceiveTsbPdDelay": 120,
    "packetsReceivedUnique": 10,
    "packetsReceivedLoss": 1,
    "packetsReceivedDrop": 3,
    "packetsReceivedBelated": 4,
}


def _list(*items: object) -> bytes:
    return json.dumps({"itemCount": len(items), "pageCount": 1, "items": items}, separators=(",", ":")).encode()


def test_lists_of_the_newest_version_are_decoded_by_their_types() -> None:
    reading = {**CONNECTION, "id": "s2", "state": "read", "path": ""}
    assert PATHS.typed is not None and SRT.typed is not None
    assert PATHS.typed(_list(PATH, IDLE, PULLED)) == parse_paths({"items": [PATH, IDLE, PULLED]})
    assert SRT.typed(_list(CONNECTION, reading)) == parse_srt({"items": [CONNECTION, reading]})
    assert len(PATHS.read(_list(PATH, IDLE))) == 2


_ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
    | st.sampled_from(["", "\n", "x" * 201, "\u202e", 1 << 63, -1, 1e12, 1.0, [], {}, [None], ["a\x1b", ""], [{}] * 40])
)


@given(st.data())
def test_one_odd_value_is_read_as_ever(data: st.DataObject) -> None:
    for kind, parse, item in ((PATHS, parse_paths, PATH), (SRT, parse_srt, CONNECTION)):
        key, value = data.draw(st.sampled_from(sorted(item))), data.draw(_ODD)
        odd = {**item, key: value}
        if data.draw(st.booleans()):
            del odd[key]
        items = [IDLE, item, odd]
        assert kind.read(_list(*items)) == parse({"items": items})


@pytest.mark.parametrize("first", [PATH, {**PATH, "inboundBytes": "9"}])
def test_a_list_that_is_too_long_is_cut_off(first: dict[str, Any]) -> None:
    items = [first, *({**IDLE, "name": f"other{number}"} for number in range(MAX_ITEMS + 5))]
    assert PATHS.read_long(_list(*items)) == parse_paths({"items": items})
