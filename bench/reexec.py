"""A prototype, not a part of the service: a supervisor that replaces itself by its next version and keeps its children.

    python -m bench.reexec COMMANDS.json      # a list of command lines, each started through setpriv --pdeathsig

SIGHUP: execute the program again in the same process (execv). The children stay children, their pipes stay open, and
the kernel's promise to kill them with their parent stays in force, since that parent has not ended. What the next life
has to know stands in a file without a name (memfd). Each life prints one JSON line when it follows its children.
SIGUSR1: likewise, with a next version that ends at once. SIGTERM: end the children.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from restream.domain.ffmpeg.progress import ProgressParser

_OUT_OF_THE_WAY = ("-c", "raise SystemExit(2)")


class Follower:
    """One child, by what survives an execv: its number and the reading ends of its pipes."""

    def __init__(self, pid: int, stdout: int, stderr: int) -> None:
        self.pid, self.stdout, self.stderr = pid, stdout, stderr
        self.advanced = asyncio.Event()
        self._parser = ProgressParser()

    async def follow(self) -> None:
        """Read progress, and drain what else is said."""
        loop = asyncio.get_running_loop()
        for fd, take in ((self.stdout, self._progress), (self.stderr, lambda _: None)):
            os.set_blocking(fd, False)
            os.set_inheritable(fd, False)
            loop.add_reader(fd, self._read, fd, take)
        # Its ending is told by a pidfd, which is simply opened anew.
        pidfd = os.pidfd_open(self.pid)
        loop.add_reader(pidfd, loop.remove_reader, pidfd)

    def _read(self, fd: int, take: object) -> None:
        chunk = os.read(fd, 65536)
        if not chunk:
            asyncio.get_running_loop().remove_reader(fd)
        elif callable(take):
            take(chunk)

    def _progress(self, chunk: bytes) -> None:
        if list(self._parser.feed(chunk)):
            self.advanced.set()

    def manifest(self) -> Mapping[str, int]:
        return {"pid": self.pid, "stdout": self.stdout, "stderr": self.stderr}


def _start(argv: list[str]) -> Follower:
    child = subprocess.Popen(
        ("setpriv", "--pdeathsig", "KILL", "--", *argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    fds = os.dup(child.stdout.fileno()), os.dup(child.stderr.fileno())
    child.stdout.close()
    child.stderr.close()
    child.returncode = 0  # followed by its number from here on
    return Follower(child.pid, *fds)


def _replace(followers: list[Follower], life: int, program: tuple[str, ...] | None = None) -> NoReturn:
    fd = os.memfd_create("children")
    state = {"life": life + 1, "at": time.monotonic(), "children": [each.manifest() for each in followers]}
    os.write(fd, json.dumps(state).encode())
    for kept in (fd, *(end for each in followers for end in (each.stdout, each.stderr))):
        os.set_inheritable(kept, True)
    os.execv(sys.executable, [sys.executable, *(program or ("-m", "bench.reexec", "--adopt", str(fd)))])


async def _run(followers: list[Follower], life: int, since: float) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_signal_handler(signal.SIGHUP, _replace, followers, life)
    loop.add_signal_handler(signal.SIGUSR1, _replace, followers, life, _OUT_OF_THE_WAY)
    await asyncio.gather(*(each.follow() for each in followers))
    following_s = time.monotonic() - since
    await asyncio.gather(*(each.advanced.wait() for each in followers))
    told = {"life": life, "pids": [each.pid for each in followers], "following_s": round(following_s, 3)}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    await ended.wait()
    for each in followers:
        os.killpg(each.pid, signal.SIGKILL)
        os.waitpid(each.pid, 0)


def main() -> None:
    since = time.monotonic()
    if sys.argv[1] == "--adopt":
        with os.fdopen(int(sys.argv[2]), "rb") as file:
            file.seek(0)
            state = json.load(file)
        followers = [Follower(**child) for child in state["children"]]
        asyncio.run(_run(followers, state["life"], state["at"]))
    else:
        followers = [_start(argv) for argv in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))]
        asyncio.run(_run(followers, 1, since))


if __name__ == "__main__":
    main()
