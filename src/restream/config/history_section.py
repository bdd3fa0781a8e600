"""What is kept of the past, beyond what Redis has."""

from __future__ import annotations

from pydantic import Field

from restream.config.stream_sections import Section


class HistorySection(Section):
    """What cameras were like, where the tables of `init-db --history` are, see [reports.md](reports.md)."""

    keep_days: int = Field(default=400, ge=1, le=3660)
    """Spans that ended longer ago are deleted."""
