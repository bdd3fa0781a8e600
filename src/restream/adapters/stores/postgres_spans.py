"""What cameras were like in PostgreSQL, for installations that created the tables of etc/schema_history.sql."""

from __future__ import annotations

import time
from collections.abc import Sequence

import asyncpg

from restream.adapters.postgres import HINTS
from restream.adapters.stores.postgres_connection import TableConnection
from restream.domain.camera.secret import Secret
from restream.domain.history.span_log import NumberedSpan

# A clock that is this near is the same: adjacent spans stay adjacent.
_SAME_CLOCK_S = 0.25
_PRUNED_AT_ONCE = 5_000
_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.InsufficientPrivilegeError, "grant this user what etc/schema_history.sql says"),
    (asyncpg.UndefinedColumnError, "run `restream init-db --history` of this release"),
    *HINTS,
)

_FIND = "SELECT to_regclass('restream_span') IS NOT NULL AND to_regclass('restream_watch') IS NOT NULL"
_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"
_RESUME = """
UPDATE restream_span SET ended = greatest(began, coalesce((SELECT seen FROM restream_watch WHERE node = $1), began))
WHERE node = $1 AND ended IS NULL"""
_LAST = "SELECT coalesce(max(id), 0) FROM restream_span WHERE node = $1"
_SAVE = """
INSERT INTO restream_span (node, id, camera, began, ended, state, cause, side, site, name, planned)
SELECT $1, id, camera, to_timestamp(began + $2), to_timestamp(ended + $2), state, cause, side, site, name, planned
FROM unnest($3::bigint[], $4::text[], $5::float8[], $6::float8[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::boolean[]) AS told (id, camera, began, ended, state, cause, side, site, name, planned)
ON CONFLICT (node, id) DO UPDATE SET ended = greatest(excluded.ended, restream_span.began)"""
_SEEN = """
INSERT INTO restream_watch (node, seen) VALUES ($1, to_timestamp($2))
ON CONFLICT (node) DO UPDATE SET seen = excluded.seen"""
_PRUNE = """
DELETE FROM restream_span WHERE (node, id) IN (
    SELECT span.node, span.id FROM restream_span AS span LEFT JOIN restream_watch AS watch USING (node)
    WHERE span.ended < clock_timestamp() - make_interval(secs => $1)
        OR (span.ended IS NULL AND watch.seen < clock_timestamp() - make_interval(secs => $1))
    LIMIT $2)"""
_PRUNE_NODES = """
DELETE FROM restream_watch AS watch WHERE seen < clock_timestamp() - make_interval(secs => $1)
    AND NOT EXISTS (SELECT FROM restream_span AS span WHERE span.node = watch.node)"""


class PostgresSpans(TableConnection):
    """Spans of one node. Their times are those of this host's clock, and stored as those of the database's."""

    name = "history tables"
    keeps = "history"
    hints = _HINTS

    def __init__(self, dsn: Secret, node: str) -> None:
        super().__init__(dsn)
        self._node = node
        self._ahead_s = 0.0
        """By how much the database's clock is ahead of ours."""

    async def resume(self) -> int | None:
        """See `SpanStore`."""
        async with self.connected() as connection:
            if not await connection.fetchval(_FIND):
                return None
            async with connection.transaction():
                await connection.execute(_RESUME, self._node)
                return int(await connection.fetchval(_LAST, self._node))

    async def save(self, batch: Sequence[NumberedSpan], seen_at: float | None) -> bool:
        """See `SpanStore`."""
        async with self.connected() as connection:
            if not await connection.fetchval(_FIND):
                return False
            await self._set_clock(connection)
            async with connection.transaction():
                if batch:
                    await connection.execute(_SAVE, self._node, self._ahead_s, *_columns(batch))
                if seen_at is not None:
                    await connection.execute(_SEEN, self._node, seen_at + self._ahead_s)
        return True

    async def prune(self, keep_s: float) -> int:
        """See `SpanStore`."""
        gone = 0
        while True:
            async with self.connected() as connection:
                status = await connection.execute(_PRUNE, keep_s, _PRUNED_AT_ONCE)
                count = int(status.rpartition(" ")[2])
                gone += count
                if count < _PRUNED_AT_ONCE:
                    await connection.execute(_PRUNE_NODES, keep_s)
                    return gone

    async def _set_clock(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        before = time.time()
        told: float = await connection.fetchval(_CLOCK)
        ahead_s = told - (before + time.time()) / 2
        if abs(ahead_s - self._ahead_s) > _SAME_CLOCK_S:
            self._ahead_s = ahead_s


def _columns(batch: Sequence[NumberedSpan]) -> tuple[list[object], ...]:
    rows = [
        (number, span.camera, span.began, span.ended, str(span.mark.state), *span.mark[1:]) for number, span in batch
    ]
    return tuple(map(list, zip(*rows, strict=True)))
