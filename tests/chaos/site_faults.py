"""What can befall the cameras of any world, and the table of them."""

from __future__ import annotations

import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from restream.demo.cameras import Fault as CameraFault
from tests.chaos.schedule import Befall, Fault
from tests.chaos.servers import Restartable, Stoppable, signal_all
from tests.chaos.site import Site

_MOST_VICTIMS = 5


def some(site: Site, rng: random.Random) -> list[int]:
    """Numbers of a few cameras."""
    return rng.sample(range(1, site.count + 1), rng.randint(1, _MOST_VICTIMS))


def cameras(fault: CameraFault, *sides: str) -> Befall[Site]:
    """Some cameras misbehave."""

    async def befall(site: Site, rng: random.Random) -> AsyncIterator[None]:
        victims = some(site, rng)
        # Whatever is wrong with them then, at first they may just close the connection.
        for side in ("camera", *sides):
            site.suspect(side, victims)
        for victim in victims:
            await site.cameras[victim].set_fault(fault)
        yield
        for victim in victims:
            await site.cameras[victim].set_fault(CameraFault.NONE)

    return befall


W = TypeVar("W")
S = TypeVar("S", bound=Site)


def once(deed: Callable[[W, random.Random], Awaitable[None]]) -> Befall[W]:
    """Something that needs no undoing."""

    async def befall(world: W, rng: random.Random) -> AsyncIterator[None]:
        await deed(world, rng)
        yield

    return befall


def hangs(part: Callable[[S, random.Random], Stoppable], side: str = "") -> Befall[S]:
    """All processes of a server are stopped by SIGSTOP: it accepts connections, and nothing more."""

    async def befall(site: S, rng: random.Random) -> AsyncIterator[None]:
        if side:
            site.suspect(side)
        stopped = list(part(site, rng).processes())
        signal_all(stopped, signal.SIGSTOP)
        yield
        signal_all(stopped, signal.SIGCONT)

    return befall


def dies(
    part: Callable[[S, random.Random], Restartable], side: str = "", number: signal.Signals = signal.SIGTERM
) -> Befall[S]:
    """A server ends, and is started again later."""

    async def befall(site: S, rng: random.Random) -> AsyncIterator[None]:
        if side:
            site.suspect(side)
        server = part(site, rng)
        signal_all(server.processes(), number)
        await server.stop()
        yield
        await server.start()

    return befall


async def _renamed(site: Site, rng: random.Random) -> None:
    await site.sql("UPDATE cameras SET name = $2 WHERE id = ANY($1)", some(site, rng), f"Renamed {rng.random()}")


async def _rewired(site: Site, rng: random.Random) -> None:
    """Rows come to show the cameras of other rows."""
    for number, camera in zip(some(site, rng), some(site, rng), strict=False):
        await site.rewire(number, camera)


async def _switched_off(site: Site, rng: random.Random) -> AsyncIterator[None]:
    victims = some(site, rng)
    await site.sql("UPDATE cameras SET enabled = false WHERE id = ANY($1)", victims)
    yield
    await site.sql("UPDATE cameras SET enabled = true WHERE id = ANY($1)", victims)


async def _deleted(site: Site, rng: random.Random) -> AsyncIterator[None]:
    victims = some(site, rng)
    await site.sql("DELETE FROM cameras WHERE id = ANY($1)", victims)
    yield
    for victim in victims:
        await site.insert(victim)


async def _inserted(site: Site, rng: random.Random) -> AsyncIterator[None]:
    fresh = [100 + number for number in some(site, rng)]
    for number in fresh:
        await site.insert(number, number - 100)
    yield
    await site.sql("DELETE FROM cameras WHERE id = ANY($1)", fresh)


async def _fidgeted(site: Site, rng: random.Random) -> None:
    """The same rows, off and on and off again, faster than anybody can follow."""
    victims = some(site, rng)
    for enabled in (False, True) * 4:
        await site.sql("UPDATE cameras SET enabled = $2 WHERE id = ANY($1)", victims, enabled)


CAMERA_FAULTS: Sequence[Fault[Site]] = (
    Fault("cameras freeze", 2, cameras(CameraFault.FREEZE)),
    Fault("cameras drop their clients", 2, cameras(CameraFault.DROP)),
    Fault("cameras reset their clients", 1, cameras(CameraFault.RESET)),
    Fault("cameras refuse connections", 1, cameras(CameraFault.REFUSE)),
    Fault("cameras fall silent", 1, cameras(CameraFault.SILENT)),
    Fault("cameras hang in DESCRIBE", 1, cameras(CameraFault.HANG_DESCRIBE)),
    Fault("cameras hang in PLAY", 1, cameras(CameraFault.HANG_PLAY)),
    Fault("cameras refuse the password", 1, cameras(CameraFault.UNAUTHORIZED, "config")),
    Fault("cameras know no such stream", 1, cameras(CameraFault.NOT_FOUND, "config")),
    Fault("cameras change their codec", 1, cameras(CameraFault.CODEC_CHANGE)),
)
TABLE_FAULTS: Sequence[Fault[Site]] = (
    Fault("rows are renamed", 1, once(_renamed)),
    Fault("rows get other cameras", 1, once(_rewired)),
    Fault("rows are switched off", 1, _switched_off),
    Fault("rows are deleted", 1, _deleted),
    Fault("rows are inserted", 1, _inserted),
    Fault("rows are switched on and off", 1, once(_fidgeted)),
)
