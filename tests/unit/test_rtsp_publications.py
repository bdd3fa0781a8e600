"""Streams that were given to a real mediamtx (tests/record_publishing.py), once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from restream.domain.camera.secret import Secret
from restream.domain.life.cause import Cause
from restream.domain.rtsp.events import Failed, Finished
from restream.domain.rtsp.media_session import Interleaved
from restream.domain.rtsp.publisher import PublisherEvent, Recording, RtspPublisher, usual_channels
from restream.domain.server.target import Target
from tests.unit.test_rtsp_conversations import bytes_of

FOLDER = Path(__file__).parents[1] / "data" / "rtsp" / "publishing"
RECORDED = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
_WRONG = "RTSP/1.0 401 Unauthorized (user or password are wrong, or may not publish here)"
_CLOSED = "the connection ended (recording): the media server closed it"
REFUSED = {
    # Stage, cause, words; what MediaMTX v1.20.1 answers tells no more. It closes the connection after each of these,
    # but for the first one.
    "no_login": ("announce", Cause.SERVER_REFUSED, "RTSP/1.0 401 Unauthorized (no user is configured for publishing)"),
    "wrong_password": ("announce", Cause.SERVER_REFUSED, _WRONG),
    "wrong_password_digest": ("announce", Cause.SERVER_REFUSED, _WRONG),
    "not_allowed": ("announce", Cause.SERVER_REFUSED, _WRONG),
    "name_invalid": ("announce", Cause.SERVER_REFUSED, "RTSP/1.0 400 Bad Request"),
    "not_configured": ("announce", Cause.SERVER_REFUSED, "RTSP/1.0 400 Bad Request"),
    "no_rtpmap": ("announce", Cause.SERVER_REFUSED, "RTSP/1.0 400 Bad Request"),
    "packetization_mode_0": ("announce", Cause.SERVER_REFUSED, "RTSP/1.0 400 Bad Request"),
    "packetization_mode_none": ("announce", Cause.SERVER_REFUSED, "RTSP/1.0 400 Bad Request"),
    "aac_without_config": ("announce", Cause.SERVER_REFUSED, "RTSP/1.0 400 Bad Request"),
    # One answer for all three: attribution tells them apart by the server's picture of the path.
    "taken": ("record", Cause.SERVER_CONFLICT, "RTSP/1.0 400 Bad Request"),
    "pulled": ("record", Cause.SERVER_CONFLICT, "RTSP/1.0 400 Bad Request"),
    "always_available": ("record", Cause.SERVER_CONFLICT, "RTSP/1.0 400 Bad Request"),
}
CLOSED = ("taken_over", "kicked", "stopped", "killed", "configured_anew", "silent", "silent_after_media")
"""Without a word, whatever the reason."""


def replay(recorded: dict[str, Any], cut: int = 0) -> list[PublisherEvent]:
    """What the publisher says must be what it said then."""
    base, _, path = recorded["url"].rpartition("/")
    target = Target(rtsp_url=base, user=recorded["login"], password=Secret(recorded["password"]))
    parts = target.rtsp_parts(path)
    assert parts is not None
    channels = [Interleaved(*pair) for pair in recorded["channels"]]
    sdp = recorded["sdp"].encode("latin-1")
    publisher = RtspPublisher(*parts, sdp, channels, lambda: "0a4f113b0a4f113b")
    publisher.start(0.0)
    events = list(publisher.events())
    for step in recorded["steps"]:
        if step == "connected":
            publisher.connected(0.0)
        elif step == "lost":
            publisher.lost("the media server closed it", 0.0)
        elif step == "closed":
            publisher.close(0.0)
        elif "sent" in step:
            assert publisher.data_to_send().decode("latin-1") == step["sent"]
        else:
            data = bytes_of(step["came"])
            for at in range(0, len(data), cut or len(data)):
                publisher.receive(data[at : at + (cut or len(data))], 0.0)
        events += publisher.events()
    assert publisher.data_to_send() == b"" and publisher.deadline is None
    return events


def test_publications_were_recorded() -> None:
    assert {*REFUSED, *CLOSED} < RECORDED.keys() and len(RECORDED) >= 32


@pytest.mark.parametrize("name", RECORDED)
def test_how_it_went(name: str) -> None:
    events = replay(RECORDED[name])
    if name in REFUSED:
        (failure,) = [event.failure for event in events if isinstance(event, Failed)]
        assert (failure.stage, failure.cause, failure.words) == REFUSED[name]
        return
    recording, end = events[-2:]
    asked = tuple(Interleaved(*pair) for pair in RECORDED[name]["channels"])
    refused = name.startswith(("channels_refused", "channels_shared"))
    assert recording == Recording(usual_channels(len(asked)) if refused else asked)
    if name in CLOSED:
        assert isinstance(end, Failed)
        assert (end.failure.cause, end.failure.words) == (Cause.SERVER_GONE, _CLOSED)
    else:
        assert end == Finished()


@pytest.mark.parametrize("name", RECORDED)
def test_any_cut_makes_no_difference(name: str) -> None:
    whole = replay(RECORDED[name])
    assert replay(RECORDED[name], cut=1) == whole
    assert replay(RECORDED[name], cut=13) == whole
