"""Reports as documents."""

from __future__ import annotations

from typing import Annotated

from restream.domain.history.figures import Figures
from restream.interfaces.documents.values import Document, Moment, Whole, about, rounded


class FiguresDocument(Document):
    """How available something was; times in seconds, summed over cameras."""

    availability: Annotated[float | None, about("Up of up and down, a share of one; null: nothing is known.", 0.99871)]
    up_s: Annotated[float, about("Healthy or degraded.", 2_674_944.1)]
    degraded_s: Annotated[float, about("Of `up_s`.", 120.5)]
    down_s: Annotated[float, about("", 3455.9)]
    planned_s: Annotated[float, about("In announced work: counts as neither.", 0.0)]
    disabled_s: Annotated[float, about("Switched off or on hold: counts as neither.", 0.0)]
    unknown_s: Annotated[float, about("Nobody watched, or it could not be told: counts as neither.", 0.0)]
    outages: Annotated[Whole, about("", 3)]
    longest_s: Annotated[float, about("The longest outage.", 1800.0)]
    repair_mean_s: Annotated[float | None, about("Mean time to repair; null: no outage has ended.", 1151.9)]


class SiteReportDocument(Document):
    """A site."""

    site: Annotated[str, about("Empty: cameras without one.", "North")]
    cameras: Annotated[Whole, about("", 12)]
    figures: FiguresDocument


class CauseReportDocument(Document):
    """A cause."""

    cause: Annotated[str, about("Code of a reason.", "unreachable")]
    side: Annotated[str, about("Where it broke.", "network")]
    down_s: Annotated[float, about("", 3455.9)]
    outages: Annotated[Whole, about("That began with it.", 3)]
    cameras: Annotated[Whole, about("That it hit.", 2)]


class CameraReportDocument(Document):
    """A camera, under the name and at the site that it had last."""

    camera: Annotated[str, about("Id.", "7")]
    name: Annotated[str, about("", "Gate")]
    site: Annotated[str, about("", "North")]
    figures: FiguresDocument


class ReportDocument(Document):
    """How available cameras were in a range of time."""

    period: Annotated[str, about("What was asked for by name; else empty.", "2026-10")]
    begin: Moment
    end: Annotated[Moment, about("Where it was asked for, or where knowledge ends.")]
    zone: Annotated[str, about("Time zone in which days begin and end.", "Europe/Berlin")]
    made_at: Moment
    sites_asked: Annotated[tuple[str, ...], about("Only cameras of these; empty: all.")]
    method: Annotated[tuple[str, ...], about("How it was made, in words.")]
    total: FiguresDocument
    sites: tuple[SiteReportDocument, ...]
    causes: Annotated[tuple[CauseReportDocument, ...], about("What took longest first.")]
    worst: Annotated[tuple[str, ...], about("Ids of the ten cameras that were available least.", ["7"])]
    cameras: tuple[CameraReportDocument, ...]


def figures_document(figures: Figures) -> FiguresDocument:
    """Sums."""
    return FiguresDocument(
        rounded(figures.availability, 6),
        round(figures.up_s, 1),
        round(figures.degraded_s, 1),
        round(figures.down_s, 1),
        round(figures.planned_s, 1),
        round(figures.disabled_s, 1),
        round(figures.unknown_s, 1),
        figures.outages,
        round(figures.longest_s, 1),
        rounded(figures.repair_mean_s, 1),
    )
