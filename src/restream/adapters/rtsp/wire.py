"""Carries one conversation over TCP or TLS, with a camera or a server: bytes, moments, timers of `domain.rtsp`."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

from restream.adapters.rtsp.addresses import Resolver
from restream.adapters.rtsp.connection import CameraConnection, Ends, Listener, first_connection
from restream.adapters.tls import tls_trouble
from restream.domain.life.cause import Cause
from restream.domain.rtsp.events import ConnectionWanted, Failed, Finished
from restream.domain.rtsp.failure import Stage
from restream.domain.rtsp.url import RtspUrl

MOST_UNSENT_BYTES = 256 * 1024
"""Who asks and asks, and does not read what it is answered, is left."""
_NO_ANSWER_YET = socket.gaierror(socket.EAI_AGAIN, "the name server does not answer")
_TLS_WORDS: Mapping[str, str] = {
    "WRONG_VERSION_NUMBER": "the port does not speak TLS: the URL should perhaps begin with rtsp://",
    "UNEXPECTED_EOF_WHILE_READING": "{} closed it",
}
Event_co = TypeVar("Event_co", covariant=True)
Event = TypeVar("Event")


class Carried(Protocol[Event_co]):
    """A conversation without I/O: `RtspClient`, `RtspPublisher`."""

    stage: Stage
    deadline: float | None

    def start(self, now: float) -> None:
        """Begin."""

    def encrypting(self, now: float) -> None:
        """TLS begins."""

    def connected(self, now: float) -> None:
        """The connection that was wanted is there."""

    def receive(self, data: bytes, now: float) -> None:
        """Bytes have come."""

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone."""

    def due(self, now: float) -> None:
        """The deadline has come."""

    def close(self, now: float) -> None:
        """End it."""

    def abandon(self, cause: Cause, words: str, now: float) -> None:
        """It is not carried on."""

    def data_to_send(self) -> bytes:
        """Bytes for the connection, once."""

    def events(self) -> Iterator[Event_co]:
        """What has happened, each once."""


class WirePeer(NamedTuple):
    """Whom a wire leads to: its name in a sentence, and the classes of what only the wire sees of it."""

    name: str
    misbehaves: Cause
    """It sends without end, or does not read."""
    is_late: Cause
    """It is not done in time."""


CAMERA = WirePeer("the camera", Cause.CAMERA_ERROR, Cause.TIMEOUT)
MEDIA_SERVER = WirePeer("the media server", Cause.SERVER_GONE, Cause.SERVER_GONE)


