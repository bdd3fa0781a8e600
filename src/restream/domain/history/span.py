"""What a camera was like, as rows that outlive the service: one for each stretch of one state.

Times are Unix seconds.
"""

from __future__ import annotations

from typing import NamedTuple

from restream.domain.camera.camera import Camera
from restream.domain.judgement.snapshot import Report
from restream.domain.judgement.status import row_of
from restream.domain.judgement.verdict import Health


class SpanMark(NamedTuple):
    """What a span says of its camera: another mark is another span."""

    state: Health
    cause: str = ""
    """Code of the first reason; empty for a healthy camera."""
    side: str = "none"
    """Where it broke."""
    site: str = ""
    name: str = ""
    planned: bool = False
    """Work on it was announced: this time counts neither as up nor as down."""


class HealthSpan(NamedTuple):
    """A camera was like this from `began` until `ended`; None: it still is, as far as anybody has looked."""

    camera: str
    began: float
    ended: float | None
    mark: SpanMark


def mark_of(report: Report, *, planned: bool = False) -> SpanMark:
    """What a span says of a camera that is judged like this."""
    row, verdict = row_of(report.subject), report.verdict
    told = verdict.health is not Health.HEALTHY and verdict.reasons
    return SpanMark(
        verdict.health,
        str(verdict.reasons[0].code) if told else "",
        str(verdict.fault) if told else "none",
        row.site if isinstance(row, Camera) else "",
        row.name,
        planned,
    )
