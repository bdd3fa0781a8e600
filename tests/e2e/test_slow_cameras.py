"""Cameras that let one wait, with the timeouts as they are delivered, on the real media server."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from tests.support.servers import RealMediamtx
from tests.support.service import running_service
from tests.support.slow_clips import late_key_frame, one_frame_every
from tests.support.verdicts import HEALTHY, tells

pytestmark = pytest.mark.usefixtures("ffmpeg")

AS_DELIVERED = {
    "RESTREAM_FFMPEG__PROBE_TIMEOUT_S": "10",
    "RESTREAM_FFMPEG__CONNECT_TIMEOUT_S": "15",
    "RESTREAM_FFMPEG__STALL_TIMEOUT_S": "10",
}


@contextlib.asynccontextmanager
async def camera_of(clip: Clip, database: Any, options: dict[str, object] | None = None) -> AsyncIterator[None]:
    """A simulated camera that plays this, and its row, 1."""
    async with SimulatedCamera(clip) as camera:
        document = json.dumps(options) if options else None
        await database.execute("INSERT INTO cameras (id, rtsp_url, options) VALUES (1, $1, $2)", camera.url(), document)
        yield


async def test_one_frame_every_five_seconds_is_published(
    tmp_path: Path, dsn: str, database: Any, mediamtx: RealMediamtx
) -> None:
    async with (
        camera_of(one_frame_every(5), database),
        running_service(tmp_path, server=mediamtx, overrides={"PG_DSN": dsn, **AS_DELIVERED}) as service,
    ):
        await tells(service, {"1": HEALTHY}, 90)
        await service.cycles(20, 60)
        await tells(service, {"1": HEALTHY}, 1)
        assert (await service.cameras())["1"]["restarts"] <= 1


async def test_a_late_key_frame_is_named_with_the_setting_that_helps(
    tmp_path: Path, dsn: str, database: Any, mediamtx: RealMediamtx
) -> None:
    async with (
        camera_of(late_key_frame(20), database),
        running_service(tmp_path, server=mediamtx, overrides={"PG_DSN": dsn, **AS_DELIVERED}) as service,
    ):
        await tells(service, {"1": ("down", "camera", "no_media")})
        found = await service.get("/api/cameras/1")
        assert "no key frame" in found["detail"] and "15 s" in found["detail"]
        assert "connect_timeout_s" in found["detail"]


@pytest.mark.usefixtures("mediamtx")
async def test_a_late_key_frame_is_waited_for_where_both_settings_say_so(
    tmp_path: Path, dsn: str, database: Any
) -> None:
    patient = RealMediamtx({"readTimeout": "40s"})
    await patient.start()
    try:
        async with (
            camera_of(late_key_frame(20), database, {"connect_timeout_s": 40}),
            running_service(tmp_path, server=patient, overrides={"PG_DSN": dsn, **AS_DELIVERED}) as service,
        ):
            await tells(service, {"1": HEALTHY})
            assert (await service.cameras())["1"]["restarts"] == 0
    finally:
        await patient.stop()


async def test_a_server_that_waits_for_less_than_we_do_is_not_to_blame(
    tmp_path: Path, dsn: str, database: Any, mediamtx: RealMediamtx
) -> None:
    async with (
        camera_of(late_key_frame(20), database, {"connect_timeout_s": 40}),
        running_service(tmp_path, server=mediamtx, overrides={"PG_DSN": dsn, **AS_DELIVERED}) as service,
    ):
        await tells(service, {"1": ("down", "camera", "no_media")})
        assert "readTimeout" in (await service.get("/api/cameras/1"))["detail"]
