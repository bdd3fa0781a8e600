"""Conversations that were recorded with real servers and with the demo's cameras (tests/record_rtsp.py), once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from restream.domain.camera.urls import parse_source
from restream.domain.engine import Media
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import Described, Failed, Finished, MediaPacket, Playing, RtspEvent
from restream.domain.rtsp.url import source_parts

FOLDER = Path(__file__).parents[1] / "data" / "rtsp" / "conversations"
RECORDED = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
NAMES = {
    "h264_aac": ("h264", "aac"),
    "h264_pcma": ("h264", "pcm_alaw"),
    "h265_opus": ("hevc", "opus"),
}
ENDINGS = {
    "camera_garbage": ("not_rtsp", "options"),
    "camera_hang_describe": ("timeout", "describe"),
    "camera_hang_play": ("timeout", "play"),
    "camera_hang_setup": ("timeout", "setup"),
    "camera_not_found": ("not_found", "describe"),
    "camera_server_error": ("busy", "describe"),
    "camera_udp_only": ("transport_refused", "setup"),
    "camera_wrong_password": ("auth_failed", "describe"),
    "gstreamer_not_found": ("not_found", "describe"),
    "mediamtx_not_found": ("not_found", "describe"),
    "mediamtx_wrong_password": ("auth_failed", "describe"),
}


def bytes_of(pieces: list[Any]) -> bytes:
    return b"".join(
        piece.encode("latin-1")
        if isinstance(piece, str)
        else bytes((0x24, piece["channel"]))
        + piece["size"].to_bytes(2, "big")
        + bytes.fromhex(piece["begin"]).ljust(piece["size"], b"\0")
        for piece in pieces
    )


def replay(recorded: dict[str, Any], cut: int = 0) -> list[RtspEvent]:
    """What the client says must be what it said then."""
    found = source_parts(parse_source(recorded["url"]))
    assert found is not None
    wanted = Conversation(Goal(recorded["goal"]), answer_timeout_s=4.0)
    client = RtspClient(*found, wanted, lambda: "0a4f113b0a4f113b")
    client.start(0.0)
    now, events = 0.0, list(client.events())
    for step in recorded["steps"]:
        if step == "connected":
            client.connected(now)
        elif step == "lost":
            client.lost("end of file", now)
        elif step == "closed":
            client.close(now)
        elif step == "due":
            assert client.deadline is not None
            now = client.deadline
            client.due(now)
        elif "sent" in step:
            assert client.data_to_send().decode("latin-1") == step["sent"]
        else:
            data = bytes_of(step["came"])
            for at in range(0, len(data), cut or len(data)):
                client.receive(data[at : at + (cut or len(data))], now)
        events += client.events()
    assert client.data_to_send() == b"" and client.deadline is None
    return events


def test_conversations_were_recorded() -> None:
    assert {name.partition("_")[0] for name in RECORDED} == {"camera", "gstreamer", "mediamtx"}
    assert ENDINGS.keys() <= RECORDED.keys()


@pytest.mark.parametrize("name", RECORDED)
def test_how_it_went(name: str) -> None:
    events = replay(RECORDED[name])
    if name in ENDINGS:
        (failure,) = [event.failure for event in events if isinstance(event, Failed)]
        assert (failure.cause, failure.stage) == ENDINGS[name]
        return
    (described,) = [event for event in events if isinstance(event, Described)]
    media = described.choice.media
    assert isinstance(media, Media) and media.video.width > 0 and media.video.profile and media.video.fps
    for part, codecs in NAMES.items():
        if part in name:
            assert (media.video.codec, media.audio and media.audio.codec) == codecs
    assert isinstance(events[-1], Finished)
    if not name.endswith("probe"):
        (playing,) = [event for event in events if isinstance(event, Playing)]
        packets = [event for event in events if isinstance(event, MediaPacket)]
        assert len(packets) >= 12
        for packet in packets:
            kind = packet.payload[1] & 0x7F
            assert (kind in range(72, 77)) == packet.is_rtcp
            assert packet.is_rtcp or kind == playing.tracks[packet.track].encoding.payload_type


@pytest.mark.parametrize("name", RECORDED)
def test_any_cut_makes_no_difference(name: str) -> None:
    whole = replay(RECORDED[name])
    assert replay(RECORDED[name], cut=1) == whole
    assert replay(RECORDED[name], cut=13) == whole
