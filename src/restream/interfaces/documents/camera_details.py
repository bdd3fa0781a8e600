"""One camera as a document, with everything that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field
from msgspec.structs import asdict

from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.camera.options import AudioChoice, CameraOptions, RtspTransport, Transport
from restream.domain.engine import Media
from restream.domain.engine_choice import EngineChoice
from restream.domain.judgement.availability import Availability, Timeline, availability
from restream.domain.judgement.series import STEP_S, Habits, PacketSeries
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus, row_of
from restream.domain.judgement.verdict import Health
from restream.domain.look import Look
from restream.domain.server.identity import ServerId
from restream.interfaces.documents.cameras import CameraDocument, ProcessDocument, process, summary
from restream.interfaces.documents.engines import EngineDocument, engine_document
from restream.interfaces.documents.looks import LookDocument, look_document
from restream.interfaces.documents.packets import SentDocument, sent
from restream.interfaces.documents.players import PlayersDocument, PublicBases
from restream.interfaces.documents.streams import ServerSideDocument, server_side
from restream.interfaces.documents.values import Document, Moment, Whole, about, copied, rounded, timestamp

_HOUR_S, _DAY_S = 3600.0, 86400.0


class AvailabilityDocument(Document):
    """A window of time: `known_s` of it was watched, and the ratio speaks of this time alone."""

    uptime_ratio: Annotated[float | None, about("", 0.99721)]
    restarts: Annotated[int, about("", 3)]
    flaps: Annotated[int, about("", 2)]
    longest_outage_s: Annotated[float, about("", 10.0)]
    known_s: Annotated[float, about("", 3600.0)]


class AvailabilitiesDocument(Document):
    """How it was lately."""

    hour: AvailabilityDocument = field(name="1h")
    day: AvailabilityDocument = field(name="24h")


class SpanDocument(Document):
    """A health, and since when."""

    since: Moment
    health: Health


class OptionsDocument(Document):
    """The row's options, as far as they are set."""

    publish: Transport | UnsetType | None = UNSET
    rtsp_transport: RtspTransport | UnsetType | None = UNSET
    audio: AudioChoice | UnsetType = UNSET
    path: str | UnsetType | None = UNSET
    site: str | UnsetType | None = UNSET
    server: str | UnsetType | None = UNSET
    engine: str | UnsetType | None = UNSET
    on_demand: bool | UnsetType | None = UNSET
    parent: str | UnsetType | None = UNSET
    schedule: dict[str, str | tuple[str, ...]] | UnsetType | None = UNSET
    node: str | UnsetType | None = UNSET
    priority: int | UnsetType = UNSET
    connect_timeout_s: float | UnsetType | None = UNSET
    stall_timeout_s: float | UnsetType | None = UNSET
    pictures: dict[str, bool | float | tuple[str | tuple[tuple[float, float], ...], ...]] | UnsetType | None = UNSET
    input: tuple[tuple[str, str], ...] | UnsetType = UNSET
    output: tuple[tuple[str, str], ...] | UnsetType = UNSET


class RowDocument(Document):
    """The row as it was understood."""

    id: Annotated[str, about("", "7")]
    name: Annotated[str, about("", "Gate")]
    site: Annotated[str, about("", "North")]
    camera_type: Annotated[str, about("", "HIKVISION")]
    source: Annotated[
        str,
        about("The camera's URL, its credentials masked.", "rtsp://admin:***@192.0.2.7:554/Streaming/Channels/101"),
    ]
    enabled: Annotated[bool, about("", True)]
    options: Annotated[OptionsDocument, about("", {"audio": "auto", "priority": 0})]


class VideoDocument(Document):
    """The camera's video."""

    codec: str
    width: int
    height: int
    fps: float | None
    profile: str | None
    place: Annotated[Whole, about("Which of the camera's videos, in the order in which it describes them.", 0)]
    offered: Annotated[
        tuple[Annotated[str, about("", "h264")], ...],
        about("Codecs, where its description names several for this video, in the order of their lines."),
    ]


