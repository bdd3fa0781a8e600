"""Cameras in short, as lists, messages and stores have them; docs/frontend.md tells about every key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from operator import attrgetter
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.host_sample import HostSample
from restream.domain.judgement.reason import Reason
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus, Subject, Unowned, row_of
from restream.domain.judgement.verdict import NOT_JUDGED, Health, Verdict
from restream.domain.life.cause import Side
from restream.domain.life.lifecycle import Phase, State
from restream.interfaces.documents.values import Document, Moment, Whole, about, one_of, timestamp

PHASES = (*Phase, "disabled")
PhaseName = Annotated[str, one_of(PHASES)]
"""The phase of a camera's publisher; that of a row that nothing is run for is `disabled`."""


class Level(StrEnum):
    """How bad it is."""

    WARN = "warn"
    BAD = "bad"


class ReasonDocument(Document):
    """Why: a code for programs, a text for people, and the numbers it speaks of. New codes may appear."""

    code: Annotated[str, about("", "srt_loss")]
    text: Annotated[str, about("", "3.4% of the packets to the media server are lost at first")]
    ratio_10s: Annotated[float | UnsetType, about("Loss of the last 10 s, as a share of one.")] = UNSET
    ratio_60s: Annotated[float | UnsetType, about("Loss of the last minute.")] = UNSET
    rtt_ms: float | UnsetType = UNSET
    latency_ms: float | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    packets_60s: Whole | UnsetType = UNSET
    frames_60s: Whole | UnsetType = UNSET
    bitrate_bps: Annotated[Whole | UnsetType, about("Of the last minute.")] = UNSET
    usual_bps: Annotated[Whole | UnsetType, about("Median of the last hour.")] = UNSET
    restarts_1h: Whole | UnsetType = UNSET
    last_cause: Annotated[str | UnsetType, about("Code of what ended the stream last.")] = UNSET
    address: Annotated[str | UnsetType, about("Of another publisher.")] = UNSET
    seconds: Annotated[Whole | UnsetType, about("Since when what is missing is missing.")] = UNSET
    fps: Annotated[float | UnsetType, about("Of the last minute.")] = UNSET
    told_fps: Annotated[float | UnsetType, about("As the camera describes itself.")] = UNSET
    offset_s: Annotated[int | UnsetType, about("The camera's clock minus ours.")] = UNSET
    why: Annotated[str | UnsetType, about("A code for what is known beyond `code`.")] = UNSET
    since: Annotated[Moment | UnsetType, about("From when on, where that is known better than by the verdict.")] = UNSET
    measured: Annotated[
        dict[str, float] | UnsetType, about("Of `picture_…`: what was measured last, and what is usual.")
    ] = UNSET


class VerdictDocument(Document):
    """Is it watchable, and if not, where did it break. docs/verdict.md has the rules."""

    health: Annotated[Health, about("", "degraded")]
    fault: Annotated[Side, about("Where it broke.", "network")]
    reasons: tuple[ReasonDocument, ...]
    hint: Annotated[str, about("What to do; empty when there is nothing to do.", "Raise the SRT latency.")]
    since: Annotated[Moment, about("Since when it is judged so.")]


class CameraDocument(Document):
    """A camera in short, as lists, messages and Redis have it. Null: not known."""

    id: Annotated[str, about("Always text, whatever the column's type is.", "7")]
    name: Annotated[str, about("", "Gate")]
    site: Annotated[str, about("", "North")]
    host: Annotated[str, about("Of the camera.", "192.0.2.7")]
    camera_type: Annotated[str, about("", "HIKVISION")]
    path: Annotated[str | None, about("At the media server; null when the row cannot be understood.", "cam7")]
    media_server: Annotated[str | None, about("Name of the one it is published to; null like the path.", "default")]
    node: Annotated[str, about("Of the service that supervises it; empty: none does.", "site-a")]
    engine: Annotated[str | None, about("What publishes it; null before its first start.", "ffmpeg")]
    phase: Annotated[PhaseName, about("What its publisher is doing.", "running")]
    since: Annotated[Moment, about("Since when it is in this phase.")]
    verdict: VerdictDocument
    detail: Annotated[str, about("Free text, without credentials.", "")]
    restarts: Annotated[Whole, about("Starts after the first one.", 3)]
    failures: Annotated[Whole, about("Failures in a row.", 0)]
    next_retry: Annotated[Moment | None, Meta(description="When it is tried next.", examples=[None])]
    video: Annotated[str | None, about("Codec.", "h264")]
    audio: Annotated[str | None, about("Codec.", "aac")]
    bitrate_bps: Annotated[Whole | None, about("Over about 10 s.", 2_100_000)]
    readers: Annotated[Whole | None, about("Of its path at the media server.", 1)]
    rtt_ms: Annotated[float | None, about("SRT round trip.", 12.5)]
    loss_ratio: Annotated[float | None, about("SRT packets lost at first, of all, over 10 s.", 0.0342)]
    parent: Annotated[str | UnsetType, about("What it hangs on; absent: not known.", "switch-north")] = UNSET


