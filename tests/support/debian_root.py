"""A Debian of its own in a folder, in which commands run as in a container without systemd.

Each command has namespaces of its own for mounts and processes: both are gone when it has ended, however it ends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

INSIDE = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
# $1 is the folder, $2 what is at /mnt, the rest the command. Names and certificates of this machine lead to the index.
_ENTER = """
set -e
root=$1 shared=$2; shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$shared" "$root/mnt"
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
    if [ -e "$file" ] && [ -e "$root$file" ]; then mount --bind "$file" "$root$file"; fi
done
exec chroot "$root" "$@"
"""
_PASSED = re.compile("PIP_(?!CONFIG|FIND)|.*_proxy$", re.IGNORECASE)
# What Debian's own programs leave, whatever is installed.
_TRACES = re.compile(
    r"/(var/lib/dpkg|var/lib/apt|var/log|var/cache|tmp|mnt|root|run)(/|$)|/etc/(passwd|group|shadow|gshadow)-$"
)


class DebianRoot:
    """The folder `path`, made by `debootstrap`; `shared` is seen at /mnt."""

    def __init__(self, path: Path, shared: Path) -> None:
        self.path, self.shared = path, shared

    def bootstrap(self, suite: str, packages: Sequence[str], limit_s: float) -> str:
        """Make it; what was wrong, empty when nothing was."""
        words = ("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite, str(self.path))
        done = subprocess.run([*_UNSHARE, *words], capture_output=True, text=True, check=False, timeout=limit_s)
        return "" if done.returncode == 0 else (done.stdout + done.stderr)[-2000:]

    def words(self, *words: str, network: bool = True, beside: int | None = None) -> list[str]:
        """A command line that runs `words` inside; `beside` a process that runs inside, among those that it sees."""
        if beside is not None:
            return ["nsenter", f"--target={beside}", "--mount", "--pid", "--root", "--wd", *words]
        alone = () if network else ("--net",)
        return [*_UNSHARE, *alone, "sh", "-c", _ENTER, "sh", str(self.path), str(self.shared), *words]

    def environment(self, **overrides: str) -> dict[str, str]:
        """Of a fresh login inside, and how this machine reaches a package index."""
        passed = {key: value for key, value in os.environ.items() if _PASSED.match(key)}
        usual = {"PATH": INSIDE, "LANG": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        return {**passed, **usual, **overrides}

    def run(
        self, *words: str, limit_s: float = 60, network: bool = True, beside: int | None = None, **overrides: str
    ) -> str:
        """What a command that works prints, errors too; AssertionError with all of it when it does not."""
        done = subprocess.run(
            self.words(*words, network=network, beside=beside),
            env=self.environment(**overrides),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=limit_s,
        )
        assert done.returncode == 0, f"{words}: exit code {done.returncode}\n{done.stdout}"
        return done.stdout

    def inside(self, path: str) -> Path:
        """Where a path of it is on this machine."""
        return self.path / path.lstrip("/")

    def script(self, path: str, text: str) -> Path:
        """Put a program into it."""
        there = self.inside(path)
        there.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        there.chmod(0o755)
        return there

    def accounts(self) -> Mapping[str, list[str]]:
        """Users and groups."""
        names = ("passwd", "group", "shadow", "gshadow")
        return {name: self.inside(f"/etc/{name}").read_text(encoding="utf-8").splitlines() for name in names}

    def files(self) -> set[str]:
        """Everything in it but the traces of Debian's own programs."""
        found = {f"/{path.relative_to(self.path)}" for path in self.path.rglob("*")}
        return {path for path in found if not _TRACES.match(path) or "restream" in path} - {"/etc/.pwd.lock"}

    def remove(self) -> None:
        """Nothing is mounted in it: that was so only for commands that have ended."""
        shutil.rmtree(self.path)


def settings_of(package: Path) -> Mapping[str, str]:
    """The fields of a package's control file."""
    text = subprocess.run(["dpkg-deb", "--field", package], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"^([\w-]+): (.*)$", text, re.MULTILINE))
