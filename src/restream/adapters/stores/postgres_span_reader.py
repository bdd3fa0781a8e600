"""Reads what cameras were like from the tables of etc/schema_history.sql, of all nodes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence

import asyncpg

from restream.adapters.postgres import CONNECTION_ERRORS, HINTS, translated
from restream.domain.camera.secret import Secret
from restream.domain.history.span import HealthSpan, SpanMark
from restream.domain.judgement.verdict import Health
from restream.ports.history import Known

_TIMEOUT_S = 10.0
# A year of a large fleet is sorted before its first row comes.
_READ_TIMEOUT_S = 120.0
_PORTION = 2_000
# Nodes tell every 20 s that they watch; some patience for one that is slow.
_WATCHED_WITHIN_S = 90.0
_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.InsufficientPrivilegeError, "grant this user SELECT on restream_span and restream_watch"),
    (asyncpg.UndefinedColumnError, "run `restream init-db --history` of this release"),
    *HINTS,
)
_HEALTH = {str(health): health for health in Health}

_FIND = "SELECT to_regclass('restream_span') IS NOT NULL AND to_regclass('restream_watch') IS NOT NULL"
_KNOWN = """
SELECT extract(epoch FROM clock_timestamp())::float8 AS now, extract(epoch FROM max(seen))::float8 AS seen
FROM restream_watch"""
_SPANS = """
SELECT camera, extract(epoch FROM began)::float8,
    extract(epoch FROM coalesce(ended, greatest(watch.seen, began)))::float8,
    state, cause, side, site, name, planned
FROM restream_span AS span LEFT JOIN restream_watch AS watch USING (node)
WHERE began < to_timestamp($2) AND (ended > to_timestamp($1) OR ended IS NULL AND watch.seen > to_timestamp($1))
ORDER BY camera COLLATE "C", began, id"""


class PostgresSpanReader:
    """One reading, by a connection of its own."""

    def __init__(self, dsn: Secret) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._marks: dict[tuple[object, ...], SpanMark] = {}

    async def known(self) -> Known | None:
        """See `SpanReader`."""
        with self._asking():
            connection = await self._connected()
            if not await connection.fetchval(_FIND):
                return None
            ((now, seen),) = await connection.fetch(_KNOWN)
            watched = seen is not None and 0 <= now - seen <= _WATCHED_WITHIN_S
            return Known(now, seen if watched else now)

    async def spans(self, begin: float, end: float) -> AsyncIterator[Sequence[HealthSpan]]:
        """See `SpanReader`."""
        with self._asking():
            connection = await self._connected()
            async with connection.transaction(readonly=True):
                cursor = await connection.cursor(_SPANS, begin, end, timeout=_READ_TIMEOUT_S)
                while rows := await cursor.fetch(_PORTION, timeout=_READ_TIMEOUT_S):
                    yield [HealthSpan(row[0], row[1], row[2], self._mark(row)) for row in rows]
                    # There may be a million: whoever waits for the event loop comes between.
                    await asyncio.sleep(0)

    async def close(self) -> None:
        """Let go of connections; never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await connection.close(timeout=2)
            connection.terminate()

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None:
            self._connection = await asyncpg.connect(
                self._dsn.reveal(),
                timeout=_TIMEOUT_S,
                command_timeout=_READ_TIMEOUT_S,
                statement_cache_size=0,
                server_settings={"application_name": "restream report"},
            )
        return self._connection

    def _mark(self, row: asyncpg.Record) -> SpanMark:
        """Few differ, and there are many: each is made once."""
        key = (row[3], row[4], row[5], row[6], row[7], row[8])
        mark = self._marks.get(key)
        if mark is None:
            # A state that another release has written tells this one nothing.
            state = _HEALTH.get(row[3], Health.UNKNOWN)
            mark = self._marks[key] = SpanMark(state, row[4], row[5], row[6], row[7], row[8])
        return mark

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (*CONNECTION_ERRORS, ValueError) as error:
            raise translated(error, self._dsn, _HINTS, _READ_TIMEOUT_S) from None
