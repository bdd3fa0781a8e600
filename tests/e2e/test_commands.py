"""The command line as a user types it: usage errors, and the commands beside `run`."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from pathlib import Path

import asyncpg
import pytest
from rich.console import Console

from restream.adapters.postgres_leases import PostgresLeases
from restream.cli import build_parser
from restream.commands import drain
from restream.config.nodes_section import NodesSection
from restream.config.settings import Settings
from restream.demo.embedded import free_port
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import NodeName, NodeTraits
from restream.domain.fleet.share import Decision
from tests.e2e.conftest import PASSWORD, AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import ROOT, command, running_service
from tests.support.webhooks import receiver

Database = asyncpg.Connection


@pytest.mark.parametrize(
    ("arguments", "overrides", "names"),
    [
        ([], {}, "PG_DSN"),
        (["--pg_dsn=mysql://u:hidden@h/d"], {}, "--pg_dsn"),
        ([], {"PG_DSN": "nonsense:hidden"}, "PG_DSN"),
        (["--pg_dsn=postgresql://good/db"], {"PG_DSN": "nonsense:hidden"}, "PG_DSN"),
        ([], {"RESTREAM_HTTP__PORT": "many"}, "http.port"),
        ([], {"RESTREAM_HTTP__HOST": "0.0.0.0"}, "http.token"),
        (["--config", "/nonexistent.yml"], {}, "/nonexistent.yml"),
        (["probe", "file:///etc/passwd"], {}, "scheme"),
    ],
)
async def test_bad_usage_is_one_clear_line(arguments: list[str], overrides: dict[str, str], names: str) -> None:
    code, output, errors = await command(*arguments, overrides=overrides)
    assert code == 2
    assert output == ""
    assert len(errors.splitlines()) == 1
    assert names in errors
    assert "hidden" not in errors


async def test_unknown_option_is_usage() -> None:
    code, _, errors = await command("--frobnicate")
    assert code == 2
    assert "frobnicate" in errors


async def test_missing_ffmpeg_is_a_missing_dependency() -> None:
    overrides = {"PG_DSN": "postgresql://u@127.0.0.1/d", "RESTREAM_FFMPEG__BINARY": "/nonexistent/ffmpeg"}
    code, _, errors = await command(overrides=overrides)
    assert code == 3
    assert "apt install ffmpeg" in errors


async def test_taken_port_is_one_line(dsn: str, ffmpeg: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, _, errors = await command(overrides={"PG_DSN": dsn, "RESTREAM_HTTP__PORT": port})
    assert code == 2
    assert f"http.port: cannot listen on 127.0.0.1:{port}" in errors
    assert "Traceback" not in errors


async def test_no_running_service_says_what_to_do() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        code, _, errors = await command("cameras", overrides={"RESTREAM_HTTP__PORT": str(unused.getsockname()[1])})
    assert code == 3
    assert "./start.sh" in errors


async def test_init_db_twice_then_commands_against_a_running_service(
    tmp_path: Path, dsn: str, ffmpeg: str, stand_in: TestServer, database: Database, add_camera: AddCamera
) -> None:
    for _ in range(2):
        assert (await command("init-db", overrides={"PG_DSN": dsn}))[0] == 0
    camera = await add_camera(1, "h264_pcma")
    settings = {"PG_DSN": dsn}
    code, output, _ = await command("explain", "1", overrides=settings)
    assert code == 0
    assert "audio pcm_alaw is copied" in output
    assert "admin:***@" in output
    assert "ffmpeg (cameras.engine)" in output and "relay   possible: about 1.0 MiB instead of 13 MiB" in output
    assert PASSWORD not in output
    assert (await command("explain", "77", overrides=settings))[0] == 1

    async with running_service(tmp_path, server=stand_in, overrides=settings) as service:
        await service.reach({"1": "healthy"})
        settings["RESTREAM_HTTP__PORT"] = service.base_url.rpartition(":")[2]
        looked = camera.describes_total
        code, output, _ = await command("explain", "1", overrides=settings)
        assert code == 0
        assert "audio pcm_alaw is copied" in output
        assert "ffmpeg  chosen: about 13 MiB" in output and "pull    possible" in output
        assert camera.describes_total == looked, "a camera that streams is not probed again"
        code, output, _ = await command("cameras", overrides=settings)
        assert code == 0
        assert "Camera 1" in output
        assert "1 camera: 1 healthy" in output
        code, output, _ = await command("cameras", "--json", overrides=settings)
        assert json.loads(output)[0]["verdict"]["health"] == "healthy"


async def test_probe_reads_the_url_from_standard_input(ffmpeg: str, database: Database, add_camera: AddCamera) -> None:
    camera = await add_camera(1, "h264_aac")
    code, output, _ = await command("probe", "-", stdin=camera.url() + "\n")
    assert code == 0
    assert "h264 320x180" in output
    assert "aac 16000 Hz" in output
    wrong = camera.url().replace("admin", "nobody")
    code, output, _ = await command("probe", wrong)
    assert code == 1
    assert "auth_failed" in output
    assert "what to do" in output


async def test_systemd_hears_of_the_life_of_the_service(
    tmp_path: Path, dsn: str, ffmpeg: str, database: Database, stand_in: TestServer
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = tmp_path / "notify"
        manager.bind(str(address))
        manager.setblocking(False)
        heard: list[str] = []

        def hears(word: str) -> bool:
            while True:
                try:
                    heard.append(manager.recv(4096).decode())
                except BlockingIOError:
                    return any(word in message for message in heard)

        overrides = {"PG_DSN": dsn, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "2000000"}
        async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
            await eventually(lambda: hears("READY=1"), 20)
            await eventually(lambda: hears("WATCHDOG=1"), 20)
            await eventually(lambda: hears("STATUS=0 of 0 cameras running"), 20)
            heard.clear()
            service.process.send_signal(1)
            await eventually(lambda: hears("RELOADING=1"), 20)
            await eventually(lambda: hears("READY=1"), 20)
            assert await service.stop() == 0
            assert hears("STOPPING=1")


async def test_reload_applies_what_it_can_and_survives_a_bad_file(
    tmp_path: Path, dsn: str, ffmpeg: str, database: Database, stand_in: TestServer, add_camera: AddCamera
) -> None:
    await add_camera(1)
    config = tmp_path / "restream.yml"
    config.write_text("cameras: {}\n", encoding="utf-8")
    async with running_service(
        tmp_path, "--config", str(config), server=stand_in, overrides={"PG_DSN": dsn}
    ) as service:
        await service.reach({"1": "healthy"})
        pid = (await service.pids())["1"]

        config.write_text("cameras: {rtsp_transprot: udp}\n", encoding="utf-8")
        service.process.send_signal(1)
        await eventually(lambda: "rtsp_transprot: unknown key" in service.log, 20)
        assert (await service.pids())["1"] == pid

        config.write_text("restart: {held_s: 60}\n", encoding="utf-8")
        service.process.send_signal(1)
        await eventually(lambda: "configuration re-read" in service.log, 20)
        assert (await service.pids())["1"] == pid, "a setting that changes no command restarts nobody"

        config.write_text('cameras: {path_template: "cctv/{id}"}\n', encoding="utf-8")
        service.process.send_signal(1)

        async def moved() -> bool:
            camera = (await service.cameras())["1"]
            return camera["path"] == "cctv/1" and camera["phase"] == "running"

        await eventually(moved, 20)


async def test_reload_looks_at_the_server_where_it_is_now(
    tmp_path: Path, dsn: str, ffmpeg: str, database: Database, media_server: TestServer, add_camera: AddCamera
) -> None:
    """A wrong address of the control API is corrected without touching a stream."""
    await add_camera(1)
    config = tmp_path / "restream.yml"

    def configure(api_url: str) -> None:
        document = {"mediamtx": {"api_url": api_url, "rtsp_url": media_server.rtsp_url}}
        config.write_text(json.dumps(document), encoding="utf-8")

    configure(f"http://127.0.0.1:{free_port()}")
    async with running_service(tmp_path, "--config", str(config), overrides={"PG_DSN": dsn}) as service:
        await service.reach({"1": "running"})
        reasons = (await service.cameras())["1"]["verdict"]["reasons"]
        assert [reason["code"] for reason in reasons] == ["unobserved"]
        pid = (await service.pids())["1"]

        configure(media_server.api_url)
        service.process.send_signal(1)

        async def observed() -> bool:
            verdict = (await service.cameras())["1"]["verdict"]
            return (verdict["health"], verdict["reasons"]) == ("healthy", [])

        await eventually(observed, 20)
        assert (await service.pids())["1"] == pid


async def test_reload_tells_new_receivers_of_outages(
    tmp_path: Path, dsn: str, ffmpeg: str, database: Database, stand_in: TestServer, add_camera: AddCamera
) -> None:
    config = tmp_path / "restream.yml"
    config.write_text("alerts: {down_after_s: 3600}\n", encoding="utf-8")
    await add_camera(1)
    overrides = {"PG_DSN": dsn}
    async with (
        receiver() as there,
        running_service(tmp_path, "--config", str(config), server=stand_in, overrides=overrides) as service,
    ):
        await service.reach({"1": "healthy"})
        alerts = {"down_after_s": 0, "webhooks": [there.url]}
        config.write_text(json.dumps({"alerts": alerts}), encoding="utf-8")
        service.process.send_signal(1)
        await eventually(lambda: "configuration re-read" in service.log, 20)
        nowhere = f"rtsp://127.0.0.1:{free_port()}/"
        await database.execute("INSERT INTO cameras (id, rtsp_url) VALUES (2, $1)", nowhere)
        await eventually(lambda: there.received, 40)
        told = json.loads(there.received[0][1])
        assert (told["kind"], [camera["id"] for camera in told["cameras"]]) == ("down", ["2"])
        assert "hunter22" not in service.log


def test_programs_are_executable() -> None:
    for name in ("start.sh", "srvc_restream.py", "tests/run", ".ci/run"):
        assert (ROOT / name).stat().st_mode & stat.S_IXUSR, name


async def test_nodes_are_listed_and_drained(dsn: str) -> None:
    settings = {"RESTREAM_NODES__DSN": dsn}
    code, _, errors = await command("nodes", overrides=settings)
    assert (code, "restream init-db --nodes" in errors) == (1, True)
    for _ in range(2):
        assert (await command("init-db", "--nodes", overrides=settings))[0] == 0
    code, output, _ = await command("nodes", "--plain", overrides=settings)
    assert (code, "nodes.dsn" in output) == (0, True)
    table = PostgresLeases(Secret(dsn))
    await table.beat(NodeName("west"), "1", NodeTraits(version="1.2"), 60.0)
    await table.settle(NodeName("west"), "1", Decision(("1", "2")))
    await table.close()
    code, output, _ = await command("nodes", "--plain", overrides=settings)
    assert (code, output.splitlines()[1].split()) == (0, ["west", "alive", "2", "1.2"])
    assert (await command("drain", "west", overrides=settings))[0] == 0
    assert "yes" in (await command("nodes", overrides=settings))[1]
    assert (await command("drain", "west", "--undo", overrides=settings))[0] == 0
    assert "yes" not in (await command("nodes", overrides=settings))[1]
    code, _, errors = await command("drain", "east", overrides=settings)
    assert (code, "there is no node east" in errors) == (1, True)


async def test_who_drains_a_node_may_wait_until_it_has_none_left(
    dsn: str, database: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await database.execute((ROOT / "etc" / "schema_nodes.sql").read_text(encoding="utf-8"))
    settings, west, north = Settings(nodes=NodesSection(dsn=dsn)), NodeName("west"), NodeName("north")
    table = PostgresLeases(Secret(dsn))

    async def drained(wait_s: float) -> int:
        return await drain(settings, Console(), west, undo=False, wait_s=wait_s)

    await table.beat(west, "1", NodeTraits(), 60.0)
    await table.settle(west, "1", Decision(("1", "2")))
    # Nobody is there to take them: to wait would be vain.
    async with asyncio.timeout(20):
        assert await drained(600) == 1
    assert "west still has 2 cameras" in capsys.readouterr().err
    await table.beat(north, "1", NodeTraits(), 60.0)
    assert await drained(0.1) == 1
    waiting = asyncio.create_task(drained(600))
    view = await table.beat(west, "1", NodeTraits(), 60.0)
    assert view is not None
    await table.settle(west, "1", Decision(give_back=tuple(view.holdings.values())))
    await table.close()
    async with asyncio.timeout(20):
        assert await waiting == 0


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "soon"])
def test_a_wait_is_a_number_of_seconds(wait: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        build_parser().parse_args(["drain", "west", f"--wait={wait}"])


@pytest.mark.parametrize("arguments", [["nodes"], ["drain", "west"], ["init-db", "--nodes"]])
async def test_a_single_node_has_no_nodes_to_ask_for(arguments: list[str]) -> None:
    code, output, errors = await command(*arguments, overrides={"PG_DSN": "postgresql://u@127.0.0.1/d"})
    assert (code, output, "nodes.dsn" in errors) == (2, "", True)
