"""Cameras at a real broker, as Home Assistant would find them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as with_keys

from restream.adapters.mqtt import BrokerAddress, MqttBroker
from restream.demo.embedded import free_port
from restream.domain.camera.secret import Secret
from restream.domain.life.backoff import RestartPolicy
from restream.domain.life.lifecycle import State
from restream.domain.news.component import ComponentState
from restream.domain.server.trust import Trust
from restream.interfaces.documents.rendering import OwnCameras, Rendering
from restream.interfaces.messages.home_assistant import HomeTopics
from restream.ports.topics import TopicError
from restream.supervisor.components import Components
from restream.supervisor.outlets.topic_keeper import TopicKeeper
from tests.support.authority import Authority
from tests.support.broker import LOGIN, Broker, broker
from tests.support.eventually import eventually
from tests.unit.test_cycle import BROKEN, RUNNING, rendered, snapshot

pytestmark = pytest.mark.program("mosquitto", "mosquitto_passwd", "openssl")

AT_ONCE = RestartPolicy(first_s=0.0, base_s=0.05, factor=1.0)
WEST, EAST = HomeTopics("west", "1"), HomeTopics("east", "1")
PLUG = "homeassistant/binary_sensor/restream_1_connectivity/config"
WHY = "homeassistant/sensor/restream_1_reason/config"


async def cycles(*states: dict[int, State]) -> list[Rendering]:
    return await rendered(
        *(replace(snapshot(number, each), table_read=True) for number, each in enumerate(states, start=1))
    )


@asynccontextmanager
async def keeping(there: Broker, words: HomeTopics = WEST) -> AsyncIterator[tuple[TopicKeeper[Rendering], Components]]:
    components = Components()
    address = BrokerAddress("127.0.0.1", there.port, client=words.node)
    keeper: TopicKeeper[Rendering] = TopicKeeper(MqttBroker(address), words, components, AT_ONCE)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper, components
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def said(standing: dict[str, bytes], topic: str) -> Callable[[], Any]:
    return lambda: json.loads(standing[topic]) if topic in standing else None


async def test_a_camera_is_found_follows_its_state_and_goes(tmp_path: Path) -> None:
    up, down, gone = await cycles({1: RUNNING}, {1: BROKEN}, {})
    async with broker(tmp_path) as there, there.watching() as standing:
        async with keeping(there) as (keeper, components):
            keeper.publish(up)
            await eventually(said(standing, "restream/camera/1"), 20)
            assert said(standing, "restream/camera/1")()["connectivity"] == "ON"
            plug = said(standing, PLUG)()
            assert plug["state_topic"] == "restream/camera/1" and plug["device_class"] == "connectivity"
            assert standing[plug["availability_topic"]] == b"online"
            assert plug["device"]["identifiers"] == ["restream_west"]
            assert said(standing, WHY)()["unique_id"] == "restream_1_reason"
            assert json.loads(standing["restream/west/status"])["healthy"] == 1
            keeper.publish(down)
            await eventually(lambda: said(standing, "restream/camera/1")()["connectivity"] == "OFF", 20)
            assert said(standing, "restream/camera/1")()["reason"]
            assert json.loads(standing["restream/west/status"])["down"] == 1
            keeper.publish(gone)
            await eventually(lambda: not {PLUG, WHY, "restream/camera/1"} & standing.keys(), 20)
            assert components.state("mqtt") is ComponentState.UP
        await eventually(lambda: standing["restream/west/availability"] == b"offline", 20)


async def test_who_is_killed_is_said_to_be_gone_by_its_last_will(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom restream.adapters.mqtt import BrokerAddress, MqttBroker\n"
        "async def main():\n async with MqttBroker(BrokerAddress('127.0.0.1', int(sys.argv[1]))).session('a/b'):\n"
        "  await asyncio.Event().wait()\nasyncio.run(main())"
    )
    async with broker(tmp_path) as there, there.watching() as standing:
        import sys

        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(there.port))
        await eventually(lambda: standing.get("a/b") == b"online", 30)
        process.kill()
        await process.wait()
        await eventually(lambda: standing.get("a/b") == b"offline", 20)


async def test_a_broker_that_restarted_empty_is_told_everything_again(tmp_path: Path) -> None:
    (up,) = await cycles({1: RUNNING, 2: RUNNING})
    async with broker(tmp_path) as there, keeping(there) as (keeper, components):
        keeper.publish(up)
        await eventually(lambda: components.state("mqtt") is ComponentState.UP, 20)
        await there.stop()
        await eventually(lambda: components.state("mqtt") is ComponentState.DOWN, 20)
        assert components.all["mqtt"].detail
        await there.start()
        async with there.watching() as standing:
            await eventually(lambda: {"restream/camera/1", "restream/camera/2", PLUG} <= standing.keys(), 20)
            assert standing["restream/west/availability"] == b"online"


async def test_what_was_removed_while_nobody_ran_is_removed_at_the_next_start(tmp_path: Path) -> None:
    both, one = await cycles({1: RUNNING, 2: RUNNING}, {2: RUNNING})
    async with broker(tmp_path) as there, there.watching() as standing:
        async with keeping(there) as (keeper, _):
            keeper.publish(both)
            await eventually(lambda: {"restream/camera/1", "restream/camera/2", PLUG} <= standing.keys(), 20)
        async with keeping(there) as (keeper, _):
            keeper.publish(one)
            await eventually(lambda: "restream/camera/1" not in standing and PLUG not in standing, 20)
            assert "restream/camera/2" in standing


async def test_a_camera_that_another_node_took_over_is_left_to_that_one(tmp_path: Path) -> None:
    before, after = await cycles({1: RUNNING, 2: RUNNING}, {2: RUNNING})
    own = OwnCameras(after.status, after.cameras, after.encoded)
    moved = replace(after, cameras={**after.cameras, "1": with_keys(before.cameras["1"], node="east")}, own=own)
    (theirs,) = await cycles({1: RUNNING})
    async with broker(tmp_path) as there, there.watching() as standing:
        async with keeping(there) as (west, _), keeping(there, EAST) as (east, _):
            west.publish(before)
            await eventually(lambda: PLUG in standing, 20)
            east.publish(theirs)
            await eventually(lambda: said(standing, PLUG)()["device"]["identifiers"] == ["restream_east"], 20)
            west.publish(moved)
            west.publish(replace(moved, status=with_keys(moved.status, cameras=9)))
            await eventually(lambda: json.loads(standing["restream/west/status"])["cameras"] == 1, 20)
            assert said(standing, "restream/camera/1")()["node"] == "east"
        await eventually(lambda: standing["restream/east/availability"] == b"offline", 20)
        async with keeping(there) as (west, _):
            # Of another's it knows nothing after its start, and leaves it alone.
            west.publish(after)
            await eventually(lambda: standing["restream/west/availability"] == b"online", 20)
            await eventually(lambda: said(standing, "restream/camera/2")()["node"] == "west", 20)
            assert said(standing, "restream/camera/1")()["node"] == "east"


async def test_a_cancellation_that_comes_with_the_answer_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(*_: object, **__: object) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    async with broker(tmp_path) as there, MqttBroker(BrokerAddress("127.0.0.1", there.port)).session("up") as session:
        with monkeypatch.context() as patched:
            patched.setattr("aiomqtt.Client.publish", deaf)
            saying = asyncio.create_task(session.publish("restream/camera/1", b"{}"))
            await asyncio.sleep(0)
            saying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await saying


# The library leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_tls_and_login(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    trust = Trust(str(authority.ca))
    async with broker(tmp_path, authority.issue("broker"), login=True) as there:
        address = BrokerAddress("127.0.0.1", there.port, LOGIN[0], Secret(LOGIN[1]), trust)
        await MqttBroker(address).check()
        for wrong, told in (
            (replace(address, password=Secret("wrong-hunter22")), "login refused"),
            (replace(address, user=None, password=None), "login refused"),
            (replace(address, trust=Trust()), "TLS: its certificate is of an authority that is not trusted here"),
        ):
            with pytest.raises(TopicError, match=f"^{told}$"):
                await MqttBroker(wrong).check()
        await MqttBroker(replace(address, trust=Trust(verify=False))).check()


async def test_a_broker_that_is_absent_or_says_nothing_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TopicError, match=r"^Connection refused$"):
        await MqttBroker(BrokerAddress("127.0.0.1", free_port())).check()
    monkeypatch.setattr("restream.adapters.mqtt._TIMEOUT_S", 0.3)
    port, ended = free_port(), asyncio.Event()

    async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", port):
        with pytest.raises(TopicError) as caught:
            await MqttBroker(BrokerAddress("127.0.0.1", port)).check()
        ended.set()
    assert "\n" not in str(caught.value) and str(caught.value)
