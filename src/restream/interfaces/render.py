"""JSON documents of a snapshot, as the HTTP API and the console show them. Nothing here contains a credential."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from restream.domain.camera import Camera, RejectedRow
from restream.domain.cause import Side
from restream.domain.flow import ServerPicture
from restream.domain.lifecycle import Phase, State
from restream.domain.snapshot import CameraStatus, Snapshot, Transition
from restream.domain.verdict import Verdict, judge
from restream.ports import Documents

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PublicBases:
    """Where viewers reach the media server, without the path; None: not offered."""

    rtsp: str | None = None
    hls: str | None = None
    webrtc: str | None = None
    srt: str | None = None

    @classmethod
    def beside(cls, rtsp_url: str) -> PublicBases:
        """MediaMTX's default ports on the host that is published to."""
        host = urlsplit(rtsp_url).hostname or "127.0.0.1"
        host = f"[{host}]" if ":" in host else host
        return cls(rtsp_url, f"http://{host}:8888", f"http://{host}:8889", f"srt://{host}:8890")

    def players(self, path: str) -> Document:
        """Ready-made URLs of one path."""
        return {
            "rtsp": self.rtsp and f"{self.rtsp}/{path}",
            "hls": self.hls and f"{self.hls}/{path}/index.m3u8",
            "webrtc": self.webrtc and f"{self.webrtc}/{path}/",
            "srt": self.srt and f"{self.srt}?streamid=read:{path}",
        }


def timestamp(seconds: float) -> str:
    """Unix time as RFC 3339 in UTC, milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status(snapshot: Snapshot, *, node: str, version: str, started_at: float) -> Document:
    """`GET /api/status`."""
    health: Counter[str] = Counter()
    phase: Counter[str] = Counter()
    fault: Counter[str] = Counter()
    for summary in summaries(snapshot):
        health[str(summary["verdict"]["health"])] += 1
        fault[str(summary["verdict"]["fault"])] += 1
        phase[str(summary["phase"])] += 1
    return {
        "node": node,
        "version": version,
        "time": timestamp(snapshot.taken_at),
        "uptime_s": round(snapshot.taken_at - started_at, 1),
        "stopping": snapshot.draining,
        "cameras": sum(health.values()),
        "health": dict(health),
        "phase": dict(phase),
        "fault": dict(fault),
        "start_queue": snapshot.start_queue_length,
        "components": _components(snapshot),
    }


def _components(snapshot: Snapshot) -> Document:
    return {
        name: {"state": part.state, "since": timestamp(part.since), "detail": part.detail}
        for name, part in snapshot.components.items()
    }


def latest_streams(server: ServerPicture) -> list[Document]:
    """The classic array: every path of the media server, managed or not. Round trip in ms, rates in Mbit/s."""
    return [
        {
            "name": name,
            "sourceType": stream.path.source_type,
            "tracks": list(stream.path.tracks),
            "bytesReceived": stream.path.inbound_bytes,
            "readers": stream.path.readers,
            "rtt": stream.srt.rtt_ms if stream.srt else None,
            "recvRateMbps": stream.srt.receive_rate_mbps if stream.srt else None,
            "linkCapacityMbps": stream.srt.link_capacity_mbps if stream.srt else None,
        }
        for name, stream in server.streams.items()
    ]


def streams(snapshot: Snapshot) -> Document:
    """`GET /api/streams`: every path with what is known of its publisher, and the camera it belongs to, if any."""
    server = snapshot.server
    owners = {supervised.camera.path: camera_id for camera_id, supervised in snapshot.cameras.items()}
    return {
        "fresh": server.fresh_since is not None,
        "observed": timestamp(snapshot.wall(server.observed_at)) if server.observed_at is not None else None,
        "streams": [
            {
                **asdict(stream.path),
                "camera": owners.get(name),
                "managed": name in owners,
                "bitrate_bps": _rounded(stream.flow.rate_bps),
                "moved": timestamp(snapshot.wall(stream.flow.moved_at)),
                "srt": asdict(stream.srt) if stream.srt else None,
                "publisher": asdict(stream.session) if stream.session else None,
            }
            for name, stream in server.streams.items()
        ],
    }


def documents(snapshot: Snapshot) -> Documents:
    """What is stored of one cycle."""
    cameras = list(summaries(snapshot))
    whole = {
        "taken": timestamp(snapshot.taken_at),
        "components": _components(snapshot),
        "cameras": cameras,
    }
    return Documents(
        streams=orjson.dumps(latest_streams(snapshot.server)),
        snapshot=orjson.dumps(whole),
        cameras={camera["id"]: orjson.dumps(camera) for camera in cameras},
    )


def summaries(snapshot: Snapshot) -> Iterator[Document]:
    """One short object per camera, disabled and rejected rows included."""
    for supervised in snapshot.cameras.values():
        yield _summary(snapshot, supervised)
    for camera in snapshot.disabled.values():
        if camera.id not in snapshot.cameras:
            yield _row_only(snapshot, camera, "disabled")
    for row in snapshot.rejected.values():
        if row.id not in snapshot.cameras:
            yield _row_only(snapshot, row, Phase.HELD)


def details(snapshot: Snapshot, camera_id: str, bases: PublicBases) -> Document | None:
    """`GET /api/cameras/{id}`; None when there is no such camera."""
    supervised = snapshot.cameras.get(camera_id)
    if supervised is None:
        rest: Camera | RejectedRow | None = snapshot.disabled.get(camera_id) or snapshot.rejected.get(camera_id)
        return (
            None if rest is None else _row_only(snapshot, rest, "disabled" if isinstance(rest, Camera) else Phase.HELD)
        )
    camera, state, plan = supervised.camera, supervised.state, supervised.plan
    return {
        **_summary(snapshot, supervised),
        "row": {
            "id": camera.id,
            "name": camera.name,
            "site": camera.site,
            "camera_type": camera.camera_type,
            "source": camera.source.masked,
            "enabled": camera.enabled,
            "options": {key: value for key, value in asdict(camera.options).items() if value not in (None, ())},
        },
        "media": asdict(state.media) if state.media else None,
        "command": list(plan.command.masked_argv) if plan else None,
        "command_stdin": plan.command.masked_stdin if plan else None,
        "command_reasons": list(plan.reasons) if plan else [],
        "pid": supervised.pid,
        "progress": asdict(state.progress) if state.progress else None,
        "players": bases.players(camera.path),
    }


def event(event_id: int, transition: Transition) -> Document:
    """One change of a camera's phase; `retry_in_s` in seconds."""
    cause = transition.cause
    return {
        "id": event_id,
        "at": timestamp(transition.at),
        "camera": transition.camera_id,
        "name": transition.name,
        "before": transition.before,
        "after": transition.after,
        "cause": cause,
        "side": cause.facts.side if cause else Side.NONE,
        "detail": transition.detail,
        "hint": cause.facts.hint if cause else "",
        "retry_in_s": transition.retry_in_s,
    }


