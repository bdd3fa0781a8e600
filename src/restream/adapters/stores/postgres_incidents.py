"""Incidents in PostgreSQL, for installations that created the tables of etc/schema_records.sql."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from restream.adapters.stores.postgres_connection import TableConnection
from restream.domain.news.incident import MOST_ENTRIES, Bond, Deed, Entry, Incident, IncidentScope
from restream.ports.incidents import AddedEntry

_MOST = 2000
_SCOPES = {str(each): each for each in IncidentScope}
_DEEDS = {str(each): each for each in Deed}

_EXISTS = "SELECT to_regclass('restream_incident') IS NOT NULL AND to_regclass('restream_incident_entry') IS NOT NULL"
_COLUMNS = "id, scope, place, kind, cause, side, began, members, affected, most, ended, times, merged_into"
_RECENT = (
    f"SELECT {_COLUMNS} FROM restream_incident WHERE ended IS NULL OR ended > $1 ORDER BY began DESC LIMIT {_MOST}"  # noqa: S608
)
_BETWEEN = (
    f"SELECT {_COLUMNS} FROM restream_incident "  # noqa: S608
    "WHERE began <= $2 AND (ended IS NULL OR ended >= $1) ORDER BY began DESC LIMIT $3"
)
_ENTRIES = (
    "SELECT id, incident, at, who, deed, text, until FROM restream_incident_entry "
    "WHERE incident = ANY($1::text[]) ORDER BY at DESC LIMIT $2"
)
_PUT = (
    f"INSERT INTO restream_incident ({_COLUMNS}) "  # noqa: S608
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
    "ON CONFLICT (id) DO UPDATE SET cause = excluded.cause, side = excluded.side, began = excluded.began, "
    "members = excluded.members, affected = excluded.affected, most = excluded.most, ended = excluded.ended, "
    "times = excluded.times, merged_into = excluded.merged_into"
)
_ADD = (
    "INSERT INTO restream_incident_entry (id, incident, at, who, deed, text, until) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING"
)


class PostgresIncidents(TableConnection):
    """The tables `restream_incident` and `restream_incident_entry`."""

    name = "table of incidents"

    async def exists(self) -> bool:
        """Whether there are the tables. Raises SinkError."""
        async with self.connected() as connection:
            return bool(await connection.fetchval(_EXISTS))

    async def load(self, since: float) -> Sequence[Incident]:
        """Raises SinkError."""
        async with self.connected() as connection:
            return await _read(connection, _RECENT, _time(since))

    async def between(self, since: float, until: float, limit: int) -> Sequence[Incident]:
        """Raises SinkError."""
        async with self.connected() as connection:
            return await _read(connection, _BETWEEN, _time(since), _time(until), limit)

    async def save(self, incidents: Collection[Incident], entries: Collection[AddedEntry]) -> None:
        """Raises SinkError."""
        async with self.connected() as connection, connection.transaction():
            if incidents:
                await connection.executemany(_PUT, [_row(each) for each in incidents])
            if entries:
                await connection.executemany(_ADD, [_entry_row(each) for each in entries])


async def _read(connection: asyncpg.Connection[asyncpg.Record], query: str, *arguments: Any) -> list[Incident]:
    rows = await connection.fetch(query, *arguments)
    found: dict[str, list[Entry]] = {}
    for row in await connection.fetch(_ENTRIES, [row["id"] for row in rows], _MOST * 10):
        if row["deed"] in _DEEDS:
            found.setdefault(row["incident"], []).append(_entry(row))
    # Another version may have scopes that this one does not know.
    known = [row for row in reversed(rows) if row["scope"] in _SCOPES]
    return [_incident(row, found.get(row["id"], [])[MOST_ENTRIES - 1 :: -1]) for row in known]


def _incident(row: asyncpg.Record, entries: Sequence[Entry]) -> Incident:
    return Incident(
        row["id"],
        Bond(_SCOPES[row["scope"]], row["place"], row["kind"]),
        row["cause"],
        row["side"],
        row["began"].timestamp(),
        frozenset(row["members"]),
        frozenset(row["affected"]),
        row["most"],
        row["ended"].timestamp() if row["ended"] is not None else None,
        row["times"],
        row["merged_into"],
        tuple(entries),
    )


def _entry(row: asyncpg.Record) -> Entry:
    until = row["until"].timestamp() if row["until"] is not None else 0.0
    return Entry(row["id"], row["at"].timestamp(), row["who"], _DEEDS[row["deed"]], row["text"], until)


def _row(incident: Incident) -> tuple[object, ...]:
    return (
        incident.id,
        *incident.bond,
        incident.cause,
        incident.side,
        _time(incident.began),
        sorted(incident.members),
        sorted(incident.affected),
        incident.most,
        _time(incident.ended) if incident.ended is not None else None,
        incident.times,
        incident.merged_into,
    )


def _entry_row(added: AddedEntry) -> tuple[object, ...]:
    entry = added.entry
    until = _time(entry.until) if entry.until else None
    return (entry.id, added.incident, _time(entry.at), entry.who, entry.deed, entry.text, until)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
