"""Several nodes on one Redis: whoever reads the common keys sees them all, and only those that live."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import orjson
import pytest
from redis.asyncio import Redis

from restream.adapters.stores.redis_archive import RedisArchive
from restream.adapters.stores.redis_sink import RedisSink
from restream.domain.camera.secret import Secret
from restream.domain.judgement.availability import Span, Timeline
from restream.domain.judgement.verdict import Health
from restream.domain.news.component import ComponentState
from restream.domain.news.event import ComponentChange
from restream.interfaces.documents.events import EventDocument, event
from restream.ports.outlets import Documents, Records, SinkError
from tests.support.eventually import eventually

LONG_S, SHORT_S = 60.0, 0.4


def cycle(
    node: str, *ids: str, server: str = "", paths: tuple[str, ...] = (), generation: int = 1, note: str = ""
) -> Documents:
    """What a node writes of one cycle."""
    cameras = {each: orjson.dumps({"id": each, "node": node, "note": note}) for each in ids}
    streams = orjson.dumps([{"name": path} for path in paths or tuple(f"{node}-{each}" for each in ids)])
    # Somebody's text may look like the place where the cameras begin.
    head = b'{"time":"now","generation":%d,"components":%s,"cameras":[' % (
        generation,
        orjson.dumps({"redis": {"detail": '"cameras":['}}),
    )
    whole = head + b",".join(cameras.values()) + b"]}"
    return Documents(streams, whole, cameras, b'{"of":"%s"}' % node.encode(), {server: streams} if server else {})


class Readers:
    """What a front end sees."""

    def __init__(self, client: Redis) -> None:
        self.client = client

    async def cameras(self) -> dict[str, str]:
        """Node by camera, from the hash; the snapshot has the same."""
        found = {
            key.decode(): json.loads(body) for key, body in (await self.client.hgetall("restream:cameras")).items()
        }
        whole = await self.snapshot()
        assert sorted(whole["cameras"], key=str) == sorted(found.values(), key=str)
        return {key: body["node"] for key, body in found.items()}

    async def snapshot(self) -> Any:
        return json.loads(await self.client.get("restream:snapshot") or '{"cameras":[]}')

    async def streams(self) -> list[str]:
        return [each["name"] for each in json.loads(await self.client.get("mediamtx:streams:latest") or "[]")]


@pytest.fixture
async def readers(redis_url: str) -> AsyncIterator[Readers]:
    async with Redis.from_url(redis_url) as client:
        yield Readers(client)


@pytest.fixture
async def sink(redis_url: str) -> AsyncIterator[Any]:
    """Makes sinks: `sink(node, expire_s)`."""
    made: list[RedisSink] = []

    def make(node: str, expire_s: float = LONG_S) -> RedisSink:
        made.append(RedisSink(Secret(redis_url), "", node, expire_s))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def test_every_common_key_holds_what_all_have(readers: Readers, sink: Any) -> None:
    a, b, c = sink("a"), sink("b"), sink("c")
    for generation in (1, 2, 3):
        if generation == 2:
            await c.write(cycle("c"))
        await a.write(cycle("a", "1", "2", generation=generation, note=str(generation)))
        await b.write(cycle("b", "3", generation=generation))
        assert await readers.cameras() == {"1": "a", "2": "a", "3": "b"}
        assert sorted(await readers.streams()) == ["a-1", "a-2", "b-3"]
        assert (await readers.snapshot())["generation"] == generation
        assert await readers.client.get("restream:host:latest") == b'{"of":"b"}'
        notes = {each["id"]: each["note"] for each in (await readers.snapshot())["cameras"]}
        assert notes["1"] == str(generation)
    await a.write(cycle("a", "2", generation=4))
    assert await readers.cameras() == {"2": "a", "3": "b"}
    assert sorted(await readers.streams()) == ["a-2", "b-3"]
    await a.write(cycle("a"))
    await b.write(cycle("b"))
    assert (await readers.cameras(), await readers.streams()) == ({}, [])
    for key in await readers.client.keys("*"):
        assert 0 < await readers.client.pttl(key) <= LONG_S * 1000, key


async def test_a_node_that_was_alone_is_joined_by_whoever_comes_and_joins_it(readers: Readers, sink: Any) -> None:
    """Alone it writes only the common array and snapshot: its cycle before and its cycle after the other came."""
    a, b = sink("a"), sink("b")
    for _ in range(3):
        await a.write(cycle("a", "1", "2"))
        assert await readers.cameras() == {"1": "a", "2": "a"}
    await b.write(cycle("b", "3"))
    assert await readers.cameras() == {"1": "a", "2": "a", "3": "b"}
    assert sorted(await readers.streams()) == ["a-1", "a-2", "b-3"]
    await a.write(cycle("a", "1", generation=7))
    assert await readers.cameras() == {"1": "a", "3": "b"}
    assert sorted(await readers.streams()) == ["a-1", "b-3"]
    assert (await readers.snapshot())["generation"] == 7
    await b.write(cycle("b", "3"))
    assert sorted(await readers.streams()) == ["a-1", "b-3"]


async def test_only_what_a_dead_node_had_leaves_and_it_may_return(readers: Readers, sink: Any) -> None:
    a, b = sink("a", SHORT_S), sink("b")
    listener = readers.client.pubsub(ignore_subscribe_messages=True)
    await listener.subscribe("restream:changes")
    written = cycle("a", "1", "2")
    await a.write(written)
    await b.write(cycle("b", "3"))
    assert await readers.cameras() == {"1": "a", "2": "a", "3": "b"}

    async def left() -> bool:
        await b.write(cycle("b", "3"))
        return await readers.cameras() == {"3": "b"}

    await eventually(left, 20)
    assert await readers.streams() == ["b-3"]
    assert not await readers.client.keys("restream:node:a:*")
    said: list[list[str]] = []
    await readers.client.publish("restream:changes", "[]")
    while not said or said[-1]:
        message = await listener.get_message(timeout=5)
        said += [sorted(json.loads(message["data"]))] if message else []
    assert said == [["1", "2"], ["3"], ["1", "2"], []]
    # It was suspended, and knows nothing of it: what it writes is the same as before.
    await a.write(written)
    assert await readers.cameras() == {"1": "a", "2": "a", "3": "b"}
    assert sorted(await readers.streams()) == ["a-1", "a-2", "b-3"]
    await listener.aclose()


async def test_a_node_that_is_left_alone_goes_on_alone(readers: Readers, sink: Any) -> None:
    a, b = sink("a", SHORT_S), sink("b")
    await b.write(cycle("b", "3"))
    await a.write(cycle("a", "1"))

    async def left() -> bool:
        await b.write(cycle("b", "3"))
        return await readers.cameras() == {"3": "b"}

    await eventually(left, 20)
    await b.write(cycle("b", "3", "4", generation=9))
    assert await readers.cameras() == {"3": "b", "4": "b"}
    assert (await readers.snapshot())["generation"] == 9
    assert not await readers.client.exists("restream:node:b:joined"), "it does not pay for others that are gone"


async def test_paths_of_a_server_that_two_watch_are_there_once(readers: Readers, sink: Any) -> None:
    a, b, c = sink("a"), sink("b"), sink("c")
    paths = ("cam1", "cam3", "foreign")
    for _ in range(2):
        await a.write(cycle("a", "1", server="2026-01-01T00:00:00.1Z", paths=paths))
        await b.write(cycle("b", "3", server="2026-01-01T00:00:00.1Z", paths=paths))
        await c.write(cycle("c", "5", server="2026-02-02T00:00:00.2Z", paths=("cam5",)))
        assert sorted(await readers.streams()) == ["cam1", "cam3", "cam5", "foreign"]
    # Servers that do not tell when they started are taken for several.
    await b.write(cycle("b", "3", paths=("cam3",)))
    await c.write(cycle("c", "5", paths=("cam5",)))
    assert sorted(await readers.streams()) == ["cam1", "cam3", "cam3", "cam5", "foreign"]


async def test_of_a_camera_that_two_have_the_later_writer_wins_and_the_other_returns(
    readers: Readers, sink: Any
) -> None:
    a, b = sink("a"), sink("b", SHORT_S)
    await a.write(cycle("a", "1", "2"))
    await b.write(cycle("b", "2", "3"))
    assert await readers.cameras() == {"1": "a", "2": "b", "3": "b"}
    await a.write(cycle("a", "1", "2", note="news"))
    assert (await readers.cameras())["2"] == "a"
    await b.write(cycle("b", "2", "3", note="news"))
    assert (await readers.cameras())["2"] == "b"
    await b.write(cycle("b", "3", note="news"))
    assert await readers.cameras() == {"1": "a", "2": "a", "3": "b"}, "the one that has it no more takes it from nobody"
    await b.write(cycle("b", "2", "3", note="news"))
    assert (await readers.cameras())["2"] == "b"

    async def returned() -> bool:
        await a.write(cycle("a", "1", "2", note="news"))
        return await readers.cameras() == {"1": "a", "2": "a"}

    await eventually(returned, 20)


async def test_the_word_of_an_earlier_run_on_what_another_node_has_does_not_stay(readers: Readers, sink: Any) -> None:
    """It told another node as silent, stood still, told so once more when it woke, and was started anew."""
    a, b = sink("a"), sink("b")
    written = cycle("b", "3")
    await b.write(written)
    await a.write(cycle("a", "1", "3"))
    assert await readers.cameras() == {"1": "a", "3": "a"}
    await b.write(written)
    listener = readers.client.pubsub(ignore_subscribe_messages=True)
    await listener.subscribe("restream:changes")
    await sink("a").write(cycle("a", "1"))
    assert await readers.cameras() == {"1": "a", "3": "b"}
    said: set[str] = set()
    while "3" not in said:
        message = await listener.get_message(timeout=5)
        said |= set(json.loads(message["data"])) if message else set()
    await listener.aclose()  # type: ignore[no-untyped-call]


async def test_what_somebody_did_to_the_keys_is_made_good_by_the_next_cycles(readers: Readers, sink: Any) -> None:
    a, b = sink("a"), sink("b")
    client = readers.client

    async def cycles() -> dict[str, str]:
        await a.write(cycle("a", "1", "2"))
        await b.write(cycle("b", "3"))
        return await readers.cameras()

    everything = {"1": "a", "2": "a", "3": "b"}
    assert await cycles() == everything
    for key in sorted(await client.keys("*")):
        await client.delete(key)
        assert await cycles() == everything, key
        assert sorted(await readers.streams()) == ["a-1", "a-2", "b-3"], key
    await client.hset("restream:cameras", mapping={"98": "{}", "99": "{}"})
    assert await cycles() == everything
    await client.flushall()
    assert await cycles() == everything


async def test_what_an_earlier_version_left_is_replaced(readers: Readers, sink: Any) -> None:
    client = readers.client
    await client.hset("restream:cameras", mapping={"1": '{"old":1}', "7": '{"old":7}'})
    await client.set("mediamtx:streams:latest", '[{"name":"cam7"}]')
    await client.set("restream:snapshot", '{"cameras":[{"old":7}]}')
    await sink("a").write(cycle("a", "1"))
    assert (await readers.cameras(), await readers.streams()) == ({"1": "a"}, ["a-1"])
    await client.set("restream:cameras", "of another type")
    await sink("b").write(cycle("b", "2"))
    assert await readers.cameras() == {"1": "a", "2": "b"}


async def test_keys_of_another_type_cost_one_cycle(readers: Readers, sink: Any) -> None:
    a, b = sink("a"), sink("b")
    client = readers.client

    async def cycles() -> dict[str, str]:
        for node, ids in ((a, "1"), (b, "3")):
            for last in (False, True):
                try:
                    await node.write(cycle("a" if node is a else "b", ids))
                except SinkError:
                    assert not last
        return await readers.cameras()

    everything = {"1": "a", "3": "b"}
    assert await cycles() == everything
    for key in sorted(await client.keys("*")):
        await client.delete(key)
        await client.sadd(key, "x")
        assert await cycles() == everything, key
        assert sorted(await readers.streams()) == ["a-1", "b-3"], key
    await client.zadd("restream:nodes", {"clock": 1e15, "never": "inf"})
    assert await cycles() == everything
    assert set(await client.zrange("restream:nodes", 0, -1)) == {b"a", b"b"}
    assert await client.pttl("restream:cameras") <= LONG_S * 1000


async def test_a_node_whose_keys_are_of_another_type_is_left_out(readers: Readers, sink: Any) -> None:
    """It is of a version that is not known here, and writes them again and again."""
    a, b = sink("a"), sink("b")
    await b.write(cycle("b", "3"))
    for what in ("cameras", "streams", "joined"):
        await readers.client.delete(f"restream:node:b:{what}")
        await readers.client.sadd(f"restream:node:b:{what}", "x")
        for generation in (1, 2):
            await a.write(cycle("a", "1", generation=generation))
        assert (await readers.cameras())["1"] == "a"
        assert "a-1" in await readers.streams()
        await readers.client.delete(f"restream:node:b:{what}")


async def test_a_single_look_at_a_server_harms_no_service(readers: Readers, sink: Any) -> None:
    """`--once` writes no cameras, under the name of the service of this host or another one."""
    service = sink("a")
    for other in ("a", "b"):
        await service.write(cycle("a", "1", server="run", paths=("cam1",)))
        await sink(other).write(Documents(b'[{"name":"cam1"}]', servers={"run": b'[{"name":"cam1"}]'}))
        assert (await readers.cameras(), await readers.streams()) == ({"1": "a"}, ["cam1"])
        await service.write(cycle("a", "1", server="run", paths=("cam1",)))
        assert (await readers.cameras(), await readers.streams()) == ({"1": "a"}, ["cam1"])


# -- what outlives the service -----------------------------------------------------------------------------------------

NOW = 1_700_000_000.0


def happened(node: str, number: int) -> EventDocument:
    change = ComponentChange(NOW + number, "redis", ComponentState.UP, ComponentState.DOWN, node)
    return event(int(change.at * 1000), change, node=node)


def healthy(since: float) -> Timeline:
    return Timeline((Span(since, Health.HEALTHY),))


@pytest.fixture
async def archive(redis_url: str) -> AsyncIterator[Any]:
    made: list[RedisArchive] = []

    def make(node: str) -> RedisArchive:
        made.append(RedisArchive(Secret(redis_url), "", node, EventDocument))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def test_a_node_reads_back_its_own_events(readers: Readers, archive: Any) -> None:
    a, b = archive("a"), archive("b")
    for number in range(3):
        # The same ids on both.
        await a.save(Records([happened("a", number)], {}, NOW), ())
        await b.save(Records([happened("b", number)], {}, NOW), ())
    assert await readers.client.xlen("restream:events") == 6
    for node in ("a", "b"):
        assert list((await archive(node).load()).events) == [happened(node, number) for number in range(3)]
    assert not (await archive("c").load()).events
    # Very many of another node do not hide them.
    for first in range(0, 5000, 1000):
        await b.save(Records([happened("b", 10 + number) for number in range(first, first + 1000)], {}, NOW), ())
    assert list((await archive("a").load()).events) == [happened("a", number) for number in range(3)]
    assert [each.id for each in (await archive("b").load()).events] == [
        happened("b", 10 + number).id for number in range(4000, 5000)
    ]


async def test_an_upgrade_loses_nothing(readers: Readers, archive: Any) -> None:
    """Records from before nodes had names count as one's own."""
    old = {key: value for key, value in msgspec.to_builtins(happened("", 1)).items() if key != "node"}
    await readers.client.xadd("restream:events", {"event": orjson.dumps(old)})
    await readers.client.hset("restream:availability", "1", b'{"spans":[[%d,"healthy"]],"restarts":[]}' % NOW)
    await readers.client.set("restream:watched_until", f"{NOW + 5:.3f}")
    found = await archive("a").load()
    assert list(found.events) == [msgspec.structs.replace(happened("", 1), node="a")]
    assert (found.timelines["1"], found.watched_until) == (healthy(NOW), NOW + 5)


