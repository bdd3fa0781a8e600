"""One run: strikes, looks on, and collects what contradicts the invariants."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.chaos.invariants import (
    ALWAYS,
    AT_REST,
    Weight,
    is_flat,
    log_is_clean,
    nothing_is_given_away,
)
from tests.chaos.onlooker import UNANSWERED, Onlooker
from tests.chaos.schedule import Stroke
from tests.chaos.surroundings import may
from tests.chaos.world import World

# Within this everybody is back after the last fault has ended: the longest of the shortened limits is a probe of 6 s,
# and thirty cameras that return together share two cores with everything else.
_BACK_S = 45.0
_LOOK_S = 0.3
# A service that does not answer this long, and is not meant to, does not work.
_PATIENCE_S = 12.0
_MOST_SHOWN = 4


class Run:
    """A world under fire."""

    def __init__(self, world: World, onlooker: Onlooker) -> None:
        self.world = world
        self.onlooker = onlooker
        self.diary: list[str] = []
        """What happened when, for who reads a failure."""
        self._began = time.monotonic()
        self.found: defaultdict[str, list[str]] = defaultdict(list)
        """Contradictions by invariant; the first few of each."""
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._first: dict[int, Weight] = {}
        self.weights: list[Weight] = []
        self.back_s: list[float] = []

    def _write(self, text: str) -> None:
        self.diary.append(f"{time.monotonic() - self._began:6.1f} s  {text}")

    def note(self, invariant: str, problems: Iterable[str]) -> None:
        for problem in problems:
            if len(self.found[invariant]) < _MOST_SHOWN and problem not in self.found[invariant]:
                self.found[invariant].append(problem)
                self._write(f"!! {invariant}: {problem}")

    @property
    def contradictions(self) -> str:
        return "\n".join(f"{name}: {problem}" for name, problems in self.found.items() for problem in problems)

    @property
    def summary(self) -> str:
        slowest_s, weight = max(self.back_s, default=0.0), self.weights[-1] if self.weights else None
        return f"{len(self.back_s)} rests, all back after {slowest_s:.1f} s at most; at the last one {weight}"

    async def through(self, rounds: Iterator[Sequence[Stroke[Any]]], seconds: float) -> None:
        """Round after round, until time is up or a contradiction is found."""
        watching = asyncio.create_task(self.watch())
        try:
            await self.settle()
            ends = time.monotonic() + seconds
            for number, strokes in enumerate(rounds, 1):
                if time.monotonic() > ends or self.found:
                    break
                self.world.acquit()
                self._write(f"round {number}")
                async with asyncio.TaskGroup() as striking:
                    for stroke in strokes:
                        if not stroke.fault.needs or may(stroke.fault.needs):
                            striking.create_task(self.strike(stroke))
                self._write("the last fault is over")
                await self.settle()
                self.search()
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def strike(self, stroke: Stroke[Any]) -> None:
        fault = stroke.fault
        await asyncio.sleep(stroke.at_s)
        async with self._locks[fault.to] if fault.to else contextlib.nullcontext():
            self._write(f"{fault.name}")
            steps = fault.befall(self.world, random.Random(stroke.seed))
            try:
                await anext(steps)
                await asyncio.sleep(stroke.lasts_s)
            finally:
                await anext(steps, None)
            self._write(f"  over: {fault.name}")

    async def watch(self) -> None:
        """Look on until cancelled."""
        before: dict[str, Any] | None = None
        seen_at = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            if not self.world.up:
                seen_at = time.monotonic()
                continue
            code = self.world.service.process.returncode
            if code is not None:
                self.note("the service runs", [f"it has ended with {code}"])
                return
            try:
                sight = await self.onlooker.look(before)
            except UNANSWERED as error:
                if time.monotonic() - seen_at > _PATIENCE_S:
                    self.note("the service answers", [f"{error!r}"])
                continue
            before, seen_at = dict(sight.picture), time.monotonic()
            for invariant in ALWAYS:
                self.note(invariant.__name__, invariant(sight))

    async def settle(self) -> None:
        """Wait until everybody is back, and ask everybody."""
        began = time.monotonic()
        while True:
            try:
                rest = await self.onlooker.rest()
                problems = {invariant.__name__: list(invariant(rest)) for invariant in AT_REST}
            except UNANSWERED as error:
                problems = {"the service answers": [f"{error!r}"]}
            if not any(problems.values()):
                break
            if time.monotonic() - began > _BACK_S:
                for invariant, contradictions in problems.items():
                    self.note(invariant, contradictions)
                return
            await asyncio.sleep(_LOOK_S)
        took_s = time.monotonic() - began
        self.back_s.append(took_s)
        self._write(f"all is well again after {took_s:.1f} s")
        await self._weigh()

    async def _weigh(self) -> None:
        weight = await self.onlooker.weigh()
        self.weights.append(weight)
        first = self._first.setdefault(self.world.service.process.pid, weight)
        self.note(is_flat.__name__, is_flat(first, weight))

    def search(self) -> None:
        """What was written and told: nothing unforeseen, no credential."""
        console = self.world.console()
        log = "".join(path.read_text(errors="replace") for path in self.world.disk.glob("restream.log*"))
        self.note(log_is_clean.__name__, log_is_clean(console))
        for told in (console, log, *self.onlooker.told):
            self.note(nothing_is_given_away.__name__, nothing_is_given_away(told, tuple(self.world.secrets)))
        self.onlooker.told.clear()
