"""Chaos, whatever the world: strikes, waits until all is well again, and collects what contradicts the invariants."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.chaos.invariants import Weight
from tests.chaos.schedule import Stroke
from tests.chaos.site import Site
from tests.chaos.surroundings import may

# Within this everybody is back after the last fault has ended: the longest of the shortened limits is a probe of 6 s,
# and cameras that return together share two cores with everything else.
_BACK_S = 45.0
_STILL_S = 5.0
LOOK_S = 0.3
# A service that does not answer this long, and is not meant to, does not work.
PATIENCE_S = 12.0
_MOST_SHOWN = 4


class Campaign(abc.ABC):
    """A world under fire."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.diary: list[str] = []
        """What happened when, for who reads a failure."""
        self._began = time.monotonic()
        self.found: defaultdict[str, list[str]] = defaultdict(list)
        """Contradictions by invariant; the first few of each."""
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.weights: list[Weight] = []
        self.back_s: list[float] = []

    @abc.abstractmethod
    async def watch(self) -> None:
        """Look on until cancelled."""

    @abc.abstractmethod
    async def problems(self) -> Mapping[str, Sequence[str]]:
        """What keeps the world from being at rest, by invariant."""

    @abc.abstractmethod
    async def weigh(self) -> None:
        """Note what services at rest hold, and what has grown."""

    @abc.abstractmethod
    def search(self) -> None:
        """What was written and told: nothing unforeseen, no credential."""

    async def prepare(self) -> None:  # noqa: B027 - most have nothing to do
        """Before the first round."""

    async def conclude(self) -> None:  # noqa: B027 - likewise
        """Undo what was to last until the end of the round."""

    def write(self, text: str) -> None:
        """Into the diary, at once: a run may be watched, and may be ended."""
        self.diary.append(f"{time.monotonic() - self._began:6.1f} s  {text}")
        with (self._site.directory / "diary.txt").open("a", encoding="utf-8") as file:
            file.write(self.diary[-1] + "\n")

    def note(self, invariant: str, problems: Iterable[str]) -> None:
        for problem in problems:
            if len(self.found[invariant]) < _MOST_SHOWN and problem not in self.found[invariant]:
                self.found[invariant].append(problem)
                self.write(f"!! {invariant}: {problem}")

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
            if not self.found:
                await self.prepare()
            ends = time.monotonic() + seconds
            for number, strokes in enumerate(rounds, 1):
                if time.monotonic() > ends or self.found:
                    break
                self._site.acquit()
                self.write(f"round {number}")
                async with asyncio.TaskGroup() as striking:
                    for stroke in strokes:
                        if not stroke.fault.needs or may(stroke.fault.needs):
                            striking.create_task(self.strike(stroke))
                await self.conclude()
                self.write("the last fault is over")
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
            self.write(f"{fault.name}")
            steps = fault.befall(self._site, random.Random(stroke.seed))
            try:
                await anext(steps)
                await asyncio.sleep(stroke.lasts_s)
            finally:
                await anext(steps, None)
            self.write(f"  over: {fault.name}")

    async def settle(self) -> None:
        """Wait until everybody is back, and ask everybody."""
        began = told_at = time.monotonic()
        while any((problems := await self.problems()).values()):
            if time.monotonic() - told_at > _STILL_S:
                told_at = time.monotonic()
                self.write("  not yet: " + "; ".join(each[0][:160] for each in problems.values() if each))
            if time.monotonic() - began > _BACK_S:
                for invariant, contradictions in problems.items():
                    self.note(invariant, contradictions)
                return
            await asyncio.sleep(LOOK_S)
        took_s = time.monotonic() - began
        self.back_s.append(took_s)
        self.write(f"all is well again after {took_s:.1f} s")
        await self.weigh()
