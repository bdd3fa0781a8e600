"""Carries one conversation with a camera over TCP or TLS: bytes, moments and timers for `domain.rtsp`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.events import ConnectionWanted, Failed, Finished, RtspEvent
from restream.domain.rtsp.url import RtspUrl

_READ_AT_ONCE_BYTES = 256 * 1024
# A host name may have addresses of both families, of which only one is routed.
_NEXT_ADDRESS_AFTER_S = 0.25


def camera_tls() -> ssl.SSLContext:
    """TLS as cameras have it: certificates of their own making, and protocols of ten years ago.

    It keeps a password from those who only listen, as ffmpeg does by its defaults; whom it reaches is not proved.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


class Wire(asyncio.BufferedProtocol):
    """`on_event` hears everything but the wish for a connection, which is seen to here.

    `run` returns when the conversation is over, and leaves no connection behind, also when it is cancelled.
    """

    def __init__(self, client: RtspClient, on_event: Callable[[RtspEvent], None], tls: ssl.SSLContext) -> None:
        self._client = client
        self._on_event = on_event
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray(_READ_AT_ONCE_BYTES)
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._over: asyncio.Future[Failed | Finished] = self._loop.create_future()
        self.refusal: Exception | None = None
        """Why the last connection did not come about, as the system has it."""

    async def run(self) -> Failed | Finished:
        """Hold the conversation."""
        try:
            self._client.start(self._loop.time())
            self._follow()
            return await self._over
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._disconnect()

    def _disconnect(self) -> None:
        connecting, self._connecting = self._connecting, None
        transport, self._transport = self._transport, None
        if connecting is not None:
            connecting.cancel()
        if transport is not None:
            transport.close()  # what was written is still sent: a farewell

    # -- of the connection ---------------------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where asyncio reads to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        if not self._over.done() and self._transport is not None:
            self._client.receive(bytes(memoryview(self._buffer)[:nbytes]), self._loop.time())
            self._follow()

    def eof_received(self) -> None:
        """The camera has said its last: asyncio closes."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, by whoever's wish."""
        if self._transport is not None:
            self._transport = None
            self._lost(exc)

    def _lost(self, error: Exception | None) -> None:
        self.refusal = error
        self._client.lost(_words(error), self._loop.time())
        self._follow()

    async def _connect(self, url: RtspUrl) -> None:
        host, port = url.address
        try:
            connected, _ = await self._loop.create_connection(
                _Unheard, host, port, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S
            )
            transport: asyncio.Transport | None = connected
            if url.secure and transport is not None:
                self._client.encrypting(self._loop.time())
                self._arm()
                transport = await self._encrypted(transport, host)
        except (OSError, ssl.SSLError, UnicodeError) as error:
            self._connecting = None
            self._lost(error)
            return
        self._connecting = None
        if transport is None or self._over.done():
            return
        self._transport, self.refusal = transport, None
        transport.set_protocol(self)
        transport.resume_reading()
        self._client.connected(self._loop.time())
        self._follow()

    async def _encrypted(self, transport: asyncio.Transport, host: str) -> asyncio.Transport | None:
        try:
            return await self._loop.start_tls(transport, _Unheard(), self._tls, server_hostname=host)
        except BaseException:
            transport.abort()
            raise

    # -- of the conversation -------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Send what is to be sent, tell what has happened, and wake up in time."""
        data = self._client.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)
        for event in self._client.events():
            if isinstance(event, ConnectionWanted):
                self._disconnect()
                self._connecting = self._loop.create_task(self._connect(event.url), name="rtsp connection")
                continue
            self._on_event(event)
            if isinstance(event, Failed | Finished) and not self._over.done():
                self._over.set_result(event)
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._client.deadline
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._due)

    def _due(self) -> None:
        self._client.due(self._loop.time())
        self._follow()


class _Unheard(asyncio.Protocol):
    """Until the conversation begins nothing is read: what comes early is still there afterwards."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Not a byte before somebody listens."""
        cast(asyncio.Transport, transport).pause_reading()


def _words(error: Exception | None) -> str:
    if error is None:
        return "the camera closed it"
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
