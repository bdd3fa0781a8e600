"""A camera that is a coroutine: it gets each connection's streams, and says whatever it likes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Self

Talks = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SDP = "v=0\r\ns=x\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:t0\r\n"


def answer(status: str = "200 OK", *headers: str, body: str = SDP) -> bytes:
    """One answer to DESCRIBE, with its length."""
    head = "".join(f"{line}\r\n" for line in (f"RTSP/1.0 {status}", *headers, f"Content-Length: {len(body)}"))
    return f"{head}\r\n{body}".encode()


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read, and say nothing."""
    while await reader.read(65536):
        pass


class RawCamera:
    """Listens on loopback; each connection is closed when its talk is over."""

    def __init__(self, talks: Talks, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._talks = talks
        self._host = host
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.connections_total = 0

    @property
    def open_connections(self) -> int:
        """Clients that are connected now."""
        return len(self._writers)

    def url(self, login: str = "", path: str = "stream") -> str:
        """`login`: with the password, as it stands in a URL."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"rtsp{'s' if self._tls else ''}://{login and login + '@'}{host}:{self.port}/{path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        while self._writers:
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_total += 1
        self._writers.add(writer)
        try:
            await self._talks(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
