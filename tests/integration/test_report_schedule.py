"""Reports by schedule: when they are due, into files, by e-mail, and what becomes of failures."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from aiosmtpd.controller import Controller

from restream.config.places import ROOT
from restream.config.reports_section import ReportEntry
from restream.config.settings import ConfigError, Settings, load_settings
from restream.demo.embedded import free_port
from restream.domain.news.component import ComponentState
from restream.service.report_schedule import COMPONENT, ReportSchedule, due
from restream.service.secrets_in_use import SecretsInUse
from restream.supervisor.components import Components
from tests.support.eventually import eventually

SCHEMA = (ROOT / "etc" / "schema_history.sql").read_text(encoding="utf-8")
FILL = """
INSERT INTO restream_span (node, id, camera, began, ended, state, name)
VALUES ('a', 1, '1', now() - interval '3 days', now() - interval '1 hour', 'healthy', 'Gate')"""


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


@pytest.mark.parametrize(
    ("cron", "after", "now", "is_due"),
    [
        ("30 6 1 * *", "2026-11-01T06:29:50", "2026-11-01T06:30:10", True),
        ("30 6 1 * *", "2026-11-01T06:30:10", "2026-11-01T06:30:30", False),
        ("30 6 1 * *", "2026-10-30T12:00:00", "2026-11-03T12:00:00", True),
        # It does not exist on this night, and is not left out.
        ("30 2 * * *", "2026-03-29T01:59:50", "2026-03-29T03:30:10", True),
        ("0 7 * * 1", "2026-11-30T06:59:59", "2026-11-30T07:00:00", True),
    ],
)
def test_when_it_is_due(cron: str, after: str, now: str, is_due: bool) -> None:
    entry = ReportEntry(cron=cron, directory=Path("/x"))
    assert list(due([entry], "Europe/Berlin", at(after), at(now))) == [entry] * is_due


@pytest.mark.parametrize("cron", ["", "soon", "61 * * * *", "0 0 31 2 *", "* * * *"])
def test_a_time_that_never_comes_is_no_schedule(tmp_path: Path, cron: str) -> None:
    file = tmp_path / "restream.yml"
    file.write_text(f'reports: {{schedule: [{{cron: "{cron}", directory: /x}}]}}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"reports\.schedule\.0\.cron: expected five fields"):
        load_settings(file)


def scheduled(dsn: str, entry: ReportEntry, **smtp: Any) -> tuple[ReportSchedule, Settings, Components]:
    loaded = load_settings(pg_dsn=dsn)
    settings = loaded.model_copy(
        update={
            "reports": loaded.reports.model_copy(update={"schedule": (entry,)}),
            "smtp": loaded.smtp.model_copy(update=smtp),
        }
    )
    components = Components()
    return ReportSchedule(lambda: settings, SecretsInUse(settings), components, lambda: True), settings, components


async def test_into_a_file_and_by_e_mail(dsn: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA + ";" + FILL)
    await connection.close()
    letters: list[Any] = []

    class Taker:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            letters.append(envelope)
            return "250 taken"

    port = free_port()
    controller = Controller(Taker(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        entry = ReportEntry(
            cron="* * * * *",
            range="yesterday",
            format="csv",
            name="north",
            directory=tmp_path,
            recipients=("ops@example.com",),
        )
        schedule, settings, _ = scheduled(dsn, entry, host="127.0.0.1", port=port, security="none")
        name = await schedule.make(settings, entry)
    finally:
        controller.stop()
    assert [file.name for file in tmp_path.iterdir()] == [name] and name.startswith("north-2")
    assert b"Gate" in (tmp_path / name).read_bytes()
    (letter,) = letters
    content = bytes(letter.content)
    assert letter.rcpt_tos == ["ops@example.com"] and name.encode() in content and b"100.000 %" in content


async def test_what_fails_shows_and_is_tried_again(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restream.service.report_schedule._TRY_AGAIN_S", 0.0)
    entry = ReportEntry(cron="* * * * *", range="yesterday", format="text", directory=tmp_path)
    schedule, _, components = scheduled(dsn, entry)
    schedule._look_every_s = 0.05
    schedule._failed = [(time.time(), 1, entry)]
    task = asyncio.create_task(schedule.run())
    try:
        await eventually(lambda: components.state(COMPONENT) is ComponentState.DOWN, 10)
        assert "init-db --history" in components.all[COMPONENT].detail
        connection = await asyncpg.connect(dsn)
        await connection.execute(SCHEMA + ";" + FILL)
        await connection.close()
        schedule._failed.append((time.time(), 1, entry))
        await eventually(lambda: components.state(COMPONENT) is ComponentState.UP, 10)
        assert len(list(tmp_path.iterdir())) == 1
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
