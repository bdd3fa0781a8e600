"""A real Prometheus scrapes, loads our rules, and answers every query of our dashboards."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from restream.adapters.processes import ChildProcess
from restream.config import ROOT
from restream.demo.embedded import free_port
from restream.domain.plan import Command
from tests.support.eventually import eventually

DASHBOARDS = sorted((ROOT / "etc" / "grafana" / "dashboards").glob("*.json"))
CAMERA = 'camera="1",name="Gate"'
STREAM = 'stream_id="1",stream_name="Gate",node_num="0",state_text="RUNNING",source_host="node"'
# One sample of everything docs/metrics.md lists.
EXPOSITION = f"""\
camera_stream_status_up{{{STREAM}}} 1
camera_stream_total{{stream_name="Gate"}} 1
camera_stream_status_total{{stream_name="Gate",state_text="RUNNING"}} 1
stream_api_response_time_seconds{{source_host="other"}} 0.1
stream_api_errors_total{{source_host="other"}} 0
restream_camera_up{{{CAMERA}}} 1
restream_camera_health{{{CAMERA},health="healthy"}} 1
restream_camera_health{{{CAMERA},health="down"}} 0
restream_camera_restarts_total{{{CAMERA},cause="stalled"}} 2
restream_camera_bitrate_bits_per_second{{{CAMERA}}} 2000000
restream_camera_readers{{{CAMERA}}} 1
restream_camera_received_bytes_total{{{CAMERA}}} 123456
restream_camera_srt_rtt_seconds{{{CAMERA}}} 0.02
restream_camera_srt_loss_ratio{{{CAMERA}}} 0.001
restream_camera_publisher_cpu_seconds_total{{{CAMERA}}} 3.5
restream_camera_publisher_resident_bytes{{{CAMERA}}} 25000000
restream_cameras{{health="healthy",phase="running"}} 1
restream_cameras{{health="degraded",phase="running"}} 0
restream_cameras{{health="down",phase="backoff"}} 0
restream_start_queue_length 0
restream_component_up{{component="mediamtx"}} 1
restream_cycle_seconds_bucket{{le="0.1"}} 5
restream_cycle_seconds_bucket{{le="+Inf"}} 5
restream_cycle_seconds_count 5
restream_cycle_seconds_sum 0.2
restream_build_info{{version="0.1.0"}} 1
restream_websocket_clients 0
restream_events_total{{kind="camera"}} 1
restream_alerts_total{{outcome="sent"}} 0
restream_host_cpu_ratio 0.2
restream_host_memory_used_ratio 0.4
restream_host_load1 0.5
restream_host_disk_used_ratio{{mount="/"}} 0.5
restream_host_temperature_celsius{{sensor="cpu"}} 50
restream_host_network_received_bytes_per_second{{interface="eth0"}} 1000
restream_host_network_sent_bytes_per_second{{interface="eth0"}} 1000
"""


@pytest.fixture
async def exporter() -> AsyncIterator[str]:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=EXPOSITION, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"127.0.0.1:{port}"
    await runner.cleanup()


@pytest.fixture
async def prometheus(tmp_path: Path, exporter: str) -> AsyncIterator[str]:
    """Base URL of a Prometheus with our configuration, only its targets and its pace changed."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("no prometheus on PATH")
    document = yaml.safe_load((ROOT / "etc" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    document["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    document["rule_files"] = [str(ROOT / "etc" / "prometheus" / "alerts.yml")]
    document["scrape_configs"] = [{"job_name": "restream", "static_configs": [{"targets": [exporter]}]}]
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    arguments = (
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
    )
    server = await ChildProcess.spawn(Command((binary, *arguments)), lambda _: None)
    try:
        yield f"http://{address}"
    finally:
        await asyncio.shield(server.stop(5))
        await server.ended()


async def ask(base: str, path: str, **parameters: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"{base}/api/v1/{path}", params=parameters) as response:
        document = await response.json()
    assert document["status"] == "success", document
    return document["data"]


def queries() -> list[str]:
    found = []
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            found += [target["expr"] for target in panel["targets"] if "expr" in target]
    return found


def filled(query: str) -> str:
    """As Grafana sends it."""
    query = query.replace("$__rate_interval", "10s").replace("$__range", "10s")
    return re.sub(r"\$(node|stream|camera)\b", ".*", query)


async def test_rules_load_and_every_dashboard_query_has_an_answer(prometheus: str) -> None:
    async def scraped() -> bool:
        try:
            # Two scrapes: rates need them.
            data = await ask(prometheus, "query", query="count_over_time(restream_build_info[1m]) >= 3")
        except (aiohttp.ClientError, OSError):
            return False
        return bool(data["result"])

    await eventually(scraped, 25, "Prometheus has scraped three times")
    for query in [*queries(), 'max by (stream_name) (camera_stream_status_up{stream_name=~".*"})']:
        data = await ask(prometheus, "query", query=filled(query))
        assert data["result"], f"no answer to {query}"
    groups = (await ask(prometheus, "rules"))["groups"]
    assert sum(len(group["rules"]) for group in groups) >= 9
    assert all(rule["health"] in ("ok", "unknown") for group in groups for rule in group["rules"])