class ProcessDocument(Document):
    """What a publisher costs."""

    cpu_percent: Annotated[float, about("Of one core.", 0.7)]
    rss_bytes: Annotated[Whole, about("", 31_000_000)]


Measured = tuple[int | None, int | None, float | None, float | None]
"""What moves all the time, the last keys of the short object. A plain tuple: there are thousands of them a cycle."""
_NOTHING: Measured = (None, None, None, None)
_MEASURED = ("bitrate_bps", "readers", "rtt_ms", "loss_ratio")
# Measured quantities tremble all the time: a list shows a new value once it differs by this share.
_BITRATE_SHARE, _RTT_SHARE, _LOSS_SHARE = 0.1, 0.2, 0.2

_shown_of_state = attrgetter("phase", "since", "detail", "restarts", "failures", "media")


def renewed(snapshot: Snapshot, report: Report, known: CameraDocument | None, earlier: Report | None) -> CameraDocument:
    """The short object of a camera: `known`, which was rendered of `earlier`, as long as nothing in it has moved."""
    if known is None:
        return summary(snapshot, report)
    before = (known.bitrate_bps, known.readers, known.rtt_ms, known.loss_ratio)
    shown = _measured(report, before)
    if earlier is None or not _differ_as_measured_only(report, earlier):
        return summary(snapshot, report, shown)
    return known if shown == before else replace(known, **dict(zip(_MEASURED, shown, strict=True)))


def summary(snapshot: Snapshot, report: Report, shown: Measured | None = None) -> CameraDocument:
    """The short object of lists, messages and stores; `shown` instead of what is measured now."""
    subject = report.subject
    if shown is None:
        shown = _measured(report)
    if not isinstance(subject, CameraStatus):
        return _row_only(snapshot, subject, report, shown)
    camera, state, media = subject.camera, subject.state, subject.state.media
    retry_at = _retry_at(state)
    return CameraDocument(
        id=camera.id,
        name=camera.name,
        site=camera.site,
        host=camera.source.host,
        camera_type=camera.camera_type,
        path=camera.path,
        media_server=camera.server,
        node=snapshot.node,
        engine=_engine(subject),
        phase=state.phase,
        since=timestamp(snapshot.wall(state.since)),
        verdict=_verdict(snapshot, report),
        detail=state.detail,
        restarts=state.restarts,
        failures=state.failures,
        next_retry=timestamp(snapshot.wall(retry_at)) if retry_at is not None else None,
        video=media.video.codec if media else None,
        audio=media.audio.codec if media and media.audio else None,
        bitrate_bps=shown[0],
        readers=shown[1],
        rtt_ms=shown[2],
        loss_ratio=shown[3],
        parent=camera.parent or UNSET,
    )


def _measured(report: Report, shown: Measured = _NOTHING) -> Measured:
    """What is measured of a camera, with as many digits as are worth showing; of a quantity that has hardly moved from
    what is `shown` of it, that."""
    stream, quality = report.stream, report.quality
    srt = stream.srt if stream else None
    bitrate_bps, rtt_ms, loss_ratio = quality.bitrate_bps, srt.rtt_ms if srt else None, quality.loss_ratio
    shown_bps, _, shown_ms, shown_ratio = shown
    return (
        shown_bps if _steady(bitrate_bps, shown_bps, _BITRATE_SHARE) else _whole(bitrate_bps),
        stream.path.readers if stream else None,
        shown_ms if _steady(rtt_ms, shown_ms, _RTT_SHARE) else _rounded(rtt_ms, 1),
        shown_ratio if _steady(loss_ratio, shown_ratio, _LOSS_SHARE) else _rounded(loss_ratio, 4),
    )


