"""Child processes: drained always, stopped by escalation, reaped, never orphaned; and handed over to the next program
in this process (execv), whose children they are too."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from restream.adapters.processes.pipes import Pipes, PromptPipes, ReadPipe
from restream.adapters.processes.spawning import Started, start, tell
from restream.adapters.processes.stderr_tail import StderrTail
from restream.domain.ffmpeg.exit_cause import ProcessEnding
from restream.domain.ffmpeg.invocation import Invocation
from restream.ports.cameras import PublisherError

logger = logging.getLogger(__name__)

# ffmpeg 5.1, 7.0 and 8.0 ignore the first SIGTERM while stalled (relay-stopped_while_frozen in tests/data/ffmpeg ends
# after the second), and 7.0 does so even while streaming (relay-stopped_while_streaming).
_SECOND_SIGNAL_AFTER_S = 1.0
# Inside a system call that cannot be interrupted (state D: a dead disk or file server) SIGKILL has no effect.
_UNKILLABLE_AFTER_S = 5.0


class LeftChild(NamedTuple):
    """A child that runs on, as the next program in this process needs to know it."""

    pid: int
    program: str
    """Its name, for people."""
    stdout: int | None
    """Descriptor of the reading end of its output; None: it has closed that."""
    stderr: int | None
    said: tuple[bytes, ...]
    """The last lines of its stderr, not masked."""
    secrets: tuple[str, ...]
    """What must be masked in them, longest first."""


class ChildProcess:
    """One running program with its pipes drained."""

    def __init__(self, left: LeftChild, on_stdout: Callable[[bytes], None], pipes: Pipes | None = None) -> None:
        """Follow one that is a child of this process, and may have ended. Raises OSError."""
        self.pid = left.pid
        """Process id, also of its process group."""
        self._program, self._secrets = left.program, left.secrets
        self._tail = StderrTail(left.said)
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._code: int | None = None
        self._giving_up: asyncio.TimerHandle | None = None
        self._pipes: list[ReadPipe | None] = [None, None]
        # Readable when it has ended, also if that is long ago.
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._reap)
        for place, (descriptor, watch, take) in enumerate(
            ((left.stdout, pipes or PromptPipes(), on_stdout), (left.stderr, PromptPipes(), self._tail.feed))
        ):
            if descriptor is not None:
                self._pipes[place] = watch.follow(descriptor, take)

    @classmethod
    def spawn(
        cls,
        command: Invocation,
        on_stdout: Callable[[bytes], None],
        *,
        user: str | None = None,
        pipes: Pipes | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> ChildProcess:
        """Start a program in a session of its own, as another user if one is named. Raises PublisherError.

        With `pipes` its output is read at their pace: for many long-lived children that say little. `stdin`: without a
        script.
        """
        script: tuple[int, int] | None = None
        try:
            script = os.pipe() if command.stdin else None
            started = start(command, stdin=script[0] if script else stdin, user=user)
        except (OSError, ValueError) as error:
            if script is not None:
                os.close(script[1])
            raise _not_started(command, error) from None
        finally:
            if script is not None:
                os.close(script[0])
        child = cls._of(started, command, on_stdout, pipes)
        if command.memory_bytes is not None:
            # Before it knows its source; setsid and setpriv pass it on. Refused is only to raise a limit that is lower.
            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(child.pid, resource.RLIMIT_DATA, (command.memory_bytes, command.memory_bytes))
        if command.stdin and script is not None:
            # Only now: a child whose parent dies before this finds an empty script and ends by itself.
            os.set_blocking(script[1], False)
            tell(script[1], command.stdin.reveal().encode())
        return child

    @classmethod
    def adopt(cls, left: LeftChild, on_stdout: Callable[[bytes], None], pipes: Pipes | None = None) -> ChildProcess:
        """Follow one that was left by `leave`. Raises PublisherError, when it is ended: nobody would hear of it."""
        try:
            return cls(left, on_stdout, pipes)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.killpg(left.pid, signal.SIGKILL)
            raise PublisherError(f"{left.program} ({left.pid}) cannot be followed: {error.strerror}") from None

    @classmethod
    def _of(
        cls, started: Started, command: Invocation, on_stdout: Callable[[bytes], None], pipes: Pipes | None
    ) -> ChildProcess:
        left = LeftChild(started.pid, Path(command.argv[0]).name, started.stdout, started.stderr, (), command.secrets)
        try:
            return cls(left, on_stdout, pipes)
        except OSError as error:
            # Nobody would hear of it.
            os.kill(started.pid, signal.SIGKILL)
            os.waitpid(started.pid, 0)
            for each in (started.stdout, started.stderr):
                os.close(each)
            raise _not_started(command, error) from None

    @property
    def running(self) -> bool:
        """Neither reaped nor given up."""
        return not self._exited.done()

    @property
    def suspended(self) -> bool:
        """Whether the process is stopped by a signal or traced (proc(5), state T or t)."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_bytes()
        except (OSError, ProcessLookupError):
            return False
        return stat.rpartition(b")")[2].split()[:1] in ([b"T"], [b"t"])

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines so far, masked, oldest first."""
        return self._tail.masked(self._secrets)

    async def ended(self) -> ProcessEnding:
        """Wait until the process is reaped and its output is read to the end, or until it is given up (see `kill`)."""
        await asyncio.shield(self._exited)
        for pipe in self._pipes:
            if pipe is not None:
                pipe.finish()
        code = -signal.SIGKILL if self._code is None else self._code
        return ProcessEnding(code if code >= 0 else None, -code if code < 0 else None, self.stderr_tail)

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, again after 1 s, SIGKILL when the grace (seconds) is over; returns when it is reaped or given up."""
        for number, patience_s in (
            (signal.SIGTERM, min(_SECOND_SIGNAL_AFTER_S, grace_s)),
            (signal.SIGTERM, max(0.0, grace_s - _SECOND_SIGNAL_AFTER_S)),
        ):
            if not self.running:
                return
            self._signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await asyncio.shield(self._exited)
        self.kill()
        await asyncio.shield(self._exited)

    def kill(self) -> None:
        """SIGKILL to the process and whatever it started. One that is still there 5 s later is given up: nobody waits
        for it any more, and it counts as killed.
        """
        self._signal(signal.SIGKILL)
        if self.running and self._giving_up is None:
            timer = self._loop.call_later(_UNKILLABLE_AFTER_S, self._give_up)
            self._exited.add_done_callback(lambda _: timer.cancel())
            self._giving_up = timer

    def leave(self) -> LeftChild | None:
        """Follow it no more: the next program in this process will. None: it has ended. Here it counts as ended from
        then on, so that nobody signals it.
        """
        if not self.running:
            return None
        self._forget()
        self._over()
        stdout, stderr = (None if pipe is None else pipe.leave() for pipe in self._pipes)
        return LeftChild(self.pid, self._program, stdout, stderr, self._tail.lines, self._secrets)

    def _reap(self) -> None:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            # Somebody else has: how it ended is not known.
            pid, status = self.pid, signal.SIGKILL
        if pid:
            self._code = os.waitstatus_to_exitcode(status)
            self._forget()
            self._over()

    def _give_up(self) -> None:
        logger.error(
            "process %d (%s) is still there %g s after SIGKILL: it is left behind",
            self.pid,
            self._program,
            _UNKILLABLE_AFTER_S,
        )
        self._over()

    def _over(self) -> None:
        # One that was given up may be reaped later.
        if not self._exited.done():
            self._exited.set_result(None)

    def _forget(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)

    def _signal(self, number: signal.Signals) -> None:
        if not self.running:
            return
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            # It is still to get its own group: nothing but itself is in it.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _not_started(command: Invocation, error: OSError | ValueError) -> PublisherError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "unusable argument"
    return PublisherError(f"{command.argv[0]} cannot be started: {reason}")
