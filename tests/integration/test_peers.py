"""Several nodes over one Redis: each shows the cameras of all, and stores its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from restream.domain.fleet.node import FleetNode
from tests.support.eventually import eventually
from tests.support.peer_nodes import PeerNode, fleet_node, supervised
from tests.unit.fakes import camera


class Site:
    """North has cameras 1 and 2, south 3 and 4."""

    def __init__(self, url: str) -> None:
        self.known: list[FleetNode] = [fleet_node("north"), fleet_node("south")]
        self.north = PeerNode("north", lambda: self.known, {"1", "2"})
        self.south = PeerNode("south", lambda: self.known, {"3", "4"})
        for node in (self.north, self.south):
            node.connect(url)
        self.reports: dict[str, dict[str, Any]] = {
            "north": {"1": supervised(camera(1)), "2": supervised(camera(2))},
            "south": {"3": supervised(camera(3)), "4": supervised(camera(4))},
        }

    async def turn(self) -> None:
        for node in (self.south, self.north):
            await node.cycle(self.reports[node.name])
            await node.write()
        for node in (self.south, self.north):
            await node.look()
            await node.cycle(self.reports[node.name])


@pytest.fixture
async def site(redis_url: str) -> AsyncIterator[Site]:
    found = Site(redis_url)
    yield found
    for node in (found.north, found.south):
        await node.close()


async def test_each_shows_all_and_stores_its_own(site: Site, redis_url: str) -> None:
    await site.turn()
    for node in (site.north, site.south):
        shown = node.renderer.latest
        assert {key: each.node for key, each in shown.cameras.items()} == {
            "1": "north",
            "2": "north",
            "3": "south",
            "4": "south",
        }
        assert (shown.status.cameras, shown.status.health, shown.status.nodes) == (
            4,
            {"healthy": 4},
            {"north": "alive", "south": "alive"},
        )
        assert set(shown.documents().cameras) == node.mine
        assert shown.stored.status.cameras == 2
    # What the other wrote goes on as it is.
    assert site.north.renderer.latest.encoded["3"] == site.south.renderer.latest.encoded["3"]
    client: Any
    async with Redis.from_url(redis_url) as client:
        assert set(await client.hgetall("restream:node:north:cameras")) == {b"1", b"2"}
        assert {orjson.loads(each)["node"] for each in await client.hvals("restream:cameras")} == {"north", "south"}


async def test_only_what_is_new_is_read(site: Site, redis_url: str) -> None:
    await site.turn()
    before, reader = site.north.pictures, site.north.reader
    assert reader is not None
    site.reports["south"]["4"] = supervised(camera(4), bitrate_bps=2_000_000)
    site.reports["south"]["5"] = supervised(camera(5))
    del site.reports["south"]["3"]
    client: Any
    async with Redis.from_url(redis_url) as client:
        await client.config_resetstat()
        await site.turn()
        calls = await client.info("commandstats")
    assert calls["cmdstat_hmget"]["calls"] == 1
    found = {name: picture.cameras for name, picture in site.north.pictures.items()}
    assert {name: set(each) for name, each in found.items()} == {"south": {"4", "5"}}
    assert found != {name: picture.cameras for name, picture in before.items()}
    shown = site.north.renderer.latest
    assert set(shown.cameras) == {"1", "2", "4", "5"}
    assert shown.changed_since(shown.generation - 1) == ["4", "5"]
    assert shown.removed_since(shown.generation - 1) == ["3"]
    site.reports = {name: dict(each) for name, each in site.reports.items()}
    await site.turn()
    assert site.north.renderer.latest.version == shown.version
    assert site.north.pictures and found["south"]["5"] is next(iter(site.north.pictures.values())).cameras["5"]


async def test_a_node_that_is_started_again_is_read_anew(site: Site, redis_url: str) -> None:
    await site.turn()
    await site.south.close()
    site.south = PeerNode("south", lambda: site.known, {"3"}, life="second")
    site.south.connect(redis_url)
    site.reports["south"] = {"3": supervised(camera(3, name="Renamed"))}
    await site.turn()
    shown = site.north.renderer.latest
    assert {key: each.name for key, each in shown.cameras.items() if each.node == "south"} == {"3": "Renamed"}


async def test_a_redis_that_was_emptied_is_filled_again(site: Site, redis_url: str) -> None:
    await site.turn()
    client: Any
    async with Redis.from_url(redis_url) as client:
        await client.flushdb()
    await site.turn()
    assert set(site.north.renderer.latest.cameras) == {"1", "2", "3", "4"}
    await site.turn()
    assert {each.verdict.health for each in site.north.renderer.latest.cameras.values()} == {"healthy"}


async def test_a_node_whose_keys_expired_is_not_known(site: Site, redis_url: str) -> None:
    await site.south.close()
    site.south.connect(redis_url, expire_s=0.3)
    await site.turn()

    async def silent() -> bool:
        await site.north.look()
        await site.north.cycle(site.reports["north"])
        healths = {key: str(each.verdict.health) for key, each in site.north.renderer.latest.cameras.items()}
        assert healths == {"1": "healthy", "2": "healthy", "3": "unknown", "4": "unknown"}
        return True

    await eventually(silent, 5)
    assert site.north.renderer.latest.cameras["3"].verdict.reasons[0].code == "node_silent"
    await site.turn()
    assert site.north.renderer.latest.cameras["3"].verdict.health == "healthy"


HOSTILE = {
    "no JSON": b"{",
    "of another": b'{"format":2,"instance":"x","generation":1}',
    "a wrong type": b'{"format":1,"instance":"x","generation":"many"}',
    "endless": b'{"format":1,"instance":"x","generation":1' + b"0" * 400 + b"}",
    "too long": b'{"format":1,"instance":"x","generation":1,"more":"' + b"x" * 70_000 + b'"}',
    "deep": b"[" * 50_000,
}


@pytest.mark.parametrize("about", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_cannot_be_understood_of_a_node_has_a_reason(site: Site, redis_url: str, about: bytes) -> None:
    await site.turn()
    client: Any
    async with Redis.from_url(redis_url) as client:
        await client.set("restream:node:south:about", about)
    pictures = await site.north.look()
    assert [bool(each.problem) for each in pictures.values()] == [True]
    await site.north.cycle(site.reports["north"])
    assert site.north.renderer.latest.cameras["3"].verdict.reasons[0].code == "node_silent"


@pytest.mark.parametrize("what", ["about", "changed", "cameras"])
async def test_a_node_whose_keys_are_of_another_type_hides_no_other(site: Site, redis_url: str, what: str) -> None:
    site.known.append(fleet_node("west"))
    await site.turn()
    client: Any
    async with Redis.from_url(redis_url) as client:
        for key in ("about", "changed", "cameras"):
            await client.copy(f"restream:node:south:{key}", f"restream:node:west:{key}")
        await client.delete(f"restream:node:west:{what}")
        await client.sadd(f"restream:node:west:{what}", "x")
    pictures = await site.north.look()
    assert {name: bool(each.problem) for name, each in pictures.items()} == {"south": False, "west": True}


async def test_a_document_that_cannot_be_understood_is_left_out_and_told_once(
    site: Site, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await site.turn()
    client: Any
    key = "restream:node:south:cameras"
    async with Redis.from_url(redis_url) as client:
        whole = orjson.loads(await client.hget(key, "3"))
        foreign = {**whole, "node": "north"}
        await client.hset(key, "3", orjson.dumps(foreign))
        await client.hset(key, "4", orjson.dumps({**whole, "id": "4", "hue": "of a later version"}))
        for number, body in enumerate((b"", b"[]", b"\xff", b"[" * 9000, b"{}", b"x" * 20_000), 5):
            await client.hset(key, str(number), body)
            await client.zadd("restream:node:south:changed", {str(number): 99})
        await client.zadd("restream:node:south:changed", {"3": 99, "4": 99})
        about = orjson.loads(await client.get("restream:node:south:about"))
        await client.set("restream:node:south:about", orjson.dumps({**about, "generation": 99}))
    for _ in range(3):
        await site.north.look()
        await site.north.cycle(site.reports["north"])
    shown = site.north.renderer.latest
    assert set(shown.cameras) == {"1", "2", "4"}
    assert orjson.loads(shown.encoded["4"])["hue"] == "of a later version"
    told = [record.getMessage() for record in caplog.records if "is not shown" in record.getMessage()]
    assert len(told) == 7 and len(set(told)) == 7
    assert all(len(each) < 400 for each in told)
