"""Looks at several nodes, their media servers and their leases from outside."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import aiohttp
import orjson
import psutil
from redis.asyncio import Redis

from tests.chaos.invariants import Rest, Sight, Weight
from tests.chaos.node import ChaosNode
from tests.chaos.nodes_invariants import FleetRest, FleetSight, own_cameras
from tests.chaos.nodes_world import NodesWorld
from tests.chaos.onlooker import UNANSWERED

_UP = re.compile(r'^restream_camera_up{camera="(\d+)".*} (\S+)$', re.M)


class FleetOnlooker:
    """Every method but `look` raises one of UNANSWERED while somebody does not answer."""

    def __init__(self, world: NodesWorld, session: aiohttp.ClientSession) -> None:
        self._world = world
        self._session = session
        self.told: list[str] = []
        """Everything that was said, for the search for credentials."""

    async def look(self, before: FleetSight | None = None) -> tuple[FleetSight, dict[str, BaseException]]:
        """What those say who answer, and why others do not."""
        nodes = self._world.living
        pictures = await asyncio.gather(*map(self._picture, nodes), return_exceptions=True)
        suspects = self._world.suspects()
        pictures_before = {name: each.picture for name, each in before.nodes.items()} if before is not None else {}
        seen: dict[str, Sight] = {}
        silent: dict[str, BaseException] = {}
        for node, picture in zip(nodes, pictures, strict=True):
            if isinstance(picture, UNANSWERED):
                silent[node.name] = picture
            elif isinstance(picture, BaseException):
                raise picture
            else:
                seen[node.name] = Sight(picture, before=pictures_before.get(node.name), suspects=suspects)
        return FleetSight(seen, self._world.publishers(), self._world.surplus_now()), silent

    async def _picture(self, node: ChaosNode) -> dict[str, Any]:
        """One cycle."""
        url = self._base(node).replace("http", "ws") + "/ws?topics=cameras,status,events"
        async with asyncio.timeout(3), self._session.ws_connect(url) as socket:
            message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError("the service closed the connection")
        self.told.append(message.data)
        return dict(orjson.loads(message.data))

    async def rest(self) -> FleetRest:
        """Ask everybody."""
        sight, silent = await self.look()
        if silent:
            raise ConnectionResetError(f"{silent}")
        nodes = [self._world.nodes[name] for name in sight.nodes]
        metrics = [await self._text(node, "/metrics") for node in nodes]
        details = [each for node in nodes for each in await self._details(node, sight.nodes[node.name])]
        stored = await self._stored()
        self.told += [*metrics, str(details), *("\n".join(node.service.seen) for node in nodes if node.service)]
        together = Rest(
            sight=Sight(self._together(sight), sight.publishers, sight.surplus),
            wanted=await self._world.wanted(),
            pids={each["id"]: each["pid"] for each in details if each["pid"] is not None},
            served=frozenset([path for name in self._world.servers for path in await self._served(name)]),
            stored=stored,
            metrics={key: float(value) for text in metrics for key, value in _UP.findall(text)},
            children={pid: state for node in nodes for pid, state in _children(node).items()},
            details=tuple(details),
        )
        return FleetRest(sight, together, await self._world.assignments())

    def _together(self, sight: FleetSight) -> dict[str, Any]:
        """What all nodes tell, as one would tell it; paths carry the name of their server."""
        found: dict[str, dict[str, Any]] = {}
        components: dict[str, Any] = {}
        for name, each in sight.nodes.items():
            for camera in each.picture["cameras"]:
                # Who shows it without having it must not hide who has it.
                if camera["id"] not in found or found[camera["id"]]["phase"] != "running":
                    found[camera["id"]] = {**camera, "path": f"{camera['media_server']} {camera['path']}"}
            # That a node is lost which was killed for good is the truth.
            dead = {f"node:{node.name}" for node in self._world.nodes.values() if not node.answers}
            told = each.picture["status"]["components"].items()
            components |= {f"{name}/{key}": value for key, value in told if key not in dead}
        return {"cameras": list(found.values()), "status": {"components": components}}

    async def _details(self, node: ChaosNode, sight: Sight) -> list[dict[str, Any]]:
        assert node.service is not None
        node.service.look_at_processes()
        own = own_cameras(node.name, sight.picture)
        asked = [await self._json(node, f"/api/cameras/{camera['id']}") for camera in own]
        return [each for each in asked if "id" in each]  # the row may be gone meanwhile

    async def _stored(self) -> dict[str, Any]:
        async with Redis.from_url(self._world.redis.url, decode_responses=True) as client:
            stored = await client.hgetall("restream:cameras")
            others = await client.get("restream:snapshot"), await client.xrange("restream:events")
        self.told.append(str([stored, *others]))
        return {key: orjson.loads(body) for key, body in stored.items()}

    async def paths(self, server: str) -> dict[str, dict[str, Any]]:
        """What a media server itself tells of its paths."""
        url = f"{self._world.servers[server].api_url}/v3/paths/list?itemsPerPage=1000"
        async with self._session.get(url) as response:
            return {path["name"]: path for path in (await response.json())["items"]}

    async def _served(self, server: str) -> list[str]:
        return [f"{server} {name}" for name, path in (await self.paths(server)).items() if path["ready"]]

    async def weigh(self, node: ChaosNode) -> Weight:
        assert node.service is not None
        process = psutil.Process(node.service.process.pid)
        tasks = re.search(r"^restream_tasks (\S+)$", await self._text(node, "/metrics"), re.M)
        assert tasks is not None
        rss_mib = round(process.memory_info().rss / (1 << 20), 1)
        cameras = len(own_cameras(node.name, await self._picture(node)))
        return Weight(rss_mib, process.num_fds(), process.num_threads(), float(tasks[1]), cameras)

    def _base(self, node: ChaosNode) -> str:
        if node.service is None:
            raise ConnectionResetError(f"{node.name} has ended")
        return node.service.base_url

    async def _text(self, node: ChaosNode, path: str) -> str:
        async with self._session.get(self._base(node) + path) as response:
            return await response.text()

    async def _json(self, node: ChaosNode, path: str) -> Any:
        async with self._session.get(self._base(node) + path) as response:
            return await response.json()


def _children(node: ChaosNode) -> dict[int, str]:
    """Without those that relay: they belong to no camera."""
    relaying = {worker.pid for worker in node.relay_workers()}
    children = (child for child in node.service.children() if child.is_running()) if node.service else ()
    return {child.pid: child.status() for child in children if child.pid not in relaying}
