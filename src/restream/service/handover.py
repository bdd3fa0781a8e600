"""The service executes its next version in the same process (execv): what that one is given, and how it is tried first.

The process stays, and with it children, descriptors that are marked inheritable, the pid that systemd knows, and the
kernel's promise to end the children with it. See docs/upgrade.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import msgspec
import psutil

from restream.adapters.relay.worker_process import LeftWorker
from restream.domain.fleet.lease import KeptShare
from restream.domain.life.kept import KeptCamera
from restream.service.listening_port import LeftPort

logger = logging.getLogger(__name__)

VERSION = 1
"""Of the manifest: one that another version has made in another form is not read."""
ADOPT, COULD_ADOPT = "--adopt", "--could-adopt"
_TRIAL_S = 60.0
_NAMES = frozenset({"restream", "srvc_restream.py"})
_NAMED_AMONG = 4
_MOST_WORDS = 300
_REAPED_WITHIN_S = 1.0


class HandoverError(Exception):
    """The next version does not take over; the message is one line. Everything goes on as it was."""


class Manifest(msgspec.Struct):
    """All that the next life has to know. It holds passwords, so it is in memory only (memfd_create(2))."""

    version: int = VERSION
    rows: list[dict[str, Any]] = []
    """The last good reading of the table."""
    cameras: list[KeptCamera] = []
    workers: list[LeftWorker] = []
    ports: dict[str, LeftPort] = {}
    """Listening sockets by the setting that names them."""
    share: KeptShare | None = None
    environment: dict[str, str] = {}
    """What the service manager had told, which is not for children."""

    def children(self) -> set[int]:
        """Processes that run on."""
        own = {each.pid for each in self.cameras if each.pid is not None}
        return own | {each.child.pid for each in self.workers}


class _Version(msgspec.Struct):
    version: int


def write(manifest: Manifest) -> int:
    """A descriptor that the next program inherits."""
    descriptor = os.memfd_create("restream", 0)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(msgspec.msgpack.encode(manifest, enc_hook=str))
    return descriptor


def read(descriptor: int) -> Manifest:
    """What an earlier life has written. Raises HandoverError for what this version does not know."""
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        content = file.read()
    try:
        found = msgspec.msgpack.decode(content, type=_Version).version
        if found != VERSION:
            raise HandoverError(f"a manifest of version {found}; this version knows {VERSION}")
        return msgspec.msgpack.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise HandoverError(f"a manifest that cannot be read: {error}") from None


class Program(NamedTuple):
    """How a service was started, without what an earlier handover has added."""

    words: Sequence[str]
    """The interpreter, the program, its arguments."""
    directory: str | None = None
    environment: Mapping[str, str] | None = None

    @classmethod
    def of_this_process(cls) -> Program:
        """What would be executed."""
        return cls((sys.executable, *_without_adoption(sys.orig_argv[1:])))

    @property
    def arguments(self) -> Sequence[str]:
        """Those of the program itself."""
        return self.words[_place_of_the_name(self.words) + 1 :]

    @classmethod
    def of(cls, process: psutil.Process) -> Program | None:
        """That of a running service; None: it is none. Raises psutil.Error."""
        words = _without_adoption(process.cmdline())
        if _place_of_the_name(words) < 0:
            return None
        environment = {key: value for key, value in process.environ().items() if key != "NOTIFY_SOCKET"}
        return cls(words, process.cwd(), environment)


def _place_of_the_name(words: Sequence[str]) -> int:
    """Which word is the program; -1 where it is another one."""
    named = (place for place, word in enumerate(words[:_NAMED_AMONG]) if Path(word).name in _NAMES)
    return next(named, -1)


def _without_adoption(words: Sequence[str]) -> list[str]:
    given = list(words)
    if ADOPT in given:
        place = given.index(ADOPT)
        del given[place : place + 2]
    return given


async def rehearse(program: Program) -> str:
    """Have the version that would be executed now read the configuration and make all its parts. Returns what it calls
    itself. Raises HandoverError.
    """
    try:
        child = await asyncio.create_subprocess_exec(
            *program.words,
            COULD_ADOPT,
            str(VERSION),
            cwd=program.directory,
            env=program.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise HandoverError(f"{program.words[0]}: {error.strerror}") from None
    try:
        async with asyncio.timeout(_TRIAL_S):
            said, errors = await child.communicate()
    except TimeoutError:
        raise HandoverError(f"the next version was not ready within {_TRIAL_S:g} s") from None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode != 0:
        words = errors.decode("utf-8", "replace").strip().splitlines() or [f"exit code {child.returncode}"]
        raise HandoverError(f"the next version does not start: {words[-1][:_MOST_WORDS]}")
    return said.decode("utf-8", "replace").strip()[:_MOST_WORDS]


def execute(manifest: Manifest) -> NoReturn:
    """Become the next version. Nothing of this one goes on; signals that come before it listens are not lost on it."""
    descriptor = write(manifest)
    for number in (signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    os.execve(  # noqa: S606
        sys.executable,
        [*Program.of_this_process().words, ADOPT, str(descriptor)],
        {**os.environ, **manifest.environment},
    )


def end_strays(known: set[int]) -> None:
    """Kill children that the life before has left and not told of: nobody would watch them. Those that have ended are
    reaped.
    """
    for child in psutil.Process().children():
        if child.pid in known:
            continue
        with contextlib.suppress(psutil.Error):
            if child.status() != psutil.STATUS_ZOMBIE:
                logger.error("process %d (%s) was left by the version before and is ended", child.pid, child.name())
                child.kill()
            child.wait(_REAPED_WITHIN_S)
