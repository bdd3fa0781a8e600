"""docs/installation.md on a wheel as a service, in a scratch root: configure, start, upgrade, remove.

Where its packages come from is in test_wheel.py; what a bare machine makes of it in test_bare_debian.py.
"""

from __future__ import annotations

import json
import shutil
import site
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from restream import __version__
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from tests.conftest import needs
from tests.support import systemctl
from tests.support.eventually import eventually
from tests.support.installation import typed
from tests.support.scratch_host import Host
from tests.support.servers import TestServer, paths
from tests.support.wheels import LIMIT_S, built, checkout, run

BEFORE = "0.0.9"


@pytest.fixture
def wheels(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Path]:
    """Of the version before, and of this one."""
    needs(request.config, shutil.which("git"), "git")
    return {
        version: built(checkout(tmp_path / f"sources-{version}", version).path, tmp_path / version)
        for version in (BEFORE, __version__)
    }


@pytest.fixture
def host(tmp_path: Path, dsn: str, stand_in: TestServer) -> Iterator[Host]:
    sections = {
        "database": {"dsn": dsn},
        "redis": {"url": None},
        "json_file": {"path": None},
        "cameras": {"engine": "relay"},
        "mediamtx": {"api_url": stand_in.api_url, "rtsp_url": stand_in.rtsp_url, "interval_s": 0.5},
        "http": {"port": free_port()},
        "metrics": {"port": None},
    }
    root = tmp_path / "root"
    # The program looks in the directories of this host, not of the scratch root.
    named = {"RESTREAM_CONFIG": f"{root}/etc/restream/restream.yml"}
    host = Host(root, {"yml": json.dumps(sections)}, dsn, named)
    yield host
    host.stop()


async def version_of(host: Host) -> str:
    port = json.loads((host.root / "settings.yml").read_text(encoding="utf-8"))["http"]["port"]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/api/status") as response:
        return str((await response.json())["version"])


@pytest.mark.timeout(LIMIT_S)
async def test_every_step_of_the_document(
    host: Host, wheels: dict[str, Path], dsn: str, stand_in: TestServer, tmp_path: Path
) -> None:
    home = host.root / "opt" / "restream" / ".venv"
    run(sys.executable, "-m", "venv", "--without-pip", home)
    # What it depends on is here already, and takes no time.
    (packages,) = (home / "lib").glob("python*/site-packages")
    (packages / "present.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
    run(home / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheels[BEFORE])
    configure, start = typed("Wheel", "As a service")
    await host.run([configure])
    configuration = host.root / "etc" / "restream" / "restream.yml"
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o640
    assert configuration.read_bytes() == (host.root / "settings.yml").read_bytes()
    named = f"RESTREAM_CONFIG={configuration}\n"
    (configuration.parent / "restream.env").write_text(named, encoding="utf-8")
    connection = await asyncpg.connect(dsn)
    await host.run(["restream init-db"])
    async with SimulatedCamera(Clip.load("h264"), login="admin", password="hunter22") as camera:
        await connection.execute(
            "INSERT INTO cameras (camera_type, link, login, password) VALUES ('HIKVISION', $1, 'admin', 'hunter22')",
            f"{camera.host}:{camera.port}",
        )
        await host.run([start])
        await host.shows("1 camera: 1 healthy")
        assert (await version_of(host)).startswith(BEFORE)
        source, process = (await paths(stand_in))["cam1"]["source"], systemctl.running(host.root)

        wheelhouse = tmp_path / "wheelhouse"
        wheelhouse.mkdir()
        shutil.copy(wheels[__version__], wheelhouse)
        said = await host.run(typed("Wheel", "Upgrade of a wheel"), tmp_path)
        assert f"restream {__version__}" in said and said.rstrip().endswith("has taken over")
        assert (await version_of(host)).startswith(__version__)
        await host.shows("1 camera: 1 healthy")
        after = systemctl.running(host.root)
        assert process is not None and after is not None and process.pid == after.pid
        assert (await paths(stand_in))["cam1"]["source"] == source

        await host.run(typed("Wheel", "Removal of a wheel"))
        await eventually(lambda: systemctl.running(host.root) is None, 10)
    await connection.close()
    assert host.recorded == [
        f"adduser --system --group --no-create-home --home {host.root}/opt/restream restream",
        "deluser --system restream",
    ]
    left = {str(path.relative_to(host.root)) for path in host.root.rglob("*") if "restream" in path.name}
    assert left == {
        *("etc/restream", "etc/restream/restream.yml", "etc/restream/restream.env"),
        *("var/log/restream", "var/log/restream/restream.log"),
    }
