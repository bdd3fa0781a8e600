"""Ports that the service answers on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import NamedTuple, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from restream.config.settings import ConfigError

_logger = logging.getLogger("restream.http")


def _in_a_line(record: logging.LogRecord) -> bool:
    """What is no HTTP is one line, no traceback: whoever reaches the port can send it as often as he likes."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = None
        record.msg, record.args = "%s: %s", (record.getMessage(), error.message.partition("\n")[0][:80])
    return True


_logger.addFilter(_in_a_line)


# A client that says nothing, or does not finish its request line and headers, for so long. Longer than proxies keep
# an idle connection (nginx: 60 s), or they would meet one that is just being closed.
_PATIENCE_S = 75.0
# What is left of a body that nobody wants.
_LINGER_S = 5.0
_MOST_CONNECTIONS = 4096
_BACKLOG = 128
# Cameras need descriptors too.
_SHARE_OF_DESCRIPTORS = 4


class LeftPort(NamedTuple):
    """Sockets that listen on while the service is replaced: clients wait in their queue (128 at most) meanwhile."""

    host: str
    port: int
    descriptors: tuple[int, ...]


class Ports:
    """Listening sockets by the setting that names them; those of the life before where the address is the same."""

    def __init__(self, left: Mapping[str, LeftPort] | None = None) -> None:
        self._left = dict(left or {})
        self._open: dict[str, tuple[str, int, Sequence[socket.socket]]] = {}

    async def open(
        self, key: str, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int
    ) -> Sequence[asyncio.Server]:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        inherited = self._inherited(key, host, port)
        if inherited:
            servers = [await loop.create_server(factory, sock=each, backlog=_BACKLOG) for each in inherited]
        else:
            servers = [await loop.create_server(factory, host, port, backlog=_BACKLOG)]
        self._open[key] = (host, port, [each for server in servers for each in server.sockets])
        return servers

    def _inherited(self, key: str, host: str, port: int) -> Sequence[socket.socket]:
        left = self._left.pop(key, None)
        sockets = [socket.socket(fileno=each) for each in left.descriptors] if left else []
        for each in sockets:
            each.set_inheritable(False)
            each.setblocking(False)
        if left is not None and (left.host, left.port) == (host, port):
            return sockets
        for each in sockets:
            each.close()
        return ()

    def leave(self) -> dict[str, LeftPort]:
        """What the next life listens on, too."""
        return {
            key: LeftPort(host, port, tuple(_inheritable(each.fileno()) for each in sockets))
            for key, (host, port, sockets) in self._open.items()
        }


def _inheritable(descriptor: int) -> int:
    # The servers close theirs.
    copy = os.dup(descriptor)
    os.set_inheritable(copy, True)
    return copy


@contextlib.asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    key: str,
    *,
    ports: Ports | None = None,
    patience_s: float = _PATIENCE_S,
    most_connections: int | None = None,
) -> AsyncIterator[int]:
    """Serve an application; yields the port. Raises ConfigError, naming the key, when the port cannot be had.

    A connection on which no request comes is closed after `patience_s` seconds; those above `most_connections` (by
    default a quarter of what the process may open) are closed at once.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = most_connections or min(_MOST_CONNECTIONS, max(16, soft // _SHARE_OF_DESCRIPTORS))
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_logger,
        shutdown_timeout=1.0,
        keepalive_timeout=patience_s,
        lingering_time=_LINGER_S,
        # Nobody sends us compressed bodies but who means harm.
        auto_decompress=False,
    )
    await runner.setup()
    try:
        serve = cast(web.Server, runner.server)

        def accepted() -> asyncio.BaseProtocol:
            return cast(asyncio.BaseProtocol, serve()) if len(serve.connections) < most else _TurnedAway()

        try:
            servers = await (ports or Ports()).open(key, accepted, host, port)
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno == errno.EADDRINUSE:
                reason = f"another program has this port (`ss -ltnp`): end that, or set {key}"
            raise ConfigError(f"{key}: cannot listen on {host}:{port}: {reason}") from None
        try:
            yield servers[0].sockets[0].getsockname()[1]
        finally:
            for server in servers:
                server.close()
    finally:
        await runner.cleanup()


class _TurnedAway(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()
