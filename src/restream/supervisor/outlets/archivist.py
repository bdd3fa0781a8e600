"""Lets events and availability outlive the service: kept in an archive, and read back at the start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NoReturn

from restream.domain.judgement.availability import Timeline
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.life.backoff import RestartPolicy
from restream.ports.outlets import Archive, Records, Rendered, SinkError
from restream.supervisor.picture.history import History
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

_RETRY = RestartPolicy(base_s=2.0, factor=2.0, max_s=5.0)
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
        self._found: set[str] = set()
        """Cameras of an earlier life, until the table tells which of them are left."""
        self._last_event_id = 0

    @property
    def name(self) -> str:
        """That of the archive."""
        return self._archive.name

    def publish(self, cycle: Rendered) -> None:
        """A cycle is complete."""
        self._snapshot = cycle.snapshot
        self._due.set()

    async def run(self) -> NoReturn:
        """Read back once, then write until cancelled."""
        retry = Retry(_RETRY)
        loaded = failing = False
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
                    # Told once: the store's component may be up all the same, where it refuses this alone.
                    level, failing = logging.DEBUG if failing else logging.WARNING, True
                    logger.log(level, "%s: what happens is not kept for now: %s", self.name, error)
                    await retry.pause()
                else:
                    failing = False
                    retry.reset()
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
        self._found = set(found.timelines)
        self._restore(found.timelines, found.watched_until)

    async def _save(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        timelines = {camera_id: report.timeline for camera_id, report in snapshot.reports.items()}
        changed = {key: timeline for key, timeline in timelines.items() if self._written.get(key) is not timeline}
        # A table that could not be read yet has deleted nobody.
        found = self._found if snapshot.table_read else frozenset()
        removed = tuple((self._written.keys() | found) - timelines.keys())
        events = self._history.after(self._last_event_id, limit=10 * _MOST_EVENTS)[:_MOST_EVENTS]
        kept = await self._archive.save(Records(events, changed, snapshot.taken_at), removed)
        if snapshot.table_read:
            self._found.clear()
        # It was lost where fewer are left: the next cycle writes all of them again.
        self._written = timelines if kept is None or kept >= len(timelines) else {}
        if events:
            self._last_event_id = events[-1].id
