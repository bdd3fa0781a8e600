"""The world of several services over one table: nodes, two media servers, a PostgreSQL, a Redis, sixty cameras."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from pathlib import Path

import psutil

from restream.adapters.postgres_leases import PostgresLeases
from restream.config.places import ROOT
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import NodeName
from restream.domain.server.identity import DEFAULT_SERVER
from restream.ports.cameras import DatabaseError
from tests.chaos.node import HEARTBEAT_S, ChaosNode
from tests.chaos.servers import MediaServer
from tests.chaos.site import Site
from tests.support.eventually import eventually

# The stand-in is written in Python, and has as much to do with fewer.
CAMERAS = {"mediamtx": 60, "stand-in": 24}
NODES = ("north", "south", "west")
JOINER = "late"
"""One that comes and goes."""
SECOND_SERVER = "second"

# Cameras move by the heartbeat.
_STILL_S = 3 * HEARTBEAT_S

Publishers = Mapping[str, tuple[int, ...]]
"""Pids of ffmpegs by server and path."""


class NodesWorld(Site):
    """Everything that can be broken. `open` makes it, and takes it down."""

    def __init__(self, directory: Path, server: str) -> None:
        super().__init__(directory, CAMERAS[server])
        self.servers = {DEFAULT_SERVER: MediaServer(server), SECOND_SERVER: MediaServer(server)}
        self.nodes = {name: ChaosNode(name, self) for name in (*NODES, JOINER)}
        self.database.gates += [node.to_database for node in self.nodes.values()]
        self.later: list[ChaosNode] = []
        """Dead until the end of the round."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[NodesWorld]:
        async with contextlib.AsyncExitStack() as stack:
            for part in (*self.servers.values(), self.database, self.redis):
                await part.start()
                stack.push_async_callback(part.stop)
            for node in self.nodes.values():
                for gate in node.gates:
                    if gate is not node.to_database:
                        await stack.enter_async_context(gate)
            await self.sql((ROOT / "etc" / "schema_nodes.sql").read_text(encoding="utf-8"))
            await self.add_cameras(stack)
            for name in NODES:
                stack.push_async_callback(self.nodes[name].end)
            stack.push_async_callback(self.nodes[JOINER].end)
            await asyncio.gather(*(self.nodes[name].start() for name in NODES))
            await self.balanced()
            yield self

    def options(self, number: int) -> Mapping[str, str]:
        """Engines and media servers beside each other, by row."""
        engine = "ffmpeg" if number % 5 == 0 else "relay"
        return {"engine": engine, "server": SECOND_SERVER if number % 2 else DEFAULT_SERVER}

    def acquit(self) -> None:
        """Nodes come and go in every round: a camera may have none at the moment, one that tells nothing, or one that
        cannot know whether it still is."""
        super().acquit()
        for told in ("no_node", "node_silent", "taken_over"):
            self.suspect(told)

    @property
    def living(self) -> list[ChaosNode]:
        """Nodes that should answer now."""
        return [node for node in self.nodes.values() if node.answers]

    @contextlib.asynccontextmanager
    async def victim(self, rng: random.Random) -> AsyncIterator[ChaosNode]:
        """One of the nodes, which nobody else breaks meanwhile; it lives."""
        name = rng.choice(NODES)
        async with self.nodes[name].busy:
            if self.nodes[name].service is None:
                await self.nodes[name].start()
                self.later = [node for node in self.later if node.name != name]
            yield self.nodes[name]

    async def revive(self) -> None:
        """Start those that were to be dead until now."""
        later, self.later = self.later, []
        for node in later:
            async with node.busy:
                if node.service is None:
                    await node.start()

    def publishers(self) -> dict[str, tuple[int, ...]]:
        """Pids of all ffmpegs that publish to our media servers, by server and path; none that is suspended."""
        found: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
        for pid, target in _targets():
            for node in self.nodes.values():
                server = node.server_of(target)
                if server is not None and not node.suspended:
                    found[f"{server} {target.rpartition('/')[2]}"] += (pid,)
        return found

    def surplus_now(self) -> dict[int, int]:
        """Clients of cameras beyond the rows that show them. What a suspended node holds open is nobody's fault."""
        return self.surplus_clients(1 + sum(node.suspended for node in self.nodes.values()))

    def clients_of(self, numbers: Collection[int]) -> Iterator[str]:
        """Who is connected to these cameras, and whether they stand still: for the diary."""
        ports = {self.cameras[number].port: number for number in numbers}
        for each in psutil.net_connections("tcp"):
            number = ports.get(each.raddr.port) if each.raddr else None
            if number is None or each.pid is None:
                continue
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(each.pid)
                command = " ".join(process.cmdline()[-3:])[-80:]
                yield f"camera {number}: {each.pid} of {process.ppid()} {process.status()} {each.status} {command}"

    def overlaps(self) -> bool:
        """Whether any camera has two of ours now."""
        return bool(self.surplus_now()) or any(len(pids) > 1 for pids in self.publishers().values())

    async def drain(self, name: str, *, draining: bool) -> None:
        """Have a node give its cameras away, or no longer, however often the database has to be asked."""

        async def done() -> bool:
            table = PostgresLeases(Secret(self.database.own_dsn))
            try:
                return await table.drain(NodeName(name), draining=draining)
            except DatabaseError:
                return False
            finally:
                await table.close()

        await eventually(done, 30, f"{name} is drained")

    async def balanced(self) -> None:
        """Wait until no camera moves: the node that was there first takes all, and gives the others theirs later."""
        before: Mapping[str, str] = {}
        since = time.monotonic()

        async def done() -> bool:
            nonlocal before, since
            now = await self.assignments()
            if now != before or len(set(now.values())) < len(NODES):
                before, since = now, time.monotonic()
            return time.monotonic() - since > _STILL_S

        await eventually(done, 60, "each node has its share")

    async def assignments(self) -> dict[str, str]:
        """Who has which camera, as the database tells."""
        rows = await self.sql("SELECT camera_id, node FROM restream_assignment WHERE node <> $1", "")
        return {row["camera_id"]: row["node"] for row in rows}

    def console(self) -> str:
        return "".join(node.console() for node in self.nodes.values())


def _targets() -> Iterator[tuple[int, str]]:
    """Where each ffmpeg of this machine publishes to."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, psutil.Error):
                words = Path(entry.path, "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                if b"-f" in words:
                    yield int(entry.name), words[-1].decode(errors="replace")
