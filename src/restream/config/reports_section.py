"""The section of the configuration about reports that are made by schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator, model_validator

from restream.config.mail_section import MailAddress
from restream.config.stream_sections import Section


class ReportEntry(Section):
    """A report that is made again and again."""

    cron: str
    """When, by the clocks of `history.zone`: minute, hour, day, month, day of the week, e.g. `30 6 1 * *`."""
    range: Literal["yesterday", "last_week", "last_month"] = "last_month"
    """Which range, seen from then."""
    format: Literal["text", "csv", "json", "xlsx", "pdf"] = "pdf"
    """`xlsx` and `pdf` need `restream[reports]`."""
    language: Literal["en", "de", "ru"] = "en"
    """Of its words."""
    sites: tuple[str, ...] = ()
    """Only cameras of these; empty: all."""
    name: str = Field(default="restream", pattern=r"^[A-Za-z0-9_\-]{1,60}$")
    """Files are called by it and the range: `restream-2026-10.pdf`."""
    directory: Path | None = None
    """Where files are put; it has to be there."""
    recipients: tuple[MailAddress, ...] = ()
    """Who gets it by e-mail, through `smtp`."""

    @field_validator("cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        try:
            next(CronSim(value, datetime.now(UTC)))
        except (CronSimError, StopIteration):
            raise ValueError("expected five fields like 30 6 1 * *, which ever come") from None
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.directory is None and not self.recipients:
            raise ValueError("directory or recipients is needed")
        return self


class ReportsSection(Section):
    """Reports by schedule, see [reports.md](reports.md#by-schedule)."""

    schedule: tuple[ReportEntry, ...] = ()
    """Each is made once for all nodes."""
