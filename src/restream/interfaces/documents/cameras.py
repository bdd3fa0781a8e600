"""Cameras as documents: short ones for lists, whole ones for who looks at one camera."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from operator import attrgetter

from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.engine import Advance
from restream.domain.host_sample import HostSample
from restream.domain.judgement.availability import Availability, Timeline, availability
from restream.domain.judgement.series import STEP_S, Habits
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import NOT_JUDGED, Verdict
from restream.domain.life.lifecycle import Phase, State
from restream.domain.server.identity import ServerId
from restream.interfaces.documents.players import PublicBases
from restream.interfaces.documents.streams import server_side
from restream.interfaces.documents.values import Document, rounded, timestamp

_WINDOWS_S = {"1h": 3600.0, "24h": 86400.0}


_shown_of_state = attrgetter("phase", "since", "detail", "restarts", "failures", "media")


def summary(snapshot: Snapshot, report: Report) -> Document:
    """The short object of lists, messages and stores."""
    subject = report.subject
    if not isinstance(subject, CameraStatus):
        return _row_only(snapshot, subject, report)
    camera, state = subject.camera, subject.state
    return {
        "id": camera.id,
        "name": camera.name,
        "site": camera.site,
        "host": camera.source.host,
        "camera_type": camera.camera_type,
        "path": camera.path,
        "phase": state.phase,
        "since": timestamp(snapshot.wall(state.since)),
        "verdict": _verdict(snapshot, report),
        "detail": state.detail,
        "restarts": state.restarts,
        "failures": state.failures,
        "next_retry": _next_retry(snapshot, state),
        "video": state.media.video.codec if state.media else None,
        "audio": state.media.audio.codec if state.media and state.media.audio else None,
        **measured(report),
    }


def not_shown(snapshot: Snapshot, camera_id: str, last: Document | None) -> Document:
    """What is shown of a camera whose short object cannot be made: the `last` one, judged as unknown."""
    if last is not None and last["verdict"]["reasons"] == _reasons(NOT_JUDGED):
        return last
    row = RejectedRow(camera_id, "", "")
    report = Report(row, NOT_JUDGED, snapshot.now)
    return (last or _row_only(snapshot, row, report)) | {"verdict": _verdict(snapshot, report)}


def measured(report: Report) -> Document:
    """What moves all the time: the last keys of the short object."""
    stream, quality = report.stream, report.quality
    srt = stream.srt if stream else None
    return {
        "bitrate_bps": rounded(quality.bitrate_bps),
        "readers": stream.path.readers if stream else None,
        "rtt_ms": rounded(srt.rtt_ms, 1) if srt else None,
        "loss_ratio": rounded(quality.loss_ratio, 4),
    }


def differ_as_measured_only(report: Report, other: Report) -> bool:
    """Whether the short objects of two reports are the same but for what is measured (by one clock)."""
    subject, before = report.subject, other.subject
    mine, others = (report.judged_since, report.verdict), (other.judged_since, other.verdict)
    if not isinstance(subject, CameraStatus) or not isinstance(before, CameraStatus):
        return (subject, *mine) == (before, *others)
    state, known = subject.state, before.state
    # Tuples, since these compare what is identical at no cost.
    return (subject.camera, *mine, *_shown_of_state(state), _retry_at(state)) == (
        before.camera,
        *others,
        *_shown_of_state(known),
        _retry_at(known),
    )


def details(snapshot: Snapshot, camera_id: str, bases: Mapping[ServerId, PublicBases]) -> Document | None:
    """`GET /api/cameras/{id}`, but for what is not in the snapshot; None when there is no such camera."""
    report = snapshot.reports.get(camera_id)
    if report is None:
        return None
    subject = report.subject
    document = summary(snapshot, report) | {
        "availability": {
            name: _availability(availability(report.timeline, snapshot.taken_at, window_s))
            for name, window_s in _WINDOWS_S.items()
        },
        "timeline": _timeline(report.timeline, snapshot.taken_at),
        "row": None if isinstance(subject, RejectedRow) else _row(subject),
        "server": server_side(report.stream) if report.stream else None,
    }
    if not isinstance(subject, CameraStatus):
        nothing = dict.fromkeys(("media", "command", "command_stdin", "pid", "process", "progress"))
        return document | nothing | {"command_reasons": [], "players": PublicBases().players("")}
    state, plan = subject.state, subject.plan
    shown = plan.shown if plan else None
    return document | {
        "media": asdict(state.media) if state.media else None,
        "command": list(shown.command) if shown and shown.command else None,
        "command_stdin": shown.stdin if shown else None,
        "command_reasons": list(plan.reasons) if plan else [],
        "pid": subject.pid,
        "process": _process(snapshot.host, subject.pid),
        "progress": _progress(state.advance) if state.advance else None,
        "players": bases[subject.camera.server].players(subject.camera.path),
    }


def with_processes(snapshot: Snapshot, documents: Mapping[str, Document]) -> Iterator[Document]:
    """All short objects, with what each publisher's process costs, where that is known."""
    for camera_id, document in documents.items():
        subject = snapshot.reports[camera_id].subject
        pid = subject.pid if isinstance(subject, CameraStatus) else None
        yield document | {"process": _process(snapshot.host, pid)}


