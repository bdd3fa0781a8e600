"""The world of a chaos run: cameras, servers, a disk, a clock, and the service in the middle of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import psutil

from tests.chaos.servers import MediaServer
from tests.chaos.site import PATIENT, Site
from tests.chaos.surroundings import Island, WallClock, may, small_disk
from tests.support.eventually import eventually
from tests.support.relay_workers import relay_workers
from tests.support.service import RunningService, running_service

CAMERAS = 30
ISLANDERS = 2


class World(Site):
    """Everything that can be broken. `open` makes it, and takes it down."""

    def __init__(self, directory: Path, server: MediaServer) -> None:
        super().__init__(directory, CAMERAS)
        self.server = server
        self.island: Island | None = None
        self.disk = directory / "log"
        self.up = False
        """Whether the service should answer now."""
        self.service: RunningService
        self.replacements = 0
        """How often one life was followed by another in the same process."""
        self._lives: list[Path] = []
        self._life = contextlib.AsyncExitStack()
        self.clock = WallClock(directory / "clock")
        self.configuration = directory / "restream.yml"
        """What the next version reads; the service that runs has read it."""
        self.configuration.write_text("{}", encoding="utf-8")

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[World]:
        async with contextlib.AsyncExitStack() as stack:
            if may("small disk"):
                stack.enter_context(small_disk(self.disk))
            if may("partition"):
                self.island = await stack.enter_async_context(Island(ISLANDERS)())
            for part in (self.server, self.database, self.redis):
                await part.start()
                stack.push_async_callback(part.stop)
            await self.add_cameras(stack)
            await self._add_islanders()
            await self.start_service()
            stack.push_async_callback(self.end_service)
            yield self

    async def _add_islanders(self) -> None:
        for number, url in enumerate(self.island.urls if self.island else (), CAMERAS + 1):
            self.shown[number].add(number)
            statement = "INSERT INTO cameras (id, name, rtsp_url, options) VALUES ($1, $2, $3, $4)"
            await self.sql(statement, number, "Islander", url, json.dumps(self.options(number)))

    def options(self, number: int) -> Mapping[str, str]:
        """All engines beside each other, by row."""
        if number % 3 == 0:
            return {"engine": "ffmpeg"}
        if number % 3 == 1 or self.server.directory_port is None:
            return {"engine": "relay"}
        return {"engine": "pull", "path": f"{self.server.FETCHED}{number}"}

    # -- the service ---------------------------------------------------------------------------------------------------

    async def start_service(self) -> None:
        life = self.directory / f"life-{len(self._lives) + 1}"
        life.mkdir()
        self._lives.append(life)
        overrides = {
            **PATIENT,
            "PG_DSN": self.database.dsn,
            "RESTREAM_REDIS__URL": self.redis.url,
            "LOGS_DIRECTORY": str(self.disk),
            "RESTREAM_JSON_FILE__PATH": str(self.disk / "streams.json"),
            **self.clock.environment,
            "RESTREAM_PULL__PORT": str(self.server.directory_port or 0),
        }
        given = ("--config", str(self.configuration))
        running = running_service(life, *given, server=self.server.server, overrides=overrides)
        self.service = await self._life.enter_async_context(running)
        self.up = True

    async def end_service(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until none of its children is left."""
        self.up = False
        self.service.process.send_signal(signal.SIGCONT)
        self.service.process.send_signal(number)
        await self.service.process.wait()

        async def nobody_left() -> bool:
            assert not self.publishers(), f"orphans after {number.name}: {self.publishers()}"
            return True

        await eventually(nobody_left, 5)
        await self._life.aclose()

    def console(self) -> str:
        """What all lives of the service printed."""
        logs = [life / "console.log" for life in self._lives]
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)

    def publishers(self) -> dict[str, tuple[int, ...]]:
        """Pids of all ffmpegs that publish to our media server, by path, whoever their parent is."""
        found: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    words = Path(entry.path, "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                    target = words[-1].decode(errors="replace")
                    if target.startswith(self.server.rtsp_url + "/") and b"-f" in words:
                        found[target.rpartition("/")[2]] += (int(entry.name),)
        return found

    def relay_workers(self) -> list[psutil.Process]:
        """Processes of the service that relay."""
        return relay_workers(self.service.children())

    def some_publishers(self, picked: Sequence[str]) -> list[psutil.Process]:
        now, found = self.publishers(), []
        for pid in (pid for key in picked for pid in now.get(f"cam{key}", ())):
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(pid))
        return found
