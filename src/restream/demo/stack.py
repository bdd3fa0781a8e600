"""The demo: everything the service needs, simulated cameras, and the service itself, in one command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from pydantic import SecretStr

from restream.adapters.postgres import execute_script
from restream.config.outlet_sections import RedisSection
from restream.config.pictures_section import PicturesSection
from restream.config.places import INSTALLED
from restream.config.settings import Settings
from restream.demo.behaviours.frozen import FreezesPicture
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import embedded_postgres, embedded_redis, free_port, redis_binary
from restream.demo.media_server import StandInServer
from restream.demo.mediamtx import configuration, find_mediamtx, running_mediamtx
from restream.domain.camera.secret import Secret
from restream.domain.server.identity import DEFAULT_SERVER
from restream.service.from_settings import require_programs
from restream.service.process import serve
from restream.service.pulling import directory_base

logger = logging.getLogger(__name__)

# Not a secret: it exists only while the demo runs, on loopback. All that needs escaping is in it.
_PASSWORD = "de@mo:/?#%&'ö"  # noqa: S105
_FIRST_STALL_AFTER_S = 15.0
_STALLED_S = 18.0
_FLOWING_S = 45.0


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """One row of the demo and the camera behind it."""

    name: str
    site: str
    camera_type: str
    clip: str
    stalls: bool = False
    wrong_password: bool = False
    on_demand: bool = False
    """Fetched by the media server itself, while somebody watches."""
    freezes: bool = False
    """Its picture stands still now and then, while everything else goes on."""


CAMERAS = (
    DemoCamera("Gate", "North", "HIKVISION", "h264_aac"),
    DemoCamera("Lobby, no audio", "North", "DAHUA", "h264"),
    DemoCamera("Loading dock, G.711", "North", "COMMON", "h264_pcma"),
    DemoCamera("Warehouse, H.265", "South", "HIKVISIONDS", "h265"),
    DemoCamera("Roof, stalls now and then", "South", "VEI", "h264", stalls=True),
    DemoCamera("Yard, wrong password", "South", "HIKVISIONCH1", "h264_aac", wrong_password=True),
)
# Only a real MediaMTX fetches.
ON_DEMAND = DemoCamera("Car park, on demand", "South", "COMMON", "h264", on_demand=True)

# Nobody would notice without a look at pictures.
FREEZES = DemoCamera("Stairs, freezes now and then", "North", "COMMON", "h264", freezes=True)
_MOVING_LOOPS, _FROZEN_LOOPS = 12, 50
_APART_S = 15.0


async def run_demo(settings: Settings, *, plain: bool = True) -> None:
    """Run until SIGINT or SIGTERM. Raises EmbeddedError, ConfigError, DependencyError."""
    require_programs(settings)
    async with contextlib.AsyncExitStack() as stack:
        rows = CAMERAS if find_mediamtx() is None else (*CAMERAS, ON_DEMAND)
        if settings.pictures.enabled:
            rows, settings = (*rows, FREEZES), settings.model_copy(update={"pictures": _impatient(settings.pictures)})
        settings = await stack.enter_async_context(_media_server(settings, rows))
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="restream-demo-"))
        dsn = await stack.enter_async_context(embedded_postgres())
        logger.info("demo: PostgreSQL at %s", dsn.reveal())
        cameras = [await stack.enter_async_context(_simulated(row)) for row in rows]
        await _fill(dsn, rows, cameras)
        stalled = [camera for row, camera in zip(rows, cameras, strict=True) if row.stalls]
        stalling = asyncio.create_task(_stall_now_and_then(stalled), name="demo stalls")
        stack.callback(stalling.cancel)
        redis = await stack.enter_async_context(_redis(settings.redis))
        update = {
            "database": settings.database.model_copy(update={"dsn": SecretStr(dsn.reveal())}),
            "redis": redis,
            # The usual file may be that of a service which runs here.
            "json_file": settings.json_file.model_copy(update={"path": Path(directory) / "mediamtx_streams.json"}),
        }
        settings = settings.model_copy(update=update)
        count = len(rows)
        logger.info("demo: %d simulated cameras; play one with: ffplay %s/cam1", count, settings.mediamtx.rtsp_url)
        at = {row: number for number, row in enumerate(rows, 1)}
        idle = f", one is fetched while somebody watches (cam{at[ON_DEMAND]})" if ON_DEMAND in rows else ""
        if FREEZES in rows:
            idle += f", the picture of one freezes now and then (cam{at[FREEZES]})"
        table = f"{INSTALLED.command} cameras"
        notes = (
            f"This is the demo: {count} simulated cameras, one stalls now and then, one has a wrong password{idle}.",
            f"Try the page above, `ffplay {settings.mediamtx.rtsp_url}/cam1`, {table}. Ctrl-C ends it.",
        )
        await serve(settings, lambda: settings, plain=plain, notes=notes)


@contextlib.asynccontextmanager
async def _redis(section: RedisSection) -> AsyncIterator[RedisSection]:
    """One of the demo's own; none where this machine has no program for it, and there is no wheel for its Python."""
    if redis_binary() is None:
        logger.warning("demo: no Redis found (`apt install redis-server`): events and availability end with the demo")
        yield section.model_copy(update={"url": None})
        return
    async with embedded_redis(_own_port("redis://127.0.0.1:6379", 6379)) as url:
        logger.info("demo: Redis at %s", url)
        yield section.model_copy(update={"url": SecretStr(url)})


