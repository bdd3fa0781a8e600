"""How available cameras were in a range of time, from the spans that were kept of them.

- Up: healthy or degraded, and so watchable. Down: down. Availability is up / (up + down).
- Planned (announced work) and disabled (in the table, or on hold by an operator) count as neither.
- Unknown: nobody watched, or it could not be told. It counts as neither, and is stated beside every ratio.
- An outage begins when a camera goes down, and ends when it is up again; unknown time in it neither ends nor lengthens
  it, planned work and switching off end it. Of one that reaches over the range only what lies inside counts.
- The mean time to repair is that of outages which ended inside the range by the camera's return.

Times are Unix seconds, lengths seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from restream.domain.history.span import HealthSpan, SpanMark
from restream.domain.judgement.verdict import Health

_UP = frozenset({Health.HEALTHY, Health.DEGRADED})
MOST_WORST = 10


class Figures(NamedTuple):
    """Sums over one camera or many."""

    up_s: float = 0.0
    degraded_s: float = 0.0
    """Of `up_s`."""
    down_s: float = 0.0
    planned_s: float = 0.0
    disabled_s: float = 0.0
    unknown_s: float = 0.0
    outages: int = 0
    longest_s: float = 0.0
    """The longest outage."""
    repaired: int = 0
    """Outages that ended in the range, by the camera's return."""
    repair_s: float = 0.0
    """The length of those."""

    @property
    def availability(self) -> float | None:
        """A share of one; None: never known."""
        known_s = self.up_s + self.down_s
        return self.up_s / known_s if known_s > 0 else None

    @property
    def repair_mean_s(self) -> float | None:
        """Mean time to repair; None: no outage has ended."""
        return self.repair_s / self.repaired if self.repaired else None

    def plus(self, other: Figures) -> Figures:
        """Both together."""
        both = Figures._make(one + two for one, two in zip(self, other, strict=True))
        return both._replace(longest_s=max(self.longest_s, other.longest_s))


class CauseKey(NamedTuple):
    """What outages are told apart by."""

    cause: str
    side: str


class CauseFigures(NamedTuple):
    """What one cause has done; an outage is counted at the cause that it began with."""

    down_s: float = 0.0
    outages: int = 0
    cameras: int = 0


class CameraFigures(NamedTuple):
    """One camera, under the name and at the site that it had last."""

    camera: str
    name: str
    site: str
    figures: Figures
    causes: Mapping[CauseKey, CauseFigures]


class Piece(NamedTuple):
    """A part of a range in which nothing changed; `mark` None: nothing was kept of it."""

    began: float
    ended: float
    mark: SpanMark | None


def pieces(spans: Iterable[HealthSpan], begin: float, end: float) -> Iterator[Piece]:
    """A whole range, in order, without overlap; `spans` of one camera, ordered by their beginning. Of spans that
    overlap (two nodes, a clock that was set) the one that began last counts."""
    covering: list[HealthSpan] = []
    at = begin
    for span in (*spans, None):
        until = end if span is None else min(span.began, end)
        while at < until:
            while covering and _end_of(covering[-1]) <= at:
                covering.pop()
            top = covering[-1] if covering else None
            stop = until if top is None else min(until, _end_of(top))
            yield Piece(at, stop, top.mark if top is not None else None)
            at = stop
        if span is not None:
            covering.append(span)


def camera_figures(camera: str, spans: Sequence[HealthSpan], begin: float, end: float) -> CameraFigures:
    """One camera in a range; `spans` are its own, ordered by their beginning, at least one."""
    tally = _Tally()
    for piece in pieces(spans, begin, end):
        tally.add(piece)
    last = spans[-1].mark
    return CameraFigures(camera, last.name, last.site, tally.figures(), tally.causes)


class SiteFigures(NamedTuple):
    """All cameras of a site."""

    site: str
    cameras: int
    figures: Figures


@dataclass(slots=True)
class ReportSum:
    """`add` cameras one by one; what was added is kept, with sums."""

    cameras: list[CameraFigures] = field(default_factory=list)
    total: Figures = field(default_factory=Figures)
    by_site: dict[str, SiteFigures] = field(default_factory=dict)
    by_cause: dict[CauseKey, CauseFigures] = field(default_factory=dict)

    def add(self, camera: CameraFigures) -> None:
        """One more camera."""
        self.cameras.append(camera)
        self.total = self.total.plus(camera.figures)
        site = self.by_site.get(camera.site, SiteFigures(camera.site, 0, Figures()))
        self.by_site[camera.site] = SiteFigures(camera.site, site.cameras + 1, site.figures.plus(camera.figures))
        for key, cause in camera.causes.items():
            known = self.by_cause.get(key, CauseFigures())
            self.by_cause[key] = CauseFigures(
                known.down_s + cause.down_s, known.outages + cause.outages, known.cameras + 1
            )

    @property
    def worst(self) -> Sequence[CameraFigures]:
        """The cameras that were available least, worst first; of those that were down at all."""
        down = [camera for camera in self.cameras if camera.figures.down_s > 0]
        down.sort(key=lambda each: (each.figures.availability or 0.0, -each.figures.down_s, each.camera))
        return down[:MOST_WORST]


@dataclass(slots=True)
class _Tally:
    """Follows the pieces of one camera."""

    lengths: dict[str, float] = field(default_factory=dict)
    causes: dict[CauseKey, CauseFigures] = field(default_factory=dict)
    outages: int = 0
    longest_s: float = 0.0
    repaired: int = 0
    repair_s: float = 0.0
    outage_s: float | None = None
    """Of the present outage."""

    def add(self, piece: Piece) -> None:
        kind, length_s = _kind(piece.mark), piece.ended - piece.began
        self.lengths[kind] = self.lengths.get(kind, 0.0) + length_s
        if kind == Health.UNKNOWN:
            return
        if kind == Health.DOWN and piece.mark is not None:
            self._down(piece.mark, length_s)
        elif self.outage_s is not None:
            if kind in _UP:
                self.repaired, self.repair_s = self.repaired + 1, self.repair_s + self.outage_s
            self.outage_s = None

    def _down(self, mark: SpanMark, length_s: float) -> None:
        key = CauseKey(mark.cause, mark.side)
        cause = self.causes.get(key, CauseFigures(cameras=1))
        begins = self.outage_s is None
        self.causes[key] = CauseFigures(cause.down_s + length_s, cause.outages + begins, 1)
        self.outages += begins
        self.outage_s = (self.outage_s or 0.0) + length_s
        self.longest_s = max(self.longest_s, self.outage_s)

    def figures(self) -> Figures:
        length = self.lengths.get
        degraded_s = length(Health.DEGRADED, 0.0)
        return Figures(
            length(Health.HEALTHY, 0.0) + degraded_s,
            degraded_s,
            length(Health.DOWN, 0.0),
            length(_PLANNED, 0.0),
            length(Health.DISABLED, 0.0),
            length(Health.UNKNOWN, 0.0),
            self.outages,
            self.longest_s,
            self.repaired,
            self.repair_s,
        )


_PLANNED = "planned"


def _kind(mark: SpanMark | None) -> str:
    if mark is None:
        return Health.UNKNOWN
    return _PLANNED if mark.planned else mark.state


def _end_of(span: HealthSpan) -> float:
    return inf if span.ended is None else span.ended
