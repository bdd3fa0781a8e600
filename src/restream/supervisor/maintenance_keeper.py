"""Keeps the maintenance windows, and tells which cameras are in one, or outside of their hours."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from restream.domain.camera.camera import Camera
from restream.domain.judgement.verdict import Verdict
from restream.domain.life.backoff import RestartPolicy
from restream.domain.maintenance.window import (
    MaintenanceWindow,
    Occurrence,
    Stretch,
    Underway,
    of_camera,
    planned,
    stretch,
    underway,
    unscheduled,
)
from restream.domain.schedule import LocalTime, Schedule
from restream.ports.maintenance import WindowStore
from restream.ports.outlets import Rendered, SinkError
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

_RETRY = RestartPolicy(base_s=2.0, factor=2.0, max_s=30.0)
_READ_AGAIN_S = 5.0
_MOST_WINDOWS = 1000


class MaintenanceKeeper:
    """An outlet. `stores`: the first that exists keeps the windows; without one they are kept in memory, until the
    service ends. `words` tells a moment (Unix time, s) to people, `clock` what clocks show in a time zone then.
    """

    name = "maintenance"

    def __init__(
        self,
        stores: Sequence[WindowStore],
        occurrence: Occurrence,
        words: Callable[[float], str],
        clock: Callable[[str, float], LocalTime] | None = None,
    ) -> None:
        self._stores = list(stores)
        self._store: WindowStore | None = None
        self._occurrence = occurrence
        self._words = words
        self._clock = clock
        self._at = 0.0
        self._shut: dict[Schedule, float | None] = {}
        """Until when (Unix time, s) cameras with a schedule are not expected; None: they are."""
        self._windows: dict[str, MaintenanceWindow] = {}
        self._unsaved: dict[str, MaintenanceWindow] = {}
        self._open: tuple[Underway, ...] = ()
        self._changed = asyncio.Event()
        self.kept = False
        """Whether they outlive the service."""

    @property
    def windows(self) -> Sequence[MaintenanceWindow]:
        """Those that are not over, in the order in which they were made."""
        return list(self._windows.values())

    def next(self, window: MaintenanceWindow) -> Stretch | None:
        """When it is the next time, or now; None: it is over."""
        return stretch(window, time.time(), self._occurrence)

    def publish(self, cycle: Rendered) -> None:
        """A cycle is complete: the next one is judged by what is open now."""
        self.look(cycle.snapshot.taken_at)

    def look(self, wall: float) -> None:
        """Which windows are open (Unix time, s)."""
        self._open = underway(self._windows.values(), wall, self._occurrence)
        self._at, self._shut = wall, {}

    def of(self, camera: Camera) -> Underway | None:
        """The window that a camera is in now."""
        return of_camera(self._open, camera) if self._open else None

    def excused(self, camera: Camera, verdict: Verdict) -> Verdict:
        """The verdict as it is to be told."""
        found = self.of(camera)
        if found is not None:
            return planned(verdict, found, self._words(found.until))
        until = self._shut_until(camera.schedule) if camera.schedule is not None else None
        return verdict if until is None else unscheduled(verdict, self._words(until))

    def _shut_until(self, schedule: Schedule) -> float | None:
        if schedule not in self._shut:
            at = self._at or time.time()
            now = self._clock(schedule.time_zone, at) if self._clock is not None else None
            shut = now is not None and not schedule.covers(now)
            self._shut[schedule] = at // 60 * 60 + 60 * schedule.opens_in(now) if shut and now is not None else None
        return self._shut[schedule]

    def put(self, window: MaintenanceWindow) -> bool:
        """Add or replace one; False: there are too many."""
        if window.id not in self._windows and len(self._windows) >= _MOST_WINDOWS:
            return False
        self._windows[window.id] = self._unsaved[window.id] = window
        self._changed.set()
        self.look(time.time())
        return True

    def end(self, window_id: str, wall: float) -> MaintenanceWindow | None:
        """End one before its time; None: there is none of this id."""
        window = self._windows.get(window_id)
        if window is None:
            return None
        ended = replace(window, ended=wall)
        self.put(ended)
        del self._windows[window_id]
        self.look(wall)
        return ended

    async def run(self) -> NoReturn:
        """Keep them, and take over what other nodes have made, until cancelled."""
        retry, failing, chosen = Retry(_RETRY), False, False
        try:
            while True:
                self._changed.clear()
                try:
                    if not chosen:
                        self._store, chosen = await self._choose(), True
                        self.kept = self._store is not None
                    if self._store is not None:
                        await self._exchange(self._store)
                except SinkError as error:
                    level, failing = logging.DEBUG if failing else logging.WARNING, True
                    logger.log(level, "maintenance windows are not kept for now: %s", error)
                    await retry.pause()
                    continue
                failing = False
                retry.reset()
                await self._next_change()
        finally:
            for store in self._stores:
                await store.close()

    async def _choose(self) -> WindowStore | None:
        for store in self._stores:
            if await store.exists():
                return store
        return None

    async def _exchange(self, store: WindowStore) -> None:
        for window in list(self._unsaved.values()):
            await store.put(window)
            if self._unsaved.get(window.id) is window:
                del self._unsaved[window.id]
        now = time.time()
        found = {each.id: each for each in await store.load(now)}
        own = {key: each for key, each in self._unsaved.items() if each.ended is None}
        self._windows = found | own
        for key, each in self._unsaved.items():
            if each.ended is not None:
                self._windows.pop(key, None)

    async def _next_change(self) -> None:
        try:
            async with asyncio.timeout(_READ_AGAIN_S):
                await self._changed.wait()
        except TimeoutError:
            # Without a store nobody else forgets those that are over.
            now = time.time()
            over = [key for key, each in self._windows.items() if stretch(each, now, self._occurrence) is None]
            for key in over:
                del self._windows[key]
