"""What is kept of the past, beyond what Redis has."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from restream.config.stream_sections import Section

_LOCAL = Path("/etc/localtime")
_ZONES = "/zoneinfo/"


class HistorySection(Section):
    """What cameras were like, where the tables of `init-db --history` are, see [reports.md](reports.md)."""

    keep_days: int = Field(default=400, ge=1, le=3660)
    """Spans that ended longer ago are deleted."""
    zone: str | None = None
    """Time zone in which days, weeks and months of reports begin, e.g. `Europe/Berlin`; null: the host's."""

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        if value is not None and not _is_zone(value):
            raise ValueError("expected a time zone like Europe/Berlin")
        return value

    @property
    def zone_name(self) -> str:
        """The zone, or the host's; UTC where that has no name."""
        if self.zone is not None:
            return self.zone
        target = os.path.realpath(_LOCAL).partition(_ZONES)[2]
        found = (os.environ.get("TZ", "").removeprefix(":"), target)
        return next((each for each in found if each and _is_zone(each)), "UTC")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
