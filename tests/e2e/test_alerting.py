"""The service tells people and home automation, with a real mail server and a real broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from restream.config.settings import load_settings
from restream.demo.embedded import free_port
from restream.preflight.messages import check_messages
from tests.e2e.conftest import AddCamera
from tests.support.broker import broker
from tests.support.eventually import eventually
from tests.support.mail_server import mail_server
from tests.support.servers import TestServer
from tests.support.service import command, running_service


@pytest.mark.program("mosquitto", "mosquitto_passwd")
async def test_an_outage_is_mailed_stands_at_the_broker_and_is_in_the_log_of_deliveries(
    tmp_path: Path,
    dsn: str,
    ffmpeg: str,
    database: asyncpg.Connection[Any],
    stand_in: TestServer,
    add_camera: AddCamera,
) -> None:
    await add_camera(1, site="North")
    config = tmp_path / "restream.yml"
    async with mail_server() as mail, broker(tmp_path) as there, there.watching() as standing:
        receivers = {"desk": {"email": "ops@example.com"}}
        routes = {"north": {"receivers": "desk", "sites": "North"}}
        sections = {
            "alerts": {"down_after_s": 0, "up_after_s": 0, "receivers": receivers, "routes": routes, "language": "de"},
            "smtp": {"host": "127.0.0.1", "port": mail.port, "security": "none", "sender": "cameras@example.com"},
            "mqtt": {"host": "127.0.0.1", "port": there.port},
            "node": {"name": "site-a"},
        }
        config.write_text(json.dumps(sections), encoding="utf-8")
        options = ("--config", str(config))
        async with running_service(tmp_path, *options, server=stand_in, overrides={"PG_DSN": dsn}) as service:
            await service.reach({"1": "healthy"})

            def connectivity(id_: int) -> str:
                return str(json.loads(standing.get(f"restream/camera/{id_}", b"{}")).get("connectivity"))

            await eventually(lambda: connectivity(1) == "ON", 20)
            nowhere = f"rtsp://127.0.0.1:{free_port()}/"
            for number, site in ((2, "South"), (3, "North")):
                query = "INSERT INTO cameras (id, name, site, rtsp_url) VALUES ($1, $2, $3, $4)"
                await database.execute(query, number, f"Camera {number}", site, nowhere)
            await eventually(lambda: mail.taken, 60)
            assert mail.taken[0][1]["Subject"] == "Camera 3 ist ausgefallen (North): Verbindung abgelehnt"
            await eventually(lambda: connectivity(3) == "OFF", 20)
            told = await service.get("/api/alerts")
            assert [(each["name"], each["routes"], each["error"]) for each in told["receivers"]] == [
                ("desk", ["north"], "")
            ]
            delivery = told["deliveries"][0]
            assert (delivery["receiver"], delivery["route"], delivery["kind"]) == ("desk", "north", "down")
            await eventually(lambda: len(mail.taken) >= 1, 5)
            port = {"RESTREAM_HTTP__PORT": service.base_url.rpartition(":")[2], "PG_DSN": dsn}
            before = len(mail.taken)
            code, output, errors = await command("alert-test", "desk", *options, overrides=port)
            assert (code, output, errors) == (0, "desk took the test message\n", "")
            assert len(mail.taken) == before + 1 and mail.taken[-1][1]["Subject"] == "Testnachricht"
            code, _, errors = await command("alert-test", "nobody", *options, overrides=port)
            assert (code, "there is no receiver nobody" in errors) == (2, True)
            mail.answers.append("550 no such user")
            code, output, _ = await command("alert-test", *options, overrides=port)
            assert (code, output) == (1, "desk did not take it: no such user (550)\n")
            states = [each["state"] for each in (await service.get("/api/alerts"))["deliveries"]]
            assert states[:3] == ["failed", "sent", "sent"], states
        await eventually(lambda: standing["restream/site-a/availability"] == b"offline", 20)
        assert "restream/camera/1" in standing
        found = {each.name: each for each in await check_messages(load_settings(config))}
        assert [found[name].state for name in ("smtp", "mqtt", "alerts")] == ["ok", "ok", "warn"]
        assert "every route is about certain cameras" in found["alerts"].text
    found = {each.name: each for each in await check_messages(load_settings(config))}
    assert [found[name].state for name in ("smtp", "mqtt")] == ["warn", "warn"]
