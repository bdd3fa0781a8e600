"""Starts programs: without a shell, in a session of their own, and so that they never outlive the service."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import shutil
import subprocess
from functools import cache
from typing import NamedTuple

from restream.domain.ffmpeg.invocation import Invocation

logger = logging.getLogger(__name__)


class Started(NamedTuple):
    """A child by its number, and descriptors of the reading ends of its pipes."""

    pid: int
    stdout: int
    stderr: int


def start(command: Invocation, *, stdin: int = subprocess.DEVNULL, user: str | None = None) -> Started:
    """Start a program, as another user if one is named. `stdin`: without a script; with one it has to be given by
    `tell`. Raises OSError, ValueError.

    It blocks until the program is executed, for a millisecond or two (vfork(2)).
    """
    ours: list[int] = []
    its: list[int] = []
    try:
        stdout, stderr = _output(ours, its), _output(ours, its)
        child = subprocess.Popen(
            (*_session_prefix(), *_death_signal_prefix(), *command.argv),
            stdin=stdin,
            stdout=its[0],
            stderr=its[1],
            start_new_session=not _session_prefix(),
            env=_environment(),
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
        )
    except BaseException:
        _close_all(ours)
        raise
    finally:
        _close_all(its)
    # It is reaped by its number, in this program or the next one in this process.
    child.returncode = 0
    return Started(child.pid, stdout, stderr)


def _output(ours: list[int], its: list[int]) -> int:
    reading, writing = os.pipe()
    ours.append(reading)
    its.append(writing)
    return reading


def _close_all(descriptors: list[int]) -> None:
    for each in descriptors:
        os.close(each)


def tell(descriptor: int, rest: bytes) -> None:
    """Write to a pipe that does not block, and close it. It takes 4 KiB at once; for more its reader is waited for."""
    loop = asyncio.get_running_loop()
    try:
        rest = rest[os.write(descriptor, rest) :]
    except BlockingIOError:
        pass
    except OSError:
        # The child is gone, which its ending tells.
        rest = b""
    if rest:
        loop.add_writer(descriptor, tell, descriptor, rest)
    else:
        loop.remove_writer(descriptor)
        os.close(descriptor)


def _environment() -> dict[str, str]:
    """What a child may know: not the service's own credentials, and nothing that makes ffmpeg write reports."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PG", "RESTREAM_", "FFREPORT"))}


@cache
def _death_signal_prefix() -> tuple[str, ...]:
    """Words that make the kernel kill the child when the service dies, even by SIGKILL (prctl PR_SET_PDEATHSIG)."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        logger.warning("setpriv (util-linux) is not installed: children may survive a SIGKILL of this service")
        return ()
    return (setpriv, "--pdeathsig", "KILL", "--")


@cache
def _session_prefix() -> tuple[str, ...]:
    """Words that give the child a session, and so a process group, of its own.

    Not before its first exec: until that, vfork(2) holds up this whole process, and in a session of its own the child
    has to queue for a processor behind all other sessions (sched(7), autogroup).
    """
    setsid = shutil.which("setsid")
    return () if setsid is None else (setsid,)
