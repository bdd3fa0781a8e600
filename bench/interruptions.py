"""Whose pictures stood still at a media server, and until when."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from statistics import median, quantiles

from bench.outside import LIMIT_S, Arrival, Outside

_IN_FLIGHT_S = 3.0
"""A fault that has stopped nothing by then stops nothing."""


class Movements:
    """When the bytes of paths moved (monotonic, s). A publisher counts from its second look on."""

    def __init__(self, noticeable_s: float) -> None:
        self.noticeable_s = noticeable_s
        self._seen: Mapping[str, Arrival] = {}
        self._moved: dict[str, float] = {}
        self._looked_at = 0.0
        self._pauses: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    def see(self, received: Mapping[str, Arrival], now: float) -> None:
        """One look at the media server."""
        for path, (source, count) in received.items():
            before = self._seen.get(path)
            if before is None or before.source != source or count <= before.received_bytes:
                continue
            moved = self._moved.get(path, now)
            # A look that comes late has seen nobody stand still.
            if now - moved >= self.noticeable_s and self._looked_at > moved:
                self._pauses[path].append((moved, now))
            self._moved[path] = now
        self._seen, self._looked_at = received, now

    def flowing(self) -> int:
        """How many paths had moved of late at the last look."""
        return sum(self._looked_at - moved < self.noticeable_s for moved in self._moved.values())

    def back_after(self, path: str, since: float, now: float) -> float | None:
        """Seconds from `since` until pictures came again and went on; None: not yet.

        What nobody notices took as long as that. What a publisher still had when it ended is no picture.
        """
        pauses = self._pauses[path]
        last_moves = [*(began for began, _ in pauses[1:]), self._moved.get(path, since)]
        for (_, ended), last in zip(pauses, last_moves, strict=False):
            if ended > since and last - ended >= self.noticeable_s:
                return ended - since
        still_s = now - last_moves[-1]
        quick = not pauses or pauses[-1][1] <= since
        return self.noticeable_s if quick and now - since > _IN_FLIGHT_S and still_s < self.noticeable_s else None

    def still_since(self, path: str, since: float, now: float) -> float | None:
        """From when on pictures have stood still for so long that it is no hiccup; None: they have not since then."""
        began = max(since, self._moved.get(path, since))
        ended = (moved for moved, moves in self._pauses[path] if moved >= since and moves - moved >= _IN_FLIGHT_S)
        return next(ended, began if now - began >= _IN_FLIGHT_S else None)


class Interruptions(Movements):
    """Looks at a media server all the time."""

    def __init__(self, outside: Outside, look_s: float) -> None:
        super().__init__(0.4 + 2 * look_s)
        self._outside = outside
        self._look_s = look_s

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look until the block ends."""
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            self.see(await self._outside.received(), time.monotonic())
            await asyncio.sleep(self._look_s)

    async def until_still(self, path: str, since: float, limit_s: float = LIMIT_S) -> float:
        """Wait for what must come, and tell from when on it was: a busy machine still hands on what is under way."""
        while (now := time.monotonic()) - since < limit_s:
            if (found := self.still_since(path, since, now)) is not None:
                return found
            await asyncio.sleep(self._look_s)
        return since

    async def back(self, path: str, since: float, limit_s: float = LIMIT_S) -> float | None:
        """Wait until pictures come again; None: not within the limit."""
        while (now := time.monotonic()) - since < limit_s:
            if (found := self.back_after(path, since, now)) is not None:
                return found
            await asyncio.sleep(self._look_s)
        return None


def spread(times_s: Sequence[float | None]) -> dict[str, float | int | None]:
    """Median, 99th percentile and worst of those that came back, and how many did not."""
    found = [each for each in times_s if each is not None]
    if not found:
        return {"p50": None, "p99": None, "worst": None, "never": len(times_s)}
    p99 = quantiles(found, n=100, method="inclusive")[98] if len(found) > 1 else found[0]
    rounded = {"p50": round(median(found), 1), "p99": round(p99, 1), "worst": round(max(found), 1)}
    return {**rounded, "never": len(times_s) - len(found)}
