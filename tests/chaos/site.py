"""What every world of chaos has: simulated cameras, a table of them, a Redis, and who may be blamed for what."""

from __future__ import annotations

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import asyncpg

from restream.config.places import ROOT
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.domain.camera.secret import spellings
from tests.chaos.servers import Database, Redis
from tests.support.eventually import eventually

# Beside tests.support.service.QUICK. A fleet that returns at once needs patience on a busy machine.
PATIENT = {
    "RESTREAM_FFMPEG__PROBE_TIMEOUT_S": "6",
    "RESTREAM_FFMPEG__STALL_TIMEOUT_S": "4",
    "RESTREAM_RESTART__HELD_S": "3",
    "RESTREAM_DATABASE__POLL_S": "2",
    "RESTREAM_HOST__INTERVAL_S": "1",
    "RESTREAM_ADMISSION__MAX_STARTING_PER_HOST": "",
    # What was long ago is no verdict about now.
    "RESTREAM_DEGRADED__RESTARTS_PER_HOUR": "1000000",
}
_PASSWORD = "ka/me:ra{number}@ö"


class Site:
    """`count` cameras, each with a row."""

    def __init__(self, directory: Path, count: int) -> None:
        self.directory = directory
        self.count = count
        self.database = Database()
        self.redis = Redis()
        self.cameras: dict[int, SimulatedCamera] = {}
        self._suspects: defaultdict[int, set[str]] = defaultdict(set)
        self.shown: defaultdict[int, set[int]] = defaultdict(set)
        """Which cameras a row shows, or has shown."""
        self.secrets = [self.database.password]

    async def add_cameras(self, stack: contextlib.AsyncExitStack) -> None:
        await self.sql((ROOT / "etc" / "schema.sql").read_text(encoding="utf-8"))
        clips = [Clip.load(name) for name in ("h264", "h264_aac", "h264", "h265")]
        for number in range(1, self.count + 1):
            password = _PASSWORD.format(number=number)
            camera = SimulatedCamera(clips[number % len(clips)], login="admin", password=password)
            self.cameras[number] = await stack.enter_async_context(camera)
            self.secrets += spellings(password)
            await self.insert(number)

    def options(self, number: int) -> Mapping[str, str]:
        """What the row of this number says beside its address."""
        raise NotImplementedError

    # -- the table -----------------------------------------------------------------------------------------------------

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a statement, however often the database has to be asked."""

        async def done() -> tuple[list[asyncpg.Record]] | None:
            try:
                connection = await asyncpg.connect(self.database.own_dsn, timeout=3, command_timeout=5)
            except (OSError, asyncpg.PostgresError, TimeoutError):
                return None
            try:
                if arguments:
                    return (await connection.fetch(statement, *arguments),)
                await connection.execute(statement)
                return ([],)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError):
                return None
            finally:
                connection.terminate()

        return (await eventually(done, 30, statement))[0]

    async def insert(self, number: int, camera: int = 0) -> None:
        """A row that shows a camera, by default the one of that number."""
        shown = self.cameras[camera or number]
        self.shown[number].add(camera or number)
        await self.sql(
            "INSERT INTO cameras (id, name, camera_type, link, login, password, options) "
            "VALUES ($1, $2, 'HIKVISION', $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            *(
                number,
                f"Camera {number}",
                f"{shown.host}:{shown.port}",
                shown.login,
                shown.password,
                json.dumps(self.options(number)),
            ),
        )

    async def rewire(self, number: int, camera: int) -> None:
        """A row comes to show another camera. What befalls either may be told of it."""
        self.shown[number].add(camera)
        shown = self.cameras[camera]
        statement = "UPDATE cameras SET link = $2, password = $3 WHERE id = $1"
        await self.sql(statement, number, f"{shown.host}:{shown.port}", shown.password)

    async def wanted(self) -> frozenset[str]:
        rows = await self.sql("SELECT id FROM cameras WHERE enabled IS DISTINCT FROM $1", False)
        return frozenset(str(row["id"]) for row in rows)

    def surplus_clients(self, of_each_row: int = 1) -> dict[int, int]:
        """How many more clients than its rows may have a camera plays to, by its number."""
        rows = Counter(camera for shown in self.shown.values() for camera in shown)
        playing = {number: camera.playing_to for number, camera in self.cameras.items()}
        may = {number: of_each_row * rows[number] for number in playing}
        return {number: clients - may[number] for number, clients in playing.items() if clients > may[number]}

    # -- blame ---------------------------------------------------------------------------------------------------------

    def suspect(self, side: str, cameras: Iterable[int] = ()) -> None:
        """From now on `side` may be blamed, or a reason told, for these cameras or for all."""
        for camera in cameras or self.shown:
            self._suspects[camera].add(side)

    def acquit(self) -> None:
        """All is well: whatever is blamed from now on must have a new reason."""
        self._suspects.clear()

    def suspects(self) -> dict[str, frozenset[str]]:
        """By row, which sides may be blamed."""
        return {
            str(row): frozenset().union(*(self._suspects.get(camera, ()) for camera in cameras))
            for row, cameras in self.shown.items()
        }