class Wire(Generic[Event]):
    """`on_event` hears everything but the wish for a connection, which is seen to here.

    `run` holds the conversation, once, and leaves neither a connection nor a task behind, also when it is cancelled.
    `on_received` is called after bytes have come, before what follows from them is told.
    """

    def __init__(
        self,
        client: Carried[Event],
        on_event: Callable[[Event], None],
        tls: ssl.SSLContext,
        resolver: Resolver,
        peer: WirePeer = CAMERA,
        most_unsent_bytes: int = MOST_UNSENT_BYTES,
        on_received: Callable[[], None] | None = None,
    ) -> None:
        self._client = client
        self._on_received = on_received
        self._peer = peer
        self._most_unsent_bytes = most_unsent_bytes
        self._on_event = on_event
        self._tls = tls
        self._resolver = resolver
        self._loop = asyncio.get_running_loop()
        self._listener = Listener(partial(self._guarded, self._received), partial(self._guarded, self._lost))
        self._connection: CameraConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._over: asyncio.Future[Failed | Finished] = self._loop.create_future()
        self._began = self._loop.time()
        self._limit_s: float | None = None
        self._most_bytes: int | None = None
        self._received_bytes = 0
        self.refusal: Exception | None = None
        """Why the last connection did not come about, as the system has it."""

    async def run(self, limit_s: float | None = None, most_bytes: int | None = None) -> Failed | Finished:
        """Hold the conversation, for at most so long, and up to so many bytes of the peer."""
        self._limit_s, self._most_bytes = limit_s, most_bytes
        try:
            self._began = self._loop.time()
            self._client.start(self._began)
            self._follow()
            return await self._over
        finally:
            if self._timer is not None:
                self._timer.cancel()
            connecting = self._disconnect()
            if connecting is not None:
                await asyncio.wait({connecting})

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Send media: whole interleaved frames, whose bytes do not change any more.

        Returns how many bytes the peer has not taken yet (with no data: tells only that); 0 without a connection. It
        is for the owner to write no more than it has given the wire as `most_unsent_bytes`: beyond that, the next
        request or answer of ours ends the conversation.
        """
        return 0 if self._connection is None else self._connection.write(data)

    @property
    def ends(self) -> Ends | None:
        """Of the connection; None: there is none."""
        return None if self._connection is None else self._connection.ends

    def close(self) -> None:
        """End the conversation: `run` returns once the peer has been told, or does not hear."""
        if not self._over.done():
            self._client.close(self._loop.time())
            self._follow()

    def abandon(self, cause: Cause, words: str) -> None:
        """End the conversation for a reason that only its owner sees."""
        self._client.abandon(cause, words, self._loop.time())
        self._follow()

    def _disconnect(self) -> asyncio.Task[None] | None:
        """End the connection there is, and the one that is being made; the task that makes it ends soon."""
        connecting, self._connecting = self._connecting, None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        if connecting is not None:
            connecting.cancel()
        return connecting

    # -- of the connection ---------------------------------------------------------------------------------------------

    def _guarded(self, step: Callable[..., None], *of: object) -> None:
        """A defect ends the conversation, instead of leaving it without anybody who carries it on."""
        if self._over.done():
            return
        try:
            step(*of)
        except Exception as error:
            if not self._over.done():
                self._over.set_exception(error)

    def _received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        self._client.receive(data, self._loop.time())
        if self._on_received is not None:
            self._on_received()
        if self._most_bytes is not None and self._received_bytes > self._most_bytes:
            words = f"it has sent {self._received_bytes:,} bytes, more than any answer has"
            self._client.abandon(self._peer.misbehaves, words, self._loop.time())
        self._follow()

    def _lost(self, error: Exception | None) -> None:
        self._connection, self.refusal = None, error
        self._client.lost(_words(error, self._peer.name), self._loop.time())
        self._follow()

    async def _connect(self, url: RtspUrl) -> None:
        try:
            connection = await self._open(url)
        except (OSError, ValueError) as error:  # of a name that is none, too
            self._connecting = None
            self._lost(error)
            return
        self._connecting, self._connection = None, connection
        self._client.connected(self._loop.time())
        connection.listen(self._listener)
        self._follow()

    async def _open(self, url: RtspUrl) -> CameraConnection:
        host, port = url.address
        self.refusal = _NO_ANSWER_YET
        addresses = await self._resolver.addresses(host)
        self.refusal = None
        connection = await first_connection(addresses, port)
        if url.secure:
            self._client.encrypting(self._loop.time())
            self._arm()
            await connection.encrypt(self._tls, host)
        return connection

    def _connected_or_not(self, task: asyncio.Task[None]) -> None:
        """A defect ends the conversation, instead of hiding until the peer seems not to answer."""
        if not task.cancelled() and (error := task.exception()) is not None and not self._over.done():
            self._over.set_exception(error)

    # -- of the conversation -------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Send what is to be sent, tell what has happened, and wake up in time."""
        data = self._client.data_to_send()
        if data and self._connection is not None and self._connection.write(data) > self._most_unsent_bytes:
            self._client.abandon(self._peer.misbehaves, "it does not read what it is told", self._loop.time())
        for event in self._client.events():
            if isinstance(event, ConnectionWanted):
                self._disconnect()
                self._connecting = self._loop.create_task(self._connect(event.url), name="rtsp connection")
                self._connecting.add_done_callback(self._connected_or_not)
                continue
            self._on_event(event)
            if isinstance(event, Failed | Finished) and not self._over.done():
                self._over.set_result(event)
        self._arm()

    def _arm(self) -> None:
        deadline = self._client.deadline
        if self._limit_s is not None:
            limit = self._began + self._limit_s
            deadline = limit if deadline is None else min(deadline, limit)
        timer = self._timer
        # While media come, this is called for every piece: a timer that is not late stays, and looks again.
        if timer is not None and deadline is not None and timer.when() <= deadline and not self._over.done():
            return
        if timer is not None:
            timer.cancel()
        self._timer = (
            None if self._over.done() or deadline is None else self._loop.call_at(deadline, self._guarded, self._due)
        )

    def _due(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._client.due(now)
        if self._limit_s is not None and now >= self._began + self._limit_s:
            words = f"the conversation was not over within {self._limit_s:g} s ({self._client.stage})"
            self._client.abandon(self._peer.is_late, words, now)
        self._follow()


def _words(error: Exception | None, peer: str) -> str:
    """As an operator knows them: without addresses, and without places in the source of OpenSSL."""
    if error is None:
        return f"{peer} closed it"
    if isinstance(error, ssl.SSLCertVerificationError):
        return tls_trouble(error)
    if isinstance(error, ssl.SSLError):
        known = _TLS_WORDS.get(error.reason or "", "").format(peer)
        return known or re.sub(r" \(_ssl\.c:\d+\)", "", error.strerror or str(error))
    if isinstance(error, ConnectionResetError) and error.errno is None:  # asyncio's word for an end within TLS
        return f"{peer} closed it"
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno:
        return os.strerror(error.errno)
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
