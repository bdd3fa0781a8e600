"""Secrets in files: the service begins with them, SIGHUP reads them again, and a file that is gone changes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.support.eventually import eventually
from tests.support.servers import StandIn
from tests.support.service import PROGRAM, RunningService, environment, running_service, settings_of

pytestmark = pytest.mark.usefixtures("ffmpeg")


async def status(service: RunningService, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{service.base_url}/api/cameras"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status


async def test_a_token_is_replaced_while_the_service_runs(tmp_path: Path, dsn: str, stand_in: StandIn) -> None:
    token, credentials = tmp_path / "token", tmp_path / "credentials"
    token.write_text("first-token\n", encoding="utf-8")
    credentials.mkdir()
    (credentials / "database.dsn").write_text(dsn, encoding="utf-8")
    overrides = {"RESTREAM_HTTP__TOKEN_FILE": str(token), "CREDENTIALS_DIRECTORY": str(credentials)}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        assert [await status(service, each) for each in ("first-token", "second-token")] == [200, 401]
        token.write_text("second-token\n", encoding="utf-8")
        service.process.send_signal(signal.SIGHUP)
        await eventually(lambda: "configuration re-read" in service.log, 10)
        assert "next restart" not in service.log
        assert [await status(service, each) for each in ("first-token", "second-token")] == [401, 200]
        token.unlink()
        service.process.send_signal(signal.SIGHUP)
        await eventually(lambda: f"http.token: {token}: cannot be read: No such file" in service.log, 10)
        assert "the old one stays in force" in service.log
        assert await status(service, "second-token") == 200
        assert not any("-token" in text for text in (service.log, *service.seen))


def test_a_file_that_is_not_there_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, 1, None) | {"PG_DSN_FILE": str(tmp_path / "missing")}
    run = subprocess.run(
        [sys.executable, PROGRAM, "check"],
        env=environment(settings),
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"restream: PG_DSN_FILE: {tmp_path}/missing: cannot be read: No such file or directory\n"
