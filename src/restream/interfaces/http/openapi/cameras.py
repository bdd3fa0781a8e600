"""The schemas of cameras: the short object of lists and messages, and the whole one."""

from __future__ import annotations

from collections.abc import Mapping

from restream.domain.camera.options import CameraOptions
from restream.domain.engine import Advance, AudioStream, Media, VideoStream
from restream.domain.judgement.availability import Availability
from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Side
from restream.domain.server.mediamtx import PathObservation, SessionObservation, SrtObservation
from restream.interfaces.http.openapi.vocabulary import (
    Schema,
    choice,
    flag,
    like,
    many,
    moment,
    named,
    nullable,
    number,
    of,
    record,
    text,
    whole,
)
from restream.interfaces.http.query import PHASES

_NUMBERS: Mapping[str, Schema] = {
    "ratio_10s": number("Loss of the last 10 s, as a share of one."),
    "ratio_60s": number("Loss of the last minute."),
    "rtt_ms": number(),
    "latency_ms": number(),
    "level": choice(("warn", "bad")),
    "packets_60s": whole(),
    "frames_60s": whole(),
    "bitrate_bps": whole("Of the last minute."),
    "usual_bps": whole("Median of the last hour."),
    "restarts_1h": whole(),
    "last_cause": text("Code of what ended the stream last."),
    "address": text("Of another publisher."),
}

_REASON = record(
    "Why: a code for programs, a text for people, and the numbers it speaks of. New codes may appear.",
    _NUMBERS,
    code=text("", "srt_loss"),
    text=text("", "3.4% of the packets to the media server are lost at first"),
    **_NUMBERS,
)

VERDICT = record(
    "Is it watchable, and if not, where did it break. docs/verdict.md has the rules.",
    health=choice(Health, "", "degraded"),
    fault=choice(Side, "Where it broke.", "network"),
    reasons=many(_REASON),
    hint=text("What to do; empty when there is nothing to do.", "Raise the SRT latency."),
    since=moment("Since when it is judged so."),
)

_SUMMARY: Mapping[str, Schema] = {
    "id": text("Always text, whatever the column's type is.", "7"),
    "name": text("", "Gate"),
    "site": text("", "North"),
    "host": text("Of the camera.", "192.0.2.7"),
    "camera_type": text("", "HIKVISION"),
    "path": nullable(text("At the media server; null when the row cannot be understood.", "cam7")),
    "phase": choice(PHASES, "What its publisher is doing.", "running"),
    "since": moment("Since when it is in this phase."),
    "verdict": named("Verdict"),
    "detail": text("Free text, without credentials.", ""),
    "restarts": whole("Starts after the first one.", 3),
    "failures": whole("Failures in a row.", 0),
    "next_retry": nullable(moment("When it is tried next.")) | {"examples": [None]},
    "video": nullable(text("Codec.", "h264")),
    "audio": nullable(text("Codec.", "aac")),
    "bitrate_bps": nullable(whole("Over about 10 s.", 2_100_000)),
    "readers": nullable(whole("Of its path at the media server.", 1)),
    "rtt_ms": nullable(number("SRT round trip.", 12.5)),
    "loss_ratio": nullable(number("SRT packets lost at first, of all, over 10 s.", 0.0342)),
}

CAMERA = record("A camera in short, as lists, messages and Redis have it. Null: not known.", **_SUMMARY)

_ROW = record(
    "The row as it was understood.",
    id=text("", "7"),
    name=text("", "Gate"),
    site=text("", "North"),
    camera_type=text("", "HIKVISION"),
    source=text("The camera's URL, its credentials masked.", "rtsp://admin:***@192.0.2.7:554/Streaming/Channels/101"),
    enabled=flag("", True),
    options=of(CameraOptions, CameraOptions.__dataclass_fields__) | {"examples": [{"audio": "auto", "priority": 0}]},
)

