"""A real Prometheus scrapes the running service, loads our rules, and answers every query of our dashboards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import yaml

from restream.adapters.processes.child_process import ChildProcess
from restream.config.places import ROOT
from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from restream.domain.ffmpeg.invocation import Invocation
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import RealMediamtx, TestServer
from tests.support.service import RunningService, running_service
from tests.support.visionaire import ScriptedServer, details, hang
from tests.support.webhooks import receiver

DASHBOARDS = sorted((ROOT / "etc" / "grafana" / "dashboards").glob("*.json"))
CLASSIC = 'max by (stream_name) (camera_stream_status_up{stream_name=~".*"})'
VISIONAIRE = {("0", "hall"): details(), ("1", "yard"): details("STOPPED")}


@contextlib.asynccontextmanager
async def prometheus(tmp_path: Path, target: str) -> AsyncIterator[str]:
    """Base URL of a Prometheus with our configuration, only its targets and its pace changed."""
    document = yaml.safe_load((ROOT / "etc" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    document["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    document["rule_files"] = [str(ROOT / "etc" / "prometheus" / "alerts.yml")]
    document["scrape_configs"] = [{"job_name": "restream", "static_configs": [{"targets": [target]}]}]
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    arguments = (
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
    )
    server = ChildProcess.spawn(Invocation(("prometheus", *arguments)), lambda _: None)
    try:
        yield f"http://{address}"
    finally:
        await asyncio.shield(server.stop(5))
        await server.ended()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> TestServer:
    """A real MediaMTX where there is one: the stand-in knows no SRT."""
    return request.getfixturevalue("mediamtx" if find_mediamtx() is not None else "stand_in")


async def ask(base: str, path: str, **parameters: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"{base}/api/v1/{path}", params=parameters) as response:
        document = await response.json()
    assert document["status"] == "success", document
    return document["data"]


async def values(base: str, query: str, label: str) -> dict[str, float]:
    """A query's answer, by one label."""
    found = (await ask(base, "query", query=query))["result"]
    return {each["metric"].get(label, ""): float(each["value"][1]) for each in found}


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


async def absent(service: RunningService, server: TestServer) -> str:
    """A pattern of the metrics that this machine cannot have."""
    names = [] if (await service.get("/api/host"))["temperatures"] else ["restream_host_temperature_celsius"]
    return "|".join([*names, "restream_camera_srt"] if server.name == "stand-in" else names) or "(?!)"


@pytest.mark.program("prometheus", "ffmpeg")
async def test_prometheus_answers_every_query_about_the_running_service(
    tmp_path: Path,
    dsn: str,
    ffmpeg: str,
    database: asyncpg.Connection[asyncpg.Record],
    add_camera: AddCamera,
    server: TestServer,
) -> None:
    await add_camera(1)
    await add_camera(2, options='{"publish": "srt"}' if isinstance(server, RealMediamtx) else None)
    await add_camera(3, password="wrong")
    metrics_port = free_port()
    async with (
        ScriptedServer(VISIONAIRE) as good,
        ScriptedServer(VISIONAIRE) as hanging,
        receiver() as webhook,
    ):
        hanging.answers["*"] = hang
        overrides = {
            "PG_DSN": dsn,
            "RESTREAM_METRICS__PORT": str(metrics_port),
            "RESTREAM_VISIONAIRE__HOSTS": json.dumps([good.url, hanging.url]),
            "RESTREAM_VISIONAIRE__INTERVAL_S": "5",
            "RESTREAM_ALERTS__WEBHOOKS": json.dumps([webhook.url]),
            "RESTREAM_ALERTS__DOWN_AFTER_S": "0",
        }
        if isinstance(server, RealMediamtx):
            overrides["RESTREAM_MEDIAMTX__SRT_URL"] = f"srt://127.0.0.1:{server.srt_port}"
        async with running_service(tmp_path, server=server, overrides=overrides) as service:
            await service.reach({"1": "healthy", "2": "healthy", "3": "held"})
            os.kill((await service.pids())["1"], 9)
            async with prometheus(tmp_path, f"127.0.0.1:{metrics_port}") as base:
                missing = await absent(service, server)

                async def answered() -> bool:
                    for query in map(filled, queries()):
                        data = await ask(base, "query", query=query)
                        assert data["result"] or re.search(missing, query), f"no answer to {query}"
                    return True

                async def scraped() -> bool:
                    with contextlib.suppress(aiohttp.ClientError, OSError):
                        return bool(await values(base, "count_over_time(restream_build_info[1m]) >= 3", "job"))
                    return False

                await eventually(scraped, 30, "Prometheus has scraped three times")
                await service.reach({"1": "healthy"})
                await eventually(answered, 30)

                async def classic() -> bool:
                    wanted = {"Camera 1": 1, "Camera 2": 1, "Camera 3": 0, "Name of hall": 1, "Name of yard": 0}
                    shown = await values(base, CLASSIC, "stream_name")
                    assert shown == wanted
                    return True

                await eventually(classic, 30)

                # The server that hangs delays neither the other one nor a scrape.
                cycle = 1 + len(VISIONAIRE)
                await eventually(lambda: len(good.asked) >= 3 * cycle, 30, "the good server is asked again and again")
                errors = await values(base, "stream_api_errors_total", "source_host")
                hosts = [url.removeprefix("http://") for url in (good.url, hanging.url)]
                assert errors[hosts[0]] == 0 < errors[hosts[1]]
                assert (await values(base, "min_over_time(up[1m])", "job")) == {"restream": 1}
                assert (await values(base, "max_over_time(scrape_duration_seconds[1m])", "job"))["restream"] < 1

                groups = (await ask(base, "rules"))["groups"]
                assert sum(len(group["rules"]) for group in groups) >= 9
                assert all(rule["health"] in ("ok", "unknown") for group in groups for rule in group["rules"])
