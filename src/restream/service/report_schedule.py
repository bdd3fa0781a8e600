"""Makes reports by schedule, once for all nodes: into files, and for people by e-mail."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

from cronsim import CronSim

from restream.config.reports_section import ReportEntry
from restream.config.settings import ConfigError, Settings
from restream.domain.news.component import ComponentState
from restream.interfaces.reports.availability_report import AvailabilityReport
from restream.interfaces.reports.period import PeriodError
from restream.interfaces.reports.renderings import RENDERINGS, FormatMissingError, ReportFormat, file_name
from restream.interfaces.reports.sheets import Kind, heading, method, shown
from restream.interfaces.reports.words import ReportWords
from restream.ports.cameras import DatabaseError
from restream.ports.mail import Attachment, Letter, Mailer, MailError
from restream.service.mailing import smtp_mailer
from restream.service.reporting import NO_HISTORY, make_report
from restream.service.secrets_in_use import SecretsInUse
from restream.supervisor.components import Components

logger = logging.getLogger(__name__)

COMPONENT = "reports"
_LOOK_EVERY_S = 20.0
_TRY_AGAIN_S = 300.0
_TRIES = 12
_ASKED = {"yesterday": {"day": "yesterday"}, "last_week": {"week": "last"}, "last_month": {"month": "last"}}
_FAILURES = (DatabaseError, ConfigError, PeriodError, FormatMissingError, MailError, OSError, LookupError)


def due(entries: Sequence[ReportEntry], zone: str, after: float, now: float) -> Iterator[ReportEntry]:
    """Those whose time came after `after` and not later than `now` (Unix time, s); each once."""
    since = datetime.fromtimestamp(after, ZoneInfo(zone))
    for entry in entries:
        come = next(CronSim(entry.cron, since), None)
        if come is not None and come.timestamp() <= now:
            yield entry


class ReportSchedule:
    """`run` it; the node that `leads` makes them. What fails is tried again for an hour."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        secrets: SecretsInUse,
        components: Components,
        leads: Callable[[], bool],
        *,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._components = components
        self._leads = leads
        self._look_every_s = look_every_s
        self._failed: list[tuple[float, int, ReportEntry]] = []
        """When each is tried again, and how often it was."""

    async def run(self) -> NoReturn:
        """Look at the clock until cancelled."""
        looked_at = time.time()
        while True:
            await asyncio.sleep(self._look_every_s)
            now, settings = time.time(), self._settings()
            zone, schedule = settings.history.zone_name, settings.reports.schedule
            entries = [(1, entry) for entry in due(schedule, zone, looked_at, now)]
            again = [(tries, entry) for at, tries, entry in self._failed if at <= now]
            self._failed = [each for each in self._failed if each[0] > now]
            # A clock that was set back must not repeat what was made.
            looked_at = max(looked_at, now) if now > looked_at - _TRY_AGAIN_S else now
            for tries, entry in (*again, *entries) if self._leads() else ():
                await self._try(settings, entry, tries)

    async def _try(self, settings: Settings, entry: ReportEntry, tries: int) -> None:
        try:
            told = await self.make(settings, entry)
        except _FAILURES as error:
            logger.warning("report %s %s not made: %s", entry.name, entry.range, error)
            self._components.report(COMPONENT, ComponentState.DOWN, str(error))
            if tries < _TRIES:
                self._failed.append((time.time() + _TRY_AGAIN_S, tries + 1, entry))
        else:
            logger.info("report made: %s", told)
            self._components.report(COMPONENT, ComponentState.UP, "")

    async def make(self, settings: Settings, entry: ReportEntry) -> str:
        """Make one now; tells its name. Raises what may fail."""
        report = await make_report(settings, self._secrets, _ASKED[entry.range], entry.sites or None)
        if report is None:
            raise LookupError(NO_HISTORY)
        form, words = ReportFormat(entry.format), ReportWords(entry.language)
        body = await asyncio.to_thread(RENDERINGS[form].render, report, words)
        name = file_name(report, form, entry.name)
        if entry.directory is not None:
            await asyncio.to_thread(_put, settings.origin.resolve(entry.directory) / name, body)
        if entry.recipients:
            mailer = smtp_mailer(settings)
            if mailer is None:
                raise ConfigError("smtp.host is not set: reports cannot be mailed")
            page = f"{settings.alerts.page_url}#tab=report" if settings.alerts.page_url else ""
            await _mail(
                mailer, report, words, Attachment(name, RENDERINGS[form].media_type, body), entry.recipients, page
            )
        return name


async def _mail(
    mailer: Mailer, report: AvailabilityReport, words: ReportWords, file: Attachment, to: tuple[str, ...], page: str
) -> None:
    title, lines = heading(report, words)
    total = report.sums.total
    share = shown(total.availability, Kind.SHARE)
    text = "\n".join((title, *lines, "", f"{words('report.sheet.all')}: {share}", "", *method(words), "", page))
    refused = await mailer.send(Letter(f"{title}: {share}", text, attachments=(file,)), to)
    for address, error in refused.items():
        logger.warning("report for %s refused: %s", address, error)


def _put(path: Path, body: bytes) -> None:
    """Readers see the whole file or none. Raises OSError."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(body)
    beside.replace(path)
