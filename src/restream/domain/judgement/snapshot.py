"""What the service knows at one moment, frozen: one `Snapshot` per cycle, many renderings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from restream.domain.admission.queue import StartFigures
from restream.domain.host_sample import HostSample
from restream.domain.judgement.availability import Timeline
from restream.domain.judgement.quality import Quality
from restream.domain.judgement.status import Subject
from restream.domain.judgement.stream_quality import StreamQuality
from restream.domain.judgement.verdict import Verdict
from restream.domain.life.cause import Cause
from restream.domain.news.component import Component
from restream.domain.pictures.seen import Seen
from restream.domain.server.flow import ServerPicture, Stream
from restream.domain.server.identity import DEFAULT_SERVER, ServerId


class Report(NamedTuple):
    """One row of the table in one cycle: what it is, how it is judged, what is measured."""

    subject: Subject
    verdict: Verdict
    judged_since: float
    """Since when the verdict means the same (monotonic, s)."""
    stream: Stream | None = None
    quality: Quality = Quality()
    timeline: Timeline = Timeline()
    restarts: tuple[tuple[Cause, int], ...] = ()
    """How often its publisher was started again, by the cause of the ending before."""
    packets: StreamQuality = StreamQuality()
    """What the camera's own packets were like."""
    seen: Seen = Seen()
    """What its pictures have shown."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole picture at `now` (monotonic, s), which was `taken_at` by the wall clock (Unix time, s)."""

    generation: int
    taken_at: float
    now: float
    reports: Mapping[str, Report] = field(default_factory=dict)
    """By camera id."""
    components: Mapping[str, Component] = field(default_factory=dict)
    servers: Mapping[ServerId, ServerPicture] = field(default_factory=lambda: {DEFAULT_SERVER: ServerPicture()})
    """Every media server, as its sweeps have shown it."""
    host: HostSample | None = None
    starts: StartFigures = field(default_factory=StartFigures)
    draining: bool = False
    table_read: bool = False
    """The table has been read: a camera without a report is not in it (any more)."""
    node: str = ""
    """Where it was taken."""

    def wall(self, monotonic: float) -> float:
        """A moment of the monotonic clock as Unix time."""
        return self.taken_at + monotonic - self.now
