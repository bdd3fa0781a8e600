"""How the bytes of a connection are read: a picture of a camera is not taken in slices."""

from __future__ import annotations

import asyncio
import socket

from restream.adapters.rtsp.connection import Listener, first_connection
from tests.support.eventually import eventually

PICTURE = bytes(40_000)


async def test_a_picture_that_has_come_is_read_at_once() -> None:
    pieces: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = await first_connection(["127.0.0.1"], server.getsockname()[1])
        camera, _ = server.accept()
        with camera:
            await asyncio.to_thread(camera.sendall, PICTURE)
            connection.listen(Listener(pieces.append, lambda _: None))
            await eventually(lambda: b"".join(pieces) == PICTURE, 5)
            connection.abort()
    assert len(pieces) == 1
