"""docs/installation.md on hosts, executed block by block in a scratch root: install, start, upgrade, uninstall."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from restream.config.places import ROOT
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from tests.support import systemctl
from tests.support.installation import DOCUMENT, typed
from tests.support.scratch_host import LIMIT_S, Host
from tests.support.servers import TestServer
from tests.support.service import QUICK


@dataclass(frozen=True, slots=True)
class Roles:
    """Who makes the table, and who may only read it."""

    owner: str
    viewer: str
    viewers_name: str


@pytest.fixture
async def roles(dsn: str) -> AsyncIterator[Roles]:
    name = f"viewer_{dsn.rpartition('_')[2]}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE ROLE {name} LOGIN")
    yield Roles(dsn, dsn.replace("//restream@", f"//{name}@"), name)
    await connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
    await connection.close()


@pytest.fixture
def host(tmp_path: Path, roles: Roles, ffmpeg: str, stand_in: TestServer) -> Iterator[Host]:
    settings = {
        "PG_DSN": roles.viewer,
        "RESTREAM_HTTP__PORT": str(free_port()),
        "RESTREAM_METRICS__PORT": str(free_port()),
        "RESTREAM_MEDIAMTX__API_URL": stand_in.api_url,
        "RESTREAM_MEDIAMTX__RTSP_URL": stand_in.rtsp_url,
        "RESTREAM_REDIS__URL": "",
        "RESTREAM_JSON_FILE__PATH": str(tmp_path / "streams.json"),
        # All that a shell would take for its own.
        "RESTREAM_HTTP__TOKEN": "$HOME;`id` & # long enough",
        **QUICK,
    }
    lines = "".join(f"{key}='{value}'\n" for key, value in settings.items())
    host = Host(tmp_path / "root", {"env": lines}, roles.owner)
    yield host
    host.stop()


@pytest.mark.timeout(2 * LIMIT_S)
async def test_every_step_of_the_document(host: Host, roles: Roles) -> None:
    await host.run(typed("Debian-like host", "Install"))
    assert host.recorded == [
        "apt-get install -y python3 python3-venv ffmpeg util-linux",
        "adduser --system --group --no-create-home --home /opt/restream restream".replace("/opt", f"{host.root}/opt"),
    ]
    await host.run(typed("Debian-like host", "Settings"))
    secret = host.root / "etc" / "restream" / "restream.env"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    await host.run(typed("Debian-like host", "Database"))
    connection = await asyncpg.connect(roles.owner)
    await connection.execute(granted(roles.viewers_name))
    async with SimulatedCamera(Clip.load("h264"), login="admin", password="hunter22") as camera:
        await connection.execute(
            "INSERT INTO cameras (camera_type, link, login, password) VALUES ('HIKVISION', $1, 'admin', 'hunter22')",
            f"{camera.host}:{camera.port}",
        )
        started = await host.run(typed("Debian-like host", "Start"))
        assert not re.search(r"^fail ", started, re.MULTILINE), started
        await host.shows("1 camera: 1 healthy")
        assert " is up: " in (host.root / "var" / "log" / "restream" / "restream.log").read_text(encoding="utf-8")

        # What the site has changed stays; what the release no longer has goes.
        own, old = host.root / "opt/restream/etc/camera_types.yml", host.root / "opt/restream/src/restream/old.py"
        own.write_text(own.read_text(encoding="utf-8") + "\n# of this site\n", encoding="utf-8")
        old.write_text("raise SystemExit('a module of the release before')\n", encoding="utf-8")
        settings = secret.read_bytes()
        before = systemctl.running(host.root)
        await host.run(typed("Debian-like host", "Upgrade"))
        after = systemctl.running(host.root)
        assert before is not None and after is not None and before.pid != after.pid
        assert "# of this site" in own.read_text(encoding="utf-8")
        assert not old.exists()
        assert secret.read_bytes() == settings
        await host.shows("1 camera: 1 healthy")

        await host.run(typed("Debian-like host", "Uninstall"))
        assert systemctl.running(host.root) is None
    assert host.recorded[-1] == "deluser --system restream"
    left = {str(path.relative_to(host.root)) for path in host.root.rglob("*") if "restream" in path.name}
    assert left == {"root/restream-etc", "root/restream-etc/restream.yml", "root/restream-etc/restream_log.conf"}
    assert await connection.fetchval("SELECT count(*) FROM cameras") == 1
    await connection.close()


def granted(viewer: str) -> str:
    """The GRANT of the document, for another name."""
    (statement,) = re.findall(r"`(GRANT [^`]+)`", DOCUMENT.read_text(encoding="utf-8"))
    return str(statement).replace("restream", viewer)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.program("systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "restream.service"
    text = (ROOT / "restream.service").read_text(encoding="utf-8")
    # The program must be there.
    unit.write_text(text.replace("/opt/restream/.venv/bin/python", sys.executable), encoding="utf-8")
    found = analyze("verify", str(unit))
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


@pytest.mark.program("systemd-analyze")
def test_the_exposure_is_as_documented() -> None:
    quoted = re.search(r"of systemd (\d+) calls its exposure ([\d.]+)", DOCUMENT.read_text(encoding="utf-8"))
    assert quoted is not None
    version = analyze("--version").stdout.split()[1]
    if version != quoted[1]:
        pytest.skip(f"systemd {version} weighs otherwise than {quoted[1]}, which is quoted")
    found = analyze("security", "--offline=true", str(ROOT / "restream.service"))
    assert f"Overall exposure level for restream.service: {quoted[2]} " in found.stdout
