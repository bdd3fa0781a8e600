"""What keeping the history of a large fleet costs: each cycle, each batch, a year of it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from restream.adapters.stores.postgres_spans import PostgresSpans
from restream.config.places import ROOT
from restream.demo.embedded import embedded_postgres
from restream.domain.camera.camera import RejectedRow
from restream.domain.camera.secret import Secret
from restream.domain.history.span import SpanMark
from restream.domain.history.span_log import SpanLog
from restream.domain.judgement.reason import Reason
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Cause, Side
from restream.ports.outlets import Documents
from restream.supervisor.outlets.span_keeper import SpanKeeper

_DOWN = Verdict(Health.DOWN, Side.CAMERA, (Reason(Cause.REFUSED, "refused"),))
_CYCLES = 200
_INTERVAL_S = 2.0
# A fleet in which each camera goes down and comes back so often.
_OUTAGES_A_DAY = 3
_FILL = """
INSERT INTO restream_span (node, id, camera, began, ended, state, cause, side, site, name)
SELECT 'bench', n, (n % $1)::text, at, at + interval '1 day' / $3,
    CASE n / $1 % 2 WHEN 0 THEN 'healthy' ELSE 'down' END,
    CASE n / $1 % 2 WHEN 0 THEN '' ELSE 'refused' END, CASE n / $1 % 2 WHEN 0 THEN 'none' ELSE 'camera' END,
    'Site ' || n % $1 % 20, 'Camera ' || n % $1
FROM generate_series(0, $1::int * $2::int * $3::int - 1) AS n,
    LATERAL (SELECT now() - interval '1 day' * $2 + interval '1 day' / $3 * (n / $1)) AS began (at)"""


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("history", help=__doc__)
    parser.add_argument("--cameras", type=int, default=5000)
    parser.add_argument("--days", type=int, default=31)
    parser.set_defaults(measure=measure)


@dataclass(frozen=True)
class _Seen:
    snapshot: Snapshot

    def documents(self) -> Documents:
        raise NotImplementedError


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Cycles without a database, batches with one, a month of rows in it."""
    result: dict[str, Any] = {"cameras": options.cameras}
    async with embedded_postgres() as secret:
        dsn = secret.reveal()
        connection = await asyncpg.connect(dsn)
        await connection.execute((ROOT / "etc" / "schema_history.sql").read_text(encoding="utf-8"))
        result |= _cycles(dsn, options.cameras)
        result |= await _batches(dsn, options.cameras)
        result |= await _month(connection, options)
        await connection.close()
    for key, value in result.items():
        sys.stdout.write(f"{key:52} {value}\n")
    return result


def _reports(cameras: int, down: frozenset[int]) -> Mapping[str, Report]:
    up = Verdict(Health.HEALTHY, Side.NONE)
    return {
        str(number): Report(RejectedRow(str(number), f"Camera {number}", ""), _DOWN if number in down else up, 0.0)
        for number in range(cameras)
    }


def _cycles(dsn: str, cameras: int) -> dict[str, Any]:
    keeper, found = SpanKeeper(PostgresSpans(Secret(dsn), "bench"), keep_days=400), {}
    for name, share in (("nothing changes", 0.0), ("2 % change", 0.02)):
        cycles = []
        for number in range(_CYCLES):
            some = int(cameras * share)
            down = (
                frozenset((number // 2 * some + each) % cameras for each in range(some)) if number % 2 else frozenset()
            )
            seen = _Seen(Snapshot(number, 1e9 + _INTERVAL_S * number, 0.0, _reports(cameras, down), table_read=True))
            began = time.thread_time()
            keeper.publish(seen)
            cycles.append(time.thread_time() - began)
        found[f"ms of CPU in a cycle, {name}"] = round(1000 * sorted(cycles)[len(cycles) // 2], 2)
    return found


async def _batches(dsn: str, cameras: int) -> dict[str, Any]:
    log, store = SpanLog(), PostgresSpans(Secret(dsn), "bench")
    await store.resume()
    marks = {key: report.verdict for key, report in _reports(cameras, frozenset()).items()}
    log.follow({key: SpanMark(verdict.health, site="Site", name="Camera") for key, verdict in marks.items()}, 1e9)
    began = time.monotonic()
    while batch := log.take(2_000):
        await store.save(batch, None)
        log.written(batch)
    took = time.monotonic() - began
    await store.close()
    return {"s until the first spans of all are written": round(took, 2)}


async def _month(connection: asyncpg.Connection[Any], options: argparse.Namespace) -> dict[str, Any]:
    await connection.execute("TRUNCATE restream_span")
    await connection.execute(_FILL, options.cameras, options.days, 2 * _OUTAGES_A_DAY, timeout=600)
    rows = await connection.fetchval("SELECT count(*) FROM restream_span")
    size = await connection.fetchval("SELECT pg_total_relation_size('restream_span')")
    return {
        f"rows of {options.days} days, {_OUTAGES_A_DAY} outages a day and camera": rows,
        "bytes a row, with indexes": round(size / rows),
    }
