"""`/ws` on a real port: what listeners get, what it costs to have many, and what becomes of a slow one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from restream.domain.judgement.reason import Reason
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.event import ServerRestart
from restream.interfaces.documents.events import EventDocument, event
from restream.interfaces.documents.rendering import Renderer
from restream.interfaces.documents.status import ServiceFacts
from restream.interfaces.http import live as module
from restream.interfaces.http.live import Live
from tests.support.eventually import eventually
from tests.unit.fakes import camera

RUNNING = State(Phase.RUNNING, 0.0, running_since=0.0)
BROKEN = State(Phase.BACKOFF, 0.0, deadline=20.0, cause=Cause.REFUSED, last_cause=Cause.REFUSED)


def report(number: int, *, down: bool) -> Report:
    refused = Cause.REFUSED.facts
    bad = Verdict(Health.DOWN, refused.side, (Reason(Cause.REFUSED, refused.text),), refused.hint)
    good = Verdict(Health.HEALTHY, Cause.STOPPED.facts.side)
    status = CameraStatus(camera(number), BROKEN if down else RUNNING, None, None)
    return Report(status, bad if down else good, 0.0)


class Studio:
    """The service's WebSocket without the service; `cycle` is one cycle."""

    def __init__(self) -> None:
        self.renderer = Renderer(ServiceFacts("node", "1", "this life", 0.0, 2.0))
        self.events: list[EventDocument] = []
        self.live = Live(
            lambda: self.renderer.latest,
            lambda after, limit: [each for each in self.events if each.id > after][-limit:],
        )
        self.generation = 0
        self.url = ""

    async def cycle(self, cameras: Collection[int], down: Collection[int] = ()) -> None:
        self.generation += 1
        reports = {str(number): report(number, down=number in down) for number in cameras}
        at = 0.0 + self.generation
        self.live.publish(await self.renderer.render(Snapshot(self.generation, 1000.0 + at, at, reports)))

    @asynccontextmanager
    async def listener(self, **query: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with aiohttp.ClientSession() as session, session.ws_connect(self.url, params=query) as listener:
            yield listener


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    it = Studio()
    application = web.Application()
    application.add_routes(it.live.routes())
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ws"
    yield it
    it.live.close()
    await runner.cleanup()


def told(message: dict[str, Any]) -> tuple[str, int, list[str], list[str]]:
    ids = [each["id"] for each in message["cameras"]]
    return message["type"], message["generation"], ids, message.get("removed", [])


async def test_first_everything_then_what_changed(studio: Studio) -> None:
    await studio.cycle([1, 2, 3])
    async with studio.listener() as listener:
        assert told(await listener.receive_json(timeout=10)) == ("snapshot", 1, ["1", "2", "3"], [])
        await studio.cycle([1, 2, 3], down=[2])
        assert told(await listener.receive_json(timeout=10)) == ("delta", 2, ["2"], [])
        await studio.cycle([1, 2, 3], down=[2])
        assert told(await listener.receive_json(timeout=10)) == ("delta", 3, [], [])
        await studio.cycle([1, 3])
        assert told(await listener.receive_json(timeout=10)) == ("delta", 4, [], ["2"])


async def test_who_comes_back_gets_what_he_missed_and_in_another_life_everything(studio: Studio) -> None:
    await studio.cycle([1, 2, 3])
    await studio.cycle([1, 2, 3], down=[1])
    await studio.cycle([1, 2], down=[1])
    async with studio.listener(instance="this life", generation="1") as listener:
        assert told(await listener.receive_json(timeout=10)) == ("delta", 3, ["1"], ["3"])
    async with studio.listener(instance="this life", generation="4711") as listener:
        assert told(await listener.receive_json(timeout=10))[:2] == ("snapshot", 3)
    async with studio.listener(instance="another life", generation="3") as listener:
        assert told(await listener.receive_json(timeout=10))[:2] == ("snapshot", 3)


async def test_topics_choose_the_parts(studio: Studio) -> None:
    await studio.cycle([1])
    async with studio.listener(topics="status") as listener:
        message = await listener.receive_json(timeout=10)
        assert "cameras" not in message and message["status"]["cameras"] == 1
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(studio.url, params={"topics": "secrets"})
    assert refused.value.status == 400


async def test_each_message_is_encoded_once_for_all(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []

    def counted(name: str, work: Callable[..., bytes]) -> Callable[..., bytes]:
        def encode(*args: Any) -> bytes:
            encoded.append(name)
            return work(*args)

        return encode

    for name in ("_delta", "_snapshot"):
        monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    await studio.cycle([1, 2])
    async with studio.listener() as first, studio.listener() as second, studio.listener() as third:
        for listener in (first, second, third):
            assert told(await listener.receive_json(timeout=10))[0] == "snapshot"
        await studio.cycle([1, 2], down=[1])
        for listener in (first, second, third):
            assert told(await listener.receive_json(timeout=10)) == ("delta", 2, ["1"], [])
        assert encoded == ["_snapshot", "_delta"]
        async with studio.listener() as late:
            assert told(await late.receive_json(timeout=10))[:2] == ("snapshot", 2)
    assert encoded == ["_snapshot", "_delta", "_snapshot"]


async def test_no_event_is_lost_between_the_first_picture_and_the_next_cycle(studio: Studio) -> None:
    await studio.cycle([1])
    studio.events = [event(1, ServerRestart(1.0, ""))]
    async with studio.listener() as first:
        assert [each["id"] for each in (await first.receive_json(timeout=10))["events"]] == [1]
        studio.events.append(event(2, ServerRestart(2.0, "")))
        async with studio.listener() as second:
            seen = (await second.receive_json(timeout=10))["events"]
            await studio.cycle([1])
            for listener, known in ((first, [{"id": 1}]), (second, seen)):
                news = (await listener.receive_json(timeout=10))["events"]
                assert {each["id"] for each in known + news} == {1, 2}


async def test_a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SEND_LIMIT_S", 0.5)
    fleet = range(1, 401)
    await studio.cycle(fleet)
    host, port = studio.url.removeprefix("http://").removesuffix("/ws").split(":")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before connecting, to keep the window small
        slow.connect((host, int(port)))
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        slow.sendall("\r\n".join(("GET /ws HTTP/1.1", f"Host: {host}", *upgrade, key, "", "")).encode())
        async with studio.listener() as quick:
            assert told(await quick.receive_json(timeout=10))[0] == "snapshot"
            await eventually(lambda: studio.live.clients == 2, 5)
            for number in range(60):
                # All change: some hundred KB each time, more than the buffers of its connection take.
                await studio.cycle(fleet, down=fleet if number % 2 == 0 else ())
                kind, generation, ids, _ = told(await quick.receive_json(timeout=10))
                assert (kind, generation, len(ids)) == ("delta", studio.generation, len(fleet))
            await eventually(lambda: studio.live.clients == 1, 5)
        slow.settimeout(10)

        def read_to_the_end() -> bool:
            try:
                while slow.recv(1 << 20):
                    pass
            except ConnectionResetError:
                pass
            return True

        assert await asyncio.to_thread(read_to_the_end)


async def test_at_the_end_everybody_is_told(studio: Studio) -> None:
    await studio.cycle([1])
    async with studio.listener() as listener:
        await listener.receive_json(timeout=10)
        studio.live.close()
        message = await listener.receive(timeout=10)
        assert (message.type, listener.close_code) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.TRY_AGAIN_LATER)
    assert studio.live.clients == 0
