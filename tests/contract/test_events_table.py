"""Events in PostgreSQL: in the table of today, in one from before nodes had names, and in none."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from restream.adapters.postgres import execute_script
from restream.adapters.stores.postgres_events import PostgresEvents
from restream.config.places import ROOT
from restream.config.settings import Settings
from restream.domain.camera.secret import Secret
from restream.domain.news.component import ComponentState
from restream.domain.news.event import ComponentChange
from restream.interfaces.console.findings import CheckState, Finding
from restream.interfaces.documents.events import event
from restream.ports.outlets import Records, SinkError
from restream.preflight.records import check_events

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


async def finding(dsn: str) -> Finding | None:
    """What `restream check` says of the table."""
    return next(iter(await check_events(Settings(database={"dsn": dsn}))), None)


# Of every age: also one whose uniqueness has a name of its own, one that has none, and one of today.
@pytest.mark.parametrize(
    "before",
    [
        BEFORE,
        BEFORE.replace("bigint PRIMARY KEY", "bigint, CONSTRAINT once UNIQUE (id)"),
        BEFORE.replace("bigint PRIMARY KEY", "bigint"),
        TODAY,
    ],
)
async def test_a_table_from_before_becomes_one_of_today(dsn: str, before: str) -> None:
    await run(dsn, before)
    table = PostgresEvents(Secret(dsn))
    await table.save(records("a"), ())
    found = await finding(dsn)
    assert found is not None
    assert (found.state is CheckState.OK, "init-db --events" in found.todo) == (before == TODAY, before != TODAY)
    for _ in range(2):
        await execute_script(Secret(dsn), TODAY)
    found = await finding(dsn)
    assert found is not None and found.state is CheckState.OK
    await table.close()
    for _ in range(2):
        await table.save(records("b", "c"), ())
    await table.close()
    # What stood there stays, and is of no node.
    assert [row["node"] for row in await rows(dsn)] == ["a" if before == TODAY else None, "b", "c"]
    connection = await asyncpg.connect(dsn)
    unique = await connection.fetch(
        "SELECT contype, cardinality(conkey) AS columns FROM pg_constraint"
        " WHERE conrelid = 'restream_event'::regclass AND contype IN ('p', 'u')"
    )
    await connection.close()
    assert [row["columns"] for row in unique] == [2]


async def test_the_check_tells_of_a_right_that_is_missing(dsn: str) -> None:
    assert await finding(dsn) is None, "without a table there is nothing to say"
    await run(dsn, TODAY)
    await run(dsn, "DROP ROLE IF EXISTS reads_events; CREATE ROLE reads_events LOGIN PASSWORD 'hidden'")
    try:
        found = await finding(dsn.replace("//restream@", "//reads_events:hidden@"))
        assert found is not None
        assert (found.state, "INSERT" in found.text, "grant" in found.todo) == (CheckState.WARN, True, True)
    finally:
        await run(dsn, "DROP ROLE reads_events")


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
