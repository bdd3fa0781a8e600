"""What versions have stored, as tests/record_state.py wrote it down, and the way back into stores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import asyncpg
from redis.asyncio import Redis

from restream.config.places import ROOT

STATES = ROOT / "tests" / "data" / "state"
EVERY_KEY = STATES / "every_key.yml"
CONFIGURATION = ("restream.yml", "camera_types.yml")
SCHEMAS = ("schema.sql", "schema_events.sql", "schema_nodes.sql")
TABLES = ("restream_node", "restream_assignment", "restream_duty")
NODE, OTHER = "north", "south"
"""The one whose part is taken by today's service, and the one that goes on beside it."""

_DAY_MS = 24 * 3600 * 1000


class StoredKey(TypedDict):
    """A key of Redis: text, a mapping, `[id, fields]` of a stream, `[member, score]` of a sorted set."""

    type: str
    stays: str
    """For how long: `always`, `week`, `cycles`."""
    content: Any


class Leases(NamedTuple):
    """Rows by table, and how far epochs have come."""

    rows: Mapping[str, list[dict[str, Any]]]
    epoch: int


@dataclass(frozen=True)
class RecordedState:
    """Of one version; `folder` is called like it."""

    folder: Path

    @property
    def version(self) -> str:
        return self.folder.name

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    @cached_property
    def _redis(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text("redis.json"))
        return found

    @property
    def taken_at(self) -> float:
        """Unix time, s."""
        return float(self._redis["taken_at"])

    @property
    def keys(self) -> Mapping[str, StoredKey]:
        found: Mapping[str, StoredKey] = self._redis["keys"]
        return found

    def hash(self, key: str) -> dict[str, str]:
        """The content of a key that is a hash."""
        found: dict[str, str] = self.keys[key]["content"]
        return found

    @cached_property
    def events(self) -> list[str]:
        """JSON of each, oldest first."""
        return [fields["event"] for _, fields in self.keys["restream:events"]["content"]]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Of the cameras table, without passwords."""
        found: list[dict[str, Any]] = json.loads(self.text("cameras.json"))
        return found

    @cached_property
    def leases(self) -> Leases:
        found = json.loads(self.text("leases.json"))
        return Leases(found["rows"], found["epoch"])


def recorded() -> list[RecordedState]:
    """By version."""
    return [RecordedState(folder) for folder in sorted(STATES.iterdir()) if folder.is_dir()]


# -- Redis -------------------------------------------------------------------------------------------------------------


async def export(client: Redis) -> dict[str, StoredKey]:
    """Everything that a Redis holds."""
    return {key.decode(): await _stored(client, key.decode()) for key in sorted(await client.keys("*"))}


async def _stored(client: Any, key: str) -> StoredKey:
    kind, left_ms = (await client.type(key)).decode(), await client.pttl(key)
    stays = "always" if left_ms < 0 else "week" if left_ms > _DAY_MS else "cycles"
    content: Any
    match kind:
        case "string":
            content = (await client.get(key)).decode()
        case "hash":
            content = _texts(await client.hgetall(key))
        case "stream":
            content = [[entry.decode(), _texts(fields)] for entry, fields in await client.xrange(key)]
        case "zset":
            content = [[member.decode(), score] for member, score in await client.zrange(key, 0, -1, withscores=True)]
        case _:
            raise AssertionError(f"{key} is of an unknown type: {kind}")
    return StoredKey(type=kind, stays=stays, content=content)


def _texts(found: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): found[name].decode() for name in sorted(found)}


async def store(client: Any, keys: Mapping[str, StoredKey]) -> None:
    """The way back; nothing expires."""
    for key, stored in keys.items():
        content = stored["content"]
        match stored["type"]:
            case "string":
                await client.set(key, content)
            case "hash":
                await client.hset(key, mapping=content)
            case "stream":
                for entry, fields in content:
                    await client.xadd(key, fields, id=entry)
            case "zset":
                await client.zadd(key, dict(content))


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


async def leases_of(connection: asyncpg.Connection[asyncpg.Record]) -> Leases:
    """All that the tables of several nodes hold."""
    rows = {
        table: [
            json.loads(row[0])
            for row in await connection.fetch(f"SELECT row_to_json(t) FROM {table} t ORDER BY 1::text")
        ]
        for table in TABLES
    }
    return Leases(rows, await connection.fetchval("SELECT last_value FROM restream_epoch"))


async def insert(connection: asyncpg.Connection[asyncpg.Record], table: str, rows: list[dict[str, Any]]) -> None:
    """Rows as JSON has them."""
    populate = f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $1::json)"
    await connection.execute(populate, json.dumps(rows))


async def insert_leases(connection: asyncpg.Connection[asyncpg.Record], leases: Leases) -> None:
    """The way back."""
    for table, rows in leases.rows.items():
        await insert(connection, table, rows)
    await connection.execute("SELECT setval('restream_epoch', $1)", leases.epoch)
