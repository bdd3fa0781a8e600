"""The processes that relay: what they keep to themselves, and how they end."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import msgspec

from restream.adapters.relay.channel import Channel
from restream.adapters.relay.messages import Begin, End, FromWorker
from restream.domain.camera.options import RtspTransport
from restream.domain.camera.secret import Secret
from restream.domain.relay.plan import Place
from restream.domain.rtsp.url import Credentials, RtspUrl
from restream.domain.server.trust import UNCHECKED

_PLACE = Place(RtspUrl(False, "10.0.0.1", None, "/live"), Credentials("admin", Secret("sEcret-w0rd")))
_GET_DUMPABLE = (
    "import ctypes; from restream.adapters.relay.worker import forbid_core_dumps; prctl = ctypes.CDLL(None).prctl; "
    "print(prctl(3, 0, 0, 0, 0)); forbid_core_dumps(); print(prctl(3, 0, 0, 0, 0))"
)


def test_a_worker_leaves_no_core_dump() -> None:
    said = subprocess.run([sys.executable, "-c", _GET_DUMPABLE], capture_output=True, check=True, text=True).stdout
    assert said.split() == ["1", "0"]


def test_a_message_with_a_password_cannot_be_printed() -> None:
    begin = Begin(1, End.of(_PLACE), End.of(_PLACE), UNCHECKED, ("video",), (RtspTransport.TCP,), "", 10.0, 10.0)
    assert "sEcret" not in f"{begin!r} {begin} {begin.source!r} {begin.source}"
    assert begin.source.place == _PLACE


async def test_what_is_no_message_ends_the_channel() -> None:
    ours, its = socket.socketpair()
    lost = asyncio.Event()
    channel = Channel(msgspec.msgpack.Decoder(FromWorker), lambda _: None, lost.set)
    await asyncio.get_running_loop().connect_accepted_socket(lambda: channel, ours)
    with its:
        its.sendall(b"\0\0\0\3abc")
        async with asyncio.timeout(5):
            await lost.wait()
