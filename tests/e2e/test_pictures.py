"""Cameras that send and show nothing: found in sampled pictures, told everywhere, accepted, remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from restream.demo.behaviours.frozen import FreezesPicture
from tests.e2e.conftest import AddCamera
from tests.support.servers import TestServer
from tests.support.service import RunningService, running_service

pytest.importorskip("av")

INTERVAL_S = 1.0
# What has not stirred for two seconds is frozen: nobody waits for what a camera learns in days.
QUICK_EYES = {
    "RESTREAM_PICTURES__ENABLED": "true",
    "RESTREAM_PICTURES__INTERVAL_S": str(INTERVAL_S),
    "RESTREAM_PICTURES__SUSPECT_INTERVAL_S": "1",
    "RESTREAM_PICTURES__THRESHOLDS": '{"apart_s": 0.5, "blind_s": 0.5}',
}


async def pictures(service: RunningService, camera_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await service.get(f"/api/cameras/{camera_id}/pictures")
    return found


@pytest.mark.parametrize("engine", ["ffmpeg", "relay"])
async def test_a_frozen_picture_is_found_while_packets_move(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer, engine: str
) -> None:
    await add_camera(1, "h264_aac")
    await add_camera(2, "h264_aac", behaviours=(FreezesPicture(moving_loops=1, frozen_loops=60),))
    await add_camera(3, "h265")
    overrides = {"PG_DSN": dsn, "RESTREAM_CAMERAS__ENGINE": engine, **QUICK_EYES}
    async with running_service(tmp_path, server=media_server, overrides=overrides) as service:
        await service.reach({"1": "healthy", "2": "degraded", "3": "healthy"}, 60)
        frozen = (await service.cameras())["2"]["verdict"]
        assert (frozen["fault"], frozen["reasons"][0]["code"]) == ("camera", "picture_frozen")
        assert frozen["reasons"][0]["since"] and frozen["reasons"][0]["measured"]["stir"] < 0.1
        found = await pictures(service, "2")
        assert [each["flaw"] for each in found["findings"]] == ["frozen"]
        print(found, await pictures(service, "1"))
