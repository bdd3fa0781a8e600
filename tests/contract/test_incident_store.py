"""The port `IncidentStore`: in PostgreSQL, and in Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from pydantic import SecretStr

from restream.adapters.stores.postgres_incidents import PostgresIncidents
from restream.adapters.stores.postgres_windows import PostgresWindows
from restream.adapters.stores.redis_incidents import RedisIncidents
from restream.adapters.stores.redis_windows import RedisWindows
from restream.config.places import ROOT
from restream.config.settings import Settings
from restream.config.stream_sections import DatabaseSection
from restream.domain.camera.secret import Secret
from restream.domain.maintenance.window import Calendar, MaintenanceWindow
from restream.domain.news.incident import Bond, Deed, Entry, Incident, IncidentScope
from restream.interfaces.console.findings import CheckState
from restream.ports.incidents import AddedEntry, IncidentStore
from restream.ports.maintenance import WindowStore
from restream.ports.outlets import SinkError
from restream.preflight.records import check_records

SCHEMA = (ROOT / "etc" / "schema_records.sql").read_text(encoding="utf-8")
CAMERAS = frozenset({"1", "two", "ümlaut"})
OPEN = Incident(
    "a1", Bond(IncidentScope.SITE, "North", "contact"), "unreachable", "network", 1e9, CAMERAS, CAMERAS | {"4"}, 3
)
ENDED = replace(
    OPEN, id="b2", bond=Bond(IncidentScope.CAMERA, "7"), began=1e9 - 500, ended=1e9 - 100, members=frozenset()
)


async def create(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    await connection.execute(SCHEMA)
    await connection.close()


@pytest.fixture(params=["postgres", "redis"])
async def store(request: pytest.FixtureRequest, dsn: str, redis_url: str) -> AsyncIterator[IncidentStore]:
    made: IncidentStore
    if request.param == "postgres":
        await create(dsn)
        made = PostgresIncidents(Secret(dsn))
    else:
        made = RedisIncidents(Secret(redis_url), "site:")
    yield made
    await made.close()


async def test_incidents_come_back_as_they_were(store: IncidentStore) -> None:
    assert await store.exists()
    assert list(await store.load(0.0)) == []
    first = Entry("e1", 1e9 + 5, "Ann", Deed.ACKNOWLEDGE, "on my way")
    second = Entry("e2", 1e9 + 6, "", Deed.SNOOZE, "", 1e9 + 600)
    await store.save([OPEN, ENDED], [AddedEntry("a1", first), AddedEntry("a1", second)])
    await store.save([], [AddedEntry("a1", first)])
    assert list(await store.load(0.0)) == [ENDED, replace(OPEN, entries=(first, second))]
    assert [each.id for each in await store.load(1e9)] == ["a1"], "open ones, and those that ended since"
    over = replace(OPEN, ended=1e9 + 50, members=frozenset(), times=2, merged_into="c3")
    await store.save([over], [])
    assert [each.id for each in await store.load(1e9 + 60)] == []
    assert list(await store.between(1e9 + 20, 1e9 + 30, 10)) == [replace(over, entries=(first, second))]
    assert [each.id for each in await store.between(0.0, 2e9, 1)] == ["a1"], "the newest so many"
    assert list(await store.between(1e9 - 90, 1e9 - 10, 10)) == []


@pytest.mark.parametrize("place", ["postgres", "redis"])
async def test_maintenance_windows_come_back_as_they_were(place: str, dsn: str, redis_url: str) -> None:
    await create(dsn)
    made: WindowStore = PostgresWindows(Secret(dsn)) if place == "postgres" else RedisWindows(Secret(redis_url), "")
    once = MaintenanceWindow("a", "new switch", 1e9, 1e9 + 100, sites=frozenset({"North"}), who="Ann", made=1e9)
    weekly = MaintenanceWindow("b", "", 1e9, None, Calendar("0 2 * * 0", 7200.0, "Europe/Berlin"), made=1e9 + 1)
    assert await made.exists()
    for each in (once, weekly):
        await made.put(each)
    assert list(await made.load(1e9)) == [once, weekly]
    await made.put(replace(weekly, ended=1e9 + 50))
    assert list(await made.load(1e9 + 10)) == [once, replace(weekly, ended=1e9 + 50)]
    assert list(await made.load(1e9 + 60)) == [once]
    assert list(await made.load(1e9 + 200)) == []
    await made.close()


async def test_without_the_tables_there_is_no_place(dsn: str) -> None:
    table = PostgresIncidents(Secret(dsn))
    assert not await table.exists()
    with pytest.raises(SinkError, match="restream_incident"):
        await table.save([OPEN], [])
    await create(dsn)
    assert await table.exists()
    await table.close()


async def test_what_another_version_wrote_is_left_out(dsn: str) -> None:
    await create(dsn)
    table = PostgresIncidents(Secret(dsn))
    await table.save([OPEN], [])
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO restream_incident (id, began, scope, place) VALUES ('z', now(), 'moon', '')")
    await connection.close()
    assert [each.id for each in await table.load(0.0)] == ["a1"]
    await table.close()


async def test_what_somebody_else_wrote_into_redis_is_left_out(redis_url: str) -> None:
    store = RedisIncidents(Secret(redis_url), "")
    await store.save([OPEN], [])
    await store._connection.redis.hset("restream:incidents", mapping={"x": "nonsense", "y": '{"id": 5}'})
    assert [each.id for each in await store.load(0.0)] == ["a1"]
    await store.close()


async def test_the_check_tells_of_tables_that_are_not_as_they_should_be(dsn: str) -> None:
    settings = Settings(database=DatabaseSection(dsn=SecretStr(dsn)))
    assert await check_records(settings) == []
    await create(dsn)
    assert [finding.state for finding in await check_records(settings)] == [CheckState.OK]
    connection = await asyncpg.connect(dsn)
    await connection.execute("DROP TABLE restream_maintenance")
    await connection.close()
    (finding,) = await check_records(settings)
    assert finding.state is CheckState.WARN and "restream_maintenance" in finding.text and "init-db" in finding.todo
