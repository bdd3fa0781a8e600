"""A Docker Engine of the tests' own: without a bridge, firewall rules or anything of the host's engine.

Nothing is pulled: the base image is a Debian 12 made here, whose Python 3.11 stands where the official image has it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from restream.config.places import ROOT

PROGRAMS = ("dockerd", "containerd", "runc", "docker", "debootstrap")
_START_S = 30.0
_MIRROR = "http://deb.debian.org/debian"
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"


class DockerMissingError(Exception):
    """No engine can be had here; the message says why."""


class OwnDocker:
    """The engine's client."""

    def __init__(self, home: Path) -> None:
        self.home = home
        # The builder of the engine itself: the other one is a program of its own, which Debian 12 has not.
        self.variables = {"DOCKER_HOST": f"unix://{home}/docker.sock", "DOCKER_BUILDKIT": "0"}

    def run(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`docker …`. AssertionError when it fails and `check` is wanted."""
        environment = {**os.environ, **self.variables}
        done = subprocess.run(
            ["docker", *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=600
        )
        assert not check or done.returncode == 0, f"docker {arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def tell(self, name: str, template: str) -> str:
        """What `docker inspect` says of a container or image."""
        return self.run("inspect", "--format", template, name).stdout.strip()


@contextlib.contextmanager
def own_docker() -> Iterator[OwnDocker]:
    """Run an engine until the block ends; nothing of it is left. Raises DockerMissingError."""
    if os.geteuid() != 0:
        raise DockerMissingError("a Docker Engine needs root")
    if lacking := [program for program in PROGRAMS if shutil.which(program) is None]:
        raise DockerMissingError(f"not installed: {', '.join(lacking)} (apt install docker.io debootstrap)")
    # Not below pytest's directory: a socket's path has a limit.
    home = Path(tempfile.mkdtemp(prefix="docker-"))
    try:
        with (home / "dockerd.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    "dockerd",
                    *("--data-root", f"{home}/data", "--exec-root", f"{home}/exec", "--pidfile", f"{home}/pid"),
                    *("--host", f"unix://{home}/docker.sock", "--bridge=none", "--iptables=false"),
                ],
                stdout=log,
                stderr=log,
            )
        engine = OwnDocker(home)
        try:
            _wait_until_it_answers(engine, process)
            yield engine
            for container in engine.run("ps", "--all", "--quiet").stdout.split():
                engine.run("rm", "--force", "--volumes", container)
            engine.run("network", "prune", "--force")
        finally:
            process.terminate()
            process.wait(30)
    finally:
        mounts = re.findall(rf"^\S+ ({re.escape(str(home))}\S*) ", Path("/proc/mounts").read_text("utf-8"), re.M)
        for mount in reversed(mounts):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(home, ignore_errors=True)


def _wait_until_it_answers(engine: OwnDocker, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while engine.run("version", check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            last = (engine.home / "dockerd.log").read_text("utf-8", "replace").strip().splitlines()[-1:]
            raise DockerMissingError(f"no Docker Engine starts here: {' '.join(last)[-300:]}")
        time.sleep(0.2)


def import_base(engine: OwnDocker) -> str:
    """A stand-in for the image that the Dockerfile is made from, under its name, which is returned."""
    (tag,) = re.findall(r"^FROM (\S+:\S+) AS base$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    root = engine.home / "base"
    packages = "--include=ca-certificates,python3,python3-venv"
    _run("debootstrap", "--variant=minbase", packages, "bookworm", str(root), _MIRROR)
    _run("chroot", str(root), "python3", "-m", "venv", "/usr/local")
    # As slim images are.
    for name in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / name)
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)
    _reach_the_index(root)
    pack = ["tar", "--directory", str(root), "--exclude=./proc/*", "--exclude=./sys/*", "--exclude=./dev/*"]
    archive = engine.home / "base.tar"
    _run(*pack, "--create", "--file", str(archive), ".")
    engine.run("import", str(archive), tag)
    archive.unlink()
    shutil.rmtree(root)
    return tag


def _reach_the_index(root: Path) -> None:
    """What this host tells pip by certificates and variables, for the build: in files, so that no image shows it."""
    if Path("/", _CERTIFICATES).exists():
        shutil.copyfile(Path("/", _CERTIFICATES), root / _CERTIFICATES)
    told = {key: os.environ.get(f"PIP_{key.upper()}") for key in ("index_url", "extra_index_url", "trusted_host")}
    lines = [f"{key.replace('_', '-')} = {value}" for key, value in told.items() if value]
    text = "\n".join(["[global]", f"cert = /{_CERTIFICATES}", *lines, ""])
    (root / "etc" / "pip.conf").write_text(text, encoding="utf-8")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        raise DockerMissingError(f"{command[0]}: {done.stdout[-200:]}{done.stderr[-200:]}")
