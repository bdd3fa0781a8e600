"""Lets events and availability outlive the service: kept in an archive, and read back at the start."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import NoReturn

from restream.domain.judgement.availability import Timeline
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.life.backoff import RestartPolicy
from restream.ports import Archive, Records, SinkError
from restream.supervisor.picture.history import History

logger = logging.getLogger(__name__)

_RETRY = RestartPolicy(first_s=1.0, base_s=2.0, factor=2.0, max_s=5.0)
_MOST_EVENTS = 1000


class Archivist:
    """Keeps one archive current; an archive that is away delays nobody, and gets what it missed."""

    def __init__(
        self, archive: Archive, history: History, restore: Callable[[Mapping[str, Timeline], float], None]
    ) -> None:
        self._archive = archive
        self._history = history
        self._restore = restore
        self._due = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._written: dict[str, Timeline] = {}
        self._last_event_id = 0

    @property
    def name(self) -> str:
        return self._archive.name

    def tick(self, snapshot: Snapshot) -> None:
        """A cycle is complete."""
        self._snapshot = snapshot
        self._due.set()

    async def run(self) -> NoReturn:
        """Read back once, then write until cancelled."""
        failures = 0
        loaded = False
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                try:
                    if not loaded:
                        await self._load()
                        loaded = True
                    await self._save()
                except SinkError as error:
                    # The store's state is a component of its own; this is for who wonders about a gap.
                    logger.debug("%s archive: %s", self.name, error)
                    failures += 1
                    await asyncio.sleep(_RETRY.delay_s(failures, random.random()))  # noqa: S311
                else:
                    failures = 0
        finally:
            await self._archive.close()

    async def _load(self) -> None:
        found = await self._archive.load()
        own = self._history.after(0)[:1]
        if found.events:
            self._history.restore(found.events)
            self._last_event_id = found.events[-1].id
        if own:
            # Of this life nothing is kept yet, even where the clock of the one before was ahead.
            self._last_event_id = min(self._last_event_id, own[0].id - 1)
        self._restore(found.timelines, found.watched_until)

    async def _save(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        timelines = {camera_id: report.timeline for camera_id, report in snapshot.reports.items()}
        changed = {key: timeline for key, timeline in timelines.items() if self._written.get(key) is not timeline}
        removed = tuple(self._written.keys() - timelines.keys())
        events = self._history.after(self._last_event_id, limit=10 * _MOST_EVENTS)[:_MOST_EVENTS]
        kept = await self._archive.save(Records(events, changed, snapshot.taken_at), removed)
        # It was lost where fewer are left: the next cycle writes all of them again.
        self._written = timelines if kept is None or kept >= len(timelines) else {}
        if events:
            self._last_event_id = events[-1].id
