"""The writer of histories against a scripted InfluxDB, and against real servers that read line protocol."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec
import pytest
from aiohttp import web
from msgspec.structs import replace

from restream.adapters.stores.influx import InfluxStore
from restream.demo.embedded import free_port
from restream.domain.camera.secret import Secret
from restream.domain.host_sample import HostSample, SpaceSample
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.line_buffer import Rejected, Unavailable, WriteOutcome, Written
from restream.domain.news.component import ComponentState
from restream.interfaces.documents.cameras import CameraDocument, VerdictDocument
from restream.interfaces.documents.host_document import host_document
from restream.interfaces.documents.status import ServiceFacts, status
from restream.interfaces.series.line_protocol import PRECISION, cameras, fleet, host, line
from restream.supervisor.components import Components
from restream.supervisor.outlets.line_writer import MAX_BATCH_LINES, LineWriter
from tests.browser import fleet as simulated
from tests.support.eventually import eventually

TOKEN = "t0ken-with=specials&more"
LINES = ["camera,id=1 up=1i 1000", "camera,id=2 up=0i 1000"]


class ScriptedInflux:
    """Takes writes as InfluxDB 2 does, or answers with the next of `answers`."""

    def __init__(self) -> None:
        self.answers: list[web.Response | float] = []
        """A number: seconds to wait before the usual answer."""
        self.lines: list[str] = []
        self.sizes: list[int] = []
        self.requests: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = []
        self.port = free_port()
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append((request.method + " " + request.path, dict(request.query), dict(request.headers)))
        body = await request.read()  # unpacked on the way
        answer = self.answers.pop(0) if self.answers else 0.0
        if isinstance(answer, web.Response):
            return answer
        await asyncio.sleep(answer)
        found = body.decode().split("\n")
        self.lines += found
        self.sizes.append(len(found))
        return web.Response(status=204)


def store_of(url: str, precision: str = "ms") -> InfluxStore:
    return InfluxStore(url, token=Secret(TOKEN), org="My org", bucket="cams/1", precision=precision)


async def write(url: str, lines: list[str]) -> WriteOutcome:
    store = store_of(url)
    try:
        return await store.write(lines)
    finally:
        await store.close()


async def test_a_batch_as_influxdb_wants_it() -> None:
    async with ScriptedInflux() as server:
        assert await write(server.url + "/", [*LINES, 'm,t=Zürich\\ 1 s="ü"']) == Written()
    assert server.lines == [*LINES, 'm,t=Zürich\\ 1 s="ü"']
    ((request, query, headers),) = server.requests
    assert request == "POST /api/v2/write"
    assert query == {"org": "My org", "bucket": "cams/1", "precision": "ms"}
    assert headers["Authorization"] == f"Token {TOKEN}" and headers["Content-Encoding"] == "gzip"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_the_body_is_really_compressed() -> None:
    received = bytearray()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.readuntil(b"\r\n\r\n"))
        length = int(received.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        received.extend(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await write(f"http://127.0.0.1:{port}", LINES * 1000) == Written()
    body = bytes(received.split(b"\r\n\r\n", 1)[1])
    assert gzip.decompress(body).decode().split("\n") == LINES * 1000 and len(body) < 2000


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, '{"code":"invalid","message":"unable to parse\\n line"}', Rejected("HTTP 400: unable to parse line")),
        (
            401,
            '{"message":"no"}',
            Unavailable("HTTP 401: set influx.token to a token that may write to the bucket: no", 60.0),
        ),
        (403, "", Unavailable("HTTP 403: the token may not write to this bucket", 60.0)),
        (404, "", Unavailable("HTTP 404: check influx.org and influx.bucket", 60.0)),
        (413, "<html>too large</html>", Rejected("HTTP 413: <html>too large</html>")),
        (422, "[1]", Rejected("HTTP 422: [1]")),
        (429, "", Unavailable("HTTP 429")),
        (500, '{"message": 5}', Unavailable('HTTP 500: {"message": 5}')),
        (503, '{"error":"starting"}', Unavailable("HTTP 503: starting")),
        (302, "", Unavailable("HTTP 302")),
    ],
)
async def test_what_the_answers_mean(status: int, body: str, outcome: WriteOutcome) -> None:
    async with ScriptedInflux() as server:
        server.answers = [web.Response(status=status, text=body, headers={"Location": "/elsewhere"})]
        assert await write(server.url, LINES) == outcome
        assert len(server.requests) == 1


@pytest.mark.parametrize(("value", "wanted_s"), [("7", 7), ("0", 0), ("soon", None), ("-1", None), ("", None)])
async def test_retry_after_in_seconds(value: str, wanted_s: float | None) -> None:
    async with ScriptedInflux() as server:
        server.answers = [web.Response(status=503, headers={"Retry-After": value})]
        assert await write(server.url, LINES) == Unavailable("HTTP 503", wanted_s)


async def test_retry_after_as_a_date() -> None:
    async with ScriptedInflux() as server:
        server.answers = [web.Response(status=429, headers={"Retry-After": formatdate(time.time() + 60, usegmt=True)})]
        outcome = await write(server.url, LINES)
    assert isinstance(outcome, Unavailable) and outcome.retry_after_s and 50 < outcome.retry_after_s <= 61


async def test_a_token_never_gets_into_a_text() -> None:
    async with ScriptedInflux() as server:
        spelled = "t0ken-with%3Dspecials%26more"
        said = f"bad token {TOKEN} ({spelled}), Authorization: Bearer abcdef " + "x" * 10_000
        server.answers = [web.Response(status=401, text=said), web.Response(status=500, text=said)]
        store = store_of(server.url)
        outcomes = [await store.write(LINES), await store.write(LINES)]
        await store.close()
    for outcome in outcomes:
        assert not isinstance(outcome, Written)
        assert TOKEN not in outcome.detail and spelled not in outcome.detail and "abcdef" not in outcome.detail
        assert "***" in outcome.detail and len(outcome.detail) <= 200
    assert TOKEN not in repr(vars(store))


async def test_a_database_that_is_away_or_talks_nonsense() -> None:
    assert await write(f"http://127.0.0.1:{free_port()}", LINES) == Unavailable("Connection refused")

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 ftp ready\r\n")
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    async with server:
        outcome = await write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", LINES)
    assert isinstance(outcome, Unavailable) and outcome.detail


async def test_a_database_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restream.adapters.stores.influx._TIMEOUT_S", 0.2)
    async with ScriptedInflux() as server:
        server.answers = [5.0]
        assert await write(server.url, LINES) == Unavailable("no answer within 0.2 s")


async def test_nothing_is_lost_over_an_outage() -> None:
    components, server, turns = Components(), ScriptedInflux(), iter(range(1_000_000))
    samples: list[str] = []

    def sample(_: str) -> list[str]:
        turn = next(turns)
        new = [f"m,n={turn * 2000 + n} v=1i" for n in range(2000)]
        samples.extend(new)
        return new

    writer = LineWriter(store_of(server.url), sample, components, interval_s=0.1)
    writer.publish("cycle")
    task = asyncio.create_task(writer.run())
    try:
        await eventually(lambda: components.state("influx") is ComponentState.DOWN, 10)
        await eventually(lambda: writer.waiting > 2 * MAX_BATCH_LINES, 10)
        async with server:
            await eventually(lambda: components.state("influx") is ComponentState.UP and writer.written_total, 10)
            await eventually(lambda: len(server.lines) > 12_000, 10)
            assert writer.dropped_total == 0 and max(server.sizes) <= MAX_BATCH_LINES
            assert server.lines == samples[: len(server.lines)], "in order, without gap and without repetition"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_nothing_is_lost_until_a_token_or_bucket_is_repaired(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restream.adapters.stores.influx._REPAIR_PACE_S", 0.1)
    components, samples = Components(), iter([["m v=1i 1"], ["m v=1i 2"]])
    async with ScriptedInflux() as server:
        server.answers = [web.Response(status=status), web.Response(status=status)]
        writer = LineWriter(store_of(server.url), lambda _: next(samples, []), components, interval_s=0.1)
        writer.publish("cycle")
        task = asyncio.create_task(writer.run())
        try:
            await eventually(lambda: components.state("influx") is ComponentState.DOWN, 10)
            await eventually(lambda: components.state("influx") is ComponentState.UP, 20)
            await eventually(lambda: server.lines == ["m v=1i 1", "m v=1i 2"], 10)
            assert writer.dropped_total == 0
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


# --- servers that really read line protocol


def of_camera(number: int, **changes: Any) -> CameraDocument:
    return msgspec.convert(simulated.camera(number, **changes), CameraDocument)


NASTY = replace(
    of_camera(7, bitrate_bps=2_000_000, readers=2, rtt_ms=12.5, loss_ratio=0.015, restarts=3),
    name='Gate "1", north = süd \\',
    site="a\\b, c",
    host="10.0.0.7",
    verdict=msgspec.convert(simulated.verdict("degraded", "network"), VerdictDocument),
)
WANTED_TAGS = {"id": "7", "name": 'Gate "1", north = süd /', "site": "a/b, c", "host": "10.0.0.7"}
STATUS = status(ServiceFacts("edge 1", "1", "i", 0.0, 2.0), Snapshot(1, 0.0, 0.0), [NASTY])
HOST = host_document(HostSample(cpu_percent=12.5, disks=(SpaceSample(1 << 41, 1 << 40, 50.0, "/srv/my disk"),)))


def everything(at_s: float) -> list[str]:
    return [*cameras([(NASTY, None)], at_s), *fleet(STATUS, at_s), *host(HOST, "edge 1", at_s)]


@asynccontextmanager
async def running(*argv: str, ready_url: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )

    async def ready() -> bool:
        assert process.returncode is None
        try:
            async with aiohttp.ClientSession() as session, session.get(ready_url) as response:
                return response.status < 300
        except aiohttp.ClientError:
            return False

    try:
        await eventually(ready, 20, f"{argv[0]} answers")
        yield
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.program("victoria-metrics")
async def test_victoria_metrics_takes_what_is_written(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    arguments = (f"-storageDataPath={tmp_path}", f"-httpListenAddr=127.0.0.1:{port}", "-loggerLevel=ERROR")
    at_s = time.time() - 60
    async with running("victoria-metrics", *arguments, ready_url=f"{url}/health"), aiohttp.ClientSession() as session:
        assert await write(url, everything(at_s)) == Written()

        async def series() -> dict[str, dict[str, Any]]:
            await (await session.get(f"{url}/internal/force_flush")).release()
            async with session.get(f"{url}/api/v1/export", params={"match[]": '{__name__!=""}'}) as response:
                found = [json.loads(each) for each in (await response.text()).splitlines()]
            named = {each["metric"].pop("__name__"): each for each in found}
            assert "camera_rtt_ms" in named and "disk_percent" in named and "fleet_cameras" in named
            return named

        found = await eventually(series, 20, "what was written can be read")
    wanted = {"up": 1, "bitrate_bps": 2_000_000, "readers": 2, "restarts": 3, "rtt_ms": 12.5, "loss_ratio": 0.015}
    for field, value in wanted.items():
        each = found[f"camera_{field}"]
        assert each["values"] == [value] and each["timestamps"] == [round(at_s * 1000)], field
        assert {key: text for key, text in each["metric"].items() if key != "db"} == WANTED_TAGS
    assert found["disk_used_bytes"]["values"] == [1 << 40]
    assert found["disk_percent"]["metric"]["mount"] == "/srv/my disk"
    assert found["fleet_health_degraded"]["values"] == [1] and found["fleet_health_down"]["values"] == [0]


@pytest.mark.program("influxd")
async def test_influxdb_reads_the_lines_as_they_are_meant(tmp_path: Path) -> None:
    """InfluxDB 1.x has the same parser; its older address for writing takes the same lines."""
    http, rpc = free_port(), free_port()
    config = tmp_path / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n[meta]\ndir = "{tmp_path}/meta"\n'
        f'[data]\ndir = "{tmp_path}/data"\nwal-dir = "{tmp_path}/wal"\n[http]\nbind-address = "127.0.0.1:{http}"\n',
        encoding="utf-8",
    )
    url, at_s = f"http://127.0.0.1:{http}", time.time() - 60
    extreme = line(
        "extreme", {"t": "x\\", "u": "y"}, {"s": 'a "b" \\ c,=\n', "i": (1 << 63) - 1, "f": 1e-9, "b": True}, at_s
    )
    async with (
        running("influxd", "-config", str(config), ready_url=f"{url}/ping"),
        aiohttp.ClientSession() as session,
    ):
        async with session.post(f"{url}/query", params={"q": "CREATE DATABASE d"}) as response:
            assert response.status == 200
        body = "\n".join([*everything(at_s), str(extreme)])
        async with session.post(
            f"{url}/write", params={"db": "d", "precision": PRECISION}, data=body.encode()
        ) as response:
            assert response.status == 204, await response.text()

        async def row(measurement: str) -> dict[str, Any]:
            query = {"db": "d", "q": f"SELECT * FROM {measurement}", "epoch": "ms"}
            async with session.get(f"{url}/query", params=query) as response:
                (table,) = (await response.json())["results"][0]["series"]
            (values,) = table["values"]
            return dict(zip(table["columns"], values, strict=True))

        camera, disk, odd = await row("camera"), await row("disk"), await row("extreme")
    assert camera == {
        **WANTED_TAGS,
        **{key: getattr(NASTY, key) for key in ("restarts", "bitrate_bps", "readers", "rtt_ms", "loss_ratio")},
        "up": 1,
        "health": "degraded",
        "fault": "network",
        "time": round(at_s * 1000),
    }
    assert (disk["mount"], disk["node"], disk["percent"]) == ("/srv/my disk", "edge 1", 50)
    assert (odd["t"], odd["u"], odd["s"], odd["i"]) == ("x/", "y", 'a "b" \\ c,= ', (1 << 63) - 1)
    assert (odd["f"], odd["b"]) == (1e-9, True)
