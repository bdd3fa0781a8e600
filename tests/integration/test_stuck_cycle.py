"""A cycle that does not complete is noticed: over HTTP, by the service manager, and in its component."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from restream.config.settings import Settings
from restream.demo.embedded import free_port
from restream.domain.judgement.snapshot import Snapshot
from restream.interfaces.documents.rendering import Renderer, Rendering
from restream.service.service import Service
from tests.support.eventually import eventually
from tests.support.openapi import answer_schema, misfits

INTERVAL_S = 1.0
# Three intervals, and a margin for the machine.
NOTICED_S = 3 * INTERVAL_S + 3


class Manager:
    """What the service tells its service manager, as systemd hears it."""

    def __init__(self, address: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """Everything since the last time."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


class Gate:
    """Rendering waits here while it is shut."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = asyncio.Event()
        self.error: Exception | None = None
        render = Renderer.render

        async def gated(renderer: Renderer, snapshot: Snapshot) -> Rendering:
            if self.error is not None:
                raise self.error
            await self.open.wait()
            return await render(renderer, snapshot)

        monkeypatch.setattr(Renderer, "render", gated)


class Running:
    def __init__(self, url: str, manager: Manager) -> None:
        self.url = url
        self.manager = manager

    async def ask(self, path: str) -> tuple[int, Any]:
        timeout = aiohttp.ClientTimeout(total=1)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(self.url + path) as response:
            return response.status, await response.json()

    async def answers(self, path: str, status: int, word: str, within_s: float) -> None:
        async def answered() -> bool:
            found, document = await self.ask(path)
            assert misfits(document, answer_schema(path, found)) == []
            return (found, document["status"]) == (status, word)

        await eventually(answered, within_s, f"{path} is {word}")

    async def fed(self) -> None:
        self.manager.heard()
        await eventually(lambda: "WATCHDOG=1" in self.manager.heard(), 10, "the watchdog is fed")

    async def not_fed(self) -> None:
        """It goes on telling its status, and does not feed the watchdog."""
        self.manager.heard()
        messages: list[str] = []

        def told() -> bool:
            messages.extend(self.manager.heard())
            return sum(each.startswith("STATUS=") for each in messages) >= 4

        await eventually(told, 20, "it tells its status")
        assert "WATCHDOG=1" not in messages

    async def component(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = (await self.ask("/api/status"))[1]["components"].get("cycle")
        return found


@asynccontextmanager
async def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *others: Any) -> AsyncIterator[Running]:
    for name in [each for each in os.environ if each.startswith(("RESTREAM_", "PG_DSN"))]:
        monkeypatch.delenv(name)
    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    port = free_port()
    nowhere = f"127.0.0.1:{free_port()}"
    settings = Settings.model_validate(
        {
            "database": {"dsn": f"postgresql://u:p@{nowhere}/none"},
            "mediamtx": {
                "interval_s": INTERVAL_S,
                "api_url": f"http://{nowhere}",
                "rtsp_url": f"rtsp://{nowhere}",
            },
            "redis": {"url": None},
            "json_file": {"path": None},
            "http": {"port": port},
            "metrics": {"port": None},
        }
    )
    service, stop = Service(settings, lambda: settings, others), asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    try:
        await eventually(lambda: "READY=1" in manager.heard(), 20, "the service is up")
        yield Running(f"http://127.0.0.1:{port}", manager)
    finally:
        stop.set()
        await task
        manager.close()


async def test_a_cycle_that_hangs_is_noticed_and_so_is_that_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    async with serving(tmp_path, monkeypatch) as running:
        await running.answers("/readyz", 503, "starting", 5)
        assert await running.ask("/livez") == (200, {"status": "alive"})
        await running.fed()
        gate.open.set()
        await running.answers("/readyz", 200, "ready", 10)
        assert await running.component() is None
        gate.open.clear()
        await running.answers("/livez", 503, "stuck", NOTICED_S)
        await running.answers("/readyz", 503, "stuck", 1)
        await running.not_fed()
        component = await eventually(running.component, 5, "the component says it")
        assert component["state"] == "down"
        assert component["detail"].startswith("no cycle has completed for ")
        gate.open.set()
        await running.answers("/livez", 200, "alive", 10)
        await running.fed()
        await eventually(lambda: _up(running), 10)


async def _up(running: Running) -> bool:
    component = await running.component()
    return component is not None and component["state"] == "up"


async def test_a_cycle_that_fails_again_and_again_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    gate.open.set()
    async with serving(tmp_path, monkeypatch) as running:
        await running.answers("/readyz", 200, "ready", 10)
        gate.error = ZeroDivisionError("defect")
        await running.answers("/livez", 503, "stuck", NOTICED_S)
        await running.not_fed()
        gate.error = None
        await running.answers("/livez", 200, "alive", 20)


class Blocker:
    """An outlet that holds the event loop up."""

    name = "blocker"

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.blocked = threading.Event()

    def publish(self, _: Rendering) -> None:
        if not self.free.is_set():
            self.blocked.set()
        self.free.wait(30)

    async def run(self) -> None:
        """Nothing."""


def test_a_blocked_event_loop_answers_nobody_and_feeds_no_watchdog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker, ended = Blocker(), threading.Event()
    manager: list[Manager] = []

    async def serve() -> None:
        async with serving(tmp_path, monkeypatch, blocker) as running:
            await running.answers("/readyz", 200, "ready", 10)
            manager.append(running.manager)
            blocker.free.clear()
            await eventually(ended.is_set, 60)
            await running.answers("/livez", 200, "alive", 10)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    try:
        assert blocker.blocked.wait(30)
        manager[0].heard()
        # Five times as long as it takes to feed it.
        assert not _within(0.5, manager[0].heard)
    finally:
        ended.set()
        blocker.free.set()
        thread.join(30)
    assert not thread.is_alive()


def _within(seconds: float, predicate: Callable[[], object]) -> bool:
    async def look() -> bool:
        try:
            return bool(await eventually(predicate, seconds))
        except AssertionError:
            return False

    return asyncio.run(look())