class AudioDocument(Document):
    """The camera's sound."""

    codec: str
    sample_rate_hz: int
    channels: int
    adts: Annotated[bool, about("AAC whose frames bring their configuration along, as in MPEG-TS.", False)]
    place: Annotated[Whole, about("Which of the camera's sounds.", 0)]
    offered: Annotated[tuple[Annotated[str, about("", "aac")], ...], about("As of the video.")]


class MediaDocument(Document):
    """What the camera sends, as the last probe saw it. Sizes in pixels, 0 where the camera does not tell."""

    video: Annotated[
        VideoDocument,
        about(
            "",
            {"codec": "h264", "width": 1920, "height": 1080, "fps": 25.0, "profile": "High", "place": 0, "offered": []},
        ),
    ]
    audio: Annotated[
        AudioDocument | None,
        about("", {"codec": "aac", "sample_rate_hz": 16000, "channels": 1, "adts": False, "place": 0, "offered": []}),
    ]


class ProgressDocument(Document):
    """The publisher's latest progress."""

    frame: Annotated[int | None, about("", 1500)]
    out_time_us: Annotated[int | None, about("", 60_000_000)]
    total_size_bytes: Annotated[int | None, Meta(examples=[None])]
    fps: Annotated[float | None, about("", 25.0)]
    speed: Annotated[float | None, about("", 1.0)]
    dup_frames: Annotated[int | None, about("", 0)]
    drop_frames: Annotated[int | None, about("", 0)]
    finished: bool


_Series = Annotated[list[float | None] | None, about("Oldest first; null where nothing was known.")]


class HistoryDocument(Document):
    """The last hour in even steps."""

    step_s: Annotated[float, about("", 10.0)]
    until: Annotated[Moment | None, about("Of the newest values.")]
    bitrate_bps: _Series
    readers: _Series
    rtt_ms: _Series
    loss_ratio: _Series
    camera_loss_ratio: Annotated[_Series, about("Of the camera's packets, like the three that follow; of 10 s each.")]
    jitter_s: Annotated[_Series, about("Of its video, in seconds.")]
    fps: Annotated[_Series, about("Pictures per second.")]
    key_frame_s: Annotated[_Series, about("Seconds between key frames.")]


class CameraDetailsDocument(CameraDocument, kw_only=True):
    """Everything that is known of a camera."""

    availability: AvailabilitiesDocument
    timeline: Annotated[tuple[SpanDocument, ...], about("Its healths of the last 24 h, oldest first.")]
    row: RowDocument | None
    server: ServerSideDocument | None
    media: MediaDocument | None
    probe: Annotated[LookDocument | None, about("The last look of this life of the service; null: there was none.")]
    probing: Annotated[bool, about("A look is under way, beside the stream where there is one.", False)]
    engines: Annotated[tuple[EngineDocument, ...], about("Which there are; none before it is known what it sends.")]
    command: Annotated[
        tuple[Annotated[str, about("", "ffmpeg")], ...] | None, about("What was started; credentials are masked.")
    ]
    command_stdin: Annotated[
        str | None,
        about("What the command reads on standard input, masked.", "file 'rtsp://admin:***@192.0.2.7:554/…'"),
    ]
    command_reasons: Annotated[
        tuple[Annotated[str, about("", "published by SRT: mediamtx.publish")], ...],
        about("Why the command is as it is."),
    ]
    pid: Annotated[Whole | None, about("Of its publisher.", 4242)]
    process: ProcessDocument | None
    progress: ProgressDocument | None
    stream: Annotated[
        SentDocument | None,
        about("What the camera's packets tell; null: nothing is published, or by an engine that does not see them."),
    ]
    players: PlayersDocument
    history: HistoryDocument | None
    stderr_tail: Annotated[tuple[str, ...], about("The last lines of its publisher, masked.")]
    elsewhere: Annotated[
        str | UnsetType,
        about("Why this is only what lists show: it is another node's, which cannot be asked. Missing otherwise."),
    ] = UNSET


