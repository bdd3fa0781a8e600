"""Maintenance windows in PostgreSQL, for installations that created the tables of etc/schema_records.sql."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from restream.adapters.stores.postgres_connection import TableConnection
from restream.domain.maintenance.window import Calendar, MaintenanceWindow

_EXISTS = "SELECT to_regclass('restream_maintenance') IS NOT NULL"
_COLUMNS = "id, title, begins, ends, cron, duration_s, zone, cameras, sites, servers, who, made, ended"
_LOAD = (
    f"SELECT {_COLUMNS} FROM restream_maintenance "  # noqa: S608
    "WHERE (ends IS NULL OR ends > $1) AND (ended IS NULL OR ended > $1) ORDER BY made, id LIMIT 5000"
)
_PUT = (
    f"INSERT INTO restream_maintenance ({_COLUMNS}) "  # noqa: S608
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
    "ON CONFLICT (id) DO UPDATE SET ended = excluded.ended"
)


class PostgresWindows(TableConnection):
    """The table `restream_maintenance`."""

    name = "table of maintenance"

    async def exists(self) -> bool:
        """Whether there is the table. Raises SinkError."""
        async with self.connected() as connection:
            return bool(await connection.fetchval(_EXISTS))

    async def load(self, since: float) -> Sequence[MaintenanceWindow]:
        """Raises SinkError."""
        async with self.connected() as connection:
            return [_window(row) for row in await connection.fetch(_LOAD, _time(since))]

    async def put(self, window: MaintenanceWindow) -> None:
        """Raises SinkError."""
        calendar = window.calendar
        async with self.connected() as connection:
            await connection.execute(
                _PUT,
                window.id,
                window.title,
                _time(window.begin),
                _time(window.end) if window.end is not None else None,
                calendar.cron if calendar else None,
                calendar.duration_s if calendar else None,
                calendar.zone if calendar else None,
                sorted(window.cameras),
                sorted(window.sites),
                sorted(window.servers),
                window.who,
                _time(window.made),
                _time(window.ended) if window.ended is not None else None,
            )


def _window(row: asyncpg.Record) -> MaintenanceWindow:
    calendar = None
    if row["cron"] is not None:
        calendar = Calendar(row["cron"], row["duration_s"] or 0.0, row["zone"] or "UTC")
    return MaintenanceWindow(
        row["id"],
        row["title"],
        row["begins"].timestamp(),
        row["ends"].timestamp() if row["ends"] is not None else None,
        calendar,
        frozenset(row["cameras"]),
        frozenset(row["sites"]),
        frozenset(row["servers"]),
        row["who"],
        row["made"].timestamp(),
        row["ended"].timestamp() if row["ended"] is not None else None,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
