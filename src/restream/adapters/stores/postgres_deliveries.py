"""Messages and what became of them in PostgreSQL, for installations that created the table of
etc/schema_deliveries.sql.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import asyncpg

from restream.adapters.postgres import HINTS
from restream.adapters.stores.postgres_connection import TableConnection
from restream.domain.news.alert import AlertKind, Scope, Telling
from restream.domain.news.deliveries import AlertDelivery, DeliveryState

_PRUNED_AT_ONCE = 5_000
_COLUMNS = "id, receiver, node, route, kind, telling, scope, total, text, incident, at, state, tries, error, done"
_EXISTS = "SELECT to_regclass('restream_delivery') IS NOT NULL"
_PUT = (
    f"INSERT INTO restream_delivery ({_COLUMNS}) "  # noqa: S608
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (id, receiver) "
    "DO UPDATE SET state = excluded.state, tries = excluded.tries, error = excluded.error, done = excluded.done"
)
_LATEST = f"SELECT {_COLUMNS} FROM restream_delivery ORDER BY at DESC, id DESC LIMIT $1"  # noqa: S608
_PRUNE = """
DELETE FROM restream_delivery WHERE (id, receiver) IN (
    SELECT id, receiver FROM restream_delivery WHERE at < clock_timestamp() - make_interval(secs => $1) LIMIT $2)"""


class PostgresDeliveries(TableConnection):
    """The table `restream_delivery`."""

    name = "table of messages"
    keeps = "deliveries"
    hints = (
        (asyncpg.InsufficientPrivilegeError, "grant this user what etc/schema_deliveries.sql says"),
        (asyncpg.UndefinedColumnError, "run `restream init-db --deliveries` of this release"),
        *HINTS,
    )

    async def exists(self) -> bool:
        """See `DeliveryStore`."""
        async with self.connected() as connection:
            return bool(await connection.fetchval(_EXISTS))

    async def save(self, deliveries: Collection[AlertDelivery]) -> None:
        """See `DeliveryStore`."""
        async with self.connected() as connection:
            await connection.executemany(_PUT, [_row(each) for each in deliveries])

    async def latest(self, limit: int) -> Sequence[AlertDelivery]:
        """See `DeliveryStore`."""
        async with self.connected() as connection:
            rows = await connection.fetch(_LATEST, limit)
        # Another version may have words that this one does not know.
        return [_delivery(row) for row in rows if _is_known(row)]

    async def prune(self, keep_s: float) -> int:
        """See `DeliveryStore`."""
        gone = 0
        while True:
            async with self.connected() as connection:
                status = await connection.execute(_PRUNE, keep_s, _PRUNED_AT_ONCE)
            count = int(status.rpartition(" ")[2])
            gone += count
            if count < _PRUNED_AT_ONCE:
                return gone


_WORDS: Mapping[str, frozenset[str]] = {
    "kind": frozenset(AlertKind),
    "telling": frozenset(Telling),
    "scope": frozenset(Scope),
    "state": frozenset(DeliveryState),
}


def _is_known(row: asyncpg.Record) -> bool:
    return all(row[name] in words for name, words in _WORDS.items())


def _row(each: AlertDelivery) -> tuple[object, ...]:
    texts = (each.id, each.receiver, each.node, each.route, each.kind.value, each.telling.value, each.scope.value)
    moments = (_time(each.at), _time(each.done_at) if each.done_at is not None else None)
    told = (each.total, _clean(each.text), each.incident, moments[0])
    return (*texts, *told, each.state.value, each.tries, _clean(each.error), moments[1])


def _delivery(row: asyncpg.Record) -> AlertDelivery:
    return AlertDelivery(
        row["id"],
        row["receiver"],
        row["route"],
        AlertKind(row["kind"]),
        Telling(row["telling"]),
        Scope(row["scope"]),
        row["total"],
        row["text"],
        row["at"].timestamp(),
        DeliveryState(row["state"]),
        row["tries"],
        row["error"],
        row["done"].timestamp() if row["done"] is not None else None,
        node=row["node"],
        incident=row["incident"],
    )


def _clean(text: str) -> str:
    """What PostgreSQL takes."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
