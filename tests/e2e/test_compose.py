"""The whole stack in containers, where a Docker Engine with the compose plugin answers; skipped visibly elsewhere.

With stand-ins for the images that would be pulled, tests/e2e/test_container.py starts it in an engine of its own.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.compose_stack import ONCE, Stack
from tests.support.eventually import eventually

docker = pytest.importorskip("docker")

RUNNING = {"postgres", "redis", "mediamtx", "restream", "prometheus", "influxdb", "grafana", "demo-cameras"}
# Images are pulled and one is built.
LIMIT_S = 1500

pytestmark = pytest.mark.timeout(LIMIT_S)


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
    stack = Stack(tmp_path, client, {})
    try:
        # Not --wait: that takes the end of demo-rows for a failure.
        await stack.run("./docker_compose_start.sh --demo")
        await eventually(lambda: stack.healthy(RUNNING | ONCE - {"nodes-tables"}), 300)
        await eventually(stack.watchable, 120)
        await eventually(lambda: stack.scraped("restream"), 120)
        await stack.shown()
        stack.stored()
    finally:
        await stack.run("docker compose --profile demo down --volumes --timeout 30")
    assert stack.containers() == {}
