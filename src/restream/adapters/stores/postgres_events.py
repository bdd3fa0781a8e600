"""Events in PostgreSQL, for installations that created the table of etc/schema_events.sql."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import asyncpg

from restream.adapters.postgres import HINTS
from restream.adapters.stores.postgres_connection import OptionalTable
from restream.ports.outlets import EventRecord, Records

_COLUMNS = ("id", "at", "kind", "camera", "name", "before", "after", "cause", "side", "detail")
# Installed before nodes had names, it lacks this one.
_NODE = "node"


class PostgresEvents(OptionalTable):
    """Inserts every event where there is a table `restream_event`; without one it looks again later."""

    name = "events table"
    table = "restream_event"
    keeps = "events"
    hints = ((asyncpg.InsufficientPrivilegeError, "grant this user INSERT on restream_event"), *HINTS)

    async def load(self) -> Records:
        """Nothing: the newest events are read back from Redis."""
        return Records()

    async def save(self, records: Records, removed: Collection[str]) -> None:
        """Add new events; timelines are not kept here. Raises SinkError."""
        if not records.events:
            return
        async with self.where_there() as connection:
            if connection is not None:
                columns = (*_COLUMNS, _NODE) if _NODE in self.columns else _COLUMNS
                await connection.executemany(_insert(columns), [_row(event, columns) for event in records.events])


def _insert(columns: Sequence[str]) -> str:
    values = ", ".join(f"${number}" for number, _ in enumerate(columns, 1))
    # Which columns are unique differs with the table's age.
    return f"INSERT INTO restream_event ({', '.join(columns)}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608


def _row(event: EventRecord, columns: Sequence[str]) -> tuple[object, ...]:
    return (event.id, datetime.fromisoformat(event.at), *(getattr(event, name) for name in columns[2:]))
