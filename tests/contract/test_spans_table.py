"""What cameras were like in PostgreSQL: kept over outages, restarts and several nodes, and never more than was seen."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from restream.adapters.stores.postgres_span_reader import PostgresSpanReader
from restream.adapters.stores.postgres_spans import PostgresSpans
from restream.config.places import ROOT
from restream.domain.camera.camera import RejectedRow
from restream.domain.camera.secret import Secret
from restream.domain.history.span import HealthSpan, SpanMark
from restream.domain.history.span_log import NumberedSpan
from restream.domain.judgement.reason import Reason
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Cause, Side
from restream.interfaces.reports.availability_report import availability_report
from restream.interfaces.reports.period import Period
from restream.ports.outlets import Documents, SinkError
from restream.supervisor.outlets.span_keeper import SpanKeeper
from tests.support.eventually import eventually

SCHEMA = (ROOT / "etc" / "schema_history.sql").read_text(encoding="utf-8")
HEALTHY = Verdict(Health.HEALTHY, Side.NONE)
DOWN = Verdict(Health.DOWN, Side.CAMERA, (Reason(Cause.REFUSED, "refused"),))
UP_MARK = SpanMark(Health.HEALTHY, "", "none", "North", "Gate")


@dataclass(frozen=True)
class Cycle:
    """A cycle of an outlet that looks at the snapshot alone."""

    snapshot: Snapshot

    def documents(self) -> Documents:
        raise NotImplementedError


def cycle(verdicts: Mapping[str, Verdict], at: float | None = None) -> Cycle:
    reports = {key: Report(RejectedRow(key, f"camera {key}", ""), verdict, 0.0) for key, verdict in verdicts.items()}
    return Cycle(Snapshot(1, time.time() if at is None else at, 0.0, reports, table_read=True))


@pytest.fixture
async def tables(dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    yield connection
    await connection.close()


async def rows(connection: asyncpg.Connection[Any]) -> list[Any]:
    found = await connection.fetch(
        "SELECT node, camera, state, cause, side, extract(epoch FROM began)::float8 AS began, "
        "extract(epoch FROM ended)::float8 AS ended FROM restream_span ORDER BY node, camera, began"
    )
    return [dict(row) for row in found]


@contextlib.asynccontextmanager
async def running(dsn: str, node: str = "a", **options: Any) -> AsyncIterator[SpanKeeper]:
    """A keeper that writes all the time."""
    keeper = SpanKeeper(PostgresSpans(Secret(dsn), node), keep_days=400, every_s=0.02, look_again_s=0.05, **options)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_camera_goes_down_and_comes_back(dsn: str, tables: asyncpg.Connection[Any]) -> None:
    at = time.time() - 30
    async with running(dsn) as keeper:
        for second, verdict in enumerate([HEALTHY, HEALTHY, DOWN, DOWN, HEALTHY]):
            keeper.publish(cycle({"1": verdict, "2": HEALTHY}, at + second))
        await eventually(lambda: keeper.written_total >= 4, 10)
    told = [
        (row["camera"], row["state"], row["cause"], row["side"], row["ended"] is None) for row in await rows(tables)
    ]
    assert told == [
        ("1", "healthy", "", "none", False),
        ("1", "down", "refused", "camera", False),
        ("1", "healthy", "", "none", True),
        ("2", "healthy", "", "none", True),
    ]
    first, second, *_ = await rows(tables)
    assert first["ended"] == pytest.approx(second["began"], abs=1e-5)
    # Its end has told until when it watched, by the database's clock.
    seen = await tables.fetchval("SELECT extract(epoch FROM seen)::float8 FROM restream_watch WHERE node = 'a'")
    assert seen == pytest.approx(at + 4, abs=1)


async def test_the_next_life_ends_what_the_last_one_left_open_where_it_was_seen_last(
    dsn: str, tables: asyncpg.Connection[Any]
) -> None:
    at = time.time() - 3600
    async with running(dsn) as keeper:
        keeper.publish(cycle({"1": HEALTHY}, at))
        keeper.publish(cycle({"1": HEALTHY}, at + 20))
        await eventually(lambda: keeper.written_total, 10)
    async with running(dsn) as keeper:
        keeper.publish(cycle({"1": HEALTHY}, at + 3000))
        await eventually(lambda: keeper.written_total, 10)
    first, second = await rows(tables)
    assert first["ended"] - first["began"] == pytest.approx(20, abs=0.6)
    assert second["began"] - first["began"] == pytest.approx(3000, abs=0.6) and second["ended"] is None


async def test_a_database_that_is_away_gets_everything_later(dsn: str, tables: asyncpg.Connection[Any]) -> None:
    name, at = dsn.rpartition("/")[2], time.time() - 300
    admin = await asyncpg.connect(dsn.rpartition("/")[0] + "/postgres")
    async with running(dsn) as keeper:
        keeper.publish(cycle({"1": HEALTHY}, at))
        await eventually(lambda: keeper.written_total == 1, 10)
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> $2",
            name,
            tables.get_server_pid(),
        )
        for second in range(1, 100):
            keeper.publish(cycle({"1": DOWN if second % 2 else HEALTHY}, at + second))
        seen = await tables.fetchval("SELECT count(*) FROM restream_span")
        assert seen == 1
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await eventually(lambda: keeper.written_total > 90, 20)
        assert keeper.dropped_total == 0
    spans = await rows(tables)
    assert len(spans) == 100 and all(
        one["ended"] == pytest.approx(two["began"], abs=1e-5) for one, two in itertools.pairwise(spans)
    )
    await admin.close()


async def test_without_tables_nothing_is_kept_and_it_begins_when_they_come(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with running(dsn) as keeper:
        keeper.publish(cycle({"1": HEALTHY}))
        await eventually(lambda: "no history is kept" in caplog.text, 10)
        connection = await asyncpg.connect(dsn)
        await connection.execute(SCHEMA)
        await eventually(lambda: "there now" in caplog.text, 10)
        keeper.publish(cycle({"1": DOWN}))
        await eventually(lambda: keeper.written_total, 10)
        assert [row["state"] for row in await rows(connection)] == ["down"]
        await connection.execute("DROP TABLE restream_span, restream_watch")
        keeper.publish(cycle({"1": HEALTHY}))
        await connection.execute(SCHEMA)
    await connection.close()
    assert caplog.text.count("no history is kept") == 1


async def test_of_several_nodes_one_tells_of_rows_that_none_supervises(
    dsn: str, tables: asyncpg.Connection[Any]
) -> None:
    async with running(dsn, "a") as first, running(dsn, "b", leads=lambda: False) as second:
        for keeper in (first, second):
            keeper.publish(cycle({"1": DOWN}))
        await eventually(lambda: first.written_total, 10)
    assert [(row["node"], row["camera"]) for row in await rows(tables)] == [("a", "1")]
    assert {row["node"] for row in await tables.fetch("SELECT node FROM restream_watch")} >= {"a"}


async def test_a_batch_that_is_sent_twice_is_there_once(dsn: str, tables: asyncpg.Connection[Any]) -> None:
    store = PostgresSpans(Secret(dsn), "a")
    assert await store.resume() == 0
    batch = [NumberedSpan(number, HealthSpan(str(number), 1e9, None, UP_MARK)) for number in range(1, 4)]
    for _ in range(2):
        assert await store.save(batch, 1e9 + 5)
    ended = [NumberedSpan(number, span._replace(ended=1e9 + 7)) for number, span in batch]
    await store.save(ended, 1e9 + 7)
    assert await store.resume() == 3
    await store.close()
    assert [row["ended"] - row["began"] for row in await rows(tables)] == [pytest.approx(7)] * 3


async def test_what_is_older_than_the_retention_goes_also_of_nodes_that_are_gone(
    dsn: str, tables: asyncpg.Connection[Any]
) -> None:
    await tables.execute(
        "INSERT INTO restream_span (node, id, camera, began, ended, state) SELECT 'old', n, n::text, "
        "now() - interval '3 days', CASE WHEN n % 2 = 0 THEN now() - interval '2 days' END, 'healthy' "
        "FROM generate_series(1, 12000) AS n"
    )
    await tables.execute("INSERT INTO restream_watch VALUES ('old', now() - interval '2 days'), ('a', now())")
    await tables.execute(
        "INSERT INTO restream_span (node, id, camera, began, state) VALUES ('a', 1, '1', now() - interval '3 days', '')"
    )
    store = PostgresSpans(Secret(dsn), "a")
    assert await store.prune(3 * 86_400) == 0
    assert await store.prune(86_400) == 12_000
    await store.close()
    assert [row["node"] for row in await rows(tables)] == ["a"]
    assert [row["node"] for row in await tables.fetch("SELECT node FROM restream_watch")] == ["a"]


async def test_a_right_that_is_missing_is_one_line_that_says_what_to_do(
    dsn: str, tables: asyncpg.Connection[Any]
) -> None:
    role = f"reader_{time.time_ns()}"
    await tables.execute(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON restream_span, restream_watch TO {role}")
    address = dsn.rpartition("@")[2] if "@" in dsn else dsn.partition("://")[2]
    store = PostgresSpans(Secret(f"postgresql://{role}@{address}"), "a")
    with pytest.raises(SinkError, match="grant this user what etc/schema_history"):
        await store.resume()
    await store.close()
    await tables.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def report_of(dsn: str, begin: float, end: float, sites: Any = None) -> Any:
    reader = PostgresSpanReader(Secret(dsn))
    try:
        return await availability_report(reader, Period("", begin, end, "UTC"), sites)
    finally:
        await reader.close()


async def test_a_report_of_what_was_kept(dsn: str, tables: asyncpg.Connection[Any]) -> None:
    """Down for 60 of 600 s, written and read; the time after it was seen last is unknown."""
    at = time.time() - 3600
    async with running(dsn) as keeper:
        for second in range(0, 601, 20):
            keeper.publish(cycle({"1": DOWN if 100 <= second < 160 else HEALTHY, "2": HEALTHY}, at + second))
        await eventually(lambda: keeper.written_total >= 4, 10)
    report = await report_of(dsn, at, at + 1000)
    by_id = {camera.camera: camera.figures for camera in report.cameras}
    assert by_id["1"].down_s == pytest.approx(60, abs=1) and by_id["1"].outages == 1
    assert by_id["1"].up_s == pytest.approx(540, abs=1) and by_id["1"].unknown_s == pytest.approx(400, abs=1)
    assert by_id["2"].availability == 1
    assert {site.site: site.cameras for site in report.by_site} == {"": 2}
    assert not (await report_of(dsn, at, at + 1000, ["North"])).cameras


async def test_a_node_that_watches_now_is_known_until_it_said_so(dsn: str, tables: asyncpg.Connection[Any]) -> None:
    await tables.execute(
        "INSERT INTO restream_span (node, id, camera, began, state) VALUES ('a', 1, '1', now() - interval '1 hour', "
        "'healthy'), ('b', 1, '2', now() - interval '1 hour', 'down'), ('b', 2, '3', now() - interval '1 hour', 'new')"
    )
    await tables.execute(
        "INSERT INTO restream_watch VALUES ('a', now() - interval '20 s'), ('b', now() - interval '10 min')"
    )
    report = await report_of(dsn, time.time() - 600, time.time())
    by_id = {camera.camera: camera.figures for camera in report.cameras}
    assert by_id["1"].unknown_s == 0 and by_id["1"].up_s == pytest.approx(580, abs=2)
    assert "2" not in by_id or by_id["2"].unknown_s == pytest.approx(580, abs=2)
    assert "3" not in by_id or by_id["3"].up_s == 0


async def test_a_camera_that_moved_between_nodes_is_one_also_over_portions(
    dsn: str, tables: asyncpg.Connection[Any]
) -> None:
    await tables.execute(
        "INSERT INTO restream_span (node, id, camera, began, ended, state) SELECT CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' "
        "END, n, c::text, to_timestamp(1e9 + n), to_timestamp(1e9 + n + 1), CASE n % 2 WHEN 0 THEN 'healthy' ELSE "
        "'down' END FROM generate_series(0, 2999) AS n, generate_series(1, 3) AS c "
        "ON CONFLICT DO NOTHING"
    )
    await tables.execute(
        "INSERT INTO restream_span (node, id, camera, began, ended, state) SELECT 'c', 10 * n + c, c::text, "
        "to_timestamp(1e9 + n), to_timestamp(1e9 + n + 1), CASE n % 2 WHEN 0 THEN 'healthy' ELSE 'down' END "
        "FROM generate_series(0, 2999) AS n, generate_series(2, 3) AS c"
    )
    report = await report_of(dsn, 1e9, 1e9 + 3000)
    assert [(each.camera, each.figures.outages, each.figures.unknown_s) for each in report.cameras] == [
        (camera, 1500, 0) for camera in "123"
    ]


async def test_without_tables_there_is_no_report(dsn: str) -> None:
    assert await report_of(dsn, 0, 1) is None
