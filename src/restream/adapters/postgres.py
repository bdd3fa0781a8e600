"""The cameras table in PostgreSQL, through asyncpg: one connection that reads and listens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any
from urllib.parse import unquote

import asyncpg

from restream.adapters.tls import tls_trouble
from restream.domain.camera.secret import Secret, spellings
from restream.domain.one_line import one_line
from restream.ports.cameras import DatabaseError, Row

DEFAULT_QUERY = "SELECT * FROM cameras ORDER BY id"
_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 2.0
# A schema may index a table of millions of rows anew.
_SCRIPT_TIMEOUT_S = 600.0
_LOST = "the connection to the database is lost"

# InternalClientError: asyncpg was interrupted in the middle of an exchange by the loss of the connection.
CONNECTION_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)

HINTS: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.InvalidPasswordError, "check user and password of the DSN"),
    (asyncpg.InvalidAuthorizationSpecificationError, "check user and password of the DSN, and pg_hba.conf"),
    (asyncpg.InvalidCatalogNameError, "check the database name of the DSN"),
    (ConnectionRefusedError, "start PostgreSQL, or correct host and port of the DSN"),
    (socket.gaierror, "check the host of the DSN"),
)
"""What to do about a connection that fails."""
_TABLE_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.UndefinedTableError, "run `restream init-db`, or set database.query to your table"),
    (asyncpg.UndefinedColumnError, "check database.query"),
    (asyncpg.InsufficientPrivilegeError, "grant this user SELECT on the cameras table"),
    (asyncpg.ReadOnlySQLTransactionError, "database.query must only read"),
    *HINTS,
)
_SCRIPT_HINTS = ((asyncpg.InsufficientPrivilegeError, "do this as the owner of the database, with its DSN"),)


class PostgresCameraTable:
    """Reads the table with `query`; notifications on `notify_channel` say that it changed."""

    def __init__(self, dsn: Secret, *, query: str | None = None, notify_channel: str = "cameras_changed") -> None:
        self._dsn = dsn
        self._query = query or DEFAULT_QUERY
        self._channel = notify_channel
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def connect(self, on_change: Callable[[], None]) -> None:
        """(Re)connect and listen; a notification, or the loss, calls `on_change`. Raises DatabaseError."""
        await self.close()

        def notified(*_: Any) -> None:
            on_change()

        try:
            connection = await asyncpg.connect(
                self._dsn.reveal(),
                timeout=_TIMEOUT_S,
                command_timeout=_TIMEOUT_S,
                # Poolers in transaction mode hand every query to another session.
                statement_cache_size=0,
                server_settings={"application_name": "restream"},
            )
            self._connection = connection
            await connection.add_listener(self._channel, notified)
            connection.add_termination_listener(notified)
        except (*CONNECTION_ERRORS, ValueError) as error:
            await self.close()
            raise translated(error, self._dsn) from None

    async def read(self) -> Sequence[Row]:
        """All rows. Raises DatabaseError."""
        connection = self._connection
        if connection is None or connection.is_closed():
            raise DatabaseError(_LOST)
        try:
            async with asyncio.timeout(_TIMEOUT_S), connection.transaction(readonly=True):
                return await read_rows(connection, self._query)
        except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            # A loss has as many texts as there are moments at which asyncpg may notice it.
            raise DatabaseError(_LOST) if connection.is_closed() else translated(error, self._dsn) from None
        except CONNECTION_ERRORS as error:
            raise translated(error, self._dsn) from None

    async def close(self) -> None:
        """Let go of connections; never raises."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(*CONNECTION_ERRORS):
            await connection.close(timeout=_CLOSE_TIMEOUT_S)
        connection.terminate()


async def read_rows(connection: asyncpg.Connection[asyncpg.Record], query: str) -> list[Row]:
    """What a query finds, as the service reads it. Raises what asyncpg raises."""
    # Without a name: poolers in transaction mode would meet a named one again in other sessions.
    statement = await connection.prepare(query, name="")
    read = {each.name: _READ[each.type.name] for each in statement.get_attributes() if each.type.name in _READ}
    return [_row(record, read) for record in await statement.fetch()]


