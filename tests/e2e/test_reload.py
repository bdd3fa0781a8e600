"""SIGHUP: servers that come or go wait for the next start, users that go are out at once."""

from __future__ import annotations

import signal
from pathlib import Path

import aiohttp
import pytest
import yaml

from restream.adapters.passwords import hash_password
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")


async def test_a_server_that_the_configuration_gains_waits_for_the_next_start(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1, site="West")
    config = tmp_path / "restream.yml"
    config.write_text("{}", encoding="utf-8")
    overrides = {"PG_DSN": dsn, "RESTREAM_DATABASE__POLL_S": "0.5"}
    async with running_service(tmp_path, "--config", str(config), server=stand_in, overrides=overrides) as service:
        await service.reach({"1": "healthy"})
        west = {"api_url": "http://127.0.0.1:1", "rtsp_url": "rtsp://127.0.0.1:1", "sites": ["West"]}
        config.write_text(yaml.safe_dump({"mediamtx": {"servers": {"west": west}}}), encoding="utf-8")
        service.process.send_signal(signal.SIGHUP)
        await eventually(lambda: "configuration re-read" in service.log, 10)
        assert "servers come and go at the next restart" in service.log
        await add_camera(2, site="West")
        await service.reach({"1": "healthy", "2": "healthy"})
        assert "Traceback" not in service.log


async def test_who_is_removed_from_the_configuration_is_out_at_once(
    tmp_path: Path, dsn: str, database: object, stand_in: TestServer
) -> None:
    anna = {"name": "anna", "password_hash": hash_password("correct horse"), "role": "operate"}
    root = {"name": "root", "token": "token of root", "role": "configure"}
    config = tmp_path / "restream.yml"
    config.write_text(yaml.safe_dump({"api": {"users": [anna], "tokens": [root]}}), encoding="utf-8")
    async with (
        running_service(tmp_path, "--config", str(config), server=stand_in, overrides={"PG_DSN": dsn}) as service,
        aiohttp.ClientSession(service.base_url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
    ):
        async with browser.post("/api/login", json={"user": "anna", "password": "correct horse"}) as answer:
            assert answer.status == 204
        async with browser.ws_connect("/ws") as socket:
            await socket.receive_json(timeout=20)
            config.write_text(yaml.safe_dump({"api": {"tokens": [root]}}), encoding="utf-8")
            service.process.send_signal(signal.SIGHUP)
            while (message := await socket.receive(timeout=20)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)
        async with browser.get("/api/cameras") as answer:
            assert answer.status == 401
        async with browser.post("/api/login", json={"user": "anna", "password": "correct horse"}) as answer:
            assert answer.status == 401
