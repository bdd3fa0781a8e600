"""The exporter over HTTP: what promtool says of it, its paths, and a scrape of thousands of cameras."""

from __future__ import annotations

import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer

from restream.domain.judgement.status import CameraStatus
from tests.unit.fakes import camera
from tests.unit.test_metrics import RUNNING, Desk, snapshot


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(desk.exporter.application())) as client:
        yield client


async def test_only_metrics_is_there(client: TestClient) -> None:
    response = await client.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert [(await client.get(path)).status for path in ("/", "/metrics/", "/api/cameras")] == [404, 404, 404]


@pytest.mark.program("promtool")
async def test_promtool_complains_of_nothing_but_the_classic_names(client: TestClient) -> None:
    body = await (await client.get("/metrics")).read()
    found = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
    complaints = (found.stdout + found.stderr).decode().splitlines()
    # Names that dashboards and agreements rely on; received_bytes_total tells the same in base units.
    agreed = {"camera_stream_total", "camera_stream_status_total", "restream_camera_bitrate_bits_per_second"}
    assert {line.split()[0] for line in complaints} == agreed, complaints


async def test_a_scrape_of_thousands_is_quick_and_whole(desk: Desk, client: TestClient) -> None:
    rows = {str(number): CameraStatus(camera(number), RUNNING, None, None) for number in range(10, 5010)}
    desk.snapshot = replace(snapshot(5, **rows), generation=5)
    began = time.perf_counter()
    body = await (await client.get("/metrics")).read()
    took_s = time.perf_counter() - began
    assert body.count(b"restream_camera_up{") == 5004
    assert took_s < 3
