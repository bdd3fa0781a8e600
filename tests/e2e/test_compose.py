"""The whole stack in containers, where a Docker Engine with the compose plugin answers; skipped visibly elsewhere."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from restream.config.places import ROOT
from restream.demo.embedded import free_port
from tests.support.eventually import eventually

docker = pytest.importorskip("docker")

DELIVERED = (
    *("docker-compose.yml", "docker_compose_start.sh", ".env.example", "Dockerfile", ".dockerignore"),
    *("requirements.lock", "srvc_restream.py", "container", "src", "etc"),
)
RUNNING = {"postgres", "redis", "mediamtx", "restream", "prometheus", "influxdb", "grafana", "demo-cameras"}
# Images are pulled and one is built.
LIMIT_S = 1500

pytestmark = pytest.mark.timeout(LIMIT_S)


class Stack:
    """A project of its own in a copy of what is delivered, with secrets and ports of its own."""

    def __init__(self, directory: Path, client: Any) -> None:
        self._directory, self._client = directory, client
        self._name = f"restream-test-{os.getpid()}"
        for name in DELIVERED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, directory / name)
        text = (ROOT / ".env.example").read_text(encoding="utf-8")
        self.values = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
        for key in self.values:
            if key.endswith("_PORT"):
                self.values[key] = str(free_port())
        self.values["STREAMS_BIND"] = "127.0.0.1"
        lines = "".join(f"{key}={value}\n" for key, value in self.values.items())
        (directory / ".env").write_text(lines, encoding="utf-8")

    def secrets(self) -> dict[str, str]:
        """Those that the start script has made, by name."""
        return {path.name: path.read_text(encoding="utf-8") for path in (self._directory / "secrets").iterdir()}

    async def run(self, *arguments: str) -> str:
        """A command in the project's directory; what it printed. AssertionError when it fails."""
        process = await asyncio.create_subprocess_exec(
            *arguments,
            cwd=self._directory,
            env={**os.environ, "COMPOSE_PROJECT_NAME": self._name},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await process.communicate())[0].decode()
        assert process.returncode == 0, f"{arguments}\n{output}"
        return output

    def containers(self) -> dict[str, Any]:
        """By service, as the Engine describes them now; those that ran to their end too."""
        label = f"com.docker.compose.project={self._name}"
        found = self._client.containers.list(all=True, filters={"label": label})
        return {each.labels["com.docker.compose.service"]: each for each in found}

    async def get(self, port: str, path: str, **options: Any) -> Any:
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{self.values[port]}{path}"
            async with session.get(url, **options) as response:
                assert response.status == 200, f"{path}: {response.status} {await response.text()}"
                return await response.json()


@pytest.fixture
def client() -> Iterator[Any]:
    if shutil.which("docker") is None:
        pytest.skip("no docker on PATH")
    for arguments, lack in ((("version",), "no Docker Engine answers"), (("compose", "version"), "no compose plugin")):
        if subprocess.run(["docker", *arguments], capture_output=True, check=False, timeout=30).returncode:
            pytest.skip(lack)
    client = docker.from_env()
    yield client
    client.close()


async def test_the_stack_starts_and_every_part_of_it_works(tmp_path: Path, client: Any) -> None:
    stack = Stack(tmp_path, client)
    try:
        # Not --wait: that takes the end of demo-rows for a failure.
        await stack.run("./docker_compose_start.sh", "--demo")
        await eventually(lambda: _healthy(stack), 300)
        await _looks(stack)
    finally:
        await stack.run("docker", "compose", "--profile", "demo", "down", "--volumes", "--timeout", "30")
    assert stack.containers() == {}


def _healthy(stack: Stack) -> bool:
    containers = stack.containers()
    states = {name: each.attrs["State"] for name, each in containers.items()}
    assert set(states) == {*RUNNING, "demo-rows", "tables"}
    wrong = {name: states[name] for name in RUNNING if states[name].get("Health", {}).get("Status") != "healthy"}
    assert not wrong, wrong
    assert states["demo-rows"]["ExitCode"] == states["tables"]["ExitCode"] == 0
    for name in RUNNING:
        settings = containers[name].attrs["HostConfig"]
        assert settings["RestartPolicy"]["Name"] == "unless-stopped"
        assert settings["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}
        assert settings["Init"]
    secrets = stack.secrets().values()
    shown = json.dumps([each.attrs for each in containers.values()])
    assert secrets and not any(secret in shown for secret in secrets)
    assert containers["restream"].attrs["Config"]["User"] == "restream"
    return True


async def _looks(stack: Stack) -> None:
    """Cameras watchable, metrics scraped, time series written, dashboards there, no secret in any log."""
    bearer = {"Authorization": f"Bearer {stack.secrets()['restream_token']}"}

    async def watchable() -> bool:
        cameras = await stack.get("HTTP_PORT", "/api/cameras", headers=bearer)
        assert {each["id"]: each["verdict"]["health"] for each in cameras} == {"9001": "healthy", "9002": "healthy"}
        components = (await stack.get("HTTP_PORT", "/api/status", headers=bearer))["components"]
        assert {name: part["state"] for name, part in components.items() if part["state"] != "up"} == {}
        assert {"database", "mediamtx", "redis", "influx"} <= set(components)
        return True

    await eventually(watchable, 120)

    async def scraped() -> bool:
        query = {"query": 'max by (stream_name) (camera_stream_status_up{stream_name=~".*"})'}
        found = (await stack.get("PROMETHEUS_PORT", "/api/v1/query", params=query))["data"]["result"]
        return {each["metric"]["stream_name"]: each["value"][1] for each in found} == {"Demo 1": "1", "Demo 2": "1"}

    await eventually(scraped, 120)
    admin = aiohttp.BasicAuth("admin", stack.secrets()["grafana_password"])
    dashboards = await stack.get("GRAFANA_PORT", "/api/search?type=dash-db", auth=admin)
    assert len(dashboards) == len(list((ROOT / "etc/grafana/dashboards").glob("*.json")))
    for source in ("prometheus", "influxdb"):
        assert (await stack.get("GRAFANA_PORT", f"/api/datasources/uid/{source}/health", auth=admin))["status"] == "OK"
    containers = stack.containers()
    code, output = containers["restream"].exec_run(["python", "srvc_restream.py", "cameras", "--json"])
    assert (code, len(json.loads(output))) == (0, 2)
    code, latest = containers["redis"].exec_run(
        ["sh", "-c", "REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli GET mediamtx:streams:latest"]
    )
    assert (code, len(json.loads(latest))) == (0, 2)
    logs = containers["restream"].logs().decode()
    for name, value in stack.secrets().items():
        assert value not in logs, name
