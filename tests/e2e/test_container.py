"""The image of the Dockerfile, built and run by a Docker Engine of our own; skipped visibly where none starts."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
import pytest
import yaml

from restream import __version__
from restream.config.places import ROOT
from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from tests.e2e.conftest import AddCamera
from tests.support.compose_plugin import with_compose
from tests.support.compose_stack import Stack, deliver
from tests.support.eventually import eventually
from tests.support.installation import typed
from tests.support.own_docker import DockerMissingError, OwnDocker, import_base, own_docker
from tests.support.servers import RealMediamtx, paths

docker = pytest.importorskip("docker")

TAG = "restream:test"
PUBLISH_PASSWORD = os.urandom(16).hex()
TOKEN = os.urandom(16).hex()
MOST_BYTES = 400_000_000
# It takes less than two; after ten Docker would kill.
_ENDS_WITHIN_S = 10
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

# The first makes the image, the last those of the stack, of packages that come over a network.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnDocker]:
    """With the image, built of a checkout that was made with umask 077."""
    checkout = tmp_path_factory.mktemp("checkout")
    deliver(checkout)
    for path in checkout.rglob("*"):
        # Layers that ask the network are made once, for the stack too.
        if path.name != "requirements.lock" and "image" not in path.parts:
            path.chmod(path.stat().st_mode & 0o700)
    try:
        with own_docker() as engine:
            import_base(engine)
            proxies = [word for name in proxies_of_this_machine() for word in ("--build-arg", name)]
            engine.run("build", "--network", "host", *proxies, "--tag", TAG, ".", cwd=checkout)
            yield engine
    except DockerMissingError as error:
        pytest.skip(str(error))


def proxies_of_this_machine() -> list[str]:
    return [name for name in PROXIES if name in os.environ]


@pytest.fixture
async def server() -> Any:
    """A MediaMTX with the users of the stack."""
    if find_mediamtx() is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    users = yaml.safe_load((ROOT / "etc/mediamtx/mediamtx.yml").read_text(encoding="utf-8"))["authInternalUsers"]
    users[1]["pass"] = PUBLISH_PASSWORD
    server = RealMediamtx({"authInternalUsers": users})
    await server.start()
    yield server
    await server.stop()


class Container:
    """The service in a container, as the stack has it but for the network, which is the host's."""

    def __init__(self, engine: OwnDocker, home: Path, server: RealMediamtx, dsn: str, redis_url: str) -> None:
        self.engine, self.etc, self.port = engine, home / "etc", free_port()
        self.name = f"restream-{self.port}"
        shutil.copytree(ROOT / "etc", self.etc)
        for name, value in (("publish_password", PUBLISH_PASSWORD), ("restream_token", TOKEN)):
            (home / name).write_text(value, encoding="utf-8")
        secrets = [f"--volume={home / name}:/run/secrets/{name}:ro" for name in ("publish_password", "restream_token")]
        settings = {
            "PG_DSN": dsn,
            "RESTREAM_REDIS__URL": redis_url,
            "RESTREAM_MEDIAMTX__API_URL": server.api_url,
            "RESTREAM_MEDIAMTX__API_USER": "restream",
            "RESTREAM_MEDIAMTX__API_PASSWORD_FILE": "/run/secrets/publish_password",
            # By its name: a static program must find it, too.
            "RESTREAM_MEDIAMTX__RTSP_URL": server.rtsp_url.replace("127.0.0.1", "localhost"),
            "RESTREAM_MEDIAMTX__PUBLISH_USER": "restream",
            "RESTREAM_MEDIAMTX__PUBLISH_PASSWORD_FILE": "/run/secrets/publish_password",
            "RESTREAM_HTTP__PORT": str(self.port),
            "RESTREAM_HTTP__TOKEN_FILE": "/run/secrets/restream_token",
            "RESTREAM_METRICS__PORT": str(free_port()),
            "RESTREAM_JSON_FILE__PATH": "/opt/restream/log/streams.json",
        }
        self._options = (
            *("--network", "host", "--init", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", "--memory", "1g", "--pids-limit", "1000"),
            *(f"--env={name}={value}" for name, value in settings.items()),
            *secrets,
            *(f"--volume={self.etc}:/opt/restream/etc:ro", f"--volume={self.name}:/opt/restream/log"),
        )

    def command(self, *arguments: str) -> tuple[int, str]:
        """A command of the program in a container of its own: exit code and output."""
        done = self.engine.run("run", "--rm", *self._options, TAG, *arguments, check=False)
        return done.returncode, done.stdout + done.stderr

    async def start(self) -> None:
        self.engine.run("run", "--detach", "--name", self.name, "--health-interval", "1s", *self._options, TAG)
        await eventually(self._healthy, 40, "the container is healthy")

    def _healthy(self) -> bool:
        state = self.engine.tell(self.name, "{{.State.Status}} {{.State.Health.Status}}")
        assert state == "running healthy", f"{state}: {self.log}"
        return True

    @property
    def log(self) -> str:
        done = self.engine.run("logs", self.name)
        return done.stdout + done.stderr

    def inside(self, *command: str) -> tuple[int, str]:
        """A program beside the service: exit code and output."""
        done = self.engine.run("exec", self.name, *command, check=False)
        return done.returncode, done.stdout.strip()

    def processes(self) -> list[psutil.Process]:
        """As the host sees them."""
        first = int(self.engine.tell(self.name, "{{.State.Pid}}"))
        return [psutil.Process(first), *psutil.Process(first).children(recursive=True)]

    async def healthy_camera(self) -> bool:
        url, bearer = f"http://127.0.0.1:{self.port}/api/cameras/1", {"Authorization": f"Bearer {TOKEN}"}
        async with aiohttp.ClientSession() as session, session.get(url, headers=bearer) as response:
            assert response.status == 200, await response.text()
            verdict = (await response.json())["verdict"]
        assert verdict["health"] == "healthy", verdict
        return True


@pytest.fixture
def container(
    engine: OwnDocker,
    tmp_path: Path,
    server: RealMediamtx,
    dsn: str,
    database: asyncpg.Connection[asyncpg.Record],
    redis_url: str,
) -> Container:
    return Container(engine, tmp_path, server, dsn, redis_url)


def test_the_image_is_small(engine: OwnDocker) -> None:
    assert int(engine.tell(TAG, "{{.Size}}")) < MOST_BYTES


async def test_the_check_finds_everything_there(container: Container) -> None:
    code, output = await asyncio.to_thread(container.command, "check", "--plain")
    assert code == 0, output
    assert "publish address" in output and PUBLISH_PASSWORD not in output


async def test_the_service_in_a_container(container: Container, server: RealMediamtx, add_camera: AddCamera) -> None:
    await add_camera(1)
    await container.start()
    await eventually(container.healthy_camera, 40, "the camera is healthy")
    _confined(container)
    # As an editor does: a new file under the old name.
    text = (container.etc / "restream.yml").read_text(encoding="utf-8")
    assert 'path_template: "cam{id}"' in text
    (container.etc / "new").write_text(text.replace('"cam{id}"', '"yard{id}"'), encoding="utf-8")
    (container.etc / "new").replace(container.etc / "restream.yml")
    container.engine.run("kill", "--signal", "HUP", container.name)

    async def moved() -> bool:
        found = await paths(server)
        return "yard1" in found and bool(found["yard1"]["ready"])

    await eventually(moved, 30, "the edited configuration is in force")
    began = time.monotonic()
    await asyncio.to_thread(container.engine.run, "kill", "--signal", "TERM", container.name)
    code = await asyncio.to_thread(container.engine.run, "wait", container.name)
    assert (code.stdout.strip(), time.monotonic() - began < _ENDS_WITHIN_S) == ("0", True), container.log
    assert not any(secret in container.log for secret in (PUBLISH_PASSWORD, TOKEN))


def _confined(container: Container) -> None:
    assert container.inside("id", "-u") == (0, "10001")
    code, status = container.inside("cat", "/proc/1/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert code == 0 and facts["NoNewPrivs"] == "1"
    assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert container.inside("touch", "/opt/restream/src/x")[0] != 0
    assert container.inside("touch", "/etc/x")[0] != 0
    assert container.inside("touch", "/tmp/x", "/opt/restream/log/x")[0] == 0
    shown = json.dumps(json.loads(container.engine.run("inspect", container.name).stdout))
    assert PUBLISH_PASSWORD not in shown and TOKEN not in shown


async def test_nothing_is_left_of_a_service_that_is_killed(container: Container, add_camera: AddCamera) -> None:
    await add_camera(1)
    await container.start()
    await eventually(container.healthy_camera, 40, "the camera is healthy")
    processes = container.processes()
    names = {process.name() for process in processes}
    assert "ffmpeg" in names and len(processes) >= 3
    (service,) = (process for process in processes if "srvc_restream.py" in " ".join(process.cmdline()[:2]))
    service.kill()
    gone, left = await asyncio.to_thread(psutil.wait_procs, processes, 5)
    assert not left and len(gone) == len(processes)
    # The engine notices a moment after the processes are gone.
    state = "{{.State.Status}} {{.State.ExitCode}}"
    await eventually(lambda: container.engine.tell(container.name, state) == "exited 137", 20)


# For which service of the two files a container of which stage of tests/data/stand_ins/Dockerfile stands.
STAND_INS = {
    "postgres": "postgres",
    "redis": "redis",
    "mediamtx": "mediamtx",
    "prometheus": "prometheus",
    "influxdb": "influxdb",
    "grafana": "grafana",
}


@pytest.fixture(scope="module")
def whole(engine: OwnDocker, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Variables for `docker compose` in our engine, which has an image of every name that the stack asks for."""
    binary = find_mediamtx()
    if binary is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    try:
        variables = {**engine.variables, **with_compose(tmp_path_factory.mktemp("compose"))}
    except DockerMissingError as error:
        pytest.skip(str(error))
    context = tmp_path_factory.mktemp("stand_ins") / "context"
    shutil.copytree(ROOT / "tests" / "data" / "stand_ins", context)
    shutil.copy2(binary, context / "mediamtx")
    asked = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for service, stage in STAND_INS.items():
        proxies = [word for name in proxies_of_this_machine() for word in ("--build-arg", name)]
        name = asked[service]["image"]
        engine.run("build", "--network", "host", *proxies, "--target", stage, "--tag", name, ".", cwd=context)
    return variables


@pytest.fixture
def stack(engine: OwnDocker, whole: Mapping[str, str], tmp_path: Path) -> Iterator[Stack]:
    """Both files; what a build asks the network for, it asks as this machine does."""
    client = docker.DockerClient(base_url=engine.variables["DOCKER_HOST"], version="auto")
    files = ("docker-compose.yml", "docker-compose.nodes.yml", "test.yml")
    stack = Stack(tmp_path / "restream", client, whole, files)
    build = {"network": "host", "args": {name: os.environ[name] for name in proxies_of_this_machine()}}
    text = json.dumps({"services": {"restream": {"build": build}}})
    (stack.directory / "test.yml").write_text(text, encoding="utf-8")
    yield stack
    client.close()


async def test_every_service_of_the_stack_and_every_step_of_the_document(stack: Stack) -> None:
    asked = {
        *yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"],
        *yaml.safe_load((ROOT / "docker-compose.nodes.yml").read_text(encoding="utf-8"))["services"],
    }
    (start,), (change,) = typed("Containers", ""), typed("Containers", "Settings of the stack")
    (upgrade, back) = typed("Containers", "Upgrade and rollback of the stack")
    try:
        await stack.run(start.replace("start.sh ", "start.sh --demo "))
        await eventually(lambda: stack.healthy(asked), 120, "all containers are healthy")
        for port in ("HTTP_PORT", "HTTP_PORT_2"):
            await eventually(partial(stack.watchable, port), 60, "both nodes show the cameras")
        nodes = {each["node"] for each in await stack.api("/api/cameras")}
        assert nodes <= {"restream", "restream-2"}
        await eventually(lambda: stack.scraped("restream", "restream-2"), 60, "metrics of both nodes")
        await stack.shown()
        stack.stored()
        assert stack.containers()["influxdb"].exec_run(["test", "-s", "/var/lib/influxdb2/written"])[0] == 0
        assert (stack.containers()["mediamtx-2"].attrs["State"]["Health"]["Status"]) == "healthy"

        await stack.run(f"editor() {{ echo >>$1; }}\n{change}")
        await eventually(lambda: b"configuration re-read" in stack.containers()["restream"].logs(), 20)

        await moved(stack, upgrade, back)
    finally:
        await stack.run("docker compose --profile demo down --volumes --timeout 5")
    assert stack.containers() == {}


async def moved(stack: Stack, upgrade: str, back: str) -> None:
    """To the next release beside it, and back; cameras and secrets stay."""
    secrets, before = stack.secrets(), __version__
    release = stack.directory.with_name("restream-new")
    deliver(release)
    shutil.copy2(stack.directory / "test.yml", release)
    for path in (release / "docker-compose.yml", release / "docker-compose.nodes.yml"):
        path.write_text(path.read_text(encoding="utf-8").replace(f":-{before}}}", ":-99.0.0}"), encoding="utf-8")
    for text, version in ((upgrade, "99.0.0"), (back, before)):
        await stack.run(text, folder=stack.directory.parent)
        for name in ("restream", "restream-2"):
            assert stack.containers()[name].attrs["Config"]["Image"] == f"restream:{version}"
        await eventually(partial(stack.watchable), 60, f"the cameras are there with {version}")
        assert stack.secrets() == secrets
