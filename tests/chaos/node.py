"""One of several services over one table, and the doors through which it reaches everything else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from restream.domain.server.identity import DEFAULT_SERVER
from tests.chaos.servers import MediaServer, signal_all
from tests.chaos.site import PATIENT
from tests.chaos.surroundings import WallClock
from tests.support.gate import Gate
from tests.support.relay_workers import relay_workers
from tests.support.service import RunningService, running_service

if TYPE_CHECKING:
    from tests.chaos.nodes_world import NodesWorld

HEARTBEAT_S, TTL_S = 1.0, 3.0

_SETTINGS = {
    **PATIENT,
    "RESTREAM_NODES__HEARTBEAT_S": f"{HEARTBEAT_S:g}",
    "RESTREAM_NODES__TTL_S": f"{TTL_S:g}",
    # A busy machine is no reason to take nothing, and balance is found within a round.
    "RESTREAM_NODES__MAX_CPU_PERCENT": "100",
    "RESTREAM_NODES__MOVES_PER_MINUTE": "600",
}
_ENDED_WITHIN_S = 6.0


class ChaosNode:
    """One node; between two lives it is nobody."""

    def __init__(self, name: str, world: NodesWorld) -> None:
        self.name = name
        self.busy = asyncio.Lock()
        """Whoever breaks it holds this."""
        self.answers = False
        """Whether it should answer now."""
        self.suspended = False
        """Its children stand still too: what they hold is open, and nothing comes of it."""
        self.service: RunningService | None = None
        self.to_database, self.to_redis = Gate(world.database.port), Gate(world.redis.port)
        self.to_servers = {name: _gates(server) for name, server in world.servers.items()}
        """RTSP and API of each media server."""
        self.clock = WallClock(world.directory / f"{name}.clock")
        self._world = world
        self._life = contextlib.AsyncExitStack()
        self.lives: list[Path] = []
        self.replacements = 0

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All doors, for who opens and shuts them."""
        return (self.to_database, self.to_redis, *(gate for pair in self.to_servers.values() for gate in pair))

    def server_of(self, url: str) -> str | None:
        """Name of the media server to which this node publishes at that URL."""
        for name, (rtsp, _) in self.to_servers.items():
            if url.startswith(f"rtsp://127.0.0.1:{rtsp.port}/"):
                return name
        return None

    def _settings(self) -> Mapping[str, str]:
        urls = {
            name: {"rtsp_url": f"rtsp://127.0.0.1:{rtsp.port}", "api_url": f"http://127.0.0.1:{api.port}"}
            for name, (rtsp, api) in self.to_servers.items()
        }
        default = urls.pop(DEFAULT_SERVER)
        dsn = self._world.database.dsn_by(self.to_database)
        return {
            **_SETTINGS,
            "PG_DSN": dsn,
            "RESTREAM_NODES__DSN": dsn,
            "RESTREAM_NODE__NAME": self.name,
            "RESTREAM_REDIS__URL": f"redis://127.0.0.1:{self.to_redis.port}/0",
            "RESTREAM_MEDIAMTX__RTSP_URL": default["rtsp_url"],
            "RESTREAM_MEDIAMTX__API_URL": default["api_url"],
            "RESTREAM_MEDIAMTX__SERVERS": json.dumps(urls),
            "RESTREAM_PULL__PORT": "0",
            **self.clock.environment,
        }

    async def start(self) -> None:
        life = self._world.directory / f"{self.name}-{len(self.lives) + 1}"
        life.mkdir()
        self.lives.append(life)
        self.service = await self._life.enter_async_context(running_service(life, overrides=self._settings()))
        self.answers = True

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until none of its children is left."""
        if self.service is None:
            return
        self.answers = False
        process, children = self.service.process, self.service.children()
        if number is not signal.SIGKILL:
            self.resume(children)
        process.send_signal(number)
        await process.wait()
        self.suspended = False
        _, left = await asyncio.to_thread(psutil.wait_procs, children, _ENDED_WITHIN_S)
        assert not left, f"orphans of {self.name} after {number.name}: {left}"
        self.service = None
        await self._life.aclose()

    async def replace(self) -> None:
        """Let its next version take over."""
        assert self.service is not None
        self.answers = False
        await self.service.replaced()
        self.replacements += 1
        self.answers = True

    def suspend(self, *, whole: bool) -> list[psutil.Process]:
        """Stop the service, with its children or alone; tells who stands still."""
        assert self.service is not None
        self.answers, self.suspended = False, whole
        stopped = [psutil.Process(self.service.process.pid), *(self.service.children() if whole else ())]
        signal_all(stopped, signal.SIGSTOP)
        return stopped

    def resume(self, stopped: list[psutil.Process]) -> None:
        assert self.service is not None
        signal_all([psutil.Process(self.service.process.pid), *stopped], signal.SIGCONT)
        self.suspended = False

    def relay_workers(self) -> list[psutil.Process]:
        return relay_workers(self.service.children()) if self.service is not None else []

    def console(self) -> str:
        """What all its lives printed."""
        logs = [life / "console.log" for life in self.lives]
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)

    def logs(self) -> str:
        found = [path for life in self.lives for path in (life / "log").glob("restream.log*")]
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in found)


def _gates(server: MediaServer) -> tuple[Gate, Gate]:
    return Gate(_port(server.rtsp_url)), Gate(_port(server.api_url))


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
