"""Events in PostgreSQL, for installations that created the table of etc/schema_events.sql."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection
from datetime import datetime

import asyncpg

from restream.adapters.postgres import CONNECTION_ERRORS, translated
from restream.domain.camera.secret import Secret
from restream.ports import EventRecord, Records, SinkError

_TIMEOUT_S = 10.0
_LOOK_AGAIN_S = 300.0
_COLUMNS = ("id", "at", "kind", "camera", "name", "before", "after", "cause", "side", "detail")
_INSERT = (
    f"INSERT INTO restream_event ({', '.join(_COLUMNS)})"  # noqa: S608 - constants of ours
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING"
)


class PostgresEvents:
    """Inserts every event where there is a table `restream_event`; without one it looks again later."""

    name = "events table"

    def __init__(self, dsn: Secret) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._look_at = 0.0

    async def load(self) -> Records:
        """Nothing: the newest events are read back from Redis."""
        return Records()

    async def save(self, records: Records, removed: Collection[str]) -> None:
        if not records.events or time.monotonic() < self._look_at:
            return
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                connection = await self._connected()
                if connection is not None:
                    await connection.executemany(_INSERT, [_row(event) for event in records.events])
        except (*CONNECTION_ERRORS, ValueError) as error:
            await self.close()
            raise SinkError(str(translated(error, self._dsn))) from None

    async def close(self) -> None:
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
        if await connection.fetchval("SELECT to_regclass('restream_event')") is None:
            self._look_at = time.monotonic() + _LOOK_AGAIN_S
            await connection.close(timeout=2)
            return None
        self._connection = connection
        return connection


def _row(event: EventRecord) -> tuple[object, ...]:
    return (event.id, datetime.fromisoformat(event.at), *(getattr(event, name) for name in _COLUMNS[2:]))
