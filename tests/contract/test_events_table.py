"""Events in PostgreSQL: in the table of today, in one from before nodes had names, and in none."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from restream.adapters.stores.postgres_events import PostgresEvents
from restream.config.places import ROOT
from restream.domain.camera.secret import Secret
from restream.domain.news.component import ComponentState
from restream.domain.news.event import ComponentChange
from restream.interfaces.documents.events import event
from restream.ports.outlets import Records, SinkError

TODAY = (ROOT / "etc" / "schema_events.sql").read_text(encoding="utf-8")
BEFORE = """
CREATE TABLE restream_event (
    id bigint PRIMARY KEY, at timestamptz NOT NULL, kind text NOT NULL, camera text, name text, before text, after text,
    cause text, side text, detail text
)"""


def records(*nodes: str) -> Records:
    """One event of each node, all at the same moment."""
    happened = ComponentChange(1e9, "redis", ComponentState.UP, ComponentState.DOWN, "gone")
    return Records([event(10**12, happened, node=node) for node in nodes])


async def rows(dsn: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return [dict(row) for row in await connection.fetch("SELECT * FROM restream_event")]
    finally:
        await connection.close()


async def run(dsn: str, script: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(script)
    await connection.close()


async def test_the_same_moment_on_two_nodes_is_two_events(dsn: str) -> None:
    await run(dsn, TODAY)
    table = PostgresEvents(Secret(dsn))
    for _ in range(2):
        await table.save(records("a", "b"), ())
    await table.close()
    assert sorted((row["id"], row["node"], row["detail"]) for row in await rows(dsn)) == [
        (10**12, "a", "gone"),
        (10**12, "b", "gone"),
    ]


async def test_a_table_from_before_is_filled_as_it_is(dsn: str) -> None:
    await run(dsn, BEFORE)
    table = PostgresEvents(Secret(dsn))
    for _ in range(2):
        await table.save(records("a"), ())
    (row,) = await rows(dsn)
    assert (row["id"], row["name"], row["detail"]) == (10**12, "redis", "gone") and "node" not in row
    await table.close()


async def test_a_column_that_comes_and_goes_is_followed(dsn: str) -> None:
    await run(dsn, TODAY)
    table = PostgresEvents(Secret(dsn))
    await table.save(records("a"), ())
    await run(dsn, "ALTER TABLE restream_event DROP COLUMN node; TRUNCATE restream_event")
    with pytest.raises(SinkError, match="node"):
        await table.save(records("a"), ())
    await table.save(records("a"), ())
    assert [row["detail"] for row in await rows(dsn)] == ["gone"]
    await run(dsn, "ALTER TABLE restream_event ADD COLUMN node text; TRUNCATE restream_event")
    await table.close()
    await table.save(records("b"), ())
    assert [row["node"] for row in await rows(dsn)] == ["b"]
    await table.close()


async def test_without_a_table_nothing_is_kept_and_nobody_complains(dsn: str) -> None:
    table = PostgresEvents(Secret(dsn))
    await table.save(records("a"), ())
    assert not (await table.load()).events
    await table.close()
