"""A fleet in which everything occurs once, over two cycles: no clock, no random number, nothing of the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restream.domain.admission.queue import StartFigures
from restream.domain.camera.camera import Camera, RejectedRow, RowReader
from restream.domain.camera.secret import Secret
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Advance, AudioStream, Media, Plan, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings, build_plan
from restream.domain.host_sample import (
    HostSample,
    MemorySample,
    NetworkSample,
    ProcessSample,
    ServiceSample,
    SpaceSample,
    TemperatureSample,
)
from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus, Subject
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.component import Component, ComponentState
from restream.domain.news.event import Event, HealthChange
from restream.domain.pictures.finding import PictureFinding, PictureFlaw
from restream.domain.pictures.seen import Seen
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.stream_report import StreamReport
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView, SessionObservation, SrtObservation
from restream.domain.server.target import Target
from restream.domain.visionaire import (
    Collection,
    HostPicture,
    ListedStream,
    StreamDetails,
    ThirdPartyStream,
    parse_servers,
)
from restream.supervisor.picture.assessor import Assessor

_WALL_AT_0 = 1_767_000_000.0
_STEPS = 80
_STEP_S = 10.0
FIRST = 1000.0
LAST = FIRST + (_STEPS - 1) * _STEP_S
"""When the first of the two cycles is, monotonic; the second one is two seconds later."""
_SECRET = "s3cret-Pass"

_VIDEO = VideoStream("h264", 1920, 1080, 25.0, "High")
_MEDIA = Media(_VIDEO, AudioStream("aac", 16000, 1))
_G711 = Media(_VIDEO, AudioStream("pcm_alaw", 8000, 1))
_SILENT = Media(VideoStream("hevc", 2560, 1440, 12.5, "Main"))

_TYPES = CameraTypes.parse(
    {
        "default": "rtsp://{login}:{password}@{link}:554/stream={channel}",
        "types": {"hikvision": "rtsp://{login}:{password}@{link}:554/Streaming/Channels/{channel}01"},
    }
)
_READER = RowReader(_TYPES)
_TARGET = Target(user="publisher", password=Secret("publ1sh-Pass"))
_OPTIONS: Mapping[str, Any] = {
    "audio": "aac",
    "priority": 5,
    "rtsp_transport": "udp",
    "path": "gate/north",
    "connect_timeout_s": 20,
    "stall_timeout_s": 30,
    "input": {"max_delay": "500000", "fflags": "+genpts"},
    "output": {"b:a": "48k", "pkt_size": "1200"},
}


def _row(number: int, name: str, **columns: object) -> Camera | RejectedRow:
    given = {"link": f"10.0.0.{number}", "login": "admin", "password": _SECRET, "channel": 1, **columns}
    return _READER.read({"id": number, "name": name, **given})


ROWS: Mapping[str, Camera | RejectedRow] = {
    row.id: row
    for row in (
        _row(1, "Gate", site="North"),
        _row(2, "Yard", camera_type="hikvision", options={"publish": "srt"}),
        _row(3, 'Roof "B"', site="North", options={"publish": "srt", "audio": "none"}),
        _row(4, "Hall", site="South"),
        _row(5, "Wrong password"),
        _row(6, "Slow", link="10.0.0.5"),
        _row(7, "Copied row"),
        _row(8, "Waits"),
        _row(9, "Starts"),
        _row(10, "Stops"),
        _row(11, "Switched off", site="South", enabled=False),
        _row(12, "Not understood", link=""),
        _row(13, "Options", site="West", options=_OPTIONS),
        _row(14, "On hold"),
        _row(15, "Not arrived"),
        _row(16, "Goes away"),
        _row(17, "Damaged"),
        _row(18, "Server silent"),
    )
}


def wall(now: float) -> float:
    return _WALL_AT_0 + now


def _states(step: int, *, second: bool) -> dict[str, State]:
    """What every supervised camera is doing."""
    now = LAST + 2 if second else FIRST + step * _STEP_S
    advance = Advance(True, 25 * step, 1_000_000 * step, None, 25.0, 1.0, 0, 1)
    running = State(Phase.RUNNING, 950.0, media=_MEDIA, advance=advance, running_since=950.0, started=True)
    restarts = min(4, max(0, step - 70))
    trying = State(
        Phase.BACKOFF,
        LAST - 5,
        deadline=LAST + 40.5,
        failures=4,
        cause=Cause.TIMEOUT,
        last_cause=Cause.TIMEOUT,
        detail="[rtsp] method DESCRIBE failed: Connection timed out",
        unpublished_since=LAST - 60,
        restarts=6,
        started=True,
    )
    states = {
        "1": running,
        "2": running,
        "3": running._replace(media=_SILENT),
        "4": running._replace(
            media=_G711, restarts=restarts, last_cause=Cause.STALLED if restarts else None, lesser=step > 75
        ),
        "5": trying._replace(
            phase=Phase.HELD,
            deadline=LAST + 870.25,
            cause=Cause.AUTH_FAILED,
            last_cause=Cause.AUTH_FAILED,
            failures=1,
            restarts=0,
            detail="[rtsp] method DESCRIBE failed: 401 Unauthorized",
        ),
        "6": trying if not second else trying._replace(phase=Phase.PROBING, since=now - 0.5, deadline=now + 15),
        "7": trying._replace(
            cause=Cause.SERVER_CONFLICT, last_cause=Cause.SERVER_CONFLICT, detail="400 Bad Request", failures=2
        ),
        "8": State(Phase.WAITING, LAST - 30, server_up=False, media=_MEDIA, unpublished_since=LAST - 30, restarts=1),
        "9": State(Phase.STARTING, LAST - 1, deadline=LAST + 14, media=_MEDIA),
        "10": State(Phase.STOPPING, LAST - 0.25, deadline=LAST + 5, stop_cause=Cause.STOPPED, wanted=False),
        "13": running._replace(advance=advance._replace(stream=_stream(step))),
        "14": State(Phase.HELD, LAST - 100, on_hold=True, last_cause=Cause.STOPPED, unpublished_since=LAST - 100),
        "15": running._replace(media=_SILENT),
        "16": running,
        "17": running,
        "18": running._replace(server_up=False),
    }
    if second:
        states["9"] = running._replace(since=now - 0.5, running_since=now - 0.5)
        states["17"] = trying
        del states["16"]
    return states


def _stream(step: int) -> StreamReport:
    """What the packets of a camera tell."""
    s = int(step * _STEP_S)
    counts = {"packets": 210 * s, "lost": s // 100, "reordered": s // 200, "bytes": 250_000 * s, "frames": 25 * s}
    rates = {"jitter_s": 0.0021234567, "fps": 24.987, "bitrate_bps": 2_000_123.4, "key_frame_interval_s": 2.00049}
    ages = {"last_key_frame_age_s": 1.25, "last_frame_age_s": 0.0312, "clock_offset_s": -0.4321}
    video = TrackReport(**counts, **rates, **ages, duplicates=2, malformed=1, restarts=1, key_frames=s // 2)
    audio = TrackReport(16 * s, bytes=4000 * s, frames=16 * s, key_frames=16 * s, bitrate_bps=32e3, last_frame_age_s=0)
    return StreamReport(video, audio)


def _plan(camera: Camera, state: State) -> Plan | None:
    if state.media is None:
        return None
    return build_plan(camera, state.media, _TARGET, FfmpegSettings(), lesser=state.lesser)


def _subjects(step: int, *, second: bool = False) -> dict[str, Subject]:
    unsupervised: dict[str, Subject] = {
        key: row for key, row in ROWS.items() if isinstance(row, RejectedRow) or not row.enabled
    }
    supervised: dict[str, Subject] = {}
    for key, state in _states(step, second=second).items():
        camera = ROWS[key]
        assert isinstance(camera, Camera), camera
        pid = 100 + int(key) if state.phase in (Phase.RUNNING, Phase.STARTING, Phase.STOPPING) else None
        supervised[key] = CameraStatus(camera, state, _plan(camera, state), pid)
    return unsupervised | supervised


def _view(step: int, *, second: bool = False) -> ServerView:
    """What the media server shows: bytes grow with time, some of them no more than a little at the end."""
    elapsed_s = int(step * _STEP_S) + 2 * second
    steady = 250_000 * elapsed_s

    def path(name: str, source: str, kind: str = "rtspSession", **fields: Any) -> PathObservation:
        known: dict[str, Any] = {
            "tracks": ("H264", "MPEG-4 Audio"),
            "inbound_bytes": steady,
            "outbound_bytes": 2 * steady,
            "available_since": "2025-12-29T09:36:40Z",
            "online": True,
        }
        return PathObservation(name, True, kind, source, **(known | fields))

    # The last seven minutes of a dark picture: much less than usual.
    dark = min(step, 70) * 2_500_000 + max(0, step - 70) * 100_000 + 20_000 * second
    paths = {
        "cam1": path("cam1", "r1", readers=2),
        "cam2": path("cam2", "s2", "srtConn", readers=1, inbound_bytes=steady + 60_000 * second),
        "cam3": path("cam3", "s3", "srtConn", tracks=("H265",), frames_in_error=step // 2),
        "cam4": path("cam4", "r4", tracks=("H264", "G711"), inbound_bytes=dark),
        "cam7": path("cam7", "r7", tracks=("H264",)),
        "gate/north": path("gate/north", "r13", readers=2 + second),
        "cam15": PathObservation("cam15", False, online=False),
        "visitor": path("visitor", "w1", "webRTCSession", readers=3),
        "pulled": PathObservation("pulled", False, "rtspSource", online=True),
    }
    if not second:
        paths["cam16"] = path("cam16", "r16")
        paths["cam17"] = path("cam17", "r17", frames_in_error=3 * max(0, step - 74))
    srt = {
        "s2": SrtObservation(
            "s2", "cam2", "10.0.1.1:5002", 12.5 + 8 * second, 2.25, 950.5, 120.0, 200 * elapsed_s, elapsed_s // 50
        ),
        "s3": SrtObservation(
            "s3", "cam3", "10.0.1.1:5003", 70.25, 1.5, 20.0, 120.0, 100 * elapsed_s, 3 * elapsed_s, step // 3, 4
        ),
    }
    sessions = {
        "r1": SessionObservation("r1", "cam1", "10.0.1.1:5001", "publisher"),
        "r7": SessionObservation("r7", "cam7", "10.9.9.9:4711", "other", "key=***"),
        "w1": SessionObservation("w1", "visitor", "10.8.8.8:900"),
    }
    return ServerView("v1.20.1", "2025-12-29T09:30:00Z", paths, srt, sessions)


def _components(*, second: bool) -> dict[str, Component]:
    redis = ComponentState.UP if second else ComponentState.DOWN
    return {
        "database": Component("database", ComponentState.UP, FIRST - 10, ""),
        "mediamtx": Component("mediamtx", ComponentState.UP, FIRST - 5, "MediaMTX v1.20.1"),
        "redis": Component("redis", redis, LAST - 60 + 61 * second, "" if second else "Connection refused"),
        "influx": Component("influx", ComponentState.UNKNOWN, 0.0, ""),
    }


def _host(now: float) -> HostSample:
    return HostSample(
        taken_at=wall(now),
        cpu_percent=37.26,
        cores=8,
        load=(1.234, 0.5, 0.25),
        memory=MemorySample(16 << 30, 4 << 30, 12 << 30, 25.0),
        swap=SpaceSample(2 << 30, 1 << 20, 0.05),
        disks=(SpaceSample(100 << 30, 60 << 30, 60.0, "/"), SpaceSample(10 << 30, 1 << 30, 10.0, "/var/log")),
        network=(NetworkSample("eth0", 8_000_000.4, 16_000_000.6, 1, 2), NetworkSample("lo", 0.0, 0.0, 0, 0)),
        temperatures=(TemperatureSample("core 0", 51.5, 90.0), TemperatureSample("disk", 33.0)),
        service=ServiceSample(2.34, 90 << 20, 42),
        processes={pid: ProcessSample(pid, pid / 10, float(pid), pid << 16) for pid in (101, 102, 103, 104, 113)},
    )


def _seen(now: float) -> dict[str, Seen]:
    """Of one camera pictures are taken: it shows the same all the time."""
    numbers = {"stir": 0.0312, "usual_stir_low": 1.75, "usual_stir_high": 6.5, "seconds": 180.0}
    finding = PictureFinding(PictureFlaw.FROZEN, wall(now - 180), numbers)
    seen = Seen(wall(now - 20), 0.4123, 0.6321, 0.1234, 1920, 1080, (finding,), samples=40, failures=1)
    return {"2": seen._replace(accepted_at=wall(FIRST))}


def pictures() -> dict[str, HostPicture]:
    answering, away = parse_servers(("http://admin:s3cret-Pass@10.0.2.1:4004", "10.0.2.2:4004"))
    streams = (
        ThirdPartyStream(ListedStream("a1", "1", "Lobby"), StreamDetails("RUNNING", True, 24.8, 1280, 720)),
        ThirdPartyStream(ListedStream("a2", "1", "Yard"), StreamDetails("STOPPED", False, None, None, None, "no link")),
        ThirdPartyStream(ListedStream("a3", "2"), StreamDetails("API_ERROR")),
    )
    lost = Collection(None, 1, 0.0, "no answer within 5 s")
    return {
        answering.host: HostPicture(answering).after(Collection(streams, 1, 0.0123456, "1 call failed"), LAST - 3),
        away.host: HostPicture(away).after(Collection(streams[:1], 0, 0.02), LAST - 65).after(lost, LAST - 5),
    }


_STARTS = StartFigures(waiting=3, starting=1, window=16, slowed_hosts=1)


class Fleet:
    """The first of the two snapshots; `advance` gives the second one."""

    def __init__(self) -> None:
        self.changes: list[HealthChange] = []
        self.assessor = Assessor(Thresholds(), self)
        self._server = ServerPicture()
        for step in range(_STEPS - 1):
            now = FIRST + step * _STEP_S
            self._server = self._server.swept(_view(step), now)
            for _ in self.assessor.assess(_subjects(step), {DEFAULT_SERVER: self._server}, now, wall(now)):
                pass
        self.first = self._snapshot(1, LAST)

    def happened(self, event: Event) -> None:
        """The judging tells of a change."""
        assert isinstance(event, HealthChange)
        self.changes.append(event)

    def advance(self) -> Snapshot:
        """The second snapshot; the assessor remembers both from then on."""
        return self._snapshot(2, LAST + 2)

    def _snapshot(self, generation: int, now: float) -> Snapshot:
        second, step = generation == 2, _STEPS - 1
        self._server = self._server.swept(_view(step, second=second), now)
        subjects = _subjects(step, second=second)
        reports = dict(self.assessor.assess(subjects, {DEFAULT_SERVER: self._server}, now, wall(now), seen=_seen(LAST)))
        parts = _components(second=second)
        return Snapshot(
            generation,
            wall(now),
            now,
            reports,
            parts,
            {DEFAULT_SERVER: self._server},
            _host(LAST),
            _STARTS,
            node="edge-1",
        )
