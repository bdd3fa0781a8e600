"""`./start.sh` in a terminal: a live table on a real pty, and log lines only everywhere else."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp
import asyncpg
import psutil
import pytest

from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import running_service
from tests.support.terminal import Terminal, on_terminal

pytestmark = pytest.mark.usefixtures("ffmpeg")
Database = asyncpg.Connection


async def shows(terminal: Terminal, *texts: str, timeout_s: float = 40) -> list[str]:
    """Wait until the terminal shows all of it; the lines then."""

    def seen() -> list[str]:
        lines = terminal.picture.lines
        missing = [text for text in texts if not any(text in line for line in lines)]
        assert not missing, f"{missing} are not in\n{terminal.picture}"
        return lines

    return await eventually(seen, timeout_s)


async def test_the_live_table(
    tmp_path: Path, dsn: str, stand_in: TestServer, database: Database, add_camera: AddCamera
) -> None:
    await add_camera(1)
    await add_camera(2, password="wrong", name="[bold]Yard[/] 摄像头")
    async with on_terminal(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as terminal:
        lines = await shows(terminal, "2 cameras: 1 down, 1 healthy", "running", "log")
        picture = terminal.picture
        assert picture.alternate
        assert not picture.cursor_visible
        assert not terminal.echoes
        assert terminal.base_url in lines[0]
        titles = next(number for number, line in enumerate(lines) if line.startswith("ID"))
        assert lines[titles + 1].startswith("2   [bold]Yard[/] 摄像头")
        assert "auth_failed" in lines[titles + 1]
        assert lines[titles + 2].startswith("1   Camera 1 ")
        assert any("INFO    restream.service.service: restream" in line for line in lines[titles + 3 :])
        assert len(lines) <= 30

        terminal.resize(60, 16)
        await eventually(lambda: 10 < len(terminal.picture.lines) <= 16, 10, "the table follows the size")
        assert max(map(len, terminal.picture.lines)) <= 60
        assert any("2 cameras: 1 down, 1 healthy" in line for line in terminal.picture.lines)

        await database.execute("DELETE FROM cameras WHERE id = 2")
        await shows(terminal, "1 camera: 1 healthy")

        terminal.type("/nowhere")
        await shows(terminal, "/nowhere█", "1 camera: 1 healthy")
        assert not any("Camera 1" in line for line in terminal.picture.lines if line.startswith("1 "))
        terminal.type("\x1b")
        await shows(terminal, "1   Camera 1 ")
        terminal.type("typed, not shown\x03")
        assert await asyncio.wait_for(terminal.process.wait(), 20) == 0
        await shows(terminal, "1 camera: 1 healthy", "1   Camera 1 ", "publishers have ended")
        picture = terminal.picture
        assert picture.cursor_visible
        assert not picture.alternate
        assert terminal.echoes
        assert "typed" not in terminal.raw.decode()
    log = (tmp_path / "log" / "restream.log").read_text(encoding="utf-8")
    assert "is up: http://" in log
    assert "all publishers have ended" in log
    assert "\x1b" not in log


async def test_the_shell_gets_its_terminal_back_while_the_service_is_stopped(
    tmp_path: Path, dsn: str, stand_in: TestServer, database: Database
) -> None:
    async with on_terminal(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as terminal:
        await shows(terminal, "INSERT a row")
        process = psutil.Process(terminal.process.pid)
        terminal.type("\x1a")
        await eventually(lambda: process.status() == psutil.STATUS_STOPPED, 10)
        assert terminal.echoes
        await eventually(lambda: terminal.picture.cursor_visible and not terminal.picture.alternate, 10)
        terminal.process.send_signal(signal.SIGCONT)
        await eventually(lambda: terminal.picture.alternate and not terminal.echoes, 10)
        await shows(terminal, "INSERT a row")


async def test_a_terminal_that_takes_nothing_stops_nothing(
    tmp_path: Path, dsn: str, stand_in: TestServer, database: Database, add_camera: AddCamera
) -> None:
    async with on_terminal(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as terminal:
        await shows(terminal, "INSERT a row")
        terminal.type("\x13")
        await add_camera(1)

        async def healthy() -> bool:
            async with aiohttp.ClientSession() as session, session.get(terminal.base_url + "/api/status") as response:
                return bool((await response.json())["health"].get("healthy"))

        await eventually(healthy, 30)
        terminal.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(terminal.process.wait(), 20) == 0
        assert terminal.picture.alternate, "the terminal took something: this test has tested nothing"
    assert "all publishers have ended" in (tmp_path / "log" / "restream.log").read_text(encoding="utf-8")


async def test_the_end_of_its_terminal_is_its_own(
    tmp_path: Path, dsn: str, stand_in: TestServer, database: Database, add_camera: AddCamera
) -> None:
    await add_camera(1)
    async with on_terminal(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as terminal:
        await shows(terminal, "1 camera: 1 healthy")
        terminal.process.send_signal(signal.SIGHUP)
        await shows(terminal, "configuration re-read")
        terminal.hang_up()
        assert await asyncio.wait_for(terminal.process.wait(), 20) == 0
    assert "all publishers have ended" in (tmp_path / "log" / "restream.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "overrides"),
    [((), {"TERM": "dumb"}), (("--plain",), {}), ((), {"NOTIFY_SOCKET": "/nonexistent"})],
    ids=["dumb", "plain", "service manager"],
)
async def test_log_lines_only(
    tmp_path: Path,
    dsn: str,
    stand_in: TestServer,
    database: Database,
    arguments: tuple[str, ...],
    overrides: dict[str, str],
) -> None:
    settings = {"PG_DSN": dsn, **overrides}
    async with on_terminal(tmp_path, *arguments, server=stand_in, overrides=settings) as terminal:
        await shows(terminal, "is up: http://", "database is up")
        terminal.type("\x03")
        assert await asyncio.wait_for(terminal.process.wait(), 20) == 0
        await shows(terminal, "all publishers have ended")
        assert b"\x1b" not in terminal.raw


async def test_no_escapes_into_a_file(tmp_path: Path, dsn: str, stand_in: TestServer, database: Database) -> None:
    overrides = {"PG_DSN": dsn, "TERM": "xterm-256color"}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        await eventually(lambda: "database is up" in service.log, 20)
        assert await service.stop() == 0
        assert "all publishers have ended" in service.log
        assert "\x1b" not in service.log


async def test_a_taken_port_leaves_the_terminal_alone(tmp_path: Path, dsn: str, stand_in: TestServer) -> None:
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as first:
        overrides = {"PG_DSN": dsn, "RESTREAM_HTTP__PORT": first.base_url.rpartition(":")[2]}
        async with on_terminal(tmp_path, server=stand_in, overrides=overrides) as terminal:
            assert await asyncio.wait_for(terminal.process.wait(), 20) == 2
            await shows(terminal, "http.port: cannot listen")
            assert b"\x1b" not in terminal.raw
