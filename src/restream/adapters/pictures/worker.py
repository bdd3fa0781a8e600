"""A process that decodes key frames, for the service that started it: `python -m restream.adapters.pictures.worker`.

Its standard input is the socket to the service; when that ends, so does it. Whatever a camera's bytes do to a decoder
they do to this process alone, which has neither a password nor a file open.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable

import msgspec

from restream.adapters.pictures.messages import (
    DecodeOrder,
    FromPictureWorker,
    PictureDone,
    PictureFailed,
    WorkerReady,
    WorkerUseless,
)

_LENGTH_BYTES = 4

Decode = Callable[[DecodeOrder], PictureDone]


def decoding() -> Decode:
    """What decodes, with its libraries. Raises ImportError."""
    import av  # noqa: PLC0415 — the worker says what is missing
    import av.error  # noqa: PLC0415

    from restream.adapters.pictures import decoding as found  # noqa: PLC0415

    del av
    return found.decode


def serve(channel: socket.socket, decode: Decode) -> None:
    """Answer until the service is gone."""
    orders = msgspec.msgpack.Decoder(DecodeOrder)
    while body := _read(channel):
        order = orders.decode(body)
        try:
            answer: FromPictureWorker = decode(order)
        except Exception as error:
            # Decoders of damaged pictures raise anything; the service tells the camera's name.
            answer = PictureFailed(order.number, f"{error}"[:200] or type(error).__name__)
        _write(channel, answer)


def _read(channel: socket.socket) -> bytes:
    """One message; empty: there is no more."""
    head = _exactly(channel, _LENGTH_BYTES)
    return _exactly(channel, int.from_bytes(head, "big")) if head else b""


def _exactly(channel: socket.socket, size: int) -> bytes:
    found = io.BytesIO()
    while (missing := size - found.tell()) > 0:
        part = channel.recv(min(missing, 1 << 16))
        if not part:
            return b""
        found.write(part)
    return found.getvalue()


def _write(channel: socket.socket, answer: FromPictureWorker) -> None:
    body = msgspec.msgpack.encode(answer)
    channel.sendall(len(body).to_bytes(_LENGTH_BYTES, "big") + body)


def main() -> None:
    """Decode until the service is gone."""
    with socket.socket(fileno=0) as channel:
        channel.setblocking(True)
        try:
            decode = decoding()
        except ImportError as error:
            _write(channel, WorkerUseless(f"{error}"))
            return
        _write(channel, WorkerReady())
        serve(channel, decode)


if __name__ == "__main__":
    main()
