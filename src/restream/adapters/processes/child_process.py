"""Child processes: spawned without a shell, drained always, stopped by escalation, reaped, and never orphaned."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import resource
import shutil
import signal
from collections import deque
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

from restream.adapters.processes.paced_pipes import PacedPipe, PacedPipes
from restream.domain.camera.secret import mask_exact, mask_patterns
from restream.domain.ffmpeg.exit_cause import ProcessEnding
from restream.domain.ffmpeg.invocation import Invocation
from restream.ports.cameras import PublisherError

logger = logging.getLogger(__name__)

_TAIL_LINES = 20
_LINE_LENGTH = 400
# A pipe that outlives its process (held by a grandchild) is not waited for longer than this.
_PIPE_LINGER_S = 1.0
# ffmpeg 5.1, 7.0 and 8.0 ignore the first SIGTERM while stalled (relay-stopped_while_frozen in tests/data/ffmpeg ends
# after the second), and 7.0 does so even while streaming (relay-stopped_while_streaming).
_SECOND_SIGNAL_AFTER_S = 1.0
# Inside a system call that cannot be interrupted (state D: a dead disk or file server) SIGKILL has no effect.
_UNKILLABLE_AFTER_S = 5.0


class StderrTail:
    """The last lines of a stream of bytes, bounded whatever comes."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=_TAIL_LINES)
        self._pending = b""

    def feed(self, chunk: bytes) -> None:
        """Take what was written; only the last lines are kept."""
        # Progress bars and repeated messages end in \r.
        lines = (self._pending + chunk).replace(b"\r", b"\n").split(b"\n")
        self._pending = lines.pop()[-_LINE_LENGTH:]
        self._lines.extend(line[:_LINE_LENGTH] for line in lines[-_TAIL_LINES:] if line.strip())

    def masked(self, secrets: tuple[str, ...]) -> tuple[str, ...]:
        """The lines as text, oldest first, without credentials and control characters."""
        lines = [*self._lines, self._pending] if self._pending.strip() else list(self._lines)
        return tuple(_printable(mask_patterns(mask_exact(line.decode("utf-8", "replace"), secrets))) for line in lines)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()


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


class _Protocol(asyncio.SubprocessProtocol):
    def __init__(self, on_stdout: Callable[[bytes], None]) -> None:
        self._on_stdout = on_stdout
        self.stderr = StderrTail()
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._on_stdout(data)
        else:
            self.stderr.feed(data)

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.exited, self.closed):
            if not future.done():
                future.set_result(None)


class ChildProcess:
    """One running program with its pipes drained."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, protocol: _Protocol, command: Invocation, output: PacedPipe | None
    ) -> None:
        self._transport = transport
        self._protocol = protocol
        self._command = command
        self._output = output
        self._giving_up: asyncio.TimerHandle | None = None

    @classmethod
    async def spawn(
        cls,
        command: Invocation,
        on_stdout: Callable[[bytes], None],
        *,
        user: str | None = None,
        pipes: PacedPipes | None = None,
        stdin: int = asyncio.subprocess.DEVNULL,
    ) -> ChildProcess:
        """Start a program in a session of its own, as another user if one is named. Raises PublisherError.

        With `pipes` its output is read at their pace: for many long-lived children that say little. `stdin`: without a
        script.
        """
        loop = asyncio.get_running_loop()
        try:
            output = pipes.open(on_stdout) if pipes else None
        except OSError as error:
            raise _not_started(command, error) from None
        spawning = asyncio.ensure_future(
            loop.subprocess_exec(
                lambda: _Protocol(on_stdout),
                *_session_prefix(),
                *_death_signal_prefix(),
                *command.argv,
                stdin=asyncio.subprocess.PIPE if command.stdin else stdin,
                stdout=output.write_end if output else asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=not _session_prefix(),
                env=_environment(),
                user=user,
                group=None if user is None else pwd.getpwnam(user).pw_gid,
                extra_groups=None if user is None else [],
            )
        )
        if output is not None:
            spawning.add_done_callback(lambda _: output.close_write_end())
        try:
            transport, protocol = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            # The fork may have happened already: what it made must not be lost.
            spawning.add_done_callback(_kill_late)
            raise
        except (OSError, ValueError) as error:
            if output is not None:
                output.finish()
            raise _not_started(command, error) from None
        child = cls(transport, protocol, command, output)
        if command.memory_bytes is not None:
            # Before it knows its source; setsid and setpriv pass it on. Refused is only to raise a limit that is lower.
            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(
                    transport.get_pid(), resource.RLIMIT_DATA, (command.memory_bytes, command.memory_bytes)
                )
        if command.stdin:
            # Only now: a child whose parent dies before this finds an empty script and ends by itself.
            script = cast(asyncio.WriteTransport, transport.get_pipe_transport(0))
            script.write(command.stdin.reveal().encode())
            script.close()
        return child

    @property
    def pid(self) -> int:
        """Process id, also of its process group."""
        return self._transport.get_pid()

    @property
    def running(self) -> bool:
        """Neither reaped nor given up."""
        return not self._protocol.exited.done()

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
        return self._protocol.stderr.masked(self._command.secrets)

    async def ended(self) -> ProcessEnding:
        """Wait until the process is reaped and its output is read to the end, or until it is given up (see `kill`)."""
        await asyncio.shield(self._protocol.exited)
        if self._output is not None:
            self._output.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PIPE_LINGER_S):
                await asyncio.shield(self._protocol.closed)
        self._transport.close()
        code = self._transport.get_returncode()
        if code is None:
            code = -signal.SIGKILL
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
                    await asyncio.shield(self._protocol.exited)
        self.kill()
        await asyncio.shield(self._protocol.exited)

    def kill(self) -> None:
        """SIGKILL to the process and whatever it started. One that is still there 5 s later is given up: nobody waits
        for it any more, and it counts as killed.
        """
        self._signal(signal.SIGKILL)
        if self.running and self._giving_up is None:
            timer = asyncio.get_running_loop().call_later(_UNKILLABLE_AFTER_S, self._give_up)
            self._protocol.exited.add_done_callback(lambda _: timer.cancel())
            self._giving_up = timer

    def _give_up(self) -> None:
        logger.error(
            "process %d (%s) is still there %g s after SIGKILL: it is left behind",
            self.pid,
            Path(self._command.argv[0]).name,
            _UNKILLABLE_AFTER_S,
        )
        self._protocol.connection_lost(None)

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


def _kill_late(spawning: asyncio.Future[tuple[asyncio.SubprocessTransport, _Protocol]]) -> None:
    if not spawning.cancelled() and spawning.exception() is None:
        transport, _ = spawning.result()
        with contextlib.suppress(ProcessLookupError):
            transport.kill()
        transport.close()
