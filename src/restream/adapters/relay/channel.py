"""Messages over a stream socket: four bytes of length, then MessagePack."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar, cast

import msgspec

_LENGTH_BYTES = 4
# A worker that stands still is told no more than this; it is ended long before.
_MOST_UNSENT_BYTES = 64 << 20

Heard = TypeVar("Heard")


class LeftChannel(NamedTuple):
    """Its socket's descriptor, and what was read of it and is no whole message yet."""

    descriptor: int
    pending: bytes


class Channel(asyncio.Protocol, Generic[Heard]):
    """One end of it. `on_lost` is called once, when the other end is gone or does not speak this language."""

    def __init__(
        self, decoder: msgspec.msgpack.Decoder[Heard], on_message: Callable[[Heard], None], on_lost: Callable[[], None]
    ) -> None:
        self._decoder = decoder
        self._encoder = msgspec.msgpack.Encoder()
        self._on_message = on_message
        self._on_lost = on_lost
        self._pending = bytearray()
        self._transport: asyncio.Transport | None = None

    def send(self, message: msgspec.Struct) -> None:
        """Never waits; what is said to an end that is gone is lost."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        body = self._encoder.encode(message)
        transport.write(len(body).to_bytes(_LENGTH_BYTES, "big") + body)
        if transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            transport.abort()

    def close(self) -> None:
        """What was sent still arrives."""
        if self._transport is not None:
            self._transport.close()

    @property
    def leavable(self) -> bool:
        """It is there, and all that was said is sent."""
        transport = self._transport
        return transport is not None and not transport.is_closing() and not transport.get_write_buffer_size()

    def leave(self) -> LeftChannel | None:
        """Read no more: the next program in this process will. None: it is not leavable."""
        transport = self._transport
        if transport is None or not self.leavable:
            return None
        transport.pause_reading()
        # The transport closes the one that it has.
        descriptor = os.dup(transport.get_extra_info("socket").fileno())
        os.set_inheritable(descriptor, True)
        return LeftChannel(descriptor, bytes(self._pending))

    def resume(self, pending: bytes) -> None:
        """Begin with what was left; before it is connected."""
        self._pending += pending

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Of asyncio."""
        self._pending += data
        at = 0
        while len(self._pending) >= (begin := at + _LENGTH_BYTES):
            end = begin + int.from_bytes(self._pending[at:begin], "big")
            if len(self._pending) < end:
                break
            try:
                message = self._decoder.decode(memoryview(self._pending)[begin:end].tobytes())
            except msgspec.DecodeError:
                if self._transport is not None:
                    self._transport.abort()
                return
            at = end
            self._on_message(message)
        del self._pending[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio."""
        self._on_lost()
