"""One connection to a camera or a media server: TCP, TLS where it is wanted, and how either fails."""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from restream.adapters.tls import context_of
from restream.domain.server.trust import Trust

# A camera that sends as fast as it can is read in pieces that hold the event loop for some ms; a picture of 4 Mbit/s is
# one piece.
_READ_AT_ONCE_BYTES = 64 * 1024
# Shared: what is read into it is taken out before anybody else reads. A view: TLS of asyncio slices it, to read on.
_READ_BUFFER = memoryview(bytearray(_READ_AT_ONCE_BYTES))
# A host name may have addresses of both families, of which only one is routed (RFC 8305 §5).
_NEXT_ADDRESS_AFTER_S = 0.25


class Listener(NamedTuple):
    """Who is told of a connection."""

    received: Callable[[bytes], None]
    lost: Callable[[Exception | None], None]
    """Gone, not by our wish; None: the peer closed it."""


class Ends(NamedTuple):
    """Of a connection, as the system has them: host, port, and what IPv6 adds."""

    family: int
    local: tuple[Any, ...]
    peer: tuple[Any, ...]


def camera_tls() -> ssl.SSLContext:
    """TLS as cameras have it: certificates of their own making, and protocols of ten years ago.

    It keeps a password from those who only listen, as ffmpeg does by its defaults; whom it reaches is not proved.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.options |= 0x4  # OP_LEGACY_SERVER_CONNECT, which has a name from Python 3.12 on
    return context


def server_tls(trust: Trust) -> ssl.SSLContext:
    """TLS to a media server; one that is not checked may be as old as a camera. Raises OSError."""
    return context_of(trust) if trust.verify else camera_tls()


class CameraConnection(asyncio.BufferedProtocol):
    """Nothing is read before `listen`, and nothing is told after `abort`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._listener: Listener | None = None
        self._loss: Exception | None = None
        self._is_lost = False

    async def encrypt(self, tls: ssl.SSLContext, host: str) -> None:
        """Begin TLS. Raises OSError and ValueError, and leaves no connection then; the same when it is cancelled."""
        transport = self._transport
        try:
            if transport is None or self._is_lost:
                raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
            loop = asyncio.get_running_loop()
            encrypted = await loop.start_tls(transport, self, tls, server_hostname=host)
            if encrypted is None:  # it went while the handshake ended
                raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
            self._transport = encrypted
        except BaseException:
            if transport is not None:
                transport.abort()
            raise

    def listen(self, listener: Listener) -> None:
        """From now on `listener` is told; at once, where the connection is gone already."""
        self._listener = listener
        if self._is_lost:
            self.connection_lost(self._loss)
        elif self._transport is not None:
            self._transport.resume_reading()

    @property
    def ends(self) -> Ends | None:
        """Ours and the peer's; None: it has none any more."""
        if self._transport is None or self._transport.is_closing():
            return None
        about = self._transport.get_extra_info
        return Ends(about("socket").family, about("sockname"), about("peername"))

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Send; returns how many bytes the peer has not taken yet."""
        if self._transport is None or self._transport.is_closing():
            return 0
        self._transport.write(data)
        return self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """End it now. What the peer did not take yet is not sent any more: neither it nor TLS is waited for."""
        self._listener = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.pause_reading()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Of asyncio: where it reads to."""
        return _READ_BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Of asyncio."""
        if self._listener is not None:
            self._listener.received(bytes(_READ_BUFFER[:nbytes]))

    def eof_received(self) -> None:
        """Of asyncio, which closes then: the peer has said its last."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio; told once."""
        self._is_lost, self._loss = True, exc
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.lost(exc)


_Try = asyncio.Task[tuple[asyncio.Transport, CameraConnection]]


async def first_connection(addresses: Sequence[str], port: int) -> CameraConnection:
    """To the first address that takes it; the next one is tried when one fails, and when it takes its time.

    Raises the OSError that tells most; no other connection is left, none at all when it is cancelled.
    """
    loop = asyncio.get_running_loop()
    tries: list[_Try] = []
    chosen: _Try | None = None
    try:
        for number, address in enumerate(addresses, 1):
            connecting = loop.create_connection(CameraConnection, address, port)
            tries.append(loop.create_task(connecting, name="rtsp connection"))
            limit_s = _NEXT_ADDRESS_AFTER_S if number < len(addresses) else None
            while pending := [each for each in tries if not each.done()]:
                await asyncio.wait(pending, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
                chosen = next((each for each in tries if each.done() and each.exception() is None), None)
                if chosen is not None:
                    return chosen.result()[1]
                if limit_s is not None:
                    break
        raise _most_telling([error for each in tries if isinstance(error := each.exception(), OSError)])
    finally:
        others = [each for each in tries if each is not chosen]
        for each in others:
            each.cancel()
            each.add_done_callback(_let_go)
        # With a connection in hand nothing is waited for: who cancels the wait would not get it.
        if others and chosen is None:
            await asyncio.wait(others)


def _let_go(task: _Try) -> None:
    """It may have succeeded before it could be cancelled."""
    if not task.cancelled() and task.exception() is None:
        task.result()[1].abort()


def _most_telling(errors: Sequence[OSError]) -> OSError:
    """A host that refuses is there; what else addresses say may be of the way to them."""
    refused = [error for error in errors if error.errno == errno.ECONNREFUSED]
    return (refused or list(errors) or [OSError(errno.EHOSTUNREACH, "the name has no address")])[0]
