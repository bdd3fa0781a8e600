"""The log of messages: in PostgreSQL, of all nodes, for as long as is wanted."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import asyncpg
import pytest
from pydantic import SecretStr

from restream.adapters.stores.postgres_deliveries import PostgresDeliveries
from restream.config.places import ROOT
from restream.config.settings import Settings
from restream.config.stream_sections import DatabaseSection
from restream.domain.camera.secret import Secret
from restream.domain.news.alert import Alert, AlertKind, Scope, Telling
from restream.domain.news.deliveries import AlertDelivery, DeliveryState
from restream.interfaces.console.findings import CheckState
from restream.ports.outlets import SinkError
from restream.preflight.records import check_kept
from restream.supervisor.outlets.delivery_keeper import DeliveryKeeper
from restream.supervisor.outlets.delivery_log import DeliveryLog
from tests.support.eventually import eventually

NOW = time.time()
DAY_S = 86400.0
SENT = AlertDelivery(
    "a", "desk", "day", AlertKind.DOWN, Telling.ESCALATION, Scope.PARENT, 40, "down: \udc80 \0", NOW, node="north"
)
ALERT = Alert(AlertKind.DOWN, NOW, Scope.CAMERA, 1, incident="4f1d")


async def create(dsn: str, *further: str) -> None:
    connection = await asyncpg.connect(dsn)
    schema = (ROOT / "etc" / "schema_deliveries.sql").read_text(encoding="utf-8")
    for statement in (schema, schema, *further):
        await connection.execute(statement)
    await connection.close()


async def test_messages_come_back_newest_first_with_what_became_of_them(dsn: str) -> None:
    store = PostgresDeliveries(Secret(dsn))
    assert not await store.exists()
    with pytest.raises(SinkError, match="restream_delivery"):
        await store.save([SENT])
    await create(
        dsn,
        "INSERT INTO restream_delivery (id, receiver, node, kind, scope, at, state) "
        "VALUES ('x', 'desk', 'n', 'down', 'moon', now(), 'sent')",
    )
    assert await store.exists()
    older = replace(SENT, id="b", at=NOW - 10 * DAY_S, receiver="phone", node="south", incident="4f1d")
    await store.save([SENT, older])
    taken = replace(SENT, state=DeliveryState.SENT, tries=2, done_at=NOW + 5, error="busy")
    await store.save([taken])
    first, second = await store.latest(10)
    assert replace(first, text="", at=0.0, done_at=None) == replace(taken, text="", at=0.0, done_at=None)
    assert first.at == pytest.approx(NOW) and first.done_at == pytest.approx(NOW + 5)
    assert (second.id, second.incident, second.node) == ("b", "4f1d", "south"), "what is not known is left out"
    assert len(await store.latest(1)) <= 1
    assert await store.prune(5 * DAY_S) == 1
    assert [each.id for each in await store.latest(10)] == ["a"]
    await store.close()


async def test_the_log_outlives_the_service_and_has_what_a_store_that_was_away_missed(dsn: str) -> None:
    await create(dsn)
    log = DeliveryLog(lambda _: "told", node="north")
    store = PostgresDeliveries(Secret(dsn))
    keeper = DeliveryKeeper(log, store, lambda: 90)
    log.begin("desk", "1", ALERT, "day")
    assert [each.state for each in await keeper.latest(10)] == ["waiting"], "before anybody has looked"
    changed = log.take_changed()
    log.tried("desk", "1", "away")
    log.give_back(changed)
    assert [each.tries for each in log.take_changed()] == [1], "the newest state counts"
    log.give_back(changed)
    task = asyncio.create_task(keeper.run())
    log.end("desk", "1", DeliveryState.SENT)

    async def kept() -> list[str]:
        return [each.state for each in await store.latest(10)]

    async def sent() -> bool:
        return await kept() == ["sent"]

    await eventually(sent, 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    # Another life of it, on another node.
    log, store = DeliveryLog(lambda _: "told", node="south"), PostgresDeliveries(Secret(dsn))
    keeper = DeliveryKeeper(log, store, lambda: 90)
    task = asyncio.create_task(keeper.run())
    await eventually(lambda: keeper.kept, 20)
    log.begin("desk", "2", ALERT, "day")
    found = await keeper.latest(10)
    assert [(each.id, each.node, each.incident) for each in found] == [("2", "south", "4f1d"), ("1", "north", "4f1d")]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_check_tells_of_tables_that_are_not_as_they_should_be(dsn: str) -> None:
    settings = Settings(database=DatabaseSection(dsn=SecretStr(dsn)))
    assert await check_kept(settings) == []
    history = (ROOT / "etc" / "schema_history.sql").read_text(encoding="utf-8")
    await create(dsn, history)
    assert [(each.name, each.state) for each in await check_kept(settings)] == [
        ("history", CheckState.OK),
        ("deliveries", CheckState.OK),
    ]
    await create(dsn, "ALTER TABLE restream_delivery DROP COLUMN incident", "DROP TABLE restream_watch")
    first, second = await check_kept(settings)
    assert (first.state, first.text) == (
        CheckState.WARN,
        "restream_watch is not there: what cameras were like cannot be kept",
    )
    assert "there is no restream_delivery.incident" in second.text and "init-db --deliveries" in second.todo
