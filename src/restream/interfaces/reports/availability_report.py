"""A report: a range, what was found, and how far knowledge goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from restream.domain.history.figures import CameraFigures, ReportSum, SiteFigures, camera_figures
from restream.domain.history.span import HealthSpan
from restream.interfaces.documents.ranking import natural
from restream.interfaces.reports.period import Period
from restream.ports.history import SpanReader


@dataclass(frozen=True, slots=True)
class AvailabilityReport:
    """How available cameras were."""

    period: Period
    """Ends where knowledge does."""
    made_at: float
    """Unix time, s."""
    sites: tuple[str, ...] = ()
    """The sites that were asked for; empty: all."""
    sums: ReportSum = field(default_factory=ReportSum)

    @property
    def cameras(self) -> Sequence[CameraFigures]:
        """By site and id."""
        return sorted(self.sums.cameras, key=lambda each: (each.site.casefold(), each.site, natural(each.camera)))

    @property
    def by_site(self) -> Sequence[SiteFigures]:
        """By name."""
        return sorted(self.sums.by_site.values(), key=lambda each: (each.site.casefold(), each.site))


async def availability_report(
    reader: SpanReader, period: Period, sites: Collection[str] | None = None
) -> AvailabilityReport | None:
    """Read and sum up a range; of `sites` only, unless None. None: no history is kept. Raises DatabaseError."""
    known = await reader.known()
    if known is None:
        return None
    period = period._replace(end=max(period.begin, min(period.end, known.until)))
    sums = ReportSum()
    portion: list[HealthSpan] = []
    async for some in reader.spans(period.begin, period.end):
        for spans in _by_camera(portion, some):
            _add(sums, spans, period, sites)
        # The last camera may go on in the next portion.
        portion = [span for span in (*portion, *some) if span.camera == some[-1].camera]
    if portion:
        _add(sums, portion, period, sites)
    return AvailabilityReport(period, known.now, tuple(sorted(sites or ())), sums)


def _by_camera(before: Sequence[HealthSpan], some: Sequence[HealthSpan]) -> Iterator[list[HealthSpan]]:
    """The spans of each camera that is complete: all but the last one."""
    present = list(before)
    for span in some:
        if present and present[-1].camera != span.camera:
            yield present
            present = []
        present.append(span)


def _add(sums: ReportSum, spans: Sequence[HealthSpan], period: Period, sites: Collection[str] | None) -> None:
    if sites is None or spans[-1].mark.site in sites:
        sums.add(camera_figures(spans[-1].camera, spans, period.begin, period.end))
