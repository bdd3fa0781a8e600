"""The port where media servers ask the directory. It is opened when the first camera is to be fetched."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import cast

from restream.domain.rtsp.directory import Directory, DirectoryTalk
from restream.ports.cameras import PublisherError

_PATIENCE_S = 10.0
"""MediaMTX asks at once, and goes."""
_MOST_GUESTS = 1024


class DirectoryListener:
    """Answers on `host` and `port`, for as long as the service runs."""

    def __init__(self, directory: Directory, host: str, port: int) -> None:
        self.directory = directory
        self.audience: dict[str, Callable[[int], None]] = {}
        """By place: who is told at each sweep how many watch it."""
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._opening = asyncio.Lock()
        self._guests: set[_Guest] = set()

    @property
    def port(self) -> int:
        """Where it listens, or will; 0 was any that is free."""
        return self._server.sockets[0].getsockname()[1] if self._server is not None else self._port

    async def listen(self) -> None:
        """Be there from now on. Raises PublisherError."""
        async with self._opening:
            if self._server is not None:
                return
            loop = asyncio.get_running_loop()
            try:
                self._server = await loop.create_server(
                    lambda: _Guest(self.directory, self._guests), self._host, self._port
                )
            except OSError as error:
                said = os.strerror(error.errno) if error.errno else str(error)
                where = f"{self._host}:{self._port}"
                raise PublisherError(f"the directory cannot listen on {where} (pull.port): {said}") from None

    async def close(self) -> None:
        """Nobody is answered any more."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for guest in tuple(self._guests):
            guest.leave()


class _Guest(asyncio.Protocol):
    """One connection of a media server, or of whoever else."""

    def __init__(self, directory: Directory, guests: set[_Guest]) -> None:
        self._talk = DirectoryTalk(directory.find)
        self._guests = guests
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def leave(self) -> None:
        """End it now."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if len(self._guests) >= _MOST_GUESTS:
            self.leave()
            return
        self._guests.add(self)
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE_S, self.leave)

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._talk.receive(data)
        self._transport.write(self._talk.data_to_send())
        if self._talk.is_over:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._guests.discard(self)
        if self._timer is not None:
            self._timer.cancel()
