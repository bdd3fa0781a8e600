"""Record everything that the service stores, for the tests of later versions.

`python -m tests.record_state` runs two nodes over simulated cameras, a PostgreSQL, a Redis and the mediamtx on PATH,
and writes `tests/data/state/<version>/`. What was recorded of a version that is released is never written again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from redis.asyncio import Redis

from restream import __version__
from restream.config.places import ROOT
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import embedded_postgres, embedded_redis
from restream.service.interpreter import install_child_watcher
from tests.support.eventually import eventually
from tests.support.recorded_state import (
    CONFIGURATION,
    EVERY_KEY,
    NODE,
    OTHER,
    SCHEMAS,
    STATES,
    StoredKey,
    export,
    insert,
    leases_of,
)
from tests.support.servers import RealMediamtx
from tests.support.service import RunningService, running_service

# All that needs escaping somewhere; it must not be in anything that was recorded.
PASSWORD = "rec0rd@:/?#%&'ö"
NOT_RECORDED = "not recorded"
CLIPS = {1: "h264_aac", 2: "h264", 3: "h265", 4: "h264_pcma", 5: "h264_small"}
PINNED = {1: NODE, 2: NODE, 3: OTHER, 4: OTHER, 5: NODE}
WRONG_PASSWORD = 5
SETTINGS = {
    "RESTREAM_CAMERAS__ENGINE": "relay",
    "RESTREAM_NODES__HEARTBEAT_S": "1",
    "RESTREAM_NODES__TTL_S": "5",
    "RESTREAM_NODES__MAX_CPU_PERCENT": "100",
}
EVERY_OPTION = {
    "publish": "srt",
    "rtsp_transport": "auto",
    "audio": "aac",
    "path": "yard/gate",
    "priority": 10,
    "connect_timeout_s": 30,
    "stall_timeout_s": 20,
    "input": {"analyzeduration": 1_000_000, "rtsp_flags": "prefer_tcp"},
    "output": {"b:a": "64k", "muxdelay": 0.1},
    "engine": "ffmpeg",
    "on_demand": False,
    "server": "default",
    "node": NODE,
    "site": "North",
}
LIMIT_S = 60.0


@dataclass(frozen=True)
class Site:
    """What two nodes share."""

    dsn: str
    redis_url: str
    server: RealMediamtx
    database: asyncpg.Connection[asyncpg.Record]
    cameras: Mapping[int, SimulatedCamera]


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[Site]:
    async with contextlib.AsyncExitStack() as stack:
        dsn = (await stack.enter_async_context(embedded_postgres())).reveal()
        redis_url = await stack.enter_async_context(embedded_redis())
        server = RealMediamtx()
        await server.start()
        stack.push_async_callback(server.stop)
        database = await asyncpg.connect(dsn)
        stack.push_async_callback(database.close)
        for name in SCHEMAS:
            await database.execute((ROOT / "etc" / name).read_text(encoding="utf-8"))
        cameras = {
            number: await stack.enter_async_context(SimulatedCamera(Clip.load(clip), login="admin", password=PASSWORD))
            for number, clip in CLIPS.items()
        }
        await insert(database, "cameras", rows(cameras))
        yield Site(dsn, redis_url, server, database, cameras)


def rows(cameras: Mapping[int, SimulatedCamera]) -> list[dict[str, Any]]:
    """Of the table: some that run, one of each kind that does not."""
    found: list[dict[str, Any]] = []
    for number, camera in cameras.items():
        password = "wrong" if number == WRONG_PASSWORD else PASSWORD
        found.append(
            {
                "id": number,
                "name": f"Camera {number}",
                "site": "North" if number % 2 else "South",
                "enabled": True,
                "camera_type": ("HIKVISION", "DAHUA", "COMMON")[number % 3],
                "link": f"{camera.host}:{camera.port}",
                "login": "admin",
                "password": password,
                "channel": number,
                "options": {"node": PINNED[number]},
            }
        )
    off = {"id": 6, "name": "Every option", "enabled": False, "link": "192.0.2.6", "options": EVERY_OPTION}
    odd = {"id": 7, "name": "Not understood", "enabled": True, "link": "192.0.2.7", "options": {"unheard_of": 1}}
    return [*found, off, odd]


@contextlib.asynccontextmanager
async def node(found: Site, name: str, folder: Path) -> AsyncIterator[RunningService]:
    own = folder / name
    own.mkdir()
    overrides = {
        **SETTINGS,
        "PG_DSN": found.dsn,
        "RESTREAM_NODES__DSN": found.dsn,
        "RESTREAM_NODE__NAME": name,
        "RESTREAM_NODES__URL": f"http://{name}.example:8000",
        "RESTREAM_REDIS__URL": found.redis_url,
    }
    async with running_service(own, server=found.server, overrides=overrides) as service:
        yield service


async def live(found: Site, nodes: Mapping[str, RunningService]) -> None:
    """Let happen what leaves traces: starts, a refused password, two losses, an outage of the media server."""
    healthy = {str(number): name for number, name in PINNED.items() if number != WRONG_PASSWORD}

    async def well() -> None:
        for name, service in nodes.items():
            wanted = dict.fromkeys((key for key, owner in healthy.items() if owner == name), "healthy")
            await service.reach(wanted, LIMIT_S)

    await well()
    await nodes[NODE].reach({str(WRONG_PASSWORD): "held"}, LIMIT_S)
    await found.cameras[1].set_fault(Fault.DROP)
    await found.cameras[3].set_fault(Fault.REFUSE)
    await nodes[OTHER].reach({"3": "down"}, LIMIT_S)
    await found.cameras[3].set_fault(Fault.NONE)
    await well()
    await found.server.stop()
    for service in nodes.values():
        await service.component("mediamtx", "down", LIMIT_S)
    await found.server.start()
    await well()


async def everything_is_kept(client: Any, healthy: Mapping[str, str]) -> None:
    """Wait for what is written less often than every cycle."""

    async def kept() -> bool:
        for name in (NODE, OTHER):
            known = {key.decode() for key in await client.hkeys(f"restream:node:{name}:media")}
            assert known == {key for key, owner in healthy.items() if owner == name}, known
        assert len(await client.hkeys("restream:availability")) >= len(CLIPS)
        return bool(await client.exists(f"restream:node:{OTHER}:host", f"restream:node:{OTHER}:joined") == 2)

    await eventually(kept, LIMIT_S, "media, availability and host are kept")


async def record() -> dict[str, Any]:
    """By the name of the file."""
    healthy = {str(number): name for number, name in PINNED.items() if number != WRONG_PASSWORD}
    with tempfile.TemporaryDirectory(prefix="restream-state-") as folder:
        async with (
            site() as found,
            Redis.from_url(found.redis_url) as client,
            node(found, NODE, Path(folder)) as north,
            node(found, OTHER, Path(folder)) as south,
        ):
            await live(found, {NODE: north, OTHER: south})
            await everything_is_kept(client, healthy)
            taken_at, keys, leases = time.time(), await export(client), await leases_of(found.database)
            cameras = [
                json.loads(row[0])
                for row in await found.database.fetch("SELECT row_to_json(c) FROM cameras c ORDER BY id")
            ]
    return {
        "redis.json": {"taken_at": round(taken_at, 3), "keys": without_hosts(keys)},
        "leases.json": leases._asdict(),
        "cameras.json": [{**row, "password": row["password"] and NOT_RECORDED} for row in cameras],
    }


def without_hosts(keys: Mapping[str, StoredKey]) -> dict[str, StoredKey]:
    """What a host is like is read by nobody at a start, and nobody else's affair."""
    hosts = {"restream:host:latest", *(f"restream:node:{name}:host" for name in (NODE, OTHER))}
    return {key: StoredKey(**{**stored, "content": "{}"}) if key in hosts else stored for key, stored in keys.items()}


def write(folder: Path, files: Mapping[str, Any]) -> None:
    texts = {name: json.dumps(value, indent=1, ensure_ascii=False) + "\n" for name, value in files.items()}
    for name, text in texts.items():
        if PASSWORD in text or json.dumps(PASSWORD)[1:-1] in text:
            raise RuntimeError(f"a password is in {name}")
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in (*CONFIGURATION, *SCHEMAS):
        shutil.copyfile(ROOT / "etc" / name, folder / name)
    shutil.copyfile(EVERY_KEY, folder / EVERY_KEY.name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label", default=__version__, help="the version")
    folder = STATES / parser.parse_args().label
    if folder.exists():
        sys.stderr.write(f"{folder} is there already: remove it only if that version was never released\n")
        return 1
    install_child_watcher()
    write(folder, asyncio.run(record()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
