"""What somebody else wrote to the keys that are read back at the start."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import orjson
import pytest
from redis.asyncio import Redis

from restream.adapters.stores.postgres_events import _COLUMNS, _NODE, _row
from restream.adapters.stores.redis_archive import RedisArchive
from restream.adapters.stores.redis_keys import AVAILABILITY_KEY, EVENTS_KEY, WATCHED_KEY
from restream.domain.camera.secret import Secret
from restream.domain.judgement.availability import KEPT_S, Timeline, availability
from restream.domain.judgement.verdict import Health
from restream.domain.news.component import ComponentState
from restream.domain.news.event import ComponentChange
from restream.interfaces.documents.events import EventDocument
from restream.interfaces.documents.events import event as document_of
from restream.ports.outlets import Records
from restream.supervisor.picture.history import History

NOW = time.time()


@asynccontextmanager
async def archive_of(url: str) -> AsyncIterator[RedisArchive]:
    archive = RedisArchive(Secret(url), "", "site-a", EventDocument)
    try:
        yield archive
    finally:
        await archive.close()


def happened(at: float) -> ComponentChange:
    return ComponentChange(at, "redis", ComponentState.DOWN, ComponentState.UP, "fine")


def kept(moment: float, /, **changes: Any) -> dict[str, Any]:
    return msgspec.to_builtins(document_of(int(moment * 1000), happened(moment), node="site-a")) | changes


GOOD_EVENT = document_of(int((NOW - 60) * 1000), happened(NOW - 60), node="site-a")
GOOD = kept(NOW - 60)
EVENTS: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    orjson.dumps("x" * 1_000_000),
    *(
        orjson.dumps(kept(NOW - 50, **changes))
        for changes in (
            {"node": 5},
            {"node": "a\nb"},
            {"node": "site-b"},
            {"id": "1"},
            {"id": True},
            {"id": 1.5},
            {"id": 0},
            {"id": -5},
            {"id": 2**63},
            {"id": int((NOW + 3600) * 1000)},
            {"at": None},
            {"at": "yesterday"},
            {"at": "2026-02-31T00:00:00Z"},
            {"at": "2026-02-01T00:00:00"},
            {"at": 5},
            {"kind": "other"},
            {"kind": []},
            {"camera": 5},
            {"camera": {"a": 1}},
            {"name": None},
            {"detail": ["x"]},
            {"detail": "a\nb"},
            {"detail": "\x1b[31m"},
            {"hint": "x" * 100_000},
            {"retry_in_s": "soon"},
            {"cause": {}},
        )
    ),
]


async def test_events_of_others_are_left_out_and_new_ones_follow(redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    for body in EVENTS:
        await client.xadd(EVENTS_KEY, {"event": body})
    await client.xadd(EVENTS_KEY, {"other": "field"})
    extra = {**GOOD, "script": "<script>", "nested": {"a": [1]}}
    await client.xadd(EVENTS_KEY, {"event": orjson.dumps(extra)})
    await client.xadd(EVENTS_KEY, {"event": orjson.dumps(GOOD)})
    async with archive_of(redis_url) as archive:
        found = await archive.load()
        assert list(found.events) == [GOOD_EVENT]
        history = History(partial(document_of, node="site-a"))
        history.restore(found.events)
        history.happened(happened(NOW))
        assert [event.detail for event in history.after(GOOD_EVENT.id)] == ["fine"]
        # Restored events go to the table of events as well.
        assert all(_row(event, (*_COLUMNS, _NODE)) for event in history.after(0))
        await archive.save(Records(history.after(GOOD_EVENT.id), {}, NOW), ())
        assert len((await archive.load()).events) == 2
    await client.aclose()


TIMELINES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b'{"spans":[],"restarts":null}',
    b'{"spans":[[1,2,3]],"restarts":[]}',
    b'{"spans":[["1","healthy"],[{},"down"]],"restarts":[]}',
    b'{"spans":[[1,"splendid"]],"restarts":[]}',
    b'{"spans":[[1,{}]],"restarts":[]}',
    b'{"spans":"xy","restarts":"z"}',
    b'{"spans":[[1e999,"down"]],"restarts":[]}',
    b'{"spans":[[NaN,"down"]],"restarts":[]}',
    b"[" * 100_000,
    b'{"spans":[' + b'[1,"down"],' * 200_000 + b'[1,"down"]],"restarts":[]}',
    b"\xff",
]


async def test_timelines_of_others_are_left_out(redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    for number, body in enumerate(TIMELINES):
        await client.hset(AVAILABILITY_KEY, f"bad{number}", body)
    await client.hset(AVAILABILITY_KEY, b"\xff\xfe", TIMELINES[0])
    good = orjson.dumps({"spans": [[NOW - 100, "healthy"]], "restarts": [NOW - 50]})
    await client.hset(AVAILABILITY_KEY, "1", good)
    async with archive_of(redis_url) as archive:
        found = (await archive.load()).timelines
    # Those that are lists of something have nothing that can be read, or a health that is not known.
    assert set(found) - {"1"} == {"bad3", "bad4", "bad5", "bad6", "bad7"} | (set(found) & {"bad9"})
    assert {span.health for key, each in found.items() for span in each.spans if key != "1"} <= {Health.UNKNOWN}
    assert found["1"].spans[0].health is Health.HEALTHY
    await client.aclose()


@pytest.mark.parametrize(
    ("spans", "restarts"),
    [
        ([[NOW + 1e9, "down"]], [NOW + 1e9]),
        ([[-1e300, "down"], [1e300, "healthy"]], [-5, 1e300]),
        ([[NOW - 10, "down"], [NOW - 100, "healthy"], [NOW - 50, "down"]], []),
        ([[NOW - 100, "healthy"], [NOW + 3600, "down"]], [NOW - 10, NOW + 10]),
        ([[NOW - 100 - number, "down"] for number in range(5000)], [NOW - 5] * 5000),
    ],
    ids=range(5),
)
async def test_what_is_to_come_or_out_of_order_does_no_lasting_harm(
    redis_url: str, spans: list[Any], restarts: list[float]
) -> None:
    client = Redis.from_url(redis_url)
    await client.hset(AVAILABILITY_KEY, "1", orjson.dumps({"spans": spans, "restarts": restarts}))
    await client.set(WATCHED_KEY, "99999999999999")
    async with archive_of(redis_url) as archive:
        found = await archive.load()
    assert found.watched_until <= time.time()
    timeline = Timeline().followed(Health.HEALTHY, NOW + 30).after(found.timelines["1"], found.watched_until)
    timeline = timeline.followed(Health.DOWN, NOW + 40).followed(Health.HEALTHY, NOW + 50)
    moments = [span.since for span in timeline.spans]
    assert moments == sorted(moments) and moments[-1] == NOW + 50
    result = availability(timeline, NOW + 60, KEPT_S)
    assert 0 <= (result.uptime_ratio or 0) <= 1 and 0 <= result.known_s <= KEPT_S + 1
    assert result.longest_outage_s < KEPT_S + 1 and math.isfinite(result.longest_outage_s)
    await client.aclose()


@pytest.mark.parametrize("until", [b"nan", b"inf", b"-inf", b"1e400", b"-5", b"x", b"\xff", b"9" * 5000])
async def test_when_it_was_watched_last(redis_url: str, until: bytes) -> None:
    client = Redis.from_url(redis_url)
    await client.set(WATCHED_KEY, until)
    async with archive_of(redis_url) as archive:
        assert 0 <= (await archive.load()).watched_until <= time.time()
    await client.aclose()


@pytest.mark.parametrize("key", [EVENTS_KEY, AVAILABILITY_KEY, WATCHED_KEY])
async def test_a_key_of_another_type_makes_room_with_one_line(
    redis_url: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Redis.from_url(redis_url)
    async with archive_of(redis_url) as archive:
        for _ in range(2):
            await client.delete(key)
            await client.sadd(key, "x")
            await archive.load()
            assert not await client.exists(key)
        await client.sadd(key, "x")
        await archive.save(Records([GOOD_EVENT], {"1": Timeline().followed(Health.DOWN, NOW)}, NOW), ())
        found = await archive.load()
    assert (len(found.events), set(found.timelines), found.watched_until) == (1, {"1"}, pytest.approx(NOW, abs=1))
    assert len(caplog.messages) == 3
    assert {text for text in caplog.messages if key in text and "was a set" in text} == set(caplog.messages)
    await client.aclose()


async def test_what_is_left_out_is_one_line(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    client = Redis.from_url(redis_url)
    for body in (b"{", b"[]", orjson.dumps(GOOD)):
        await client.xadd(EVENTS_KEY, {"event": body})
    await client.hset(AVAILABILITY_KEY, mapping={"1": b"{", "2": b"{", "3": b"{"})
    await client.set(WATCHED_KEY, "soon")
    async with archive_of(redis_url) as archive:
        assert list((await archive.load()).events) == [GOOD_EVENT]
    assert [text.split(":")[1] for text in caplog.messages] == [
        " 2 events are left out",
        " the availability of 3 cameras begins anew",
        " until when it was watched is not known",
    ]
    await client.aclose()
