"""The stack of docker-compose.yml, started by its own script in a copy of what is delivered."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from restream.config.places import ROOT
from restream.demo.embedded import free_port

DELIVERED = (
    *("docker-compose.yml", "docker-compose.nodes.yml", "docker_compose_start.sh", ".env.example", "Dockerfile"),
    *(".dockerignore", "requirements.lock", "srvc_restream.py", "src", "etc"),
)
ONCE = {"demo-rows", "tables", "nodes-tables"}
"""Services that run to their end."""
BEARER, ADMIN = "restream_token", "grafana_password"


def deliver(directory: Path) -> None:
    """What a release has for containers."""
    directory.mkdir(exist_ok=True)
    for name in DELIVERED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy2(source, directory / name)


class Stack:
    """A project of its own, with secrets and ports of its own; `client` is the SDK's, `docker` its variables."""

    def __init__(self, directory: Path, client: Any, docker: Mapping[str, str], files: Collection[str] = ()) -> None:
        self.directory, self._client, self._docker = directory, client, dict(docker)
        self._name = f"restream-test-{os.getpid()}"
        deliver(directory)
        text = (ROOT / ".env.example").read_text(encoding="utf-8")
        self.values = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
        for key in self.values:
            if "_PORT" in key:
                self.values[key] = str(free_port())
        self.values["STREAMS_BIND"] = "127.0.0.1"
        lines = "".join(f"{key}={value}\n" for key, value in self.values.items())
        if files:
            lines += f"COMPOSE_FILE={':'.join(files)}\n"
        (directory / ".env").write_text(lines, encoding="utf-8")

    def secret(self, name: str) -> str:
        """One that the start script has made."""
        return (self.directory / "secrets" / name).read_text(encoding="utf-8")

    def secrets(self) -> dict[str, str]:
        return {path.name: self.secret(path.name) for path in (self.directory / "secrets").iterdir()}

    async def run(self, text: str, folder: Path | None = None) -> str:
        """Commands in the project's directory; what they printed. AssertionError when they fail."""
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", text),
            cwd=folder or self.directory,
            env={**os.environ, **self._docker, "COMPOSE_PROJECT_NAME": self._name},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await process.communicate())[0].decode()
        assert process.returncode == 0, f"{text}\n{output[-6000:]}"
        return output

    def containers(self) -> dict[str, Any]:
        """By service, as the Engine describes them now; those that ran to their end too."""
        label = f"com.docker.compose.project={self._name}"
        found = self._client.containers.list(all=True, filters={"label": label})
        return {each.labels["com.docker.compose.service"]: each for each in found}

    async def get(self, port: str, path: str, **options: Any) -> Any:
        """A document. AssertionError: it is not served, or nobody answers."""
        url = f"http://127.0.0.1:{self.values[port]}{path}"
        try:
            async with aiohttp.ClientSession() as session, session.get(url, **options) as response:
                assert response.status == 200, f"{path}: {response.status} {await response.text()}"
                return await response.json()
        except aiohttp.ClientError as error:
            raise AssertionError(f"{path}: {error}") from None

    async def api(self, path: str, port: str = "HTTP_PORT") -> Any:
        """What the service tells to who has its token."""
        return await self.get(port, path, headers={"Authorization": f"Bearer {self.secret(BEARER)}"})

    def healthy(self, wanted: Collection[str]) -> bool:
        """All that is wanted is there and healthy, bounded, and shows no secret. AssertionError: not yet."""
        containers = self.containers()
        states = {name: each.attrs["State"] for name, each in containers.items()}
        assert set(states) == set(wanted)
        running = set(wanted) - ONCE
        wrong = {name: states[name] for name in running if states[name].get("Health", {}).get("Status") != "healthy"}
        assert not wrong, wrong
        assert {states[name]["ExitCode"] for name in set(wanted) & ONCE} == {0}
        for name in running:
            settings = containers[name].attrs["HostConfig"]
            assert settings["RestartPolicy"]["Name"] == "unless-stopped"
            assert settings["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}
            assert settings["Init"]
        shown = json.dumps([each.attrs for each in containers.values()])
        assert self.secrets() and not any(secret in shown for secret in self.secrets().values())
        assert containers["restream"].attrs["Config"]["User"] == "restream"
        return True

    async def watchable(self, port: str = "HTTP_PORT") -> bool:
        """The cameras of the demo are healthy, and all parts are up. AssertionError: not yet."""
        cameras = await self.api("/api/cameras", port)
        assert {each["id"]: each["verdict"]["health"] for each in cameras} == {"9001": "healthy", "9002": "healthy"}
        components = (await self.api("/api/status", port))["components"]
        assert {name: part["state"] for name, part in components.items() if part["state"] != "up"} == {}
        assert {"database", "mediamtx", "redis", "influx"} <= set(components)
        return True

    async def scraped(self, *nodes: str) -> bool:
        """Prometheus has both cameras, and the metrics of each of these services. AssertionError: not yet."""
        query = 'max by (stream_name) (camera_stream_status_up{stream_name=~".*"})'
        found = (await self.get("PROMETHEUS_PORT", "/api/v1/query", params={"query": query}))["data"]["result"]
        assert {each["metric"]["stream_name"]: each["value"][1] for each in found} == {"Demo 1": "1", "Demo 2": "1"}
        found = (await self.get("PROMETHEUS_PORT", "/api/v1/query", params={"query": 'up{job="restream"}'}))["data"]
        up = {each["metric"]["instance"]: each["value"][1] for each in found["result"]}
        assert up == {f"{node}:9898": "1" for node in nodes}
        return True

    async def shown(self) -> None:
        """Dashboards are there, and their sources answer."""
        login = {"Authorization": aiohttp.encode_basic_auth("admin", self.secret(ADMIN))}
        dashboards = await self.get("GRAFANA_PORT", "/api/search?type=dash-db", headers=login)
        assert len(dashboards) == len(list((ROOT / "etc/grafana/dashboards").glob("*.json")))
        for source in ("prometheus", "influxdb"):
            answer = await self.get("GRAFANA_PORT", f"/api/datasources/uid/{source}/health", headers=login)
            assert answer["status"] == "OK"

    def stored(self) -> None:
        """What readers find in Redis, and what the service says inside; no secret is in its log."""
        containers = self.containers()
        code, output = containers["restream"].exec_run(["python", "srvc_restream.py", "cameras", "--json"])
        assert (code, len(json.loads(output))) == (0, 2)
        code, latest = containers["redis"].exec_run(
            ["sh", "-c", "REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli GET mediamtx:streams:latest"]
        )
        assert (code, len(json.loads(latest))) == (0, 2)
        logs = containers["restream"].logs().decode()
        for name, value in self.secrets().items():
            assert value not in logs, name
