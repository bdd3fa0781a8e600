"""The audit log in PostgreSQL, for installations that created the table of etc/schema_audit.sql."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from restream.adapters.postgres import HINTS
from restream.adapters.stores.postgres_connection import OptionalTable
from restream.domain.access.audit import AuditEntry, AuditQuery, AuditResult
from restream.domain.camera.secret import Secret

logger = logging.getLogger(__name__)

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


class PostgresAudit(OptionalTable):
    """Inserts every entry where there is a table `restream_audit`; without one it looks again later."""

    name = "audit table"
    table = "restream_audit"
    keeps = "audit"
    hints = (
        (asyncpg.InsufficientPrivilegeError, "grant this user what etc/schema_audit.sql says"),
        (asyncpg.UndefinedColumnError, "run `restream init-db --audit` of this release"),
        *HINTS,
    )

    def __init__(self, dsn: Secret) -> None:
        super().__init__(dsn)
        self._told = False

    async def save(self, entries: Sequence[AuditEntry]) -> None:
        """Raises SinkError."""
        async with self.where_there() as connection:
            if connection is not None:
                await connection.executemany(_INSERT, [_row(entry) for entry in entries])
                return
        if not self._told:
            self._told = True
            logger.info("there is no table restream_audit: `restream init-db --audit` creates it")

    async def find(self, query: AuditQuery) -> Sequence[AuditEntry] | None:
        """Of all nodes; None without the table. Raises SinkError."""
        async with self.where_there() as connection:
            if connection is None:
                return None
            wanted = (query.since, query.who, query.action, query.target, query.limit)
            return [_entry(row) for row in reversed(await connection.fetch(_SELECT, *wanted))]


def _row(entry: AuditEntry) -> tuple[object, ...]:
    return (entry.id, datetime.fromtimestamp(entry.at, UTC), *(str(getattr(entry, name)) for name in _TEXTS))


def _entry(row: asyncpg.Record) -> AuditEntry:
    texts = {name: row[name] or "" for name in _TEXTS if name != "result"}
    result = row["result"] if row["result"] in set(AuditResult) else AuditResult.FAILED
    return AuditEntry(at=row["at"].timestamp(), result=AuditResult(result), id=row["id"], **texts)
