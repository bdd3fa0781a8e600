"""The Debian package: built, installed, used, upgraded, removed and purged in a Debian of its own, for each release."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from restream import __version__
from restream.config.places import ROOT
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from tests.conftest import needs
from tests.support.debian_root import DebianRoot, settings_of
from tests.support.debian_services import of_the_demo, servers_of_the_demo, started
from tests.support.installation import typed
from tests.support.servers import TestServer, paths
from tests.support.service import QUICK, RunningService

SUITES = {"bookworm": ("deb12", "3.11"), "trixie": ("deb13", "3.13")}
# What a package is made of.
SOURCES = ("src", "etc", "docs", "restream.service", "pyproject.toml", "requirements.txt", "requirements.lock")
NEEDED = ("python3", "python3-venv", "ca-certificates")
UNREACHABLE = ("Couldn't download", "Failed getting release file", "NewConnectionError", "Temporary failure")
_MAKE, INSTALL = typed("Debian package", "")
BUILD = f"cd /mnt/src && mkdir /mnt/built && {_MAKE.strip()} && mv restream_*.deb /mnt/built"
MOMENT = "1700000000"
# Packages come over a network, on a machine that may be busy.
_LIMIT_S = 600
_CALLS = "/var/log/calls-of-systemctl"


@pytest.fixture(scope="module", params=SUITES)
def debian(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianRoot]:
    """A release with what building needs; the sources are at /mnt/src."""
    needs(request.config, os.geteuid() == 0, "root")
    for name in ("debootstrap", "unshare"):
        needs(request.config, shutil.which(name), name)
    folder = tmp_path_factory.mktemp(request.param)
    shared = folder / "shared"
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, shared / "src" / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
        else:
            shutil.copyfile(ROOT / name, shared / "src" / name)
    shutil.copyfile(ROOT / "README.md", shared / "src" / "README.md")
    debian = DebianRoot(folder / "root", shared)
    try:
        problem = debian.bootstrap(request.param, NEEDED, _LIMIT_S)
        if any(sign in problem for sign in UNREACHABLE):
            pytest.skip("Debian's packages are not within reach")
        assert problem == ""
        yield debian
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def package(debian: DebianRoot) -> Path:
    """Built by the one command, with the package index."""
    try:
        output = debian.run("sh", "-c", BUILD, limit_s=_LIMIT_S, SOURCE_DATE_EPOCH=MOMENT)
    except AssertionError as error:
        if any(sign in str(error) for sign in UNREACHABLE):
            pytest.skip("no package index within reach")
        raise
    (built,) = (debian.shared / "built").iterdir()
    assert output == f"{built.name}\n"
    return built


@pytest.mark.timeout(2 * _LIMIT_S)
def test_what_is_in_it(package: Path, debian: DebianRoot) -> None:
    release, python = SUITES[debian.path.parent.name.rstrip("0123456789")]
    fields = settings_of(package)
    assert fields["Version"] == f"{__version__}-1~{release}"
    assert package.name == f"restream_{fields['Version']}_{fields['Architecture']}.deb"
    assert f"python3 (>= {python}), python3 (<< 3.{int(python[2:]) + 1})" in fields["Depends"]
    assert fields["Recommends"].split(", ")[0] == "ffmpeg"
    listed = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    entries = [line.split(maxsplit=5) for line in listed.splitlines()]
    assert {entry[1] for entry in entries} == {"root/root"}
    assert {entry[0] for entry in entries} == {"drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x", "lrwxrwxrwx"}
    assert {name.split("/")[1] for *_, name in entries} - {""} == {"etc", "usr"}
    modules = {name for *_, name in entries if "/site-packages/restream/" in name}
    assert sum(name.endswith(".pyc") for name in modules) == sum(name.endswith(".py") for name in modules) > 100
    # No file knows where it was made, or a way to this machine.
    unpacked = debian.shared / "unpacked"
    subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
    for path in unpacked.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert not re.search(rb"restream-deb-|/mnt/src", path.read_bytes()), path
    unit = (unpacked / "usr/lib/systemd/system/restream.service").read_text(encoding="utf-8").splitlines()
    ours = (ROOT / "restream.service").read_text(encoding="utf-8").splitlines()
    assert [a for a, b in zip(unit, ours, strict=True) if a != b] == [
        "ExecStartPre=-/usr/lib/restream/bin/restream check --plain",
        "ExecStart=/usr/lib/restream/bin/restream run --plain",
    ]


@pytest.mark.timeout(2 * _LIMIT_S)
def test_a_wheelhouse_makes_the_same_bytes_without_a_network(package: Path, debian: DebianRoot) -> None:
    (offline,) = typed("Debian package", "Closed networks")
    fetch, build = offline.strip().rsplit("\n", 1)
    enter = "set -e; umask 022; cd /mnt/src\n"
    debian.run("sh", "-c", enter + fetch, limit_s=_LIMIT_S)
    output = debian.run("sh", "-c", enter + build, limit_s=_LIMIT_S, network=False, SOURCE_DATE_EPOCH=MOMENT)
    second = debian.shared / "src" / output.strip()
    assert second.name == package.name
    assert second.read_bytes() == package.read_bytes()


def lower(package: Path, folder: Path) -> Path:
    """The package of a version before, whose camera types were others."""
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder], check=True)
    control, types = folder / "DEBIAN" / "control", folder / "etc" / "restream" / "camera_types.yml"
    control.write_text(re.sub(r"(?m)^(Version: )", r"\g<1>0~", control.read_text(encoding="utf-8")), encoding="utf-8")
    types.write_text("# of the version before\n" + types.read_text(encoding="utf-8"), encoding="utf-8")
    old = folder / "usr/lib/restream/lib/of_the_version_before"
    old.write_text("", encoding="utf-8")
    made = folder.with_suffix(".deb")
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", folder, made], check=True, capture_output=True
    )
    return made


def as_the_unit_says(debian: DebianRoot) -> tuple[str, ...]:
    """The command of the installed unit, as its user and in its directory."""
    text = debian.inside("/usr/lib/systemd/system/restream.service").read_text(encoding="utf-8")
    unit = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    user = f"setpriv --reuid={unit['User']} --regid={unit['Group']} --init-groups"
    return ("sh", "-c", f"umask {unit['UMask']}; cd {unit['WorkingDirectory']} && exec {user} {unit['ExecStart']}")


@dataclass(frozen=True, slots=True)
class Manager:
    """Stands for systemd: a `systemctl` that writes down what it is told, and knows one process of the unit."""

    debian: DebianRoot
    calls: Path
    beside: int | None = None
    """The main process of the unit, as this machine calls it; None: the unit does not run."""

    @classmethod
    def of(cls, debian: DebianRoot, main: psutil.Process | None = None) -> Manager:
        debian.inside("/run/systemd/system").mkdir(parents=True, exist_ok=True)
        number, active = 0, 3
        if main is not None:
            status = Path(f"/proc/{main.pid}/status").read_text(encoding="utf-8")
            number, active = int(re.findall(r"^NSpid:.*\t(\d+)$", status, re.MULTILINE)[0]), 0
        cases = f"*is-active*) exit {active} ;; *MainPID*) echo {number} ;;"
        debian.script("/usr/local/bin/systemctl", f'echo "$*" >>{_CALLS}\ncase "$*" in {cases} esac')
        return cls(debian, debian.inside(_CALLS), main.pid if main is not None else None)

    def told(self, *words: str) -> list[str]:
        """What it is told to do with the unit while a command runs inside."""
        return self.run(*words)[0]

    def run(self, *words: str) -> tuple[list[str], str]:
        """That, and what the command prints."""
        self.calls.write_text("", encoding="utf-8")
        output = self.debian.run(*words, limit_s=_LIMIT_S, beside=self.beside)
        lines = self.calls.read_text(encoding="utf-8").splitlines()
        found = [line.split()[0] for line in lines if re.search(r" restream(\.service)?$", line)]
        return [verb for verb in found if verb not in {"is-active", "--quiet", "--system"}], output

    def leave(self) -> None:
        """The machine is again one without systemd."""
        shutil.rmtree(self.debian.inside("/run/systemd"))
        self.debian.inside("/usr/local/bin/systemctl").unlink()


@pytest.mark.timeout(2 * _LIMIT_S)
async def test_a_life_with_it(package: Path, debian: DebianRoot, dsn: str, stand_in: TestServer) -> None:
    files, accounts = debian.files(), debian.accounts()
    before = lower(package, debian.shared / "before")
    install, *others = INSTALL.splitlines()
    (named,) = re.findall(r"\./(restream_\S+\.deb)", install)
    # Nobody answers apt here, and ffmpeg with all that it brings is only recommended.
    (debian.inside("/etc/apt/apt.conf.d") / "50test").write_text(
        'APT::Get::Assume-Yes "true"; APT::Install-Recommends "false";\n', encoding="utf-8"
    )
    told = debian.run("sh", "-c", f"cd /mnt; {install.replace(named, before.name)}", limit_s=_LIMIT_S).splitlines()
    (debian.inside("/etc/apt/apt.conf.d") / "50test").unlink()
    assert told[-1].startswith("restream: set database.dsn in /etc/restream/restream.yml, then `restream check`")
    assert debian.run("restream", "--version").startswith(f"restream {__version__}")
    assert debian.inside("/etc/systemd/system/multi-user.target.wants/restream.service").is_symlink()
    mode = debian.run("stat", "-c", "%a %U:%G", "/etc/restream", "/var/lib/restream", "/var/log/restream")
    assert mode.splitlines() == ["750 root:restream", "755 restream:restream", "755 restream:restream"]

    await the_demo(debian)
    settings = await the_service(debian, dsn, stand_in, f"/mnt/built/{package.name}", others)

    kept = {name: debian.inside(f"/etc/restream/{name}").read_text(encoding="utf-8") for name in settings}
    assert kept == settings
    assert re.findall(r"/\S+", debian.run("dpkg", "--verify", "restream")) == ["/etc/restream/restream.yml"]
    types = debian.inside("/etc/restream/camera_types.yml").read_text(encoding="utf-8")
    assert types == (ROOT / "etc" / "camera_types.yml").read_text(encoding="utf-8")
    assert not debian.inside("/usr/lib/restream/lib/of_the_version_before").exists()
    assert debian.run("stat", "-c", "%a %U:%G", "/etc/restream") == "750 root:restream\n"

    manager = Manager.of(debian)
    assert manager.told("dpkg", "-i", f"/mnt/built/{package.name}") == []
    assert manager.told("dpkg", "--remove", "restream") == ["stop"]
    assert not debian.inside("/usr/bin/restream").exists() and not debian.inside("/usr/lib/restream").exists()
    assert kept == {name: debian.inside(f"/etc/restream/{name}").read_text(encoding="utf-8") for name in settings}
    assert debian.inside("/var/log/restream/restream.log").stat().st_size > 0
    assert manager.told("dpkg", "-i", f"/mnt/built/{package.name}") == []
    manager.leave()
    debian.run("dpkg", "--purge", "restream")
    assert debian.files() ^ files == set()
    assert debian.accounts() == accounts


async def the_demo(debian: DebianRoot) -> None:
    """As somebody sees it who has just installed the package."""
    servers_of_the_demo(debian.shared / "servers")
    port = free_port()
    environment = {"PYTHONPATH": "/mnt/servers", **of_the_demo(port)}
    async with started(debian, "restream", "demo", "--plain", port=port, **environment) as service:
        await service.reach({"1": "healthy"}, 60)


async def the_service(
    debian: DebianRoot, dsn: str, stand_in: TestServer, package: str, others: Sequence[str]
) -> dict[str, str]:
    """Configured, checked, run and upgraded as the documents say; what its settings are, by file.

    `others` are the lines of the document after the first.
    """
    port = free_port()
    section = {
        "redis": {"url": None},
        "json_file": {"path": None},
        "cameras": {"engine": "relay"},
        "mediamtx": {"api_url": stand_in.api_url, "rtsp_url": stand_in.rtsp_url},
        "http": {"port": port},
        "metrics": {"port": None},
    }
    elsewhere = f"PG_DSN='postgresql://nobody@127.0.0.1:{free_port()}/none'\n"
    settings = {"restream.yml": f"# of this site\n{json.dumps(section)}\n", "restream.env": elsewhere}
    (debian.shared / "settings.yml").write_text(settings["restream.yml"], encoding="utf-8")
    debian.inside("/etc/restream/restream.env").write_text(elsewhere, encoding="utf-8")
    # What somebody says at the command line wins over the settings of the service.
    assert "schema.sql is in place" in debian.run("restream", "init-db", PG_DSN=dsn)
    settings["restream.env"] = f"PG_DSN='{dsn}'\n"
    debian.inside("/etc/restream/restream.env").write_text(settings["restream.env"], encoding="utf-8")
    debian.script("/usr/local/bin/editor", 'cat /mnt/settings.yml >"$1"')
    manager = Manager.of(debian)
    # In a thread: the media server is served by this one.
    assert await asyncio.to_thread(manager.told, "sh", "-ec", "\n".join(others)) == ["start"]
    debian.inside("/usr/local/bin/editor").unlink()
    found = json.loads(await asyncio.to_thread(debian.run, "restream", "check", "--json"))["checks"]
    assert [each for each in found if each["state"] == "fail"] == []
    assert {each["name"]: each["text"] for each in found}["configuration"] == "/etc/restream/restream.yml"
    connection = await asyncpg.connect(dsn)
    async with SimulatedCamera(Clip.load("h264"), login="admin", password="hunter22") as camera:
        await connection.execute(
            "INSERT INTO cameras (camera_type, link, login, password) VALUES ('HIKVISION', $1, 'admin', 'hunter22')",
            f"{camera.host}:{camera.port}",
        )
        environment = {"HOME": "/var/lib/restream", "PG_DSN": dsn, **QUICK}
        async with started(debian, *as_the_unit_says(debian), port=port, **environment) as service:
            await service.reach({"1": "healthy"}, 60)
            assert "1 camera: 1 healthy" in await asyncio.to_thread(debian.run, "restream", "cameras")
            # Also where root has run the demo before.
            assert " is up: " in debian.inside("/var/log/restream/restream.log").read_text(encoding="utf-8")
            assert "cannot be used" not in service.log
            assert {process.uids().real for process in service.children()} == {
                debian.inside("/var/log/restream").stat().st_uid
            }
            await upgraded_while_it_runs(debian, service, stand_in, package)
    await connection.close()
    return settings


async def upgraded_while_it_runs(
    debian: DebianRoot, service: RunningService, stand_in: TestServer, package: str
) -> None:
    """The service is replaced and streams flow on; where that may not be or cannot be, nothing happens to them."""
    main = service.children()[0]
    manager, install = Manager.of(debian, main), ("dpkg", "-i", package)

    async def life() -> tuple[str, set[int], Any]:
        path = (await paths(stand_in))["cam1"]
        assert path["ready"]
        return (
            (await service.get("/api/status"))["instance"],
            {child.pid for child in service.children()},
            path["source"],
        )

    before = await life()
    old = debian.inside("/usr/lib/restream/lib/of_the_version_before")
    assert old.exists()
    told, output = await asyncio.to_thread(manager.run, *install)
    assert told == [] and f"restream {__version__} has taken over\n" in output
    after = await life()
    assert after[0] != before[0] and after[1:] == before[1:] and not old.exists()
    await service.reach({"1": "healthy"})

    policy = debian.script("/usr/sbin/policy-rc.d", "exit 101")
    assert (await asyncio.to_thread(manager.told, *install), await life()) == ([], after)
    policy.unlink()

    configuration = debian.inside("/etc/restream/restream.yml")
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text("no_such_section: {}\n", encoding="utf-8")
    told, output = await asyncio.to_thread(manager.run, *install)
    assert told == [] and "no_such_section" in output and "the version before goes on running" in output
    assert await life() == after
    configuration.write_text(text, encoding="utf-8")

    # What hangs has nothing to hand over: systemd ends and starts it.
    main.suspend()
    assert await asyncio.to_thread(manager.told, *install) == ["try-restart"]
    main.resume()
