"""What surrounds a service: its wall clock; with privileges a network of its own for some cameras, and a small disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cache
from pathlib import Path

_DISK_BYTES = 8 << 20


def _do(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=10)


@cache
def may(what: str) -> bool:
    """Whether this machine permits a `partition`, or a `small disk`."""
    name = f"restream-chaos-{os.getpid()}-try"
    try:
        if what == "partition":
            _do("ip", "netns", "add", name)
            _do("ip", "netns", "del", name)
        else:
            _do("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt")
    except (OSError, subprocess.SubprocessError):
        return False
    return True


class WallClock:
    """Of one service, against the true one; it is kept in a file."""

    def __init__(self, at: Path) -> None:
        self._at = at
        self.set(0)

    def set(self, offset_s: float) -> None:
        with self._at.open("r+b" if self._at.exists() else "wb") as file:
            file.write(struct.pack("d", offset_s))

    @property
    def environment(self) -> Mapping[str, str]:
        """With this a service reads this clock."""
        places = (str(Path(__file__).with_name("clock")), os.environ.get("PYTHONPATH", ""))
        return {"CHAOS_CLOCK": str(self._at), "PYTHONPATH": os.pathsep.join(places)}


class Island:
    """Cameras behind a link that can be cut: packets vanish, nobody is told."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._name = f"restream-chaos-{os.getpid()}"
        self._near, self._far = f"chaos{os.getpid() % 10**6}a", f"chaos{os.getpid() % 10**6}b"
        self._net = f"169.254.{os.getpid() % 254 + 1}"
        self.urls: list[str] = []

    def cut(self) -> None:
        _do("ip", "-n", self._name, "link", "set", self._far, "down")

    def mend(self) -> None:
        _do("ip", "-n", self._name, "link", "set", self._far, "up")

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator[Island]:
        _do("ip", "netns", "add", self._name)
        try:
            _do("ip", "link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self._name)
            _do("ip", "addr", "add", f"{self._net}.1/30", "dev", self._near)
            _do("ip", "link", "set", self._near, "up")
            _do("ip", "-n", self._name, "addr", "add", f"{self._net}.2/30", "dev", self._far)
            self.mend()
            cameras = await asyncio.create_subprocess_exec(
                *("ip", "netns", "exec", self._name, sys.executable, "-m", "restream.demo.cameras"),
                *("--count", str(self._count), "--host", f"{self._net}.2"),
                stdout=asyncio.subprocess.PIPE,
            )
            assert cameras.stdout is not None
            line = await asyncio.wait_for(cameras.stdout.readline(), 20)
            self.urls = json.loads(line.removeprefix(b"READY "))
            try:
                yield self
            finally:
                cameras.terminate()
                await cameras.wait()
        finally:
            # The link goes with its end.
            _do("ip", "netns", "del", self._name)


@contextlib.contextmanager
def small_disk(at: Path) -> Iterator[Path]:
    at.mkdir()
    _do("mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "none", str(at))
    try:
        yield at
    finally:
        _do("umount", "--lazy", str(at))


def fill(disk: Path) -> Path:
    """Write until nothing fits any more; the file to delete."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler
