"""Looks at the service from outside, and keeps what it was told."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import aiohttp
import orjson
import psutil
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.chaos.invariants import Rest, Sight, Weight
from tests.chaos.world import World

# A process may end while it is looked at.
UNANSWERED = (OSError, TimeoutError, aiohttp.ClientError, RedisError, psutil.Error)


class Onlooker:
    """Every method raises one of UNANSWERED while somebody does not answer."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self._world = world
        self._session = session
        self.told: list[str] = []
        """Everything that was said, for the search for credentials."""

    async def picture(self) -> dict[str, Any]:
        """One cycle."""
        url = self._world.service.base_url.replace("http", "ws") + "/ws?topics=cameras,status,events"
        async with asyncio.timeout(3), self._session.ws_connect(url) as socket:
            message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError("the service closed the connection")
        self.told.append(message.data)
        return dict(orjson.loads(message.data))

    async def look(self, before: dict[str, Any] | None) -> Sight:
        picture = await self.picture()
        world = self._world
        return Sight(picture, world.publishers(), world.surplus_clients(), before, world.suspects())

    async def rest(self) -> Rest:
        """Ask everybody."""
        async with Redis.from_url(self._world.redis.url, decode_responses=True) as client:
            stored = await client.hgetall("restream:cameras")
            self.told.append(
                str([stored, await client.get("restream:snapshot"), await client.xrange("restream:events")])
            )
        metrics = await self._text("/metrics")
        sight = await self.look(None)
        asked = [await self._json(f"/api/cameras/{key}") for key in sight.cameras]
        details = [each for each in asked if "id" in each]  # the row may be gone meanwhile
        async with self._session.get(f"{self._world.server.api_url}/v3/paths/list?itemsPerPage=1000") as response:
            paths = (await response.json())["items"]
        self._world.service.look_at_processes()
        self.told += [metrics, str(details), "\n".join(self._world.service.seen)]
        return Rest(
            sight=sight,
            wanted=await self._world.wanted(),
            pids={each["id"]: each["pid"] for each in details if each["pid"] is not None},
            served=frozenset(path["name"] for path in paths if path["ready"]),
            stored={key: orjson.loads(body) for key, body in stored.items()},
            metrics={
                key: float(value)
                for key, value in re.findall(r'^restream_camera_up{camera="(\d+)".*} (\S+)$', metrics, re.M)
            },
            children=self._children(),
            details=tuple(details),
        )

    def _children(self) -> dict[int, str]:
        """Without those that relay: they belong to no camera."""
        relaying = {worker.pid for worker in self._world.relay_workers()}
        children = (child for child in self._world.service.children() if child.is_running())
        return {child.pid: child.status() for child in children if child.pid not in relaying}

    async def weigh(self) -> Weight:
        process = psutil.Process(self._world.service.process.pid)
        tasks = re.search(r"^restream_tasks (\S+)$", await self._text("/metrics"), re.M)
        assert tasks is not None
        rss_mib = round(process.memory_info().rss / (1 << 20), 1)
        return Weight(rss_mib, process.num_fds(), process.num_threads(), float(tasks[1]))

    async def _text(self, path: str) -> str:
        async with self._session.get(self._world.service.base_url + path) as response:
            return await response.text()

    async def _json(self, path: str) -> Any:
        async with self._session.get(self._world.service.base_url + path) as response:
            return await response.json()
