"""Makes reports: from the history in PostgreSQL, with the service or without it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping

from restream.adapters.stores.postgres_span_reader import PostgresSpanReader
from restream.config.settings import Settings
from restream.interfaces.reports.availability_report import AvailabilityReport, availability_report
from restream.interfaces.reports.period import period
from restream.service.from_settings import require_dsn
from restream.service.secrets_in_use import SecretsInUse

NO_HISTORY = "no history is kept: `restream init-db --history` makes its tables, the service fills them"


async def make_report(
    settings: Settings,
    secrets: SecretsInUse | None,
    asked: Mapping[str, str | None],
    sites: Collection[str] | None = None,
) -> AvailabilityReport | None:
    """The report of a range (`day`, `week`, `month`, or `from` and `to`; `zone`: another than configured), of `sites`
    only, unless None. None: no history is kept.

    Raises PeriodError, DatabaseError, ConfigError.
    """
    zone = asked.get("zone") or settings.history.zone_name
    found = period(zone, time.time(), {key: text for key, text in asked.items() if key != "zone"})
    reader = PostgresSpanReader(require_dsn(settings, secrets))
    try:
        return await availability_report(reader, found, sites)
    finally:
        await asyncio.shield(reader.close())
