"""A connection to PostgreSQL of who keeps something in tables of the service's own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import ClassVar

import asyncpg

from restream.adapters.postgres import CONNECTION_ERRORS, HINTS, translated
from restream.domain.camera.secret import Secret
from restream.ports.outlets import SinkError

_TIMEOUT_S = 10.0
_LOOK_AGAIN_S = 300.0
_COLUMNS = "SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0"


class TableConnection:
    """One connection, made when it is needed; every trouble with it is a SinkError without the password."""

    keeps: ClassVar[str] = "records"
    """What it is called at the server."""
    hints: ClassVar[tuple[tuple[type[Exception], str], ...]] = (
        (asyncpg.InsufficientPrivilegeError, "grant this user what etc/schema_records.sql says"),
        (asyncpg.UndefinedColumnError, "run `restream init-db --records` of this release"),
        *HINTS,
    )
    """What to do about an error of a kind."""

    def __init__(self, dsn: Secret) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await connection.close(timeout=2)
            connection.terminate()

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """One after the other: a connection does one thing at a time. Bounded in time. Raises SinkError."""
        async with self._turn:
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await asyncpg.connect(
                            self._dsn.reveal(),
                            timeout=_TIMEOUT_S,
                            statement_cache_size=0,
                            server_settings={"application_name": f"restream {self.keeps}"},
                        )
                    yield self._connection
            except (*CONNECTION_ERRORS, ValueError) as error:
                await self.close()
                raise SinkError(str(translated(error, self._dsn, self.hints))) from None


class OptionalTable(TableConnection):
    """The connection of who keeps something in one table that an installation may not have: each new connection looks
    for it, and where it is missing it is looked for again later."""

    table: ClassVar[str]

    def __init__(self, dsn: Secret) -> None:
        super().__init__(dsn)
        self.columns: frozenset[str] = frozenset()
        """Of the table; an older installation may lack some."""
        self._look_at = 0.0

    async def close(self) -> None:
        """Never raises."""
        self.columns = frozenset()
        await super().close()

    @contextlib.asynccontextmanager
    async def where_there(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record] | None]:
        """As `connected`; None: there is no such table. Raises SinkError."""
        if time.monotonic() < self._look_at:
            yield None
            return
        async with self.connected() as connection:
            if not self.columns:
                self.columns = frozenset(await connection.fetchval(_COLUMNS, self.table) or ())
            yield connection if self.columns else None
        if not self.columns:
            self._look_at = time.monotonic() + _LOOK_AGAIN_S
            await self.close()