def details(
    snapshot: Snapshot,
    camera_id: str,
    bases: Mapping[ServerId, PublicBases],
    *,
    habits: Habits | None = None,
    stderr_tail: tuple[str, ...] = (),
    look: Look | None = None,
    probing: bool = False,
    choices: tuple[EngineChoice, ...] = (),
) -> CameraDetailsDocument | None:
    """`GET /api/cameras/{id}`; None when there is no such camera. What is not in the snapshot is an argument."""
    report = snapshot.reports.get(camera_id)
    if report is None:
        return None
    subject = report.subject
    status = subject if isinstance(subject, CameraStatus) else None
    state, plan, pid = (status.state, status.plan, status.pid) if status else (None, None, None)
    timeline = report.timeline if status else Timeline()
    shown = plan.shown if plan else None
    seen = look.outcome if look and isinstance(look.outcome, Media) else None
    # A look that is not trusted for the next start is still what was seen last.
    media = (state.media if state else None) or seen
    return CameraDetailsDocument(
        **asdict(summary(snapshot, report)),
        availability=AvailabilitiesDocument(
            hour=_availability(availability(timeline, snapshot.taken_at, _HOUR_S)),
            day=_availability(availability(timeline, snapshot.taken_at, _DAY_S)),
        ),
        timeline=_timeline(timeline, snapshot.taken_at),
        row=_row(row_of(subject)),
        server=server_side(report.stream) if report.stream else None,
        media=_media(media) if media else None,
        probe=look_document(look) if look else None,
        probing=probing,
        engines=tuple(map(engine_document, choices)),
        command=(shown.command or None) if shown else None,
        command_stdin=shown.stdin if shown else None,
        command_reasons=plan.reasons if plan else (),
        pid=pid,
        process=process(snapshot.host, pid),
        progress=copied(ProgressDocument, state.advance) if state and state.advance else None,
        stream=sent(report),
        players=bases[status.camera.server].players(status.camera.path) if status else PublicBases().players(""),
        history=_history(habits, snapshot) if habits else None,
        stderr_tail=stderr_tail,
    )


def _history(habits: Habits, snapshot: Snapshot) -> HistoryDocument:
    rtt_ms, loss_ratio, packets = habits.rtt_ms, habits.loss_ratio, habits.packets
    return HistoryDocument(
        step_s=STEP_S,
        until=timestamp(snapshot.wall(habits.recorded_at)) if habits.recorded_at > 0 else None,
        bitrate_bps=habits.bitrate_bps.values,
        readers=habits.readers.values,
        rtt_ms=rtt_ms.values if rtt_ms is not None else None,
        loss_ratio=loss_ratio.values if loss_ratio is not None else None,
        **{name: getattr(packets, name).values if packets is not None else None for name in PacketSeries._fields},
    )


def _row(camera: Camera | RejectedRow) -> RowDocument | None:
    if isinstance(camera, RejectedRow):
        return None
    return RowDocument(
        *(camera.id, camera.name, camera.site, camera.camera_type),
        source=camera.source.masked,
        enabled=camera.enabled,
        options=_options(camera.options),
    )


def _options(options: CameraOptions) -> OptionsDocument:
    known = {name: getattr(options, name) for name in OptionsDocument.__struct_fields__}
    known |= {name: known[name].document for name in ("pictures", "schedule") if known[name] is not None}
    return OptionsDocument(**{name: value for name, value in known.items() if value not in (None, ())})


def _media(media: Media) -> MediaDocument:
    audio = copied(AudioDocument, media.audio) if media.audio else None
    return MediaDocument(copied(VideoDocument, media.video), audio)


def _timeline(timeline: Timeline, now: float) -> tuple[SpanDocument, ...]:
    return tuple(SpanDocument(timestamp(span.since), span.health) for span in timeline.within(now))


def _availability(found: Availability) -> AvailabilityDocument:
    return AvailabilityDocument(
        uptime_ratio=rounded(found.uptime_ratio, 5),
        restarts=found.restarts,
        flaps=found.flaps,
        longest_outage_s=round(found.longest_outage_s, 1),
        known_s=round(found.known_s, 1),
    )