@contextlib.asynccontextmanager
async def _simulated(camera: DemoCamera) -> AsyncIterator[SimulatedCamera]:
    behaviours = (FreezesPicture(_MOVING_LOOPS, _FROZEN_LOOPS),) if camera.freezes else ()
    clip = Clip.load(camera.clip)
    async with SimulatedCamera(clip, login="demo", password=_PASSWORD, behaviours=behaviours) as simulated:
        yield simulated


def _impatient(section: PicturesSection) -> PicturesSection:
    """Nobody watches a demo for the days in which a camera is learnt: what does not stir stands still."""
    usual = {
        "apart_s": min(_APART_S, section.interval_s / 2, section.suspect_interval_s / 2),
        "blind_s": 0.0,
    }
    return section.model_copy(update={"thresholds": {**usual, **section.thresholds}})


async def _fill(dsn: Secret, rows: Sequence[DemoCamera], cameras: Sequence[SimulatedCamera]) -> None:
    await execute_script(dsn, (INSTALLED.built_in / "schema.sql").read_text(encoding="utf-8"))
    connection = await asyncpg.connect(dsn.reveal())
    try:
        for row, camera in zip(rows, cameras, strict=True):
            await connection.execute(
                "INSERT INTO cameras (name, site, camera_type, link, login, password, channel, options)"
                " VALUES ($1, $2, $3, $4, 'demo', $5, 1, $6)",
                row.name,
                row.site,
                row.camera_type,
                f"{camera.host}:{camera.port}",
                "not-the-password" if row.wrong_password else _PASSWORD,
                '{"engine": "pull", "on_demand": true}' if row.on_demand else None,
            )
    finally:
        await connection.close()


async def _stall_now_and_then(stalling: Sequence[SimulatedCamera]) -> None:
    flowing_s = _FIRST_STALL_AFTER_S
    while True:
        await asyncio.sleep(flowing_s)
        for camera in stalling:
            await camera.set_fault(Fault.FREEZE)
        await asyncio.sleep(_STALLED_S)
        for camera in stalling:
            await camera.set_fault(Fault.NONE)
        flowing_s = _FLOWING_S


@contextlib.asynccontextmanager
async def _media_server(settings: Settings, rows: Sequence[DemoCamera]) -> AsyncIterator[Settings]:
    """A real MediaMTX, else the stand-in; never one that runs already, whose cam1 may be somebody's."""
    section = settings.mediamtx
    rtsp_port, api_port = _own_port(section.rtsp_url, 8554), _own_port(section.api_url, 9997)
    update = {"rtsp_url": f"rtsp://127.0.0.1:{rtsp_port}", "api_url": f"http://127.0.0.1:{api_port}"}
    pull = settings.pull.model_copy(update={"port": _own_port(settings.pull.base, 9554)})
    settings = settings.model_copy(update={"mediamtx": section.model_copy(update=update), "pull": pull})
    binary = find_mediamtx()
    if binary is None:
        async with StandInServer(rtsp_port=rtsp_port, api_port=api_port):
            yield settings
        return
    others = {**_viewers(), "paths": {**_fetched(settings, rows), "all_others": {}}}
    async with running_mediamtx(binary, configuration(rtsp_port, api_port, others)):
        logger.info("demo: MediaMTX (%s) at %s", Path(binary).name, settings.mediamtx.rtsp_url)
        yield settings


def _fetched(settings: Settings, rows: Sequence[DemoCamera]) -> dict[str, object]:
    """A path entry for each camera that MediaMTX fetches: the others' paths are for publishers."""
    base, template = directory_base(settings, DEFAULT_SERVER).reveal(), settings.cameras.path_template
    paths = [template.replace("{id}", str(number)) for number, row in enumerate(rows, 1) if row.on_demand]
    return {path: {"source": f"{base}/{path}", "sourceOnDemand": True, "rtspTransport": "tcp"} for path in paths}


def _viewers() -> dict[str, object]:
    """HLS and WebRTC for browsers, where their ports are free."""
    document: dict[str, object] = {}
    if _is_free(8888):
        document |= {"hls": True, "hlsAddress": "127.0.0.1:8888"}
    if _is_free(8889):
        document |= {"webrtc": True, "webrtcAddress": "127.0.0.1:8889", "webrtcLocalUDPAddress": "127.0.0.1:8189"}
    return document


def _own_port(url: str, default: int) -> int:
    port = urlsplit(url).port or default
    if _is_free(port):
        return port
    other = free_port()
    logger.warning("demo: port %d is taken, using %d instead", port, other)
    return other


def _is_free(port: int) -> bool:
    try:
        return free_port(port=port) == port
    except OSError:
        return False