def history(habits: Habits, snapshot: Snapshot) -> Document:
    """The last hour in steps, oldest first; null where nothing was known."""
    names = ("bitrate_bps", "readers", "rtt_ms", "loss_ratio")
    series = {name: getattr(habits, name) for name in names}
    return {
        "step_s": STEP_S,
        "until": timestamp(snapshot.wall(habits.recorded_at)) if habits.recorded_at > 0 else None,
        **{name: each.values if each is not None else None for name, each in series.items()},
    }


def _process(host: HostSample | None, pid: int | None) -> Document | None:
    process = host.processes.get(pid) if host is not None and pid is not None else None
    return {"cpu_percent": process.cpu_percent, "rss_bytes": process.rss_bytes} if process else None


def _progress(advance: Advance) -> Document:
    figures = advance._asdict()
    del figures["moved"]
    return figures


def _row(subject: CameraStatus | Camera) -> Document:
    camera = subject if isinstance(subject, Camera) else subject.camera
    return {
        "id": camera.id,
        "name": camera.name,
        "site": camera.site,
        "camera_type": camera.camera_type,
        "source": camera.source.masked,
        "enabled": camera.enabled,
        "options": {key: value for key, value in asdict(camera.options).items() if value not in (None, ())},
    }


def _row_only(snapshot: Snapshot, row: Camera | RejectedRow, report: Report) -> Document:
    camera = row if isinstance(row, Camera) else None
    return {
        "id": row.id,
        "name": row.name,
        "site": camera.site if camera else "",
        "host": camera.source.host if camera else "",
        "camera_type": camera.camera_type if camera else "",
        "path": camera.path if camera else None,
        "phase": "disabled" if camera else Phase.HELD,
        "since": timestamp(snapshot.wall(report.judged_since)),
        "verdict": _verdict(snapshot, report),
        "detail": "" if isinstance(row, Camera) else row.problem,
        "restarts": 0,
        "failures": 0,
        **dict.fromkeys(("next_retry", "video", "audio")),
        **measured(report),
    }


def _verdict(snapshot: Snapshot, report: Report) -> Document:
    verdict: Verdict = report.verdict
    return {
        "health": verdict.health,
        "fault": verdict.fault,
        "reasons": _reasons(verdict),
        "hint": verdict.hint,
        "since": timestamp(snapshot.wall(report.judged_since)),
    }


def _reasons(verdict: Verdict) -> list[Document]:
    return [{"code": each.code, "text": each.text, **dict(each.numbers)} for each in verdict.reasons]


def _timeline(timeline: Timeline, now: float) -> list[Document]:
    return [{"since": timestamp(span.since), "health": span.health} for span in timeline.within(now)]


def _availability(found: Availability) -> Document:
    return {
        "uptime_ratio": rounded(found.uptime_ratio, 5),
        "restarts": found.restarts,
        "flaps": found.flaps,
        "longest_outage_s": rounded(found.longest_outage_s, 1),
        "known_s": rounded(found.known_s, 1),
    }


def _next_retry(snapshot: Snapshot, state: State) -> str | None:
    retry_at = _retry_at(state)
    return timestamp(snapshot.wall(retry_at)) if retry_at is not None else None


def _retry_at(state: State) -> float | None:
    return state.deadline if state.phase in (Phase.BACKOFF, Phase.HELD) else None