async def test_until_when_it_watched_is_a_node_s_own(archive: Any, sink: Any) -> None:
    a, b = archive("a"), archive("b")
    await a.save(Records([], {}, NOW + 10), ())
    assert (await archive("renamed").load()).watched_until == NOW + 10, "alone, it was itself"
    await sink("b").write(cycle("b", "2"))
    await b.save(Records([], {}, NOW + 99), ())
    assert (await archive("a").load()).watched_until == NOW + 10
    assert (await archive("renamed").load()).watched_until == 0, "that another one watched says nothing"


async def test_availability_goes_with_the_last_that_has_the_camera(readers: Readers, archive: Any, sink: Any) -> None:
    a, b = archive("a"), archive("b")
    await sink("b").write(cycle("b", "2", "3"))
    await a.save(Records([], {"1": healthy(NOW), "2": healthy(NOW)}, NOW), ())
    assert await b.save(Records([], {"2": healthy(NOW), "3": healthy(NOW)}, NOW), ()) == 3
    await a.save(Records([], {}, NOW), ("1", "2"))
    assert {key.decode() for key in await readers.client.hkeys("restream:availability")} == {"2", "3"}


async def test_lost_availability_is_noticed_beside_a_larger_node(readers: Readers, archive: Any) -> None:
    a, b = archive("a"), archive("b")
    await a.save(Records([], {"1": healthy(NOW)}, NOW), ())
    await readers.client.flushall()
    assert await b.save(Records([], {str(number): healthy(NOW) for number in range(5)}, NOW), ()) == 5
    assert await a.save(Records([], {}, NOW), ()) == 0, "it has to write all of its own again"
