"""A scratch root in which docs/installation.md is typed, with commands that would change the real host replaced."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from restream.config.places import ROOT
from tests.support import systemctl
from tests.support.eventually import eventually

OWNERS_DSN = "postgresql://owner:password@127.0.0.1:5432/cctv"
# Directories of a host that stand for themselves in the scratch root.
HOST_PATHS = re.compile(r"(?<![\w./])/(?=(opt|etc|usr/local/bin|var/log|var/lib|root)/)")
NO_INDEX = ("NewConnectionError", "Temporary failure in name resolution", "No route to host", "ProxyError")
# On a busy machine pip alone takes a minute.
LIMIT_S = 200
RECORDED = ("apt-get", "adduser", "deluser")


class Host:
    """What an editor writes is `settings`, by the ending of the file's name; `dsn` is the owner's."""

    def __init__(
        self, root: Path, settings: Mapping[str, str], dsn: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.root = root
        self._dsn, self._environment = dsn, environment or {}
        self._stubs = root / "stubs"
        for name in ("stubs", "etc/systemd/system", "usr/local/bin", "var/log", "var/lib", "root", "opt"):
            (root / name).mkdir(parents=True)
        for name in RECORDED:
            self._stub(name, f'echo "{name} $*" >>{root}/recorded')
        self._stub("systemctl", f'PYTHONPATH={ROOT} exec {sys.executable} -m tests.support.systemctl "$@"')
        self._stub("python3", f'exec {getattr(sys, "_base_executable", sys.executable)} "$@"')
        # The group of the service is none of this host.
        self._stub("install", 'set -- $(echo "$*" | sed \'s/-g restream //\')\nexec /usr/bin/install "$@"')
        for ending, text in settings.items():
            (root / f"settings.{ending}").write_text(text, encoding="utf-8")
        # What is edited has been written by the step before; only the file of variables begins empty.
        self._stub("editor", f'[ "${{1##*.}}" = env ] || [ -s "$1" ]\ncat {root}/settings.${{1##*.}} >"$1"')

    def _stub(self, name: str, command: str) -> None:
        path = self._stubs / name
        path.write_text(f"#!/bin/sh -e\n{command}\n", encoding="utf-8")
        path.chmod(0o755)

    async def run(self, commands: Sequence[str], folder: Path = ROOT) -> str:
        """Execute commands as an administrator would type them in a folder; what they print."""
        text = "".join(commands).replace(OWNERS_DSN, self._dsn)
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", HOST_PATHS.sub(f"{self.root}/", text)),
            cwd=folder,
            env={
                "PATH": f"{self._stubs}:{self.root}/usr/local/bin:{os.environ['PATH']}",
                "HOME": os.environ.get("HOME", "/"),  # pip's cache and configuration
                "LANG": "C.UTF-8",
                "SCRATCH": str(self.root),
                "PIP_NO_COMPILE": "1",
                **self._environment,
                **{
                    key: value
                    for key, value in os.environ.items()
                    if re.match("PIP_|SSL_|.*_proxy$", key, re.IGNORECASE)
                },
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await asyncio.wait_for(process.communicate(), LIMIT_S))[0].decode()
        if process.returncode and any(sign in output for sign in NO_INDEX):
            pytest.skip("no package index within reach")
        assert process.returncode == 0, f"{text}: exit code {process.returncode}\n{output}"
        return output

    @property
    def recorded(self) -> list[str]:
        return (self.root / "recorded").read_text(encoding="utf-8").splitlines()

    async def shows(self, text: str) -> None:
        """Wait until `restream cameras` prints it."""

        async def shown() -> bool:
            command = self.root / "usr/local/bin/restream"
            process = await asyncio.create_subprocess_exec(
                *(command, "cameras"), env={**os.environ, **self._environment}, stdout=asyncio.subprocess.PIPE
            )
            return text in (await process.communicate())[0].decode()

        await eventually(shown, 40)

    def stop(self) -> None:
        systemctl.stop(self.root)
