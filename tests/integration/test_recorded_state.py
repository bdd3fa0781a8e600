"""What every version has left in Redis and PostgreSQL: today's stores go on with it, whole and spoilt."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from restream.adapters.postgres import execute_script
from restream.adapters.postgres_leases import PostgresLeases
from restream.adapters.stores import redis_archive
from restream.adapters.stores.postgres_events import PostgresEvents
from restream.adapters.stores.redis_archive import RedisArchive
from restream.adapters.stores.redis_media import RedisMedia
from restream.adapters.stores.redis_peers import RedisPeers
from restream.adapters.stores.redis_sink import RedisSink
from restream.config.places import ROOT
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import NodeName, NodeTraits
from restream.domain.fleet.share import Decision
from restream.domain.judgement.availability import KEPT_S, Timeline, availability
from restream.domain.judgement.verdict import Health
from restream.domain.news.component import ComponentState
from restream.domain.news.event import ComponentChange
from restream.interfaces.documents.events import EventDocument, event
from restream.ports.outlets import Documents, Records, SinkError
from tests.support.mutations import bodies
from tests.support.recorded_state import (
    NODE,
    OTHER,
    RecordedState,
    StoredKey,
    export,
    insert_leases,
    recorded,
    store,
)

STATES = recorded()
each_version = pytest.mark.parametrize("state", STATES, ids=lambda state: state.version)
CYCLE = Documents(b"[]", b'{"cameras":[]}', {"1": b'{"id":"1"}'}, about=b"{}", generation=1)


@dataclass
class Stores:
    """All that today's service has in one Redis."""

    client: Any
    archive: RedisArchive
    media: RedisMedia
    peers: RedisPeers
    sink: RedisSink


@pytest.fixture
async def stores(redis_url: str) -> AsyncIterator[Stores]:
    url = Secret(redis_url)
    async with Redis.from_url(redis_url) as client:
        found = Stores(
            client,
            RedisArchive(url, "", NODE, EventDocument),
            RedisMedia(url, "", NODE),
            RedisPeers(url, ""),
            RedisSink(url, "", NODE, 60.0),
        )
        yield found
        for each in (found.archive, found.media, found.peers, found.sink):
            await each.close()


def minutes_later(state: RecordedState, monkeypatch: pytest.MonkeyPatch) -> float:
    """The moment at which today's service starts, a minute after the state was recorded."""
    now = state.taken_at + 60.0
    monkeypatch.setattr(redis_archive, "time", SimpleNamespace(time=lambda: now))
    return now


