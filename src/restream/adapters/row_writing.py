"""Changes of the cameras table, which operators make: the service itself only reads it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import asyncpg

from restream.adapters.postgres import CONNECTION_ERRORS, DEFAULT_QUERY, HINTS, read_rows, translated
from restream.domain.camera.secret import Secret
from restream.ports.cameras import Row

_TIMEOUT_S = 60.0
_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.InsufficientPrivilegeError, "give the DSN of a role that may change the table: --dsn"),
    (asyncpg.UndefinedTableError, "run `restream init-db`, or name the table: --table"),
    (asyncpg.UndefinedColumnError, "the table has no such column: leave it out of the file, or see database.columns"),
    *HINTS,
)


async def change_rows(
    dsn: Secret, table: str, query: str | None, decide: Callable[[Sequence[Row]], str | None]
) -> None:
    """Read the rows, and run what `decide` makes of them (None: nothing), while nobody else changes the table.

    All in one transaction. `table` stands in a statement as it is. Raises DatabaseError; nothing is changed then.
    """
    connection: asyncpg.Connection[asyncpg.Record] | None = None
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            connection = await asyncpg.connect(
                dsn.reveal(),
                timeout=_TIMEOUT_S,
                statement_cache_size=0,
                server_settings={"application_name": "restream rows"},
            )
            async with connection.transaction():
                await connection.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
                statements = decide(await read_rows(connection, query or DEFAULT_QUERY))
                if statements:
                    await connection.execute(statements)
    except (*CONNECTION_ERRORS, ValueError) as error:
        raise translated(error, dsn, _HINTS, _TIMEOUT_S) from None
    finally:
        if connection is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await connection.close(timeout=2)
            connection.terminate()
