"""A wheel and a checkout on a Debian with nothing but Python: the demo, a user's database, an upgrade, and no trace.

The Debian package has tests/e2e/test_deb.py, and by default a scratch root will do: `--every-installation`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from restream import __version__
from restream.config.places import ROOT
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from tests.conftest import needs
from tests.support.debian_root import DebianRoot
from tests.support.debian_services import of_the_demo, servers_of_the_demo, started
from tests.support.eventually import eventually
from tests.support.installation import typed
from tests.support.servers import TestServer, paths
from tests.support.service import QUICK

PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
# adduser is on every Debian but the smallest.
NEEDED = ("python3", "python3-venv", "ca-certificates", "adduser")
UNREACHABLE = ("Couldn't download", "Failed getting release file", "NewConnectionError", "Temporary failure")
BEFORE = "0.0.9"
OWNERS_DSN = "postgresql://owner:password@127.0.0.1:5432/cctv"
SOURCES = (
    *("src", "etc", "docs", "restream.service", "pyproject.toml", "requirements.txt", "requirements.lock"),
    *("README.md", "srvc_restream.py", "start.sh"),
)
_LIMIT_S = 600


class Machine:
    """A bare Debian that keeps running: what one command starts is there for the next."""

    def __init__(self, debian: DebianRoot, suite: str) -> None:
        self.debian, self.suite, self._first = debian, suite, 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        words = self.debian.words("sh", "-c", "while :; do sleep 1; done")
        process = await asyncio.create_subprocess_exec(*words, env=self.debian.environment())
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        await eventually(lambda: children.read_text(encoding="utf-8").strip(), 20)
        self._first = int(children.read_text(encoding="utf-8"))
        root = Path(f"/proc/{self._first}/root")
        await eventually(lambda: root.readlink() == self.debian.path, 20, "the machine runs")
        try:
            yield
        finally:
            process.kill()
            await process.wait()

    async def type(self, commands: str, folder: str = "/mnt", **overrides: str) -> str:
        """As root, in a folder; what they print. AssertionError when one fails, a skip without a package index."""
        text = f"set -e; umask 022; cd {folder}\n{commands}"
        try:
            return await asyncio.to_thread(
                self.debian.run, "sh", "-c", text, limit_s=_LIMIT_S, beside=self._first, **overrides
            )
        except AssertionError as error:
            if any(sign in str(error) for sign in UNREACHABLE):
                pytest.skip("no package index within reach")
            raise


def sources(folder: Path, version: str) -> None:
    """What a release has, of a version."""
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    module = folder / "src" / "restream" / "__init__.py"
    text = module.read_text(encoding="utf-8")
    assert f'"{__version__}"' in text
    module.write_text(text.replace(f'"{__version__}"', f'"{version}"'), encoding="utf-8")


class OfWheel:
    """The section on wheels, with a wheelhouse for the Python of this Debian."""

    folder = "/mnt/new"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._lock = PYTHONS[machine.suite] == "3.11"

    async def demo(self, port: int) -> AsyncIterator[Any]:
        machine = self.machine
        servers_of_the_demo(machine.debian.shared / "servers")
        await machine.type("python3 -m venv tools")
        await self._build("/mnt/before")
        (install,) = typed("Wheel", "Without an index")
        said = await machine.type(install, "/mnt")
        assert said.splitlines()[-1].startswith(f"restream {BEFORE}")
        # The demo is what it does in an empty folder.
        (machine.debian.shared / "empty").mkdir()
        words = ("sh", "-c", "cd /mnt/empty && exec /opt/restream/.venv/bin/restream --plain")
        settings = {"PYTHONPATH": "/mnt/servers", **of_the_demo(port)}
        async with started(machine.debian, *words, port=port, **settings) as service:
            yield service

    async def _build(self, release: str) -> None:
        """Into /mnt/wheelhouse; with another Python than that of the lock file as the document says."""
        ((fetch, own),) = (text.splitlines() for text in typed("Wheel", "Wheelhouse"))
        lines = [fetch, own] if self._lock else [own.replace(" --no-deps", "")]
        text = "\n".join(lines).replace("wheelhouse", "/mnt/wheelhouse")
        await self.machine.type(f"PATH=/mnt/tools/bin:$PATH\n{text}", release)

    async def install(self, dsn: str) -> None:
        configure, start = typed("Wheel", "As a service")
        await self.machine.type(configure)
        await self.machine.type("restream init-db", PG_DSN=dsn)
        await self.machine.type(start)

    async def upgrade(self) -> None:
        await self._build("/mnt/new")
        (upgrade,) = typed("Wheel", "Upgrade of a wheel")
        await self.machine.type(upgrade)

    async def remove(self) -> None:
        (remove,) = typed("Wheel", "Removal of a wheel")
        await self.machine.type(remove)


class OfCheckout:
    """The section on Debian-like hosts, after a look by start.sh."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def demo(self, port: int) -> AsyncIterator[Any]:
        words = ("sh", "-c", "cd /mnt/before && exec ./start.sh --plain")
        none = {"RESTREAM_FFMPEG__BINARY": "true", "RESTREAM_FFMPEG__PROBE_BINARY": "true"}
        try:
            async with started(
                self.machine.debian, *words, port=port, limit_s=_LIMIT_S, **of_the_demo(port), **none
            ) as service:
                yield service
        except AssertionError as error:
            if any(sign in str(error) for sign in UNREACHABLE):
                pytest.skip("no package index within reach")
            raise

    async def install(self, dsn: str) -> None:
        # ffmpeg and all that it brings takes minutes, and the engine of this test needs none.
        self.machine.debian.script("/usr/local/bin/apt-get", "exit 0")
        for heading in ("Install", "Settings", "Database", "Start"):
            await self._type(heading, "/mnt/before", dsn)
        self.machine.debian.inside("/usr/local/bin/apt-get").unlink()

    async def _type(self, heading: str, release: str, dsn: str = "") -> None:
        text = "\n".join(typed("Debian-like host", heading)).replace(OWNERS_DSN, dsn)
        if PYTHONS[self.machine.suite] != "3.11":
            text = text.replace(
                "--require-hashes -r /opt/restream/requirements.lock", "-r /opt/restream/requirements.txt"
            )
        await self.machine.type(text, release)

    async def upgrade(self) -> None:
        """Instead of stopping and starting it, `restream upgrade`, as the document has it."""
        text = "\n".join(typed("Debian-like host", "Upgrade"))
        assert text.count("systemctl stop restream\n") == text.count("systemctl start restream\n") == 1
        text = text.replace("systemctl stop restream\n", "").replace("systemctl start restream\n", "restream upgrade\n")
        if PYTHONS[self.machine.suite] != "3.11":
            text = text.replace(
                "--require-hashes -r /opt/restream/requirements.lock", "-r /opt/restream/requirements.txt"
            )
        await self.machine.type(text, "/mnt/new")

    async def remove(self) -> None:
        await self._type("Uninstall", "/mnt/new")


