"""The sections of the configuration that cameras and their streams follow, one model each: keys, defaults, limits.

The text below a key is what docs/configuration.md says of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from restream.config.addresses import PostgresDsn, with_password
from restream.config.secret_files import SecretText
from restream.domain.admission.queue import StartLimits
from restream.domain.camera.camera import COLUMNS
from restream.domain.camera.options import RtspTransport, check_path
from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.stream_flaws import StreamThresholds
from restream.domain.schedule import Schedule, parse_schedule

_FIRST_STARTING_PER_CORE = 4
# An ffmpeg takes some 15 MiB, also one that only waits for its camera.
_MOST_STARTING_PER_CORE = 32
# No faster than processes can be made, with time between them for everything else.
_SPACING_CORE_S = 0.02
# Beside `stop_grace_s`: until the last process is reaped.
_REAPED_S = 1.0


class Section(BaseModel):
    """Part of the configuration; unknown keys are an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def check_zone(name: str) -> str:
    """The name of a time zone that is known here. Raises ValueError."""
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise ValueError("is no time zone that is known here: expected one like Europe/Berlin") from None
    return name


class ScheduleEntry(Section):
    """When cameras are expected."""

    hours: tuple[str, ...] = ()
    """E.g. `["06:00-20:00"]`; none: the whole day."""
    weekdays: tuple[str, ...] = ()
    """E.g. `["mon-fri"]`; none: every day."""
    time_zone: Annotated[str, AfterValidator(check_zone)] | None = None
    """E.g. `Europe/Berlin`; null: the host's."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """Hours alone, and one where several may be."""
        document = value if isinstance(value, dict) else {"hours": value}
        several = {key: [each] if isinstance(each, str) else each for key, each in document.items()}
        return {**several, **({"time_zone": document["time_zone"]} if "time_zone" in document else {})}

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.schedule()
        return self

    def schedule(self) -> Schedule:
        """As the rules have it."""
        return parse_schedule(self.model_dump())


class DatabaseSection(Section):
    """Where the cameras stand."""

    dsn: PostgresDsn | None = None
    """`postgresql://user:password@host:5432/database`. `PG_DSN` wins, then `--pg_dsn`."""
    password: SecretText | None = None
    """The one of the DSN, where it does not stand there; as it is, nothing is percent-encoded."""
    query: str | None = None
    """Null: `SELECT * FROM cameras ORDER BY id`."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our column: yours, e.g. `{link: ip, password: pass_plain}`."""
    poll_s: float = Field(default=10, gt=0, le=3600)
    """The table is read this often; a NOTIFY makes it at once."""
    notify_channel: str = Field(default="cameras_changed", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
    """Channel of the NOTIFY."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.dsn is not None and self.password is not None:
            object.__setattr__(self, "dsn", with_password(self.dsn, self.password))
        return self

    @field_validator("columns")
    @classmethod
    def _columns(cls, value: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(value) - set(COLUMNS))
        if unknown:
            raise ValueError(f"unknown column {unknown[0]!r} (known: {', '.join(COLUMNS)})")
        return value


class CamerasSection(Section):
    """How rows become streams."""

    types_file: Path = Path("etc/camera_types.yml")
    """URL templates per `camera_type`."""
    path_template: str = "cam{id}"
    """Path at the media server; must contain `{id}`."""
    rtsp_transport: RtspTransport = RtspTransport.TCP
    """From the camera (auto: over TCP, and over UDP where it refuses that); a row's `options.rtsp_transport` wins."""
    engine: Literal["ffmpeg", "relay", "auto", "pull"] = "ffmpeg"
    """What publishes the cameras, see [engines.md](engines.md); a row's `options.engine` wins."""

    on_demand: bool = False
    """Only with `engine: pull`: cameras are fetched while somebody watches; a row's `options.on_demand` wins."""

    schedules: dict[str, ScheduleEntry] = Field(default_factory=dict)
    """By site, when its cameras are expected: `{North: "06:00-20:00"}`, or with `weekdays` and `time_zone`; a row's
    `options.schedule` wins, see [alerts.md](alerts.md#schedules)."""

    @field_validator("path_template")
    @classmethod
    def _template(cls, value: str) -> str:
        if "{id}" not in value:
            raise ValueError("must contain {id}")
        check_path(value.replace("{id}", "1"))
        return value


class FfmpegSection(Section):
    """The programs, and how long they may be silent."""

    binary: str = "ffmpeg"
    """A lean static build saves most of the memory, see [benchmarks.md](benchmarks.md)."""
    probe_binary: str = "ffprobe"
    """Program that looks at a camera."""
    probe_timeout_s: float = Field(default=10, ge=2, le=120)
    """How long a camera may take to answer a probe."""
    connect_timeout_s: float = Field(default=15, ge=2, le=300)
    """From the start of ffmpeg to the first media."""
    stall_timeout_s: float = Field(default=10, ge=2, le=300)
    """Media that does not advance this long is a stall."""
    stop_grace_s: float = Field(default=3, ge=0.5, le=60)
    """From the first SIGTERM to SIGKILL."""
    memory_mb: int = Field(default=1024, ge=64, le=1 << 20)
    """Megabytes that each ffmpeg and ffprobe may allocate; a camera can make them ask for any amount."""
    source: Literal["stdin", "argv"] = "stdin"
    """`stdin`: the camera's URL and password go to ffmpeg on standard input, nobody sees them. `argv`: the plain form,
    visible to every user of the host in `ps`; a SIGKILL of the service at the moment of a start may leave that
    ffmpeg behind.
    """

    @property
    def stopping_s(self) -> float:
        """How long it takes to end all publishers, at most."""
        return self.stop_grace_s + _REAPED_S


class RelaySection(Section):
    """The relay, which hands packets on as they come."""

    workers: int | None = Field(default=None, ge=1, le=256)
    """Processes that relay, for all cameras together; null: one per core. One more is started for every 50 cameras."""


class RestartSection(Section):
    """When a stream that ended is started again."""

    first_s: float = Field(default=0.5, ge=0, le=60)
    """First restart of a stream that had been stable."""
    base_s: float = Field(default=5, gt=0, le=3600)
    """Then this, times `factor` each time, up to `max_s`."""
    factor: float = Field(default=2, ge=1, le=10)
    """Growth from one try to the next."""
    max_s: float = Field(default=300, gt=0, le=86400)
    """Slowest retry."""
    jitter: float = Field(default=0.2, ge=0, le=0.9)
    """Share by which a delay varies to both sides, applied after the cap."""
    stable_after_s: float = Field(default=30, gt=0, le=3600)
    """A run this long is stable."""
    held_s: float = Field(default=900, gt=0, le=86400)
    """A camera that refuses its password is tried again only after this."""

    @model_validator(mode="after")
    def _ordered(self) -> RestartSection:
        if self.max_s < self.base_s:
            raise ValueError("max_s must not be smaller than base_s")
        return self


class AdmissionSection(Section):
    """Limits of how many cameras start at once; the service finds how many are good by itself."""

    max_starting: int | None = Field(default=None, ge=1)
    """Never more cameras probing or starting at once; null: 32 × cores. It begins with 4 × cores."""
    max_starting_per_host: int | None = Field(default=None, ge=1)
    """Never more of them on one camera host (an NVR is one host); null: `max_starting`. It begins with 4."""

    def limits(self, cores: int) -> StartLimits:
        """A key that is set bounds what the service finds by itself."""
        most = self.max_starting or _MOST_STARTING_PER_CORE * cores
        return StartLimits(
            first=_FIRST_STARTING_PER_CORE * cores,
            most=most,
            most_per_host=min(most, self.max_starting_per_host or most),
            spacing_s=_SPACING_CORE_S / cores,
        )


class DegradedSection(Section):
    """Beyond these a running camera is degraded, see [verdict.md](verdict.md)."""

    srt_loss_ratio: float = Field(default=0.01, gt=0, le=1)
    """SRT packets lost at first, of all, over 10 s."""
    srt_rtt_share: float = Field(default=0.25, gt=0, le=10)
    """SRT round trip, as a share of the latency: level `warn`."""
    srt_rtt_bad_share: float = Field(default=0.3333, gt=0, le=10)
    """Likewise: level `bad`."""
    bitrate_share: float = Field(default=0.25, ge=0, lt=1)
    """Bitrate of the last minute, as a share of the median of the last hour; 0 switches it off."""
    restarts_per_hour: int = Field(default=3, ge=1)
    """This many restarts, or more, in the last hour."""
    camera_loss_ratio: float = Field(default=0.01, gt=0, le=1)
    """Packets of the camera that never arrived, of all, over 10 s. This and the keys below: engine `relay` only."""
    key_frame_s: float = Field(default=30, ge=1, le=3600)
    """Without a key frame: who begins to watch waits so long for a picture."""
    video_gone_s: float = Field(default=10, ge=1, le=3600)
    """Without a picture while sound flows; after `stall_timeout_s` without one the stream is started again."""
    audio_gone_s: float = Field(default=30, ge=1, le=3600)
    """Without anything of the sound that the camera describes, while video flows."""
    fps_share: float = Field(default=0.4, ge=0, le=1)
    """Frames per second of the last minute, as a share of what the camera tells; 0 switches it off."""
    clock_s: float = Field(default=60, ge=1)
    """A camera's clock that is wrong by more is remarked; the camera is not degraded by it."""

    def thresholds(self) -> Thresholds:
        """The same as the judgement has them."""
        given = self.model_dump()
        of_stream = StreamThresholds(**{name: given.pop(name) for name in StreamThresholds.__slots__})
        return Thresholds(**given, stream=of_stream)