@each_version
async def test_what_redis_holds_is_read(
    state: RecordedState, stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = minutes_later(state, monkeypatch)
    await store(stores.client, state.keys)
    assert {key: {**each, "stays": ""} for key, each in (await export(stores.client)).items()} == {
        key: {**each, "stays": ""} for key, each in state.keys.items()
    }
    found = await stores.archive.load()
    own = [each for each in map(json.loads, state.events) if each["node"] == NODE]
    assert [each.id for each in found.events] == [each["id"] for each in own]
    assert found.timelines.keys() == state.hash("restream:availability").keys()
    assert state.taken_at - 5 < found.watched_until <= state.taken_at
    assert set(await stores.media.load()) == {"1", "2"}
    pictures = await stores.peers.look([NodeName(OTHER)])
    assert not pictures[NodeName(OTHER)].problem
    assert set(pictures[NodeName(OTHER)].cameras) == set(state.hash(f"restream:node:{OTHER}:cameras"))
    assert not caplog.records
    # What was healthy for a while then is known beside the minute in which nobody watched.
    timeline = Timeline().followed(Health.HEALTHY, now).after(found.timelines["2"], found.watched_until)
    known = availability(timeline, now + 60, KEPT_S)
    watched_s = found.watched_until - found.timelines["2"].spans[0].since
    assert 60 < known.known_s <= 60 + watched_s and known.uptime_ratio


@each_version
async def test_what_is_written_goes_beside_what_was(
    state: RecordedState, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = minutes_later(state, monkeypatch)
    await store(stores.client, state.keys)
    before = await stores.archive.load()
    new = event(int(now * 1000), happened(now), node=NODE)
    await stores.archive.save(Records([new], {"1": Timeline().followed(Health.DOWN, now)}, now), ["5"])
    await stores.media.save({}, ["2"])
    await stores.sink.write(CYCLE)
    after = await stores.archive.load()
    assert [each.id for each in after.events] == [*(each.id for each in before.events), new.id]
    assert after.timelines.keys() == before.timelines.keys() - {"5"} and after.watched_until == pytest.approx(now)
    assert set(await stores.media.load()) == {"1"}
    assert await stores.client.hgetall("restream:cameras") == {b"1": b'{"id":"1"}'}


def happened(at: float) -> ComponentChange:
    return ComponentChange(at, "redis", ComponentState.DOWN, ComponentState.UP, "fine")


# -- spoilt ------------------------------------------------------------------------------------------------------------

OTHER_TYPES: Mapping[str, StoredKey] = {
    kind: StoredKey(type=kind, stays="always", content=content)
    for kind, content in (
        ("string", "x"),
        ("hash", {"x": "y"}),
        ("stream", [["1-1", {"x": "y"}]]),
        ("zset", [["x", 1e15], ["y", math.inf]]),
    )
}


@st.composite
def spoilt(draw: st.DrawFn, keys: Mapping[str, StoredKey]) -> tuple[dict[str, StoredKey], set[str]]:
    """One to three keys of another type, gone, or with something in them that is no document; and which these are."""
    names = draw(st.sets(st.sampled_from(sorted(keys)), min_size=1, max_size=3))
    found = {key: each for key, each in keys.items() if key not in names}
    for name in names:
        stored = keys[name]
        match draw(st.sampled_from(("type", "gone", "content"))):
            case "type":
                found[name] = OTHER_TYPES[draw(st.sampled_from(sorted(OTHER_TYPES.keys() - {stored["type"]})))]
            case "content":
                found[name] = StoredKey(**{**stored, "content": draw(_spoilt_content(stored))})
    return found, names


def _spoilt_content(stored: StoredKey) -> st.SearchStrategy[Any]:
    content = stored["content"]
    match stored["type"]:
        case "string":
            return bodies(_document(content))
        case "hash":
            return st.sampled_from(sorted(content)).flatmap(
                lambda field: bodies(_document(content[field])).map(lambda body: {**content, field: body})
            )
        case "stream":
            return bodies(json.loads(content[-1][1]["event"])).map(
                lambda body: [*content[:-1], [content[-1][0], {"event": body}]]
            )
    scores = st.sampled_from([-math.inf, -1.0, 0.0, 1e15, 1e300, math.inf])
    return st.tuples(st.binary(max_size=20), scores).map(lambda each: [*content, list(each)])


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from(STATES).flatmap(lambda state: st.tuples(st.just(state), spoilt(state.keys))))
async def test_no_more_is_lost_than_what_is_spoilt(
    stores: Stores,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[RecordedState, tuple[dict[str, StoredKey], set[str]]],
) -> None:
    state, (keys, names) = case
    now = minutes_later(state, monkeypatch)
    await stores.client.flushdb()
    await store(stores.client, keys)
    found = await stores.archive.load()
    assert found.watched_until <= now
    if "restream:events" not in names:
        assert len(found.events) == sum(json.loads(each)["node"] == NODE for each in state.events)
    if "restream:availability" not in names:
        assert found.timelines.keys() == state.hash("restream:availability").keys()
    if f"restream:node:{NODE}:media" not in names:
        assert set(await stores.media.load()) == {"1", "2"}
    pictures = await stores.peers.look([NodeName(OTHER)])
    if not _names_of(OTHER, ("about", "changed", "cameras")) & names:
        assert not pictures[NodeName(OTHER)].problem
    await _written(stores, now)
    assert await stores.client.hget("restream:cameras", "1") == b'{"id":"1"}'
    # Others write to them meanwhile.
    await stores.client.flushdb()
    await store(stores.client, keys)
    await _written(stores, now)
    again = await stores.archive.load()
    assert sum(each.detail == "fine" for each in again.events) == 1


def _names_of(node: str, what: Collection[str]) -> set[str]:
    return {f"restream:node:{node}:{each}" for each in what}


async def _written(stores: Stores, now: float) -> None:
    """Everything is written, after one failure at most."""
    new = event(int(now * 1000), happened(now), node=NODE)
    await stores.archive.save(Records([new], {"1": Timeline().followed(Health.DOWN, now)}, now), ["5"])
    await stores.media.save({}, ["2"])
    for last in (False, True):
        try:
            await stores.sink.write(CYCLE)
        except SinkError:
            assert not last
        else:
            return


# -- PostgreSQL --------------------------------------------------------------------------------------------------------

NODES_SCHEMA = (ROOT / "etc" / "schema_nodes.sql").read_text(encoding="utf-8")
EVENTS_SCHEMA = (ROOT / "etc" / "schema_events.sql").read_text(encoding="utf-8")
_SHAPE = (
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,"
    " pg_get_expr(d.adbin, d.adrelid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    " WHERE c.relname LIKE 'restream%' AND c.relkind IN ('r', 'S') AND a.attnum > 0 AND NOT a.attisdropped",
    "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid::regclass::text LIKE 'restream%'",
    "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'restream%'",
)


async def shape(connection: asyncpg.Connection[asyncpg.Record]) -> set[tuple[Any, ...]]:
    """Columns, constraints and indexes of our tables, whatever order they came in."""
    return {tuple(row) for query in _SHAPE for row in await connection.fetch(query)}


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    found = await asyncpg.connect(dsn)
    yield found
    await found.close()


@each_version
@pytest.mark.parametrize("name", ["schema_nodes.sql", "schema_events.sql"])
async def test_init_db_makes_todays_tables_of_older_ones(
    state: RecordedState, name: str, dsn: str, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    today = (ROOT / "etc" / name).read_text(encoding="utf-8")
    await execute_script(Secret(dsn), today)
    wanted = await shape(connection)
    assert len(wanted) > 10
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await execute_script(Secret(dsn), state.text(name))
    for _ in range(2):
        await execute_script(Secret(dsn), today)
        assert await shape(connection) == wanted


@each_version
async def test_leases_go_on(state: RecordedState, dsn: str, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await execute_script(Secret(dsn), state.text("schema_nodes.sql"))
    await insert_leases(connection, state.leases)
    await execute_script(Secret(dsn), NODES_SCHEMA)
    had = {row["camera_id"]: row["epoch"] for row in state.leases.rows["restream_assignment"] if row["node"] == NODE}
    assert set(had) >= {"1", "2"}
    table = PostgresLeases(Secret(dsn))
    view = await table.beat(NodeName(NODE), "today", NodeTraits(), 9.0)
    assert view is not None
    other = view.nodes[NodeName(OTHER)]
    assert (other.traits.version, other.traits.cameras, other.alive) == (state.version, 2, False)
    assert {key: each.epoch for key, each in view.holdings.items() if each.node == NODE} == had
    taken = await table.settle(NodeName(NODE), "today", Decision(take=("3", "99"), lost=frozenset({other.sighting})))
    assert taken == {"3", "99"}
    epochs = [row["epoch"] for row in await connection.fetch("SELECT epoch FROM restream_assignment")]
    assert len(set(epochs)) == len(epochs) and max(epochs) > state.leases.epoch
    assert {node.name for node in (await table.roster()).nodes} == {NODE, OTHER}
    await table.leave(NodeName(NODE), "today")
    await table.close()


@each_version
async def test_the_table_of_events_is_filled_before_and_after_it_is_upgraded(
    state: RecordedState, dsn: str, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    await execute_script(Secret(dsn), state.text("schema_events.sql"))
    for number, script in enumerate(("SELECT", EVENTS_SCHEMA), 1):
        await connection.execute(script)
        table = PostgresEvents(Secret(dsn))
        await table.save(Records([event(number, happened(1e9), node=NODE)]), ())
        await table.close()
        assert await connection.fetchval("SELECT count(*) FROM restream_event") == number