def _summary(snapshot: Snapshot, supervised: CameraStatus) -> Document:
    camera, state = supervised.camera, supervised.state
    stream = snapshot.server.streams.get(camera.path)
    return {
        "id": camera.id,
        "name": camera.name,
        "site": camera.site,
        "camera_type": camera.camera_type,
        "path": camera.path,
        "phase": state.phase,
        "since": timestamp(snapshot.wall(state.since)),
        "verdict": _verdict(judge(supervised, snapshot.server), timestamp(snapshot.wall(state.since))),
        "detail": state.detail,
        "restarts": state.restarts,
        "failures": state.failures,
        "next_retry": _next_retry(snapshot, state),
        "video": state.media.video.codec if state.media else None,
        "audio": state.media.audio.codec if state.media and state.media.audio else None,
        "bitrate_bps": _rounded(stream.flow.rate_bps) if stream else None,
        "readers": stream.path.readers if stream else None,
    }


def _row_only(snapshot: Snapshot, row: Camera | RejectedRow, phase: str) -> Document:
    camera = row if isinstance(row, Camera) else None
    since = timestamp(snapshot.idle_since.get(row.id, snapshot.taken_at))
    return {
        "id": row.id,
        "name": row.name,
        "site": camera.site if camera else "",
        "camera_type": camera.camera_type if camera else "",
        "path": camera.path if camera else None,
        "phase": phase,
        "since": since,
        "verdict": _verdict(judge(row, snapshot.server), since),
        "detail": "" if isinstance(row, Camera) else row.problem,
        "restarts": 0,
        "failures": 0,
        "next_retry": None,
        "video": None,
        "audio": None,
        "bitrate_bps": None,
        "readers": None,
    }


def _verdict(verdict: Verdict, since: str) -> Document:
    return {
        "health": verdict.health,
        "fault": verdict.fault,
        "reasons": [asdict(reason) for reason in verdict.reasons],
        "hint": verdict.hint,
        "since": since,
    }


def _rounded(rate_bps: float | None) -> int | None:
    return None if rate_bps is None else round(rate_bps)


def _next_retry(snapshot: Snapshot, state: State) -> str | None:
    if state.phase not in (Phase.BACKOFF, Phase.HELD) or state.deadline is None:
        return None
    return timestamp(snapshot.wall(state.deadline))
