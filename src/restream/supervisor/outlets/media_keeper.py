"""Lets what the cameras send outlive the service, so that its next start need not ask them again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import NoReturn

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.known_media import KnownMedia, asked_for
from restream.domain.life.lifecycle import Phase
from restream.ports.outlets import MediaMemory, Rendered, SinkError

logger = logging.getLogger(__name__)

# Who starts must not wait for long for what only saves time.
_RECALL_LIMIT_S = 2.0
# Cameras come up in crowds: one writing for many of them.
_GATHER_S = 5.0


class MediaKeeper:
    """Writes the media of cameras that run to one memory; what does not run proves nothing."""

    def __init__(self, memory: MediaMemory) -> None:
        self._memory = memory
        self._due = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._written: dict[str, KnownMedia] = {}

    @property
    def name(self) -> str:
        """That of the memory."""
        return self._memory.name

    async def recall(self) -> Mapping[str, KnownMedia]:
        """What is known from before, by camera id; nothing where that cannot be had soon. Never raises."""
        try:
            async with asyncio.timeout(_RECALL_LIMIT_S):
                self._written = dict(await self._memory.load())
        except (SinkError, TimeoutError) as error:
            logger.info("what cameras send is not known from before, they are probed: %s", error or "no answer")
        return self._written

    def publish(self, cycle: Rendered) -> None:
        """A cycle is complete."""
        self._snapshot = cycle.snapshot
        self._due.set()

    async def run(self) -> NoReturn:
        """Write what is new, until cancelled."""
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                try:
                    await self._save()
                except SinkError as error:
                    # The store's state is a component of its own.
                    logger.debug("media: %s", error)
                await asyncio.sleep(_GATHER_S)
        finally:
            await self._memory.close()

    async def _save(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        known = self._written
        changed: dict[str, KnownMedia] = {}
        for camera_id, report in snapshot.reports.items():
            status = report.subject
            if not isinstance(status, CameraStatus) or status.state.phase is not Phase.RUNNING:
                continue
            media, before = status.state.media, known.get(camera_id)
            if media is not None and (found := KnownMedia(media, asked_for(status.camera))) != before:
                changed[camera_id] = found
        removed = known.keys() - snapshot.reports.keys() if snapshot.table_read else frozenset()
        if changed or removed:
            await self._memory.save(changed, removed)
            self._written = {key: each for key, each in (known | changed).items() if key not in removed}
