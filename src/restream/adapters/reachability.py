"""One question each to Redis and PostgreSQL, for the preflight check."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

import asyncpg
from redis.exceptions import RedisError

from restream.adapters.postgres import CONNECTION_ERRORS, translated
from restream.adapters.stores.redis_connection import client, redis_trouble
from restream.domain.camera.secret import Secret
from restream.domain.server.trust import SYSTEM, Trust
from restream.ports.outlets import SinkError

_TIMEOUT_S = 5.0

# The function's text, or the trigger's arguments, name the channel.
_TRIGGERS = r"""
SELECT count(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND ($1::text IS NULL OR t.tgrelid = to_regclass($1))
  AND (strpos(p.prosrc, $2) > 0 OR strpos(encode(t.tgargs, 'escape'), $2) > 0)
"""


async def redis_version(url: Secret, trust: Trust = SYSTEM) -> str:
    """The version of the Redis that answers. Raises SinkError, one line without the password."""
    redis = client(url, _TIMEOUT_S, trust)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await redis.ping()
            # Some hosted servers forbid INFO; the answer to PING is what counts.
            with contextlib.suppress(RedisError):
                return str((await redis.info("server")).get("redis_version", ""))
            return ""
    except (RedisError, OSError, TimeoutError) as error:
        raise SinkError(redis_trouble(error, url)) from None
    finally:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await redis.aclose()


async def notify_triggers(dsn: Secret, table: str | None, channel: str) -> int:
    """How many enabled triggers notify the channel, on `table` or (None) on any. Raises DatabaseError."""
    try:
        connection = await asyncpg.connect(dsn.reveal(), timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
        try:
            return int(await connection.fetchval(_TRIGGERS, table, channel))
        finally:
            connection.terminate()
    except (*CONNECTION_ERRORS, ValueError) as error:
        raise translated(error, dsn) from None


# A list of rights within one question would ask for any of them.
_LEASE_RIGHTS = """
SELECT wanted.kind || ' on ' || wanted.name AS wanted,
    CASE WHEN to_regclass(wanted.name) IS NULL THEN NULL
        WHEN wanted.kind = 'USAGE' THEN has_sequence_privilege(to_regclass(wanted.name), wanted.kind)
        ELSE has_table_privilege(to_regclass(wanted.name), wanted.kind)
    END AS granted
FROM (
    SELECT kind, name FROM unnest($1::text[]) AS kind, unnest($2::text[]) AS name
    UNION ALL SELECT 'USAGE', unnest($3::text[])
) AS wanted
ORDER BY wanted.name, wanted.kind
"""
_VERBS, _TABLES = ("SELECT", "INSERT", "UPDATE", "DELETE"), ("restream_node", "restream_assignment", "restream_duty")
_SEQUENCES = ("restream_epoch",)


class LeaseAccess(NamedTuple):
    """What the user of `nodes.dsn` may do there."""

    refused: tuple[str, ...]
    """Rights that are missing, or whose tables are."""
    writable: bool
    """It is a primary, not a replica."""
    ahead_s: float
    """How far the database's clock is ahead of ours, as well as the way there lets one tell."""


async def lease_access(dsn: Secret) -> LeaseAccess:
    """Ask for rights and clock; nothing is written. Raises DatabaseError."""
    try:
        connection = await asyncpg.connect(
            dsn.reveal(), timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S, statement_cache_size=0
        )
        try:
            rows = await connection.fetch(_LEASE_RIGHTS, _VERBS, _TABLES, _SEQUENCES)
            writable = not await connection.fetchval("SELECT pg_is_in_recovery()")
            asked_at = time.time()
            theirs = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
            ahead_s = theirs - (asked_at + time.time()) / 2
        finally:
            connection.terminate()
    except (*CONNECTION_ERRORS, ValueError) as error:
        raise translated(error, dsn) from None
    return LeaseAccess(tuple(row["wanted"] for row in rows if not row["granted"]), writable, ahead_s)


_COLUMNS = """
SELECT wanted.name, array_remove(array_agg(attname::text), NULL) AS columns
FROM unnest($1::text[]) AS wanted (name)
    LEFT JOIN pg_attribute ON attrelid = to_regclass(wanted.name) AND attnum > 0 AND NOT attisdropped
GROUP BY wanted.name
"""


class TableAccess(NamedTuple):
    """A table of the service's own, as it is there."""

    columns: frozenset[str]
    """Empty where it is not there."""
    refused: tuple[str, ...]
    """Rights that this user has not."""


async def table_access(dsn: Secret, tables: Collection[str], verbs: Collection[str]) -> Mapping[str, TableAccess]:
    """What there is of some tables, by name. Raises DatabaseError."""
    try:
        connection = await asyncpg.connect(dsn.reveal(), timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
        try:
            rights = await connection.fetch(_LEASE_RIGHTS, list(verbs), list(tables), ())
            columns = await connection.fetch(_COLUMNS, list(tables))
        finally:
            connection.terminate()
    except (*CONNECTION_ERRORS, ValueError) as error:
        raise translated(error, dsn) from None
    refused = [row["wanted"] for row in rights if row["granted"] is False]
    return {
        row["name"]: TableAccess(
            frozenset(row["columns"]), tuple(each for each in refused if each.endswith(f" on {row['name']}"))
        )
        for row in columns
    }
