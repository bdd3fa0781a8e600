"""Stands between the table and whoever follows it: hands on the cameras of a lost media server with another one."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

from restream.domain.camera.camera import Camera
from restream.domain.server.failover import Failover, FailoverPolicy, Standing
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import ServerId
from restream.supervisor.journeys import CameraFollower

logger = logging.getLogger(__name__)

_MINUTE_S = 60.0


class FailoverKeeper:
    """Knows of all rows, not only of our share: each node decides the same from what it sees."""

    def __init__(self, policy: FailoverPolicy, follower: CameraFollower) -> None:
        self._policy = policy
        self._follower = follower
        self._loop = asyncio.get_running_loop()
        self._cameras: list[Camera] = []
        self._homes: dict[str, ServerId] = {}
        """Of cameras that may move."""
        self._away: dict[str, ServerId] = {}
        self._returned: list[float] = []
        """When cameras returned, within the last minute."""
        self._standings: dict[ServerId, Standing] = {}
        self._changed = asyncio.Event()

    def want(self, cameras: list[Camera]) -> None:
        """A reading of the table, as rows say it."""
        self._cameras = cameras
        self._place()
        self._hand_on()

    def server_changed(self, server: ServerId, up: bool) -> None:
        """It was lost, or found again."""
        self._standings[server] = Standing(up, self._loop.time())
        self._changed.set()

    def observed(self, server: ServerId, picture: ServerPicture) -> None:
        """Only whether it is there matters."""

    def adopt(self, policy: FailoverPolicy) -> None:
        """Another policy; cameras that may not move any more return at once."""
        if policy != self._policy:
            self._policy = policy
            self._place()
            self._hand_on()
            self._changed.set()

    async def run(self) -> NoReturn:
        """Move cameras when it is time, until cancelled."""
        while True:
            self._changed.clear()
            before = self._away
            next_at = self._place()
            if self._away != before:
                self._hand_on()
            try:
                async with asyncio.timeout_at(next_at):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _place(self) -> float | None:
        """Decide anew; tells when there will be more to decide."""
        now = self._loop.time()
        self._homes = _homes(self._cameras, self._policy.pool)
        self._returned = [at for at in self._returned if now - at < _MINUTE_S]
        failover = Failover(self._policy, self._standings, now)
        left = max(0, self._policy.returns_per_minute - len(self._returned))
        before, self._away = self._away, failover.away(self._homes, self._away, returns=left)
        returned = [key for key in before if key in self._homes and key not in self._away]
        self._returned += [now] * len(returned)
        _tell(before, self._away, self._homes)
        paced = self._returned[0] + _MINUTE_S if self._away and self._returned else None
        return min((at for at in (failover.next_at(), paced) if at is not None), default=None)

    def _hand_on(self) -> None:
        self._follower.want([self._placed(camera) for camera in self._cameras])

    def _placed(self, camera: Camera) -> Camera:
        home = self._homes.get(camera.id)
        if home is None:
            return camera
        places = (home, *sorted(self._policy.pool - {home}))
        return replace(camera, server=self._away.get(camera.id, home), places=places)


def _homes(cameras: list[Camera], pool: frozenset[ServerId]) -> dict[str, ServerId]:
    """Who may move: a path that another server has too must not meet it there."""
    if len(pool) < 2:
        return {}
    enabled = [camera for camera in cameras if camera.enabled]
    users = Counter(camera.path for camera in enabled)
    return {each.id: each.server for each in enabled if each.server in pool and users[each.path] == 1}


def _tell(before: Mapping[str, ServerId], after: Mapping[str, ServerId], homes: Mapping[str, ServerId]) -> None:
    moves = Counter(
        (before.get(key, home), after.get(key, home)) for key, home in homes.items() if key in before or key in after
    )
    for (old, new), count in moves.items():
        if old != new:
            logger.warning("%d cameras move from media server %s to %s", count, old, new)
