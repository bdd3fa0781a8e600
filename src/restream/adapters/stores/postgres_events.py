"""Events in PostgreSQL, for installations that created the table of etc/schema_events.sql."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Sequence
from datetime import datetime

import asyncpg

from restream.adapters.postgres import CONNECTION_ERRORS, translated
from restream.domain.camera.secret import Secret
from restream.ports.outlets import EventRecord, Records, SinkError

_TIMEOUT_S = 10.0
_LOOK_AGAIN_S = 300.0
_COLUMNS = ("id", "at", "kind", "camera", "name", "before", "after", "cause", "side", "detail")
# Installed before nodes had names, it lacks this one.
_NODE = "node"
_FIND = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('restream_event') AND attnum > 0"


class PostgresEvents:
    """Inserts every event where there is a table `restream_event`; without one it looks again later."""

    name = "events table"

    def __init__(self, dsn: Secret) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._columns: tuple[str, ...] = _COLUMNS
        self._look_at = 0.0

    async def load(self) -> Records:
        """Nothing: the newest events are read back from Redis."""
        return Records()

    async def save(self, records: Records, removed: Collection[str]) -> None:
        """Add new events; timelines are not kept here. Raises SinkError."""
        if not records.events or time.monotonic() < self._look_at:
            return
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                connection = await self._connected()
                if connection is not None:
                    rows = [_row(event, self._columns) for event in records.events]
                    await connection.executemany(_insert(self._columns), rows)
        except (*CONNECTION_ERRORS, ValueError) as error:
            await self.close()
            raise SinkError(str(translated(error, self._dsn))) from None

    async def close(self) -> None:
        """Let go of connections; never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await connection.close(timeout=2)
            connection.terminate()

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record] | None:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        connection = await asyncpg.connect(
            self._dsn.reveal(),
            timeout=_TIMEOUT_S,
            statement_cache_size=0,
            server_settings={"application_name": "restream events"},
        )
        there = {row["attname"] for row in await connection.fetch(_FIND)}
        if not there:
            self._look_at = time.monotonic() + _LOOK_AGAIN_S
            await connection.close(timeout=2)
            return None
        self._connection = connection
        self._columns = (*_COLUMNS, _NODE) if _NODE in there else _COLUMNS
        return connection


def _insert(columns: Sequence[str]) -> str:
    values = ", ".join(f"${number}" for number, _ in enumerate(columns, 1))
    # Which columns are unique differs with the table's age.
    return f"INSERT INTO restream_event ({', '.join(columns)}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608


def _row(event: EventRecord, columns: Sequence[str]) -> tuple[object, ...]:
    return (event.id, datetime.fromisoformat(event.at), *(getattr(event, name) for name in columns[2:]))
