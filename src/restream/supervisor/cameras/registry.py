"""Follows the cameras table: polls it, listens for notifications, survives the loss of the database.

A database that is away never reads as "all cameras deleted": the last good reading stays in force.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import NoReturn

from restream.domain.camera.camera import Camera, RejectedRow, RowReader, without_collisions
from restream.domain.camera.row_changes import RowTable
from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.component import ComponentState
from restream.ports.cameras import CameraTable, DatabaseError, Row
from restream.supervisor.components import Components
from restream.supervisor.journeys import CameraFollower
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

# A bulk update sends one notification per row: read once for all that come within this time.
_GATHER_S = 0.05
# A table that changes all the time (heartbeat columns) is not read more often than this.
_LEAST_PAUSE_S = 0.15
# Changes of the table act soon after the database is back; asking one that is away costs next to nothing.
_RETRY = RestartPolicy(base_s=0.5, factor=2.0, max_s=2.0)


class Registry:
    """The current rows, understood. `follower` hears every reading that differs from the one before."""

    def __init__(
        self,
        table: CameraTable,
        reader: RowReader,
        components: Components,
        follower: CameraFollower,
        *,
        poll_s: float,
    ) -> None:
        self._table = table
        self._reader = reader
        self._components = components
        self._follower = follower
        self._poll_s = poll_s
        self._changed = asyncio.Event()
        self._rows: list[Row] | None = None
        self._was_read = False
        self._understood: dict[str, tuple[Row, Camera | RejectedRow]] = {}
        self._cameras: dict[str, Camera] = {}
        self._rejected: dict[str, RejectedRow] = {}

    @property
    def was_read(self) -> bool:
        """Whether the whole table has been read and followed once: what it does not have is not there."""
        return self._was_read

    @property
    def disabled(self) -> Mapping[str, Camera]:
        """Cameras that are not wanted now, by id."""
        return {camera.id: camera for camera in self._cameras.values() if not camera.enabled}

    @property
    def rejected(self) -> Mapping[str, RejectedRow]:
        """Rows that are not understood, by id."""
        return dict(self._rejected)

    @property
    def rows(self) -> Sequence[Row]:
        """The last reading that was followed."""
        return [row for row, _ in self._understood.values()]

    @property
    def table(self) -> RowTable | None:
        """That reading, and how its rows are understood; None before the first one."""
        return RowTable(self._reader, self.rows) if self._was_read else None

    def resume(self, rows: Sequence[Row]) -> None:
        """Go on with the reading of the life before, until the database answers."""
        self._take(rows)

    def adopt(self, reader: RowReader, poll_s: float) -> None:
        """New settings: read all rows again with them."""
        if (reader, poll_s) != (self._reader, self._poll_s):
            self._reader, self._poll_s = reader, poll_s
            self._rows = None
            self._understood.clear()
        self._changed.set()

    async def run(self) -> NoReturn:
        """Follow the table until cancelled."""
        retry = Retry(_RETRY)
        connected = False
        try:
            while True:
                self._changed.clear()
                try:
                    if not connected:
                        await self._table.connect(self._changed.set)
                        connected = True
                    self._take(await self._table.read())
                except DatabaseError as error:
                    connected = False
                    self._components.report("database", ComponentState.DOWN, f"{error} (streams go on as they are)")
                    await retry.pause()
                    continue
                retry.reset()
                count = len(self._cameras)
                self._components.report(
                    "database", ComponentState.UP, f"{count} cameras, {len(self._rejected)} rejected"
                )
                await self._next_change()
        finally:
            await self._table.close()

    async def _next_change(self) -> None:
        loop = asyncio.get_running_loop()
        read_at = loop.time()
        try:
            async with asyncio.timeout(self._poll_s):
                await self._changed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(max(_GATHER_S, read_at + _LEAST_PAUSE_S - loop.time()))

    def _take(self, rows: Sequence[Row]) -> None:
        if self._rows is not None and list(rows) == self._rows:
            return
        # Set again at the end: a reading that could not be followed is no reading.
        self._rows = None
        items = [self._understand(row) for row in rows]
        kept = without_collisions(items)
        if len(kept) < len(items):
            logger.warning("%d rows repeat the id of an earlier row and are ignored", len(items) - len(kept))
        self._understood = {item.id: (row, item) for row, item in zip(rows, items, strict=True)}
        self._cameras = {item.id: item for item in kept if isinstance(item, Camera)}
        before, self._rejected = self._rejected, {item.id: item for item in kept if isinstance(item, RejectedRow)}
        for item in self._rejected.values():
            if before.get(item.id) != item:
                logger.warning("row %s is skipped: %s", item.id, item.problem)
        self._follower.want(list(self._cameras.values()))
        self._rows = list(rows)
        self._was_read = True

    def _understand(self, row: Row) -> Camera | RejectedRow:
        known = self._understood.get(self._reader.id_of(row))
        return known[1] if known is not None and known[0] == row else self._reader.read(row)