def _differ_as_measured_only(report: Report, other: Report) -> bool:
    """Whether the short objects of two reports are the same but for what is measured (by one clock)."""
    subject, before = report.subject, other.subject
    # Tuples, since these compare what is identical at no cost.
    if (report.judged_since, report.verdict) != (other.judged_since, other.verdict):
        return False
    if not isinstance(subject, CameraStatus) or not isinstance(before, CameraStatus):
        return subject == before
    state, known = subject.state, before.state
    return (
        (subject.camera,) == (before.camera,)
        and _engine(subject) == _engine(before)
        and (state is known or _shown_of_state(state) == _shown_of_state(known))
        and (state.deadline == known.deadline or _retry_at(state) == _retry_at(known))
    )


def not_shown(snapshot: Snapshot, camera_id: str, last: CameraDocument | None) -> CameraDocument:
    """What is shown of a camera whose short object cannot be made: the `last` one, judged as unknown."""
    row = RejectedRow(camera_id, "", "")
    report = Report(row, NOT_JUDGED, snapshot.now)
    verdict = _verdict(snapshot, report)
    if last is None:
        return _row_only(snapshot, row, report, _measured(report))
    return last if last.verdict.reasons == verdict.reasons else replace(last, verdict=verdict)


def with_processes(
    snapshot: Snapshot, documents: Mapping[str, CameraDocument]
) -> Iterator[tuple[CameraDocument, ProcessDocument | None]]:
    """All short objects, with what each publisher's process costs, where that is known."""
    for camera_id, document in documents.items():
        subject = snapshot.reports[camera_id].subject
        pid = subject.pid if isinstance(subject, CameraStatus) else None
        yield document, process(snapshot.host, pid)


def process(host: HostSample | None, pid: int | None) -> ProcessDocument | None:
    """What a publisher's process costs, as it was measured last."""
    found = host.processes.get(pid) if host is not None and pid is not None else None
    return ProcessDocument(found.cpu_percent, found.rss_bytes) if found else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _steady(value: float | None, shown: float | None, share: float) -> bool:
    """Whether a quantity has hardly moved from what is shown."""
    if value is None or shown is None:
        return value is shown
    return value == shown or abs(value - shown) <= share * shown


def _row_only(snapshot: Snapshot, subject: Subject, report: Report, shown: Measured) -> CameraDocument:
    row, waits = row_of(subject), isinstance(subject, Unowned)
    camera = row if isinstance(row, Camera) else None
    return CameraDocument(
        id=row.id,
        name=row.name,
        site=camera.site if camera else "",
        host=camera.source.host if camera else "",
        camera_type=camera.camera_type if camera else "",
        path=camera.path if camera else None,
        media_server=camera.server if camera else None,
        node="" if waits else snapshot.node,
        engine=None,
        phase=Phase.WAITING if waits else "disabled" if camera else Phase.HELD,
        since=timestamp(snapshot.wall(report.judged_since)),
        verdict=_verdict(snapshot, report),
        detail="" if isinstance(row, Camera) else row.problem,
        restarts=0,
        failures=0,
        next_retry=None,
        video=None,
        audio=None,
        bitrate_bps=shown[0],
        readers=shown[1],
        rtt_ms=shown[2],
        loss_ratio=shown[3],
    )


def _verdict(snapshot: Snapshot, report: Report) -> VerdictDocument:
    return verdict_document(report.verdict, timestamp(snapshot.wall(report.judged_since)))


def verdict_document(verdict: Verdict, since: str) -> VerdictDocument:
    """How it is, since a moment."""
    reasons = tuple(map(_reason, verdict.reasons)) if verdict.reasons else ()
    return VerdictDocument(verdict.health, verdict.fault, reasons, verdict.hint, since)


def _reason(reason: Reason) -> ReasonDocument:
    more: dict[str, object] = dict(reason.numbers)
    if reason.since is not None:
        more["since"] = timestamp(reason.since)
    if reason.measured:
        more["measured"] = dict(reason.measured)
    return ReasonDocument(reason.code, reason.text, **more)  # type: ignore[arg-type]


def _engine(status: CameraStatus) -> str | None:
    return status.plan.engine if status.plan is not None else None


def _retry_at(state: State) -> float | None:
    return state.deadline if state.phase in (Phase.BACKOFF, Phase.HELD) else None
