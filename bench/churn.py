"""What befalls the cameras of a large fleet, and whom it has hit: a restart without such a cause is a defect."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import psutil

from bench.interruptions import Interruptions
from bench.restreams import peers_of, relay_workers
from bench.small_cameras import SmallCameras

KILLED = "worker killed"
_DISABLED_S = 3.0
_PATIENCE_S = 600.0
"""Whoever is given up may restart for ever without an accusation: rather wait."""
_AFTERWARDS_S = 5.0
"""What a deed has begun may be told a little later."""


@dataclass(slots=True)
class Hit:
    """One camera that something has befallen; monotonic seconds."""

    deed: str
    began: float
    since: float
    """From when it could have been back."""
    back_s: float | None = None
    over: bool = False

    @property
    def ended(self) -> float:
        """When it was back; infinite for who is not."""
        return math.inf if self.back_s is None else self.since + self.back_s

    def covers(self, moment: float) -> bool:
        """Whether a restart at that time is of it."""
        return self.began <= moment <= self.ended + _AFTERWARDS_S


class Ledger:
    """Who was hit, and the restarts that followed."""

    def __init__(self) -> None:
        self.hits: defaultdict[int, list[Hit]] = defaultdict(list)
        self.restarts: Counter[str] = Counter()
        self.uncaused: list[str] = []

    def hit(self, number: int, deed: str, began: float) -> Hit:
        """Something befalls a camera."""
        found = Hit(deed, began, began)
        self.hits[number].append(found)
        return found

    def pending(self, number: int) -> bool:
        """Whether a camera is still down from the last hit."""
        return any(not each.over for each in self.hits[number])

    def follow(
        self, events: Iterable[Mapping[str, Any]], clock_offset_s: float, moments: Callable[[str], float]
    ) -> None:
        """Events of the service: who left `running`, and why. `clock_offset_s`: monotonic less Unix time."""
        for event in events:
            if event["before"] != "running":
                continue
            number, moment = int(event["camera"]), moments(event["at"]) + clock_offset_s
            deed = next((each.deed for each in self.hits[number] if each.covers(moment)), None)
            self.restarts[f"{deed or 'nothing'}: {event['cause'] or event['after']}"] += 1
            if deed is None:
                last = next((each for each in reversed(self.hits[number]) if each.began <= moment), None)
                before = f"{moment - last.began:.1f} s after {last}" if last else "never hit"
                self.uncaused.append(
                    f"camera {number}: {event['after']}, {event['cause']}: {event['detail']}; {before}"
                )

    def times_back(self) -> dict[str, list[float | None]]:
        """By deed; apart those of cameras that stood in a queue with those of a killed worker."""
        found: defaultdict[str, list[float | None]] = defaultdict(list)
        over = [hit for hit in itertools.chain.from_iterable(self.hits.values()) if hit.over]
        away = {hit.began: 0.0 for hit in over if hit.deed == KILLED}
        for hit in over:
            if hit.deed == KILLED:
                away[hit.began] = max(away[hit.began], hit.ended)
        for hit in over:
            beside = hit.deed != KILLED and any(
                began < hit.ended and hit.began < ended for began, ended in away.items()
            )
            found[f"{hit.deed}, a worker away" if beside else hit.deed].append(hit.back_s)
        return dict(sorted(found.items()))


class Churn:
    """A few deeds a second, one kind after the other, each to a camera drawn by lot; and now and then a worker dies."""

    def __init__(
        self,
        cameras: SmallCameras,
        connection: asyncpg.Connection[Any],
        service: psutil.Process,
        interruptions: Interruptions,
        ledger: Ledger,
    ) -> None:
        self._cameras, self._connection, self._service = cameras, connection, service
        self._interruptions, self._ledger = interruptions, ledger
        self._database = asyncio.Lock()  # one statement at a time
        self._lot = random.Random(1)
        self._numbers = {address: number for number, address in enumerate(cameras.addresses, 1)}
        self.done: Counter[str] = Counter()

    async def run(self, per_s: float, kill_every_s: float, until: float) -> None:
        """Do so until then (monotonic, s), and wait for all to be back."""
        deeds: Sequence[tuple[str, Callable[[Hit, int], Awaitable[None]]]] = (
            ("drops", self._drop),
            ("readdressed", self._readdress),
            ("freezes", self._freeze),
            ("disabled, enabled", self._toggle),
        )
        turns = itertools.cycle((*deeds, None))
        kill_at = time.monotonic() + kill_every_s
        async with asyncio.TaskGroup() as tasks:
            while (now := time.monotonic()) < until:
                if now >= kill_at:
                    kill_at = now + kill_every_s
                    self._kill(tasks)
                number = self._draw()
                turn = next(turns)
                if turn is None:
                    self.done["renamed"] += 1
                    await self._change("name = name || '.'", number)
                else:
                    name, deed = turn
                    self.done[name] += 1
                    tasks.create_task(self._meet(deed, number, self._ledger.hit(number, name, time.monotonic())))
                await asyncio.sleep(1 / per_s)

    def _draw(self) -> int:
        while self._ledger.pending(number := self._lot.randint(1, len(self._numbers))):
            pass
        return number

    async def _meet(self, deed: Callable[[Hit, int], Awaitable[None]], number: int, hit: Hit) -> None:
        await deed(hit, number)
        hit.back_s = await self._interruptions.back(f"cam{number}", hit.since, _PATIENCE_S)
        hit.over = True  # also without having come back

    async def _drop(self, _: Hit, number: int) -> None:
        await self._cameras.drop(number)

    async def _freeze(self, hit: Hit, number: int) -> None:
        await self._cameras.freeze(number)
        hit.since = await self._interruptions.until_still(f"cam{number}", hit.began)

    async def _readdress(self, _: Hit, number: int) -> None:
        await self._change("rtsp_url = rtsp_url || '/'", number)

    async def _toggle(self, hit: Hit, number: int) -> None:
        await self._change("enabled = false", number)
        await asyncio.sleep(_DISABLED_S)
        await self._change("enabled = true", number)
        hit.since = time.monotonic()

    async def _change(self, what: str, number: int) -> None:
        async with self._database:
            await self._connection.execute(f"UPDATE cameras SET {what} WHERE id = $1", number)

    def _kill(self, tasks: asyncio.TaskGroup) -> None:
        """`kill -9` of one worker: it hits those it is connected to."""
        worker = self._lot.choice(relay_workers(self._service))
        numbers = [self._numbers[peer] for peer in peers_of(worker) if peer in self._numbers]
        began = time.monotonic()
        worker.kill()
        self.done[KILLED] += 1

        async def nothing(_: Hit, __: int) -> None:
            """It has happened."""

        for number in numbers:
            tasks.create_task(self._meet(nothing, number, self._ledger.hit(number, KILLED, began)))
