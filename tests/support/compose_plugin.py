"""`docker compose`, where this machine's docker lacks it: the plugin of Debian 13's package, which is one program."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.own_docker import DockerMissingError

_PLACE = "usr/libexec/docker/cli-plugins/docker-compose"
_SOURCE = "deb http://deb.debian.org/debian trixie main"
_LIMIT_S = 300


def with_compose(home: Path) -> Mapping[str, str]:
    """Variables with which `docker compose` works; `home` is a directory of its own. Raises DockerMissingError."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return {}
    for name in ("state/lists/partial", "cache/archives/partial", "config/cli-plugins"):
        (home / name).mkdir(parents=True)
    (home / "sources").write_text(f"{_SOURCE}\n", encoding="utf-8")
    options = {"State": home / "state", "Cache": home / "cache", "Etc::SourceList": home / "sources"}
    apt = ["apt-get", "-q", "-o", "Dir::Etc::SourceParts=/dev/null", "-o", "APT::Sandbox::User=root"]
    apt += [word for key, value in options.items() for word in ("-o", f"Dir::{key}={value}")]
    _run([*apt, "update"], home)
    _run([*apt, "download", "docker-compose"], home)
    (package,) = home.glob("docker-compose_2*.deb")
    _run(["dpkg-deb", "-x", str(package), "unpacked"], home)
    (home / "unpacked" / _PLACE).rename(home / "config" / "cli-plugins" / "docker-compose")
    return {"DOCKER_CONFIG": str(home / "config")}


def _run(words: Sequence[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=_LIMIT_S)
    if done.returncode:
        raise DockerMissingError(f"no compose plugin: {words[0]}: {done.stdout[-200:]}{done.stderr[-200:]}")
