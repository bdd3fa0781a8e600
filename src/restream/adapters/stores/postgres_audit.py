"""The audit log in PostgreSQL, for installations that created the table of etc/schema_audit.sql."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import asyncpg

from restream.adapters.postgres import CONNECTION_ERRORS, HINTS, translated
from restream.domain.access.audit import AuditEntry, AuditQuery, AuditResult
from restream.domain.camera.secret import Secret
from restream.ports.outlets import SinkError

logger = logging.getLogger(__name__)

_TIMEOUT_S = 10.0
_LOOK_AGAIN_S = 300.0
_THERE = "SELECT to_regclass('restream_audit') IS NOT NULL"
_TEXTS = ("node", "who", "role", "address", "action", "target", "result", "detail")
_INSERT = (
    "INSERT INTO restream_audit (id, at, node, who, role, address, action, target, result, detail) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING"
)
_SELECT = (
    "SELECT id, at, node, who, role, address, action, target, result, detail FROM restream_audit "
    "WHERE id > $1 AND ($2::text IS NULL OR who = $2) AND ($3::text IS NULL OR action = $3) "
    "AND ($4::text IS NULL OR target = $4) ORDER BY id DESC LIMIT $5"
)
_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.InsufficientPrivilegeError, "grant this user what etc/schema_audit.sql says"),
    (asyncpg.UndefinedColumnError, "run `restream init-db --audit` of this release"),
    *HINTS,
)


class PostgresAudit:
    """Inserts every entry where there is a table `restream_audit`; without one it looks again later."""

    name = "audit table"

    def __init__(self, dsn: Secret) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._look_at = 0.0
        self._told = False
        self._busy = asyncio.Lock()

    async def save(self, entries: Sequence[AuditEntry]) -> None:
        """Raises SinkError."""
        async with self._using() as connection:
            if connection is not None:
                await connection.executemany(_INSERT, [_row(entry) for entry in entries])

    async def find(self, query: AuditQuery) -> Sequence[AuditEntry] | None:
        """Of all nodes; None without the table. Raises SinkError."""
        async with self._using() as connection:
            if connection is None:
                return None
            wanted = (query.since, query.who, query.action, query.target, query.limit)
            return [_entry(row) for row in reversed(await connection.fetch(_SELECT, *wanted))]

    async def close(self) -> None:
        """Let go of connections; never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await connection.close(timeout=2)
            connection.terminate()

    @contextlib.asynccontextmanager
    async def _using(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record] | None]:
        try:
            async with self._busy, asyncio.timeout(_TIMEOUT_S):
                yield await self._connected()
        except (*CONNECTION_ERRORS, ValueError) as error:
            await self.close()
            raise SinkError(str(translated(error, self._dsn, _HINTS))) from None

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record] | None:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        if time.monotonic() < self._look_at:
            return None
        connection = await asyncpg.connect(
            self._dsn.reveal(),
            timeout=_TIMEOUT_S,
            statement_cache_size=0,
            server_settings={"application_name": "restream audit"},
        )
        if not await connection.fetchval(_THERE):
            self._look_at = time.monotonic() + _LOOK_AGAIN_S
            await connection.close(timeout=2)
            if not self._told:
                self._told = True
                logger.info("there is no table restream_audit: `restream init-db --audit` creates it")
            return None
        self._connection = connection
        return connection


def _row(entry: AuditEntry) -> tuple[object, ...]:
    return (entry.id, datetime.fromtimestamp(entry.at, UTC), *(str(getattr(entry, name)) for name in _TEXTS))


def _entry(row: asyncpg.Record) -> AuditEntry:
    texts = {name: row[name] or "" for name in _TEXTS if name != "result"}
    result = row["result"] if row["result"] in set(AuditResult) else AuditResult.FAILED
    return AuditEntry(at=row["at"].timestamp(), result=AuditResult(result), id=row["id"], **texts)