WAYS: dict[str, Callable[[Machine], Any]] = {"wheel": OfWheel, "checkout": OfCheckout}
# What stays, as the documents say: of a wheel configuration and logs, of a checkout a copy of its configuration.
STAYS = {"wheel": r"/(etc|var/log)/restream(/.*)?", "checkout": r"/root/restream-etc(/.*)?"}
COMBINATIONS = [(way, suite) for way in WAYS for suite in PYTHONS]
# What CI installs without being asked to: each takes minutes, most of them for packages of a network.
USUAL: set[tuple[str, str]] = set()


@pytest.fixture(params=COMBINATIONS, ids=" on ".join)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Machine]]:
    way, suite = request.param
    if request.param not in USUAL and not request.config.getoption("--every-installation"):
        pytest.skip("only with --every-installation")
    needs(request.config, os.geteuid() == 0, "root")
    for name in ("debootstrap", "unshare"):
        needs(request.config, shutil.which(name), name)
    folder = tmp_path_factory.mktemp(way)
    shared = folder / "shared"
    for release, version in (("before", BEFORE), ("new", __version__)):
        sources(shared / release, version)
    debian = DebianRoot(folder / "root", shared)
    try:
        problem = debian.bootstrap(suite, NEEDED, _LIMIT_S)
        if any(sign in problem for sign in UNREACHABLE):
            pytest.skip("Debian's packages are not within reach")
        assert problem == ""
        yield way, Machine(debian, suite)
    finally:
        shutil.rmtree(folder)


