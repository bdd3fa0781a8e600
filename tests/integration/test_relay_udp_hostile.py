"""Datagrams that mean harm: whoever sends them, the worker lives, and its other cameras go on."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable

import psutil
import pytest

from restream.adapters.relay.workers import RelayWorkers
from restream.domain.camera.options import RtspTransport
from tests.integration.test_relay_udp import Relayed, simulated
from tests.support.relay_workers import relay_workers
from tests.support.servers import StandIn
from tests.support.udp_camera import UdpCamera

_MOST_MIB = 40
_LASTS_S = 3.0
_HEAD = bytes((0x80, 0xE0))


@pytest.fixture
async def workers() -> AsyncIterator[RelayWorkers]:
    found = RelayWorkers(1)
    yield found
    await found.close()


def packet(number: int, source: bytes = b"cam1", size: int = 60) -> bytes:
    return _HEAD + (number & 0xFFFF).to_bytes(2, "big") + bytes(4) + source + b"\x65\x88" + bytes(size)


# Datagrams of one moment: to the port of RTP, and to that of RTCP.
Flood = Callable[[random.Random], tuple[list[bytes], list[bytes]]]
FLOODS: dict[str, Flood] = {
    "nothing": lambda rng: ([b""] * 300, [b""] * 300),
    "garbage": lambda rng: ([rng.randbytes(rng.randrange(1500)) for _ in range(300)], []),
    "garbage that begins well": lambda rng: ([_HEAD + rng.randbytes(rng.randrange(10, 900)) for _ in range(300)], []),
    "the largest that there are": lambda rng: ([packet(rng.randrange(1 << 16), size=65_400) for _ in range(30)], []),
    "gaps everywhere": lambda rng: ([packet(2 * number) for number in range(300)], []),
    "every number another source": lambda rng: ([packet(1, rng.randbytes(4)) for _ in range(300)], []),
    "reports that are none": lambda rng: ([], [b"\x80\xc8" + rng.randbytes(rng.randrange(400)) for _ in range(300)]),
    "the end, again and again": lambda rng: ([], [bytes((0x81, 203, 0, 1)) + b"cam1"] * 300),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_a_hostile_camera_stays_alone(workers: RelayWorkers, stand_in: StandIn, flood: Flood) -> None:
    rng = random.Random(1)
    good, bad = Relayed(workers, stand_in), Relayed(workers, stand_in)
    async with simulated() as camera, UdpCamera() as hostile:
        await good.begin(camera.url())
        await good.moves_on()
        (worker,) = relay_workers(psutil.Process().children())
        before_mib = worker.memory_info().rss / (1 << 20)
        publication = await bad.begin(hostile.url(), "2")
        await hostile.played()
        for _ in range(round(_LASTS_S / 0.05)):
            for rtcp, datagrams in enumerate(flood(rng)):
                for each in datagrams:
                    hostile.send(each, rtcp=bool(rtcp))
            await asyncio.sleep(0.05)
        await good.moves_on()
        assert worker.memory_info().rss / (1 << 20) < before_mib + _MOST_MIB
        await publication.stop()
        await good.moves_on(1)
        assert good.told[-1].stream is not None and good.told[-1].stream.video.lost == 0
        assert worker.is_running()


async def test_a_stranger_who_floods_costs_little(workers: RelayWorkers, stand_in: StandIn) -> None:
    relayed = Relayed(workers, stand_in)
    async with UdpCamera() as camera:
        publication = await relayed.begin(camera.url())
        await camera.played()
        await camera.film(1)
        (worker,) = relay_workers(psutil.Process().children())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.setblocking(False)
            spent, began = sum(worker.cpu_times()[:2]), asyncio.get_running_loop().time()
            filming = asyncio.create_task(camera.film(3))
            while not filming.done():
                for _ in range(500):
                    with contextlib.suppress(BlockingIOError):
                        stranger.sendto(packet(7), ("127.0.0.1", camera.client_ports[1]))
                await asyncio.sleep(0.005)
            share = (sum(worker.cpu_times()[:2]) - spent) / (asyncio.get_running_loop().time() - began)
        # What it has filmed may all have been told already.
        await asyncio.gather(camera.film(2), relayed.moves_on(1))
        await publication.stop()
        log = publication.log
    assert share < 0.5
    assert any("came from others" in line for line in log)
    stream = relayed.told[-1].stream
    assert stream is not None and (stream.video.lost, stream.video.malformed) == (0, 0)


async def test_a_camera_that_announces_another_address_is_heard_from_there(
    workers: RelayWorkers, stand_in: StandIn
) -> None:
    relayed = Relayed(workers, stand_in, RtspTransport.UDP)
    async with UdpCamera(source="127.0.0.3") as camera:
        publication = await relayed.begin(camera.url())
        await camera.played()
        await camera.film(2.5)
        await publication.stop()
        # Nothing was sent there: of RTCP, which says where reports go, none has come from it.
        for each in camera.sockets:
            with pytest.raises(BlockingIOError):
                each.recvfrom(2000)
    assert relayed.moves >= 1
