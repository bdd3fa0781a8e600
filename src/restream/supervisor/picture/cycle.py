"""The heartbeat of the service: one frozen snapshot per cycle, handed to everybody who shows, stores or counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from restream.domain.admission.queue import StartFigures
from restream.domain.host_sample import HostSample
from restream.domain.judgement.sight import AT_WORK, ServiceStanding
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import Subject
from restream.domain.news.component import Component
from restream.domain.news.event import Event
from restream.domain.pictures.seen import Seen
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import ServerId
from restream.supervisor.picture.assessor import Assessor

# Between rows of a large fleet the loop gets to breathe: 5,000 are judged without holding anybody up.
_BATCH = 100
# What happens between two sweeps is shown soon, but never costs more than a tenth of a core.
_LEAST_PAUSE_S = 0.3
_MOST_SHARE = 0.1
# A clock that was set differently by less than this is no news: moments would tremble from cycle to cycle.
_CLOCK_STEP_S = 0.2


@dataclass(frozen=True, slots=True)
class Scene:
    """What a cycle looks at, taken at one moment."""

    subjects: Mapping[str, Subject] = field(default_factory=dict)
    components: Mapping[str, Component] = field(default_factory=dict)
    servers: Mapping[ServerId, ServerPicture] = field(default_factory=dict)
    host: HostSample | None = None
    node: str = ""
    starts: StartFigures = field(default_factory=StartFigures)
    standing: ServiceStanding = AT_WORK
    table_read: bool = False
    """As in `Snapshot`."""
    seen: Mapping[str, Seen] = field(default_factory=dict)
    """What pictures have shown."""


class Cycle:
    """Takes a snapshot after every sweep over all media servers (`observed`), soon after something `happened`, and at
    the latest every `longest_s` seconds.

    `publish` is awaited with each; `took` hears how many seconds a cycle's work lasted.
    """

    def __init__(
        self,
        look: Callable[[], Scene],
        assessor: Assessor,
        publish: Callable[[Snapshot], Awaitable[None]],
        took: Callable[[float], None],
        *,
        servers: int,
        longest_s: float,
    ) -> None:
        self._look = look
        self._assessor = assessor
        self._publish = publish
        self._took = took
        self._servers = servers
        self._asked: set[ServerId] = set()
        self._longest_s = longest_s
        self._swept = asyncio.Event()
        self._changed = asyncio.Event()
        self._wall_offset_s = time.time() - time.monotonic()
        self._generation = 0

    def observed(self, server: ServerId, picture: ServerPicture) -> None:
        """A media server was asked; once all were, everything is due."""
        self._asked.add(server)
        if len(self._asked) >= self._servers:
            self._swept.set()

    def server_changed(self, server: ServerId, up: bool) -> None:
        """The component's change says it already."""

    def happened(self, event: Event) -> None:
        """Something that viewers of the page want to see before the next sweep."""
        self._changed.set()

    async def run(self) -> NoReturn:
        """Take snapshots until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._asked.clear()
            self._swept.clear()
            self._changed.clear()
            await self._publish(await self._take())
            work_s = loop.time() - began
            self._took(work_s)
            await self._next(began, max(_LEAST_PAUSE_S, work_s / _MOST_SHARE))

    async def _take(self) -> Snapshot:
        scene = self._look()
        now = asyncio.get_running_loop().time()
        wall = self._wall(now)
        reports: dict[str, Report] = {}
        assessed = self._assessor.assess(
            scene.subjects, scene.servers, now, wall, standing=scene.standing, seen=scene.seen
        )
        for camera_id, report in assessed:
            reports[camera_id] = report
            if len(reports) % _BATCH == 0:
                await asyncio.sleep(0)
        if scene.table_read:
            self._assessor.forget_earlier()
        self._generation += 1
        return Snapshot(
            generation=self._generation,
            taken_at=wall,
            now=now,
            reports=reports,
            components=scene.components,
            servers=scene.servers,
            host=scene.host,
            node=scene.node,
            starts=scene.starts,
            draining=scene.standing.draining,
            table_read=scene.table_read,
        )

    async def _next(self, began: float, pause_s: float) -> None:
        """Wait for the next sweep, or for a change once `pause_s` is over."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(began + pause_s):
                await self._swept.wait()
            return
        except TimeoutError:
            pass
        waits = [asyncio.ensure_future(event.wait()) for event in (self._swept, self._changed)]
        try:
            remaining_s = began + self._longest_s - loop.time()
            await asyncio.wait(waits, timeout=max(0.0, remaining_s), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _wall(self, now: float) -> float:
        offset_s = time.time() - now
        if abs(offset_s - self._wall_offset_s) > _CLOCK_STEP_S:
            self._wall_offset_s = offset_s
        return now + self._wall_offset_s