def prepared(machine: Machine, dsn: str, stand_in: TestServer, port: int) -> None:
    """What is typed at the machine beside the document: an editor that writes settings, and its service manager."""
    settings = {
        "PG_DSN": dsn,
        "RESTREAM_REDIS__URL": "",
        "RESTREAM_JSON_FILE__PATH": "",
        "RESTREAM_CAMERAS__ENGINE": "relay",
        "RESTREAM_MEDIAMTX__API_URL": stand_in.api_url,
        "RESTREAM_MEDIAMTX__RTSP_URL": stand_in.rtsp_url,
        "RESTREAM_HTTP__PORT": str(port),
        "RESTREAM_METRICS__PORT": "",
        **QUICK,
    }
    lines = "".join(f"{key}='{value}'\n" for key, value in settings.items())
    (machine.debian.shared / "settings.env").write_text(lines, encoding="utf-8")
    sections: dict[str, Any] = {"database": {"dsn": dsn}}
    for key, value in settings.items():
        if key != "PG_DSN":
            section, _, name = key.removeprefix("RESTREAM_").lower().partition("__")
            sections.setdefault(section, {})[name] = value or None
    (machine.debian.shared / "settings.yml").write_text(json.dumps(sections), encoding="utf-8")
    machine.debian.script("/usr/local/bin/editor", 'cat /mnt/settings.${1##*.} >"$1"')
    manager = (ROOT / "tests" / "data" / "systemctl.sh").read_text(encoding="utf-8")
    machine.debian.script("/usr/local/bin/systemctl", manager.partition("\n")[2])


async def get(port: int, path: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
        return await response.json()


@pytest.mark.timeout(2 * _LIMIT_S)
async def test_a_life_on_it(machine: tuple[str, Machine], dsn: str, stand_in: TestServer) -> None:
    way, host = machine
    files, accounts = host.debian.files(), host.debian.accounts()
    port = free_port()
    async with host.running():
        installation = WAYS[way](host)
        async for service in installation.demo(port):
            await service.reach({str(number): "healthy" for number in range(1, 5)}, 60)
        prepared(host, dsn, stand_in, port)
        connection = await asyncpg.connect(dsn)
        async with SimulatedCamera(Clip.load("h264"), login="admin", password="hunter22") as camera:
            await installation.install(dsn)
            await connection.execute(
                "INSERT INTO cameras (camera_type, link, login, password)"
                " VALUES ('HIKVISION', $1, 'admin', 'hunter22')",
                f"{camera.host}:{camera.port}",
            )
            await eventually(lambda: healthy(port), 40, "the camera is healthy")
            await checked(host)
            await upgraded(installation, stand_in, port)
            await installation.remove()
        await connection.close()
        for name in ("editor", "systemctl"):
            host.debian.inside(f"/usr/local/bin/{name}").unlink()
    left = {path for path in host.debian.files() ^ files if not re.fullmatch(STAYS[way], path)}
    assert left == set()
    assert host.debian.accounts() == accounts


async def healthy(port: int) -> bool:
    cameras = await get(port, "/api/cameras")
    assert [each["verdict"]["health"] for each in cameras] == ["healthy"], cameras
    return True


async def checked(host: Machine) -> None:
    """It passes beside the running service."""
    found = json.loads(await host.type("restream check --json 2>/dev/null"))["checks"]
    assert {each["name"] for each in found} >= {"database", "mediamtx", "http port"}
    assert [each for each in found if each["state"] == "fail"] == []


async def upgraded(installation: Any, stand_in: TestServer, port: int) -> None:
    """From the version before, while the stream flows."""
    before, path = await get(port, "/api/status"), (await paths(stand_in))["cam1"]
    assert before["version"].startswith(BEFORE) and path["ready"]
    since = (await get(port, "/api/cameras"))[0]["since"]
    await installation.upgrade()
    after = await get(port, "/api/status")
    assert after["version"].startswith(__version__) and after["instance"] != before["instance"]
    await eventually(lambda: healthy(port), 20)
    assert (await paths(stand_in))["cam1"]["source"] == path["source"]
    assert (await get(port, "/api/cameras"))[0]["since"] == since
