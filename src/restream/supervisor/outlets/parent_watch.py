"""Asks switches, recorders and links whether they are there, and shows each as a component."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, NoReturn, TypeVar

from restream.domain.news.component import ComponentState
from restream.domain.news.parents import ParentCheck, Parents, parent_component
from restream.supervisor.components import Components

_FAILURES = 2
"""One that does not answer so often in a row is away: a single packet may be lost."""
_AT_ONCE = 50

CycleT = TypeVar("CycleT")


class ParentWatch(Generic[CycleT]):
    """An outlet that runs beside the cycles. `ask`: what went wrong, empty where a parent answers."""

    name = "parents"

    def __init__(
        self,
        parents: Parents,
        interval_s: float,
        ask: Callable[[ParentCheck], Awaitable[str]],
        components: Components,
    ) -> None:
        self.parents = parents
        self._interval_s = interval_s
        self._ask = ask
        self._components = components
        self._failures: dict[str, int] = {}
        self._adopted = asyncio.Event()

    @property
    def away(self) -> frozenset[str]:
        """Those that do not answer."""
        return frozenset(name for name, count in self._failures.items() if count >= _FAILURES)

    def adopt(self, parents: Parents, interval_s: float) -> None:
        """Others, from now on."""
        for name in self.parents.checks.keys() - parents.checks.keys():
            self._failures.pop(name, None)
            self._components.forget(parent_component(name))
        self.parents, self._interval_s = parents, interval_s
        self._adopted.set()

    def publish(self, _: CycleT) -> None:
        """Cycles are of no matter."""

    async def run(self) -> NoReturn:
        """Ask until cancelled."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(name: str, check: ParentCheck) -> tuple[str, str]:
            async with free:
                return name, await self._ask(check)

        while True:
            self._adopted.clear()
            answers = await asyncio.gather(*(one(*each) for each in self.parents.checks.items()))
            errors = {name: error for name, error in answers if name in self.parents.checks}
            for name, error in errors.items():
                self._failures[name] = self._failures.get(name, 0) + 1 if error else 0
            for name, error in errors.items():
                self._tell(name, error)
            try:
                async with asyncio.timeout(self._interval_s):
                    await self._adopted.wait()
            except TimeoutError:
                continue

    def _tell(self, name: str, error: str) -> None:
        component = parent_component(name)
        if not error:
            self._components.report(component, ComponentState.UP, "")
        elif before := next((each for each in self.parents.chain(name)[:-1] if each in self.away), ""):
            self._components.report(component, ComponentState.UNKNOWN, f"behind {before}, which does not answer")
        elif self._failures[name] >= _FAILURES:
            self._components.report(component, ComponentState.DOWN, error)
