"""What can befall the world. Each fault says what of it may rightly be blamed, and on whom."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence

from tests.chaos.invariants import NOT_REPLACED
from tests.chaos.schedule import Befall, Fault
from tests.chaos.servers import Database, MediaServer, Redis, signal_all
from tests.chaos.site_faults import CAMERA_FAULTS, TABLE_FAULTS, dies, hangs, once, some
from tests.chaos.surroundings import fill
from tests.chaos.world import CAMERAS, ISLANDERS, World
from tests.support.eventually import eventually

# The stall timeout of this world (world.py), less a second of progress and what else may have held it up before.
_NEARLY_STALLED_S = 2.0
_TRIED_WITHIN_S = 60.0


def publishers(number: signal.Signals, undo: signal.Signals | None = None) -> Befall[World]:
    """Some ffmpegs get a signal."""

    async def befall(world: World, rng: random.Random) -> AsyncIterator[None]:
        victims = some(world, rng)
        world.suspect("publisher", victims)
        found = world.some_publishers(list(map(str, victims)))
        signal_all(found, number)
        began = time.monotonic()
        yield
        if undo is not None:
            if time.monotonic() - began > _NEARLY_STALLED_S:
                # Continued just before its stall is told: by then nothing but its silence is left to be seen.
                world.suspect("camera", victims)
            signal_all(found, undo)

    return befall


def relaying(number: signal.Signals, undo: signal.Signals | None = None) -> Befall[World]:
    """Whoever relays gets a signal: all relayed cameras feel it."""

    async def befall(world: World, _: random.Random) -> AsyncIterator[None]:
        for side in ("publisher", "camera"):
            world.suspect(side)
        found = world.relay_workers()
        signal_all(found, number)
        yield
        if undo is not None:
            signal_all(found, undo)

    return befall


def _server(world: World, _: random.Random) -> MediaServer:
    return world.server


def _database(world: World, _: random.Random) -> Database:
    return world.database


def _redis(world: World, _: random.Random) -> Redis:
    return world.redis


async def _crash(world: World, _: random.Random) -> None:
    world.database.crash()


async def _unreachable(world: World, _: random.Random) -> AsyncIterator[None]:
    await world.database.gate.shut()
    yield
    await world.database.gate.open()


async def _slow(world: World, rng: random.Random) -> AsyncIterator[None]:
    world.database.gate.delay_s = rng.uniform(0.3, 1.0)
    yield
    world.database.gate.delay_s = 0.0


async def _partition(world: World, _: random.Random) -> AsyncIterator[None]:
    if world.island is None:
        raise AssertionError("no such machine")
    islanders = range(CAMERAS + 1, CAMERAS + ISLANDERS + 1)
    # Packets that vanish look like a camera that hangs, until the kernel gives the neighbour up.
    for side in ("network", "camera"):
        world.suspect(side, islanders)
    await asyncio.to_thread(world.island.cut)
    yield
    await asyncio.to_thread(world.island.mend)


async def _full_disk(world: World, _: random.Random) -> AsyncIterator[None]:
    filler = await asyncio.to_thread(fill, world.disk)
    yield
    filler.unlink()


async def _clock_step(world: World, rng: random.Random) -> AsyncIterator[None]:
    world.clock.set(rng.choice((-86_400, -3600, -5, 5, 3600, 86_400)))
    yield
    world.clock.set(0)


def restarted(number: signal.Signals) -> Befall[World]:
    """The service ends, and is started again later."""

    async def befall(world: World, _: random.Random) -> AsyncIterator[None]:
        await world.end_service(number)
        yield
        await world.start_service()

    return befall


async def _suspended(world: World, _: random.Random) -> AsyncIterator[None]:
    world.up = False
    world.service.process.send_signal(signal.SIGSTOP)
    yield
    world.service.process.send_signal(signal.SIGCONT)
    world.up = True


async def _reloaded(world: World, _: random.Random) -> None:
    world.service.process.send_signal(signal.SIGHUP)


async def _replaced(world: World, _: random.Random) -> AsyncIterator[None]:
    """By its next version, which is the same."""
    world.up = False
    await world.service.replaced()
    yield
    world.replacements += 1
    world.up = True


async def _refused(world: World, _: random.Random) -> None:
    """A next version that does not start is asked for: the one that runs goes on."""
    before, told = await world.service.instance(), world.console().count(NOT_REPLACED)
    world.configuration.write_text("no_such_section: {}", encoding="utf-8")
    world.service.process.send_signal(signal.SIGUSR2)
    await eventually(lambda: world.console().count(NOT_REPLACED) > told, _TRIED_WITHIN_S, "it is refused")
    world.configuration.write_text("{}", encoding="utf-8")
    assert await world.service.instance() in ("", before)


FAULTS: Sequence[Fault[World]] = (
    *CAMERA_FAULTS,
    Fault("ffmpegs are killed", 2, publishers(signal.SIGKILL)),
    Fault("ffmpegs are suspended", 2, publishers(signal.SIGSTOP, signal.SIGCONT)),
    Fault("relays are killed", 1, relaying(signal.SIGKILL)),
    Fault("relays are suspended", 1, relaying(signal.SIGSTOP, signal.SIGCONT)),
    Fault("the media server restarts", 1, dies(_server, "media_server"), "server"),
    Fault("the media server is killed", 1, dies(_server, "media_server", signal.SIGKILL), "server"),
    Fault("the media server hangs", 2, hangs(_server, "media_server"), "server"),
    Fault("PostgreSQL crashes and recovers", 1, once(_crash), "database"),
    Fault("PostgreSQL cannot be reached", 1, _unreachable, "database"),
    Fault("PostgreSQL hangs", 1, hangs(_database), "database"),
    Fault("PostgreSQL is slow", 1, _slow, "database"),
    Fault("Redis restarts empty", 1, dies(_redis), "redis"),
    Fault("Redis hangs", 1, hangs(_redis), "redis"),
    Fault("the network is cut", 2, _partition, "link", "partition"),
    Fault("the disk of the logs is full", 1, _full_disk, "disk", "small disk"),
    Fault("the clock is set", 2, _clock_step, "clock"),
    *TABLE_FAULTS,
    Fault("the service is restarted", 1, restarted(signal.SIGTERM), "service"),
    Fault("the service is killed", 1, restarted(signal.SIGKILL), "service"),
    Fault("the service is suspended", 1, _suspended, "service"),
    Fault("the service is reloaded", 1, once(_reloaded), "service"),
    Fault("the service is replaced", 2, _replaced, "service"),
    Fault("a broken next version is asked for", 1, once(_refused), "service"),
)
