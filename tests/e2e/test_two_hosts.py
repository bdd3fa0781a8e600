"""docs/installation.md on two hosts, executed in two scratch roots: tables, settings, check, maintenance."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from restream.config.places import ROOT
from restream.demo.embedded import free_port
from tests.e2e.conftest import AddCamera
from tests.support import systemctl
from tests.support.eventually import eventually
from tests.support.installation import blocks, typed
from tests.support.servers import StandIn, paths
from tests.support.service import QUICK

pytestmark = pytest.mark.usefixtures("ffmpeg")

NAMES = ("one", "two")
CAMERAS = 8
_LIMIT_S = 100
# Beside what the document says: a test has no time, and shares its machine.
FASTER = {
    **QUICK,
    "RESTREAM_NODES__HEARTBEAT_S": "0.5",
    "RESTREAM_NODES__MAX_CPU_PERCENT": "100",
    "RESTREAM_NODES__MOVES_PER_MINUTE": "600",
    "RESTREAM_CAMERAS__ENGINE": "relay",
    "RESTREAM_METRICS__PORT": "",
    "RESTREAM_HTTP__HOST": "127.0.0.1",
}


class ScratchHost:
    """A scratch root with the unit, its settings, and the commands that the document uses."""

    def __init__(self, root: Path) -> None:
        self.root, self.port = root, free_port()
        for name in ("bin", "etc/restream", "etc/systemd/system"):
            (root / name).mkdir(parents=True)
        self._settings = root / "etc" / "restream" / "restream.env"
        self.set("")
        program = f"{sys.executable} {ROOT}/srvc_restream.py"
        unit = (ROOT / "restream.service").read_text(encoding="utf-8")
        unit = unit.replace("/opt/restream/.venv/bin/python /opt/restream/srvc_restream.py", program)
        (root / "etc/systemd/system/restream.service").write_text(unit, encoding="utf-8")
        self._stub("restream", f'set -a\n. {self._settings}\nexec {program} "$@"')
        self._stub("systemctl", f'PYTHONPATH={ROOT} exec {sys.executable} -m tests.support.systemctl "$@"')

    def _stub(self, name: str, command: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        path.chmod(0o755)

    def set(self, text: str) -> None:
        """Its settings, and what makes a test quick."""
        more = "".join(f"{name}={shlex.quote(value)}\n" for name, value in FASTER.items())
        more += f"RESTREAM_HTTP__PORT={self.port}\nRESTREAM_JSON_FILE__PATH={self.root}/streams.json\n"
        self._settings.write_text(f"{text}\n{more}", encoding="utf-8")

    async def run(self, text: str) -> str:
        """Execute commands as they stand there; what they print."""
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", text),
            env={"PATH": f"{self.root}/bin:{os.environ['PATH']}", "LANG": "C.UTF-8", "SCRATCH": str(self.root)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await asyncio.wait_for(process.communicate(), _LIMIT_S))[0].decode()
        assert process.returncode == 0, f"{text}: exit code {process.returncode}\n{output}"
        return output

    @property
    def journal(self) -> str:
        return (self.root / "journal").read_text(encoding="utf-8", errors="replace")


class TwoHosts:
    """Both, a media server on each, and what they share."""

    def __init__(self, directory: Path, owner: str, redis_url: str) -> None:
        self.hosts = {name: ScratchHost(directory / name) for name in NAMES}
        self.servers = {name: StandIn() for name in NAMES}
        self.role, self._owner, self._redis_url = f"nodes_{owner.rpartition('_')[2]}", owner, redis_url

    def here(self, text: str) -> str:
        """What the document says, for where these hosts are."""
        text = text.replace("restream_nodes", self.role)
        text = re.sub(r"postgresql://(?:owner|restream):password@10\.0\.0\.9:5432/cctv", self._owner, text)
        own = self._owner.replace("//restream@", f"//{self.role}@")
        text = re.sub(rf"postgresql://{self.role}:password@10\.0\.0\.9:5432/cctv", own, text)
        text = text.replace("redis://10.0.0.9:6379/0", self._redis_url)
        for number, name in enumerate(NAMES, 1):
            server, port = self.servers[name], self.hosts[name].port
            rtsp, api = urlsplit(server.rtsp_url).port, urlsplit(server.api_url).port
            for there, port_here in ((8000, port), (8554, rtsp), (9997, api), (8890, free_port())):
                text = text.replace(f"10.0.0.{number}:{there}", f"127.0.0.1:{port_here}")
        assert "10.0.0." not in text
        return text

    def settings_of(self, name: str) -> str:
        """The same on both but for the first two lines."""
        ((text),) = blocks("ini")["Two hosts", "Settings of two hosts"]
        first, *others = self.here(text).splitlines()
        assert first == "RESTREAM_NODE__NAME=one" and others[0].startswith("RESTREAM_NODES__URL=")
        url = f"RESTREAM_NODES__URL=http://127.0.0.1:{self.hosts[name].port}"
        return "\n".join([f"RESTREAM_NODE__NAME={name}", url, *others[1:]])

    async def shared(self, *names: str) -> None:
        """Wait until all cameras flow, and each of these nodes has some, and no other."""

        async def reached() -> bool:
            found = await self.hosts[names[0]].run("restream nodes")
            assert all(re.search(rf"^{name} ", found, re.MULTILINE) for name in names), found
            having = {line.split()[0] for line in (await self.owners()).splitlines()}
            assert having == set(names), found
            flowing = [each for server in self.servers.values() for each in (await paths(server)).values()]
            assert sorted(each["name"] for each in flowing if each["ready"]) == [
                f"cam{n}" for n in range(1, CAMERAS + 1)
            ]
            return True

        await eventually(reached, 60, f"all cameras flow, on {names}")

    async def owners(self) -> str:
        connection = await asyncpg.connect(self._owner)
        try:
            rows = await connection.fetch("SELECT node, count(*) AS cameras FROM restream_assignment GROUP BY node")
            return "\n".join(f"{row['node']} {row['cameras']}" for row in rows if row["node"])
        finally:
            await connection.close()


@pytest.fixture
async def two_hosts(tmp_path: Path, dsn: str, redis_url: str) -> AsyncIterator[TwoHosts]:
    found = TwoHosts(tmp_path, dsn, redis_url)
    for server in found.servers.values():
        await server.start()
    yield found
    for host in found.hosts.values():
        await asyncio.to_thread(systemctl.stop, host.root)
    for server in found.servers.values():
        await server.stop()
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"DROP OWNED BY {found.role}; DROP ROLE {found.role}")
    await connection.close()


@pytest.mark.timeout(3 * _LIMIT_S)
async def test_every_step_of_the_document(
    two_hosts: TwoHosts, database: asyncpg.Connection[asyncpg.Record], add_camera: AddCamera
) -> None:
    for number in range(1, CAMERAS + 1):
        await add_camera(number, site="West" if number == 1 else None)
    one = two_hosts.hosts["one"]
    (tables,), (granted,) = typed("Two hosts", "Tables"), blocks("sql")["Two hosts", "Tables"]
    assert "schema_nodes.sql is in place" in await one.run(two_hosts.here(tables))
    await database.execute(two_hosts.here(granted))

    for name, host in two_hosts.hosts.items():
        host.set(two_hosts.settings_of(name))
        assert not re.search("^fail ", await host.run("restream check --plain"), re.MULTILINE)
        await host.run("systemctl start restream")
    await two_hosts.shared("one", "two")
    # The second server has the site that the document gives it.
    assert (await paths(two_hosts.servers["two"]))["cam1"]["ready"]

    (maintenance,) = typed("Two hosts", "Maintenance of a host")
    drain, stop, *rest = maintenance.splitlines()
    await one.run(drain)
    assert {line.split()[0] for line in (await two_hosts.owners()).splitlines()} == {"two"}
    await two_hosts.shared("two")
    await one.run(stop)
    assert systemctl.running(one.root) is None
    said = await one.run("\n".join(rest))
    assert {line.split()[0] for line in said.splitlines()} >= {"one", "two"}, said
    await two_hosts.shared("one", "two")
    assert "Traceback" not in one.journal + two_hosts.hosts["two"].journal
