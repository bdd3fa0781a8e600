"""The service is replaced by its next version in the same process: what flows goes on, whatever becomes of the next."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from restream import __version__
from restream.demo.cameras import Fault
from restream.demo.mediamtx import find_mediamtx
from tests.conftest import needs
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.fetching_site import site
from tests.support.servers import TestServer, paths
from tests.support.service import RunningService, command, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")

ENGINES = ("ffmpeg", "relay")


async def instance(service: RunningService) -> str:
    return (await service.get("/api/status"))["instance"]


async def replaced(service: RunningService, before: str) -> None:
    """Another life answers on the same port."""

    async def is_another() -> bool:
        try:
            return await instance(service) != before
        except OSError:
            return False

    await eventually(is_another, 30, "the next version answers")


async def test_what_flows_goes_on_through_three_upgrades(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    wanted = {}
    for number, engine in enumerate(ENGINES * 2, 1):
        await add_camera(number, options=f'{{"engine": "{engine}"}}')
        wanted[str(number)] = "healthy"
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn}) as service:
        await service.reach(wanted)
        pids = {child.pid for child in service.children()}
        sources = {name: path["source"] for name, path in (await paths(media_server)).items()}
        since = {key: each["since"] for key, each in (await service.cameras()).items()}
        for turn in range(3):
            before = await instance(service)
            if turn:
                service.process.send_signal(signal.SIGUSR2)
                await replaced(service, before)
            else:
                port = service.base_url.rpartition(":")[2]
                for words, settings in ((), {"RESTREAM_HTTP__PORT": port}), (("--pid", str(service.process.pid)), {}):
                    code, said, errors = await command("upgrade", *words, overrides=settings)
                    assert (code, said, errors) == (0, f"restream {__version__} has taken over\n", "")
            assert service.process.returncode is None
            await service.reach(wanted)
            assert {child.pid for child in service.children()} == pids, service.log
            now = {name: path["source"] for name, path in (await paths(media_server)).items()}
            assert now == sources, "no session was renewed at the media server"
            assert {key: each["since"] for key, each in (await service.cameras()).items()} == since
        # They are supervised as before: one that dies is started again, a row that goes ends its publisher.
        victim = next(child for child in service.children() if child.name() == "ffmpeg")
        victim.kill()
        await eventually(lambda: victim.pid not in {child.pid for child in service.children()}, 10)
        await service.reach(wanted)
        assert "Traceback" not in service.log
        children = service.children()
        service.process.kill()
        await service.process.wait()
        await eventually(lambda: not any(child.is_running() for child in children), 10, "nothing outlives it")


async def test_a_next_version_that_does_not_start_costs_nothing(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    await add_camera(1)
    config = tmp_path / "restream.yml"
    config.write_text("{}", encoding="utf-8")
    async with running_service(
        tmp_path, "--config", str(config), server=media_server, overrides={"PG_DSN": dsn}
    ) as service:
        await service.reach({"1": "healthy"})
        pids, before = {child.pid for child in service.children()}, await instance(service)
        config.write_text("no_such_section: {}", encoding="utf-8")
        port = service.base_url.rpartition(":")[2]
        code, said, errors = await command("upgrade", overrides={"RESTREAM_HTTP__PORT": port})
        assert (code, said) == (1, "") and len(errors.splitlines()) == 1 and "no_such_section" in errors
        assert "not replaced" not in service.log
        service.process.send_signal(signal.SIGUSR2)
        await eventually(lambda: "the service is not replaced" in service.log, 30)
        assert "no_such_section" in service.log
        await asyncio.sleep(0.5)
        assert await instance(service) == before
        assert pids <= {child.pid for child in psutil.Process(service.process.pid).children()}


async def test_an_upgrade_of_a_fleet_of_relays_is_nothing_to_worry_about(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1)
    overrides = {"PG_DSN": dsn, "RESTREAM_CAMERAS__ENGINE": "relay"}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        await service.reach({"1": "healthy"})
        relaying = {child.pid for child in service.children()}
        for _ in range(2):
            await service.replaced()
            await service.reach({"1": "healthy"})
            # Not even a process for cameras that begin later.
            assert {child.pid for child in service.children()} == relaying
        assert [line for line in service.log.splitlines() if " WARNING " in line or " ERROR " in line] == []


async def test_what_starts_or_waits_at_that_moment_begins_anew(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    hanging = await add_camera(1)
    hanging.fault = Fault.HANG_DESCRIBE
    refusing = await add_camera(2, password="wrong")
    await add_camera(3)
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as service:
        await service.reach({"2": "down", "3": "healthy"})
        pids, before = await service.pids(), await instance(service)
        refused = refusing.auth_failures_total
        service.process.send_signal(signal.SIGUSR2)
        await replaced(service, before)
        hanging.fault = Fault.NONE
        await service.reach({"1": "healthy", "2": "down", "3": "healthy"})
        assert (await service.pids())["3"] == pids["3"]
        # A wrong password is tried once more: who waits out its ban has forgotten it.
        assert refusing.auth_failures_total <= refused + 2
        assert await service.stop() == 0
        assert "Traceback" not in service.log


async def test_a_camera_that_the_server_fetches_sees_nobody_new(
    request: pytest.FixtureRequest, tmp_path: Path, dsn: str, add_camera: AddCamera
) -> None:
    needs(request.config, find_mediamtx(), "MediaMTX")
    camera = await add_camera(1)
    async with site(tmp_path, dsn) as found:
        service = found.service
        await service.reach({"1": "healthy"})
        total, since = camera.connections_total, (await service.camera("1"))["since"]
        for _ in range(2):
            before = await instance(service)
            service.process.send_signal(signal.SIGUSR2)
            await replaced(service, before)
            await service.reach({"1": "healthy"})
            received = await found.received("cam1")
            await asyncio.sleep(1)
            assert await found.received("cam1") > received
        # The directory answers for it as before, when the server asks again.
        assert camera.connections_total == total and (await service.camera("1"))["since"] == since
        await camera.stop()
        await camera.start()
        await eventually(lambda: camera.connections_total > total, 20)
        await service.reach({"1": "healthy"})


async def test_what_answers_without_being_the_service_gets_no_signal(tmp_path: Path, dsn: str) -> None:
    async with running_service(tmp_path, overrides={"PG_DSN": dsn}) as service:
        for pid in (0, os.getpid()):
            code, _, errors = await command("upgrade", "--pid", str(pid))
            assert code == 3 and "the process of the service is not found" in errors
        port = int(service.base_url.rpartition(":")[2])

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            theirs, ours = await asyncio.open_connection("127.0.0.1", port)
            ours.write(await reader.readuntil(b"\r\n\r\n"))
            writer.write(await theirs.read(65536))
            await writer.drain()
            writer.close()
            ours.close()

        proxy = await asyncio.start_server(pass_on, "127.0.0.1", 0)
        async with proxy:
            proxied = str(proxy.sockets[0].getsockname()[1])
            code, _, errors = await command("upgrade", overrides={"RESTREAM_HTTP__PORT": proxied})
        assert code == 3 and "the process of the service is not found" in errors


async def test_the_check_before_an_upgrade_knows_the_service_that_runs(tmp_path: Path, dsn: str) -> None:
    async with running_service(tmp_path, overrides={"PG_DSN": dsn}) as service:
        settings = {"PG_DSN": dsn, "RESTREAM_HTTP__PORT": service.base_url.rpartition(":")[2]}
        _, said, _ = await command("check", "--json", overrides=settings)
    (port,) = (each for each in json.loads(said)["checks"] if each["name"] == "http port")
    assert port["state"] == "warn" and "already running" in port["text"]
