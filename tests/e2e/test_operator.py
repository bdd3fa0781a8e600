"""What an operator can do to a camera, over HTTP."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import running_service
from tests.support.verdicts import HEALTHY, PATIENT, tells

pytestmark = pytest.mark.usefixtures("ffmpeg")


async def test_an_operator_restarts_probes_holds_and_releases(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    camera = await add_camera(1)
    await add_camera(2, password="wrong")
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn, **PATIENT}) as service:
        await tells(service, {"1": HEALTHY, "2": ("down", "config", "auth_failed")})

        async def ask(camera_id: str, action: str) -> int:
            async with aiohttp.ClientSession() as session:
                url = f"{service.base_url}/api/cameras/{camera_id}/{action}"
                async with session.post(url) as response:
                    assert "error" in await response.json() or response.status == 202
                    return response.status

        async def replaced() -> bool:
            return (await service.pids()).get("1", pid) != pid

        pid, looked = (await service.pids())["1"], camera.describes_total
        assert await ask("1", "restart") == 202
        await eventually(replaced, 15)
        assert 0 < camera.describes_total - looked <= 2
        await tells(service, {"1": HEALTHY})

        pid, looked = (await service.pids())["1"], camera.describes_total
        assert await ask("1", "probe") == 202

        async def looked_at() -> bool:
            return camera.describes_total > looked

        await eventually(looked_at, 15)
        probe = (await service.camera("1"))["probe"]
        assert [(step["request"], step["answer"][:12]) for step in probe["steps"]] == [
            ("DESCRIBE", "RTSP/1.0 401"),
            ("DESCRIBE", "RTSP/1.0 200"),
        ]
        assert probe["cause"] is None and probe["by"] == "rtsp"
        assert (await service.pids())["1"] == pid, "a probe never disturbs a stream"
        assert await ask("1", "hold") == 202
        await tells(service, {"1": ("disabled", "none", "held_by_operator")})
        assert [await ask("1", action) for action in ("hold", "restart", "probe")] == [409, 409, 409]
        assert await ask("1", "release") == 202
        await tells(service, {"1": HEALTHY})
        assert await ask("1", "release") == 409
        assert await ask("9", "restart") == 404
        assert await ask("1", "explode") == 404
        # Held for its password, and asked again at once all the same.
        failed = (await service.cameras())["2"]["since"]
        assert await ask("2", "probe") == 202

        async def tried() -> bool:
            found = (await service.cameras())["2"]
            return found["phase"] == "held" and found["since"] != failed

        await eventually(tried, 15)
