"""One run over one service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.campaign import LOOK_S, PATIENCE_S, Campaign
from tests.chaos.invariants import ALWAYS, AT_REST, Weight, is_flat, log_is_clean, nothing_is_given_away
from tests.chaos.onlooker import UNANSWERED, Onlooker
from tests.chaos.world import World


class Run(Campaign):
    """A service under fire."""

    def __init__(self, world: World, onlooker: Onlooker) -> None:
        super().__init__(world)
        self.world = world
        self.onlooker = onlooker
        self._first: dict[tuple[int, int], Weight] = {}

    async def watch(self) -> None:
        before: dict[str, Any] | None = None
        seen_at = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
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
                if time.monotonic() - seen_at > PATIENCE_S:
                    self.note("the service answers", [f"{error!r}"])
                continue
            before, seen_at = dict(sight.picture), time.monotonic()
            for invariant in ALWAYS:
                self.note(invariant.__name__, invariant(sight))

    async def problems(self) -> Mapping[str, Sequence[str]]:
        try:
            rest = await self.onlooker.rest()
            return {invariant.__name__: list(invariant(rest)) for invariant in AT_REST}
        except UNANSWERED as error:
            return {"the service answers": [f"{error!r}"]}

    async def weigh(self) -> None:
        weight = await self.onlooker.weigh()
        self.weights.append(weight)
        life = self.world.service.process.pid, self.world.replacements
        first = self._first.setdefault(life, weight)
        self.note(is_flat.__name__, is_flat(first, weight))

    def search(self) -> None:
        console = self.world.console()
        log = "".join(path.read_text(errors="replace") for path in self.world.disk.glob("restream.log*"))
        self.note(log_is_clean.__name__, log_is_clean(console))
        for told in (console, log, *self.onlooker.told):
            self.note(nothing_is_given_away.__name__, nothing_is_given_away(told, tuple(self.world.secrets)))
        self.onlooker.told.clear()
