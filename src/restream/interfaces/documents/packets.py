"""What the packets of a camera tell, where an engine sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.rtp.report import TrackReport
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.values import Document, Whole, about, rounded, whole


class SentTrackDocument(Document):
    """One track. Counters begin with its publisher; rates are of the last second."""

    packets: Annotated[Whole, about("That arrived, each once.", 125_000)]
    lost: Annotated[Whole, about("Packets that never arrived, or not yet; falls where one comes late.", 12)]
    reordered: Annotated[Whole, about("Packets that arrived behind a later one; not lost.", 0)]
    duplicates: Annotated[Whole, about("Packets that came again.", 0)]
    malformed: Annotated[Whole, about("Packets that could not be read.", 0)]
    foreign: Annotated[Whole, about("Packets of another payload type than the camera has described.", 0)]
    restarts: Annotated[Whole, about("How often the camera has begun a new numbering; that is no loss.", 0)]
    bytes: Annotated[Whole, about("Of `packets`, their headers too.", 150_000_000)]
    frames: Annotated[Whole, about("Pictures; of sound, packets.", 7500)]
    key_frames: Annotated[Whole, about("Pictures with which a decoder can begin; of sound, all.", 150)]
    fps: Annotated[float | None, about("`frames` per second.", 25.0)]
    bitrate_bps: Annotated[Whole | None, about("Bits per second.", 2_100_000)]
    jitter_s: Annotated[float | None, about("Seconds, from frame to frame (RFC 3550 §6.4.1).", 0.0021)]
    key_frame_interval_s: Annotated[float | None, about("Seconds between the last two key frames.", 2.0)]
    last_key_frame_age_s: Annotated[float | None, about("Seconds since the last key frame.", 1.2)]
    last_frame_age_s: Annotated[float | None, about("Seconds since the last frame.", 0.03)]
    clock_offset_s: Annotated[
        float | None, about("The camera's clock less ours, in seconds; null: it does not tell.", -0.4)
    ]


class SentDocument(Document):
    """What a camera sends, as its packets arrive. Ratios are shares of one, over all tracks."""

    loss_ratio_10s: Annotated[float | None, about("Packets that never arrived, of all, over 10 s.", 0.0001)]
    loss_ratio_60s: Annotated[float | None, about("The same over a minute.", 0.0001)]
    video: SentTrackDocument
    audio: Annotated[SentTrackDocument | None, about("Null: there is no sound, or none is taken.")]


def sent(report: Report) -> SentDocument | None:
    """None: nothing is published, or its engine does not see the packets."""
    stream = report.subject.packets if isinstance(report.subject, CameraStatus) else None
    if stream is None:
        return None
    return SentDocument(
        rounded(report.packets.loss_ratio, 6),
        rounded(report.packets.long_loss_ratio, 6),
        _track(stream.video),
        _track(stream.audio) if stream.audio is not None else None,
    )


def with_packets(
    snapshot: Snapshot, documents: Mapping[str, CameraDocument]
) -> Iterator[tuple[CameraDocument, SentDocument]]:
    """The short objects of all cameras whose packets are seen, with what these tell."""
    for camera_id, document in documents.items():
        found = sent(snapshot.reports[camera_id])
        if found is not None:
            yield document, found


def _track(report: TrackReport) -> SentTrackDocument:
    return SentTrackDocument(
        packets=report.packets,
        lost=report.lost,
        reordered=report.reordered,
        duplicates=report.duplicates,
        malformed=report.malformed,
        foreign=report.foreign,
        restarts=report.restarts,
        bytes=report.bytes,
        frames=report.frames,
        key_frames=report.key_frames,
        fps=rounded(report.fps, 2),
        bitrate_bps=whole(report.bitrate_bps),
        jitter_s=rounded(report.jitter_s, 6),
        key_frame_interval_s=rounded(report.key_frame_interval_s, 3),
        last_key_frame_age_s=rounded(report.last_key_frame_age_s, 3),
        last_frame_age_s=rounded(report.last_frame_age_s, 3),
        clock_offset_s=rounded(report.clock_offset_s, 3),
    )
