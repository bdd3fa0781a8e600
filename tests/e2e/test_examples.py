"""The examples of docs/frontend.md and docs/api.md, run as they are against a running service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.browser.conftest import CHROMIUM, async_playwright
from tests.conftest import needs
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.examples import commands, examples
from tests.support.openapi import DOCUMENT, answer_schema, conforms, misfits
from tests.support.servers import TestServer
from tests.support.service import ROOT, RunningService, environment, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")

DOCUMENTED = "http://127.0.0.1:8000"
_PICTURES = {"RESTREAM_PICTURES__ENABLED": "true", "RESTREAM_PICTURES__INTERVAL_S": "2"}
# A test message is sent to somebody, whether he takes it or not.
_ALERTS = {"RESTREAM_ALERTS__WEBHOOKS": '[{"url": "http://127.0.0.1:1/"}]'}


@pytest.fixture
async def service(
    tmp_path: Path,
    dsn: str,
    database: asyncpg.Connection,
    redis_url: str,
    add_camera: AddCamera,
    stand_in: TestServer,
) -> AsyncIterator[RunningService]:
    """One healthy camera and one with a wrong password; everything is on that an example may ask for."""
    await database.execute((ROOT / "etc" / "schema_history.sql").read_text(encoding="utf-8"))
    await add_camera(1)
    await add_camera(2, password="wrong")
    overrides = {
        "PG_DSN": dsn,
        "RESTREAM_REDIS__URL": redis_url,
        "RESTREAM_HOST__INTERVAL_S": "1",
        **_PICTURES,
        **_ALERTS,
    }
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as running:
        await running.reach({"1": "healthy", "2": "held"})
        await running.component("redis", "up")
        await eventually(lambda: _measured(running), 20)
        yield running


async def _measured(service: RunningService) -> bool:
    return "error" not in await service.get("/api/host")


async def _shell(line: str, tmp_path: Path, base_url: str, redis_url: str) -> str:
    """What a line prints once no server says no: the line before it may have restarted the camera."""
    script = (
        'set -eu; TOKEN=any; curl() { command curl --fail-with-body "$@"; }; '
        f'redis-cli() {{ command redis-cli -e -u {redis_url} "$@"; }}; {line.replace(DOCUMENTED, base_url)}'
    )

    async def run() -> tuple[str]:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", script), cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, f"{line}\n{output.decode()}{errors.decode()}"
        return (output.decode(),)

    return (await eventually(run, 20))[0]


def _described(line: str) -> tuple[str, str]:
    """Method and path of the operation that a curl line asks for."""
    found = re.search(rf"{DOCUMENTED}([^'\s]*)", line)
    assert found, line
    asked = urlsplit(found[1]).path
    path = next(
        path
        for path in sorted(DOCUMENT["paths"], key=lambda path: "{" in path)
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), asked)
    )
    return ("post" if "-X POST" in line else "get"), path


@pytest.mark.parametrize("page", ["frontend.md", "api.md"])
async def test_the_lines_for_a_shell(
    request: pytest.FixtureRequest, tmp_path: Path, service: RunningService, redis_url: str, page: str
) -> None:
    needs(request.config, shutil.which("curl") and shutil.which("redis-cli"), "curl or redis-cli")
    (tmp_path / "rows.csv").write_text("id,name\n1,Gate\n", encoding="utf-8")
    lines = commands(page)
    asked = [line for line in lines if line.startswith("curl ")]
    assert len(asked) >= 5
    for line in asked:
        method, path = _described(line)
        if "{" in path.removeprefix("/api/cameras/{id}"):
            continue  # a picture, an incident, a window that this service has not
        output = await _shell(line, tmp_path, service.base_url, redis_url)
        if " -o " in line:
            assert (tmp_path / line.split(" -o ")[1].split()[0]).read_bytes().startswith(b"\xff\xd8")
        else:
            status = next(iter(DOCUMENT["paths"][path][method]["responses"]))
            assert misfits(json.loads(output), answer_schema(path, int(status), method)) == [], line
    others = [line for line in lines if line not in asked]
    assert {line.split()[0] for line in others} <= {"redis-cli"}
    for line in others:
        documents = [
            json.loads(each)
            for each in (await _shell(line, tmp_path, service.base_url, redis_url)).splitlines()
            if each.startswith("{")
        ]
        assert documents, line
        for document in documents:
            conforms(document, "Camera" if "restream:cameras" in line else "Event")


@contextlib.asynccontextmanager
async def _program(source: str, tmp_path: Path, settings: Mapping[str, str]) -> AsyncIterator[list[str]]:
    """A Python example while it runs: the lines it has printed so far."""
    path = tmp_path / "example.py"
    path.write_text(source, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", str(path)),
        env=environment(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    printed: list[str] = []

    async def read(output: asyncio.StreamReader) -> None:
        while line := await output.readline():
            printed.append(line.decode().rstrip())

    reading = asyncio.create_task(read(process.stdout))
    try:
        yield printed
    finally:
        process.kill()
        await process.wait()
        await reading


async def _act(service: RunningService, tmp_path: Path, action: str) -> None:
    await _shell(f"curl -s -X POST {DOCUMENTED}/api/cameras/1/{action}", tmp_path, service.base_url, "none")


async def test_the_python_example_that_follows_by_websocket(tmp_path: Path, service: RunningService) -> None:
    (source,) = (each for each in examples("frontend.md", "python") if "ws_connect" in each)
    async with _program(source, tmp_path, {"RESTREAM_URL": service.base_url}) as printed:
        await eventually(lambda: {"1 Camera 1 healthy", "2 Camera 2 down"} <= {_words(line) for line in printed}, 20)
        await _act(service, tmp_path, "hold")
        await eventually(lambda: _words(printed[-1]) == "1 Camera 1 disabled", 20)


def _words(line: str) -> str:
    """Without the hint."""
    return " ".join(line.split()[:4])


async def test_the_python_example_that_follows_by_redis(
    tmp_path: Path, service: RunningService, redis_url: str
) -> None:
    (source,) = (each for each in examples("frontend.md", "python") if "import redis" in each)
    client = Redis.from_url(redis_url)

    async def listens() -> bool:
        return bool(await client.pubsub_numsub("restream:changes")) and (
            dict(await client.pubsub_numsub("restream:changes"))[b"restream:changes"] > 0
        )

    try:
        async with _program(source, tmp_path, {"RESTREAM_REDIS": redis_url}) as printed:
            await eventually(listens, 20)
            await _act(service, tmp_path, "hold")
            await eventually(lambda: "1 disabled" in printed, 20)
    finally:
        await client.aclose()


async def test_the_javascript_example(request: pytest.FixtureRequest, tmp_path: Path, service: RunningService) -> None:
    needs(request.config, async_playwright and CHROMIUM, "Chromium with Playwright")
    (source,) = examples("frontend.md", "js")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = await browser.new_page()
            await page.goto(service.base_url)
            # Until then it may load itself anew.
            await page.locator(".row.camera").first.wait_for()
            await page.evaluate(f"() => {{ {source}\nwindow.followed = cameras; }}")
            healthy = "([id, health]) => window.followed.get(id)?.verdict.health === health"
            await page.wait_for_function(healthy, arg=["1", "healthy"], timeout=20_000)
            await _act(service, tmp_path, "hold")
            await page.wait_for_function(healthy, arg=["1", "disabled"], timeout=20_000)
        finally:
            await browser.close()


async def test_the_keys_of_redis(service: RunningService, redis_url: str) -> None:
    """The table of keys in docs/frontend.md: all there, and nothing else."""
    text = Path(__file__).resolve().parents[2].joinpath("docs", "frontend.md").read_text(encoding="utf-8")
    section = text.partition("## Near it: Redis")[2].partition("\n## ")[0]
    node = (await service.get("/api/status"))["node"]
    told = {
        key.replace("NODE", node).replace("CAMERA", "1") for key in re.findall(r"^\| `([\w:]+)` \|", section, re.M)
    } - {"restream:changes"}
    # What pictures have shown is kept only once they were taken.
    told -= {"restream:picture:1"}
    client = Redis.from_url(redis_url)
    try:

        async def there() -> bool:
            kept = {key.decode() for key in await client.keys("*")} - {"restream:picture:1"}
            assert kept == told
            return True

        await eventually(there, 20)
        conforms(json.loads(await client.get("restream:host:latest")), "Host")
        whole = json.loads(await client.get("restream:snapshot"))
        assert set(whole) == {"time", "generation", "components", "cameras"}
        for each in whole["cameras"]:
            conforms(each, "Camera")
    finally:
        await client.aclose()