SERVER_PATH = like(
    PathObservation(
        *("cam7", True, "srtConn", "3f2b", ("H264", "MPEG-4 Audio")),
        inbound_bytes=1_234_567,
        outbound_bytes=1_234_000,
        readers=1,
        available_since="2026-01-05T09:58:12Z",
    ),
    "A path of the media server. Counters begin at 0 with every publisher.",
)
SERVER_SIDE: Mapping[str, Schema] = {
    "srt": nullable(named("SrtConnection")),
    "publisher": nullable(named("Publisher")),
}

_SERIES = many(nullable(number()), "Oldest first; null where nothing was known.")
_HISTORY = record(
    "The last hour in even steps.",
    step_s=number("", 10),
    until=nullable(moment("Of the newest values.")),
    bitrate_bps=nullable(_SERIES),
    readers=nullable(_SERIES),
    rtt_ms=nullable(_SERIES),
    loss_ratio=nullable(_SERIES),
)


def _url(example: str) -> Schema:
    return nullable(text("", example, format="uri"))


CAMERA_DETAILS = record(
    "Everything that is known of a camera.",
    **_SUMMARY,
    availability=record("", **{window: named("Availability") for window in ("1h", "24h")}),
    timeline=many(record("", since=moment(), health=choice(Health)), "Its healths of the last 24 h, oldest first."),
    row=nullable(_ROW),
    server=nullable(
        record("Its path at the media server, and who publishes there.", path=named("ServerPath"), **SERVER_SIDE)
    ),
    media=nullable(named("Media")),
    command=nullable(many(text("", "ffmpeg"), "What was started; credentials are masked.")),
    command_stdin=nullable(
        text("What the command reads on standard input, masked.", "file 'rtsp://admin:***@192.0.2.7:554/…'")
    ),
    command_reasons=many(text("", "published by SRT: mediamtx.publish"), "Why the command is as it is."),
    pid=nullable(whole("Of its publisher.", 4242)),
    process=nullable(record("", cpu_percent=number("Of one core.", 0.7), rss_bytes=whole("", 31_000_000))),
    progress=nullable(named("Progress")),
    players=record(
        "Addresses for viewers.",
        rtsp=_url("rtsp://127.0.0.1:8554/cam7"),
        hls=_url("http://127.0.0.1:8888/cam7/index.m3u8"),
        webrtc=_url("http://127.0.0.1:8889/cam7/"),
        srt=_url("srt://127.0.0.1:8890?streamid=read:cam7"),
    ),
    history=nullable(_HISTORY),
    stderr_tail=many(text(), "The last lines of its publisher, masked."),
)

_PROGRESS = like(Advance(True, 1500, 60_000_000, None, 25.0, 1.0, 0, 0), "The publisher's latest progress.")
del _PROGRESS["properties"]["moved"]
_PROGRESS["required"].remove("moved")

SCHEMAS: Mapping[str, Schema] = {
    "Verdict": VERDICT,
    "Camera": CAMERA,
    "CameraDetails": CAMERA_DETAILS,
    "Availability": like(
        Availability(3600.0, 0.99721, 3, 2, 10.0),
        "A window of time: `known_s` of it was watched, and the ratio speaks of this time alone.",
    ),
    "Media": like(
        Media(VideoStream("h264", 1920, 1080, 25.0, "High"), AudioStream("aac", 16000, 1)),
        "What the camera sends, as ffprobe saw it. Sizes in pixels.",
    ),
    "Progress": _PROGRESS,
    "ServerPath": SERVER_PATH,
    "SrtConnection": like(
        SrtObservation(
            *("3f2b", "cam7", "192.0.2.1:40112", 12.5, 2.1, 950.0, 120.0), packets_unique=1000, packets_lost=34
        ),
        'The SRT connection of a publisher. "Mbps" is divided by 1024², as the media server does.',
    ),
    "Publisher": like(
        SessionObservation("8d21", "cam7", "192.0.2.1:40110"), "Who publishes, unless by SRT: the client end."
    ),
}