def _row(record: asyncpg.Record, read: Mapping[str, Callable[[Any], object]]) -> Row:
    row = dict(record)
    for name, convert in read.items():
        if row[name] is not None:
            row[name] = convert(row[name])
    return row


def _shortest_single(value: float) -> float:
    """101.1, where the double of a 4-byte 101.1 is 101.0999984741211."""
    packed = _SINGLE.pack(value)
    return next(
        (short for digits in range(6, 9) if _SINGLE.pack(short := float(f"{value:.{digits}g}")) == packed), value
    )


_SINGLE = Struct("f")
# What the driver makes of a type, as the text or number that it stands for. The blanks that fill a CHAR(n) are no part
# of its value: there even a password ends with its last letter.
_READ: Mapping[str, Callable[[Any], object]] = {
    "bpchar": lambda text: text.rstrip(" "),
    "char": lambda octet: octet.decode("latin-1"),
    "float4": _shortest_single,
    "bit": asyncpg.BitString.as_string,
    "varbit": asyncpg.BitString.as_string,
}


def translated(
    error: Exception,
    dsn: Secret,
    hints: tuple[tuple[type[Exception], str], ...] = _TABLE_HINTS,
    timeout_s: float = _TIMEOUT_S,
) -> DatabaseError:
    """One line for the operator, with what to do where that is known, and without the password."""
    hint = next((hint for kind, hint in hints if isinstance(error, kind)), "")
    trouble, password = _tls_trouble(error, dsn.reveal()), _password(dsn.reveal())
    if trouble:
        text, hint = trouble
    elif isinstance(error, TimeoutError):
        text = f"no answer within {timeout_s:.0f} s"
    elif isinstance(error, OSError) and error.errno is not None:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno)
        text = f"{reason} ({_address(dsn.reveal())})"
    else:
        text = str(error) or type(error).__name__
    if isinstance(error, asyncpg.InvalidPasswordError) and "%" in password:
        hint = f"{hint}; a % in its password must be written as %25"
    text = one_line(text, (*spellings(password), *spellings(unquote(password))))
    return DatabaseError(f"{text}; {hint}" if hint else text)


def _tls_trouble(error: Exception, dsn: str) -> tuple[str, str] | None:
    """What went wrong with TLS, and what to do; None: it was something else."""
    if trouble := tls_trouble(error):
        return f"{trouble} ({_address(dsn)})", "check the DSN: host, sslmode and sslrootcert"
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return f"TLS: the server does not speak it ({_address(dsn)})", "set `ssl = on` there, or sslmode in the DSN"
    if isinstance(error, FileNotFoundError | PermissionError) and "sslrootcert=" in dsn:
        return f"TLS: a file of the DSN cannot be read: {error.strerror}", "check sslrootcert, sslcert and sslkey"
    refused = isinstance(error, asyncpg.InvalidAuthorizationSpecificationError)
    if refused and "no encryption" in str(error):
        return str(error), "the server wants TLS: set sslmode=verify-full and sslrootcert in the DSN"
    return None


def _address(dsn: str) -> str:
    """Host and port, as far as the DSN names them."""
    return dsn.partition("://")[2].partition("/")[0].rpartition("@")[2] or "the default address"


def _password(dsn: str) -> str:
    authority = dsn.partition("://")[2].rpartition("@")[0]
    return authority.partition(":")[2]


async def execute_script(dsn: Secret, script: str) -> None:
    """Run SQL statements (the schema of a new installation). Raises DatabaseError."""
    try:
        connection = await asyncpg.connect(dsn.reveal(), timeout=_TIMEOUT_S, command_timeout=_SCRIPT_TIMEOUT_S)
    except (*CONNECTION_ERRORS, ValueError) as error:
        raise translated(error, dsn) from None
    try:
        await connection.execute(script)
    except CONNECTION_ERRORS as error:
        raise translated(error, dsn, _SCRIPT_HINTS) from None
    finally:
        await connection.close()
