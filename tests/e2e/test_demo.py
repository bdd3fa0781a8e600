"""`./start.sh` without any setting."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from tests.support.eventually import eventually
from tests.support.service import RunningService, ffprobe, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg", "postgres")


@pytest.mark.parametrize("server", ["stand-in", "mediamtx"])
async def test_demo_shows_all_states(tmp_path: Path, server: str) -> None:
    if server == "mediamtx" and find_mediamtx() is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    rtsp_url = f"rtsp://127.0.0.1:{free_port()}"
    overrides = {
        "RESTREAM_MEDIAMTX__RTSP_URL": rtsp_url,
        "RESTREAM_MEDIAMTX__API_URL": f"http://127.0.0.1:{free_port()}",
        # The default: the demo's camera stalls longer than that, and briefly enough for the default probe.
        "RESTREAM_FFMPEG__STALL_TIMEOUT_S": "5",
        "RESTREAM_PULL__PORT": str(free_port()),
        "RESTREAM_PULL__IDLE_S": "2",
    }
    if server == "stand-in":
        overrides["MEDIAMTX_BIN"] = "stand-in"
    async with running_service(tmp_path, "--or-demo", overrides=overrides) as service:
        assert "running the demo" in service.log
        wanted = {str(number): "healthy" for number in range(1, 6)}
        await service.reach({**wanted, "6": "held"}, 60)
        if server == "mediamtx":
            await on_demand(service, rtsp_url)
        assert len(await service.get("/api/cameras")) == (7 if server == "mediamtx" else 6)
        assert await ffprobe(f"{rtsp_url}/cam1") == ["h264", "aac"]
        detail = (await service.get("/api/status"))["components"]["mediamtx"]["detail"]
        assert ("stand-in" in detail) == (server == "stand-in")
        await eventually(lambda: "stalled" in service.log, 60)
        await service.reach({**wanted, "6": "held"}, 60)
        children = service.children()
        assert await service.stop(signal.SIGINT) == 0
        assert not [child for child in children if child.is_running()]


async def on_demand(service: RunningService, rtsp_url: str) -> None:
    """Fetched while somebody watches, and no longer."""

    async def phase() -> str:
        (found,) = await service.get("/api/cameras?engine=pull")
        return str(found["phase"])

    async def idle() -> bool:
        return await phase() == "idle"

    await eventually(idle, 30)
    assert await ffprobe(f"{rtsp_url}/cam7") == ["h264"]
    await eventually(idle, 30)
    changes = [event["after"] for event in await service.get("/api/events?camera=7") if event["kind"] == "camera"]
    assert "running" in changes
