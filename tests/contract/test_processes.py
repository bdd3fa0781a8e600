"""Child processes: what `Publisher` and `Prober` promise of them, with real programs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from restream.adapters.ffmpeg.ffprobe import FfprobeProber, look
from restream.adapters.processes.child_process import ChildProcess
from restream.adapters.processes.paced_pipes import PacedPipes
from restream.adapters.processes.run_once import run_once
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.secret import Secret
from restream.domain.camera.urls import parse_source
from restream.domain.engine import ProbeFailure
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.ffmpeg.plan import FfmpegSettings, ProbePlan
from restream.domain.life.cause import Cause
from restream.ports.cameras import PublisherError
from restream.service.interpreter import install_child_watcher
from restream.supervisor.cameras.timer import DeadlineTimer
from tests.support.eventually import eventually


@pytest.fixture(autouse=True)
async def watcher() -> AsyncIterator[None]:
    """As in the service. Elsewhere in the tests it would lose children: on 3.11 it follows only the newest loop."""
    if sys.version_info >= (3, 12):
        yield
        return
    before = asyncio.get_child_watcher()
    install_child_watcher()
    asyncio.get_child_watcher().attach_loop(asyncio.get_running_loop())
    yield
    asyncio.set_child_watcher(before)


@pytest.fixture(params=["at once", "paced"])
async def pipes(request: pytest.FixtureRequest) -> PacedPipes | None:
    """How output is read; what is promised is the same."""
    return PacedPipes() if request.param == "paced" else None


def _descriptors() -> set[str]:
    return {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}


def _children() -> str:
    words: list[str] = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            words += child.cmdline()
    return " ".join(words)


def _python(code: str, stdin: str | None = None) -> Invocation:
    return Invocation((sys.executable, "-c", code), Secret(stdin) if stdin else None, secrets=("hunter22",))


async def test_a_program_that_does_not_exist_is_our_error(pipes: PacedPipes | None) -> None:
    before = _descriptors()
    with pytest.raises(PublisherError, match="cannot be started"):
        ChildProcess.spawn(Invocation(("/nonexistent/program\0",)), lambda _: None, pipes=pipes)
    await eventually(lambda: _descriptors() <= before, 5)


async def test_output_is_drained_and_the_ending_is_told(pipes: PacedPipes | None) -> None:
    received = bytearray()
    code = "import sys; print('x' * 300_000); print('bad hunter22', file=sys.stderr); sys.exit(3)"
    child = ChildProcess.spawn(_python(code), received.extend, pipes=pipes)
    ending = await child.ended()
    assert (ending.exit_code, ending.signal, ending.stderr_tail) == (3, None, ("bad ***",))
    assert len(received) == 300_001


async def test_many_children_are_read_together_and_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    before = _descriptors()
    pipes = PacedPipes()
    said: dict[int, bytes] = {}

    def listener(number: int) -> Callable[[bytes], None]:
        def on_stdout(chunk: bytes) -> None:
            if number == 0:
                raise ValueError("a defect in what listens to one of them")
            said[number] = said.get(number, b"") + chunk

        return on_stdout

    command = _python("import time; print('here', flush=True); time.sleep(60)")
    children = [ChildProcess.spawn(command, listener(number), pipes=pipes) for number in range(8)]
    await eventually(lambda: len(said) == 7 and "internal error" in caplog.text, 10)
    for child in children:
        child.kill()
        await child.ended()
    assert set(said.values()) == {b"here\n"}
    await eventually(lambda: _descriptors() <= before, 5)
    # And again after the last one was gone.
    received = bytearray()
    child = ChildProcess.spawn(_python("print('again')"), received.extend, pipes=pipes)
    await child.ended()
    assert received == b"again\n"
    await eventually(lambda: _descriptors() <= before, 5)


async def test_one_that_got_no_pipe_costs_the_next_one_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted() -> tuple[int, int]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    pipes, heard = PacedPipes(), asyncio.Event()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pipe", exhausted)
        with pytest.raises(PublisherError, match="Too many open files"):
            ChildProcess.spawn(_python("pass"), lambda _: None, pipes=pipes)
    # Nothing tells when the readers, if any were left, have had their turns: far more of them than one.
    await asyncio.sleep(0.1)
    command = _python("import time; print('here', flush=True); time.sleep(60)")
    child = ChildProcess.spawn(command, lambda _: heard.set(), pipes=pipes)
    async with asyncio.timeout(10):
        await heard.wait()
    child.kill()
    await child.ended()


def _talkers(pipes: PacedPipes, heard: dict[str, int]) -> list[ChildProcess]:
    code = "import time\nwhile True: print(flush=True); time.sleep(0.05)"

    def listener(name: str) -> Callable[[bytes], None]:
        return lambda _: heard.update({name: heard.get(name, 0) + 1})

    return [ChildProcess.spawn(_python(code), listener(name), pipes=pipes) for name in ("first", "second")]


async def test_a_pipe_that_cannot_be_read_is_closed_and_the_others_are_read_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before, pipes, heard = _descriptors(), PacedPipes(), dict[str, int]()
    first, second = _talkers(pipes, heard)
    await eventually(lambda: len(heard) == 2, 10)
    broken, read = min(pipes._pipes), os.read

    def failing(descriptor: int, size: int) -> bytes:
        if descriptor == broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(descriptor, size)

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", failing)
        await eventually(lambda: broken not in pipes._pipes, 10)
        counts = dict(heard)
        await eventually(lambda: max(heard[name] - counts[name] for name in heard) > 3, 10)
    assert [record.message for record in caplog.records] == [
        "the output of a child cannot be read any more: Input/output error"
    ]
    for child in (first, second):
        child.kill()
        await child.ended()
    await eventually(lambda: _descriptors() <= before, 5)


async def test_children_are_read_on_when_the_system_cannot_tell_who_has_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Deaf:
        def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    pipes, heard = PacedPipes(), dict[str, int]()
    first, second = _talkers(pipes, heard)
    await eventually(lambda: len(heard) == 2, 10)
    with monkeypatch.context() as patch:
        patch.setattr(pipes, "_epoll", Deaf())
        counts = dict(heard)
        await eventually(lambda: all(heard[name] - counts[name] > 3 for name in heard), 10)
    assert len(caplog.records) == 1
    for child in (first, second):
        child.kill()
        await child.ended()


async def test_standard_input_is_written_and_closed() -> None:
    received = bytearray()
    child = ChildProcess.spawn(_python("import sys; print(len(sys.stdin.read()))", "hello"), received.extend)
    await child.ended()
    assert received.strip() == b"5"


async def test_a_script_that_no_pipe_holds_at_once_arrives_as_a_whole() -> None:
    received = bytearray()
    code = "import sys, time; time.sleep(0.3); print(len(sys.stdin.read()))"
    child = ChildProcess.spawn(_python(code, "x" * 300_000), received.extend)
    await child.ended()
    assert received.strip() == b"300000"


async def test_a_child_that_does_not_read_its_script_costs_nothing() -> None:
    before = _descriptors()
    child = ChildProcess.spawn(_python("pass", "x" * 300_000), lambda _: None)
    assert (await child.ended()).exit_code == 0
    await eventually(lambda: _descriptors() <= before, 5)


async def test_one_that_nobody_could_follow_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(_: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    marker, before = "restream-not-followed", _descriptors()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pidfd_open", exhausted)
        with pytest.raises(PublisherError, match="Too many open files"):
            ChildProcess.spawn(_python(f"import time; '{marker}'; time.sleep(60)"), lambda _: None)
    assert marker not in _children() and _descriptors() <= before


async def test_one_that_is_left_runs_on_and_is_followed_anew(pipes: PacedPipes | None) -> None:
    before, heard, again = _descriptors(), bytearray(), bytearray()
    code = (
        "import sys, time; print('bad hunter22', file=sys.stderr, flush=True)\n"
        "for n in range(400): print(n, flush=True); time.sleep(0.02)"
    )
    child = ChildProcess.spawn(_python(code), heard.extend, pipes=pipes)
    await eventually(lambda: b"\n" in heard and child.stderr_tail, 10)
    left = child.leave()
    assert left is not None and left.stdout is not None and os.get_inheritable(left.stdout)
    known = bytes(heard)
    await asyncio.sleep(0.2)
    assert bytes(heard) == known
    follower = ChildProcess.adopt(left, again.extend, pipes)
    assert follower.pid == child.pid and follower.stderr_tail == ("bad ***",)
    assert not os.get_inheritable(left.stdout)
    await eventually(lambda: again.count(b"\n") > 20, 10)
    # Not a byte is lost, and none comes twice.
    numbers = (known + bytes(again)).split(b"\n")[:-1]
    assert [int(each) for each in numbers] == list(range(len(numbers)))
    await follower.stop(3)
    assert (await follower.ended()).signal == signal.SIGTERM
    await eventually(lambda: _descriptors() <= before, 5)


async def test_one_that_was_left_and_cannot_be_followed_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(_: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    ready = asyncio.Event()
    child = ChildProcess.spawn(_python("import time; print('a', flush=True); time.sleep(60)"), lambda _: ready.set())
    async with asyncio.timeout(10):
        await ready.wait()
    left = child.leave()
    assert left is not None
    with monkeypatch.context() as patch:
        patch.setattr(os, "pidfd_open", exhausted)
        with pytest.raises(PublisherError, match="Too many open files"):
            ChildProcess.adopt(left, lambda _: None)
    follower = ChildProcess.adopt(left, lambda _: None)
    assert (await asyncio.wait_for(follower.ended(), 10)).signal == signal.SIGKILL


async def test_one_that_ended_while_nobody_followed_it_is_told_by_its_ending(pipes: PacedPipes | None) -> None:
    heard = bytearray()
    code = (
        "import time, sys; print('a', flush=True); time.sleep(0.3); "
        "print('b'); print('why', file=sys.stderr); sys.exit(7)"
    )
    child = ChildProcess.spawn(_python(code), heard.extend, pipes=pipes)
    await eventually(lambda: heard, 10)
    left = child.leave()
    assert left is not None
    await asyncio.sleep(0.8)
    follower = ChildProcess.adopt(left, heard.extend, pipes)
    ending = await asyncio.wait_for(follower.ended(), 10)
    assert (ending.exit_code, ending.stderr_tail, bytes(heard)) == (7, ("why",), b"a\nb\n")
    assert follower.leave() is None


async def test_what_came_while_the_service_slept_counts_before_a_timer_that_is_late(pipes: PacedPipes | None) -> None:
    """A suspended service, a paused virtual machine: progress waits in the pipe when the deadline is found over."""
    loop, due = asyncio.get_running_loop(), []
    timer = DeadlineTimer(lambda: due.append(loop.time()))
    child = ChildProcess.spawn(
        _python("import time; time.sleep(0.5); print('progress', flush=True); time.sleep(60)"),
        lambda _: timer.set(loop.time() + 60),
        pipes=pipes,
    )
    timer.set(loop.time() + 1)
    time.sleep(2)
    # Long enough for a late timer to have looked again; what must not come gives no sign.
    await asyncio.sleep(1)
    assert due == []
    timer.set(loop.time() + 0.1)
    await eventually(lambda: due, 5)
    timer.set(None)
    child.kill()
    await child.ended()


async def test_a_flood_on_stderr_stays_bounded() -> None:
    code = "import sys\nfor number in range(200_000): print('line', number, file=sys.stderr)"
    child = ChildProcess.spawn(_python(code), lambda _: None)
    tail = (await child.ended()).stderr_tail
    assert len(tail) == 20
    assert tail[-1] == "line 199999"


# One that ends at the first signal, one that (like a stalled ffmpeg) needs a second, one that needs the axe.
@pytest.mark.parametrize(
    ("handler", "ended_by"),
    [
        ("signal.SIG_DFL", signal.SIGTERM),
        ("lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL)", signal.SIGTERM),
        ("signal.SIG_IGN", signal.SIGKILL),
    ],
)
async def test_stopping_escalates(handler: str, ended_by: signal.Signals) -> None:
    ready = asyncio.Event()
    code = (
        f"import signal, time\nsignal.signal(signal.SIGTERM, {handler})\nprint(flush=True)\nwhile True: time.sleep(60)"
    )
    child = ChildProcess.spawn(_python(code), lambda _: ready.set())
    await ready.wait()
    await child.stop(2.0)
    assert (await child.ended()).signal == ended_by
    assert not psutil.pid_exists(child.pid) or psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE


async def test_a_child_has_a_session_of_its_own_and_is_ended_even_before_that() -> None:
    child = ChildProcess.spawn(_python("import time; time.sleep(60)"), lambda _: None)
    await eventually(lambda: os.getsid(child.pid) == child.pid, timeout_s=10)
    child.kill()
    assert (await child.ended()).signal == signal.SIGKILL
    for _ in range(20):
        early = ChildProcess.spawn(_python("import time; time.sleep(60)"), lambda _: None)
        early.kill()
        async with asyncio.timeout(4):
            assert (await early.ended()).signal == signal.SIGKILL


async def test_a_grandchild_that_holds_the_pipes_does_not_hold_us(pipes: PacedPipes | None) -> None:
    code = "import subprocess, sys; subprocess.Popen(['sleep', '30'], start_new_session=True); print('gone')"
    child = ChildProcess.spawn(_python(code), lambda _: None, pipes=pipes)
    ending = await asyncio.wait_for(child.ended(), 10)
    assert ending.exit_code == 0
    for process in psutil.process_iter(["cmdline"]):
        if process.info["cmdline"] == ["sleep", "30"]:
            process.kill()


async def test_a_cancelled_probe_leaves_no_process(ffmpeg: str) -> None:
    def probes() -> list[psutil.Process]:
        return [child for child in psutil.Process().children() if child.name() == "ffprobe"]

    # Connections are taken by the kernel, and nobody ever answers.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"
        task = asyncio.create_task(FfprobeProber(FfmpegSettings()).probe(parse_source(url), CameraOptions()))
        await eventually(probes, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not probes()


async def test_what_is_run_once_is_bounded_in_output_and_told_how_it_ended() -> None:
    code = "import sys; print('x' * 300_000); print('bad hunter22', file=sys.stderr); sys.exit(3)"
    run = await run_once(_python(code), limit_s=20, max_output_bytes=1000)
    assert run.output == b"x" * 1000
    assert (run.ending.exit_code, run.ending.stderr_tail, run.timed_out) == (3, ("bad ***",), False)
    with pytest.raises(PublisherError, match="cannot be started"):
        await run_once(Invocation(("/nonexistent/program\0",)), limit_s=20, max_output_bytes=1000)


async def test_what_is_run_once_is_ended_at_its_limit() -> None:
    marker = "restream-run-once-limit"
    code = f"import sys, time; '{marker}'; print('here', flush=True); time.sleep(60)"
    run = await run_once(_python(code), limit_s=3, max_output_bytes=1000)
    assert run.timed_out and run.ending.signal == signal.SIGKILL and 3 <= run.elapsed_s < 30
    assert run.output == b"here\n"
    assert marker not in _children()


async def test_a_cancelled_run_leaves_no_process() -> None:
    marker = "restream-run-once-cancelled"
    task = asyncio.create_task(
        run_once(_python(f"import time; '{marker}'; time.sleep(60)"), limit_s=60, max_output_bytes=1000)
    )
    await eventually(lambda: marker in _children(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert marker not in _children()


async def test_a_probe_that_hangs_is_ended_at_its_limit() -> None:
    command = _python("import time; time.sleep(60)")
    outcome = await look(ProbePlan(command, network_timeout_s=0.1, limit_s=0.5))
    assert isinstance(outcome, ProbeFailure)
    assert outcome.cause is Cause.TIMEOUT


async def test_children_do_not_inherit_what_the_service_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_DSN", "postgresql://u:hunter22@h/db")
    monkeypatch.setenv("RESTREAM_HTTP__TOKEN", "hunter22")
    monkeypatch.setenv("FFREPORT", "file=report.log")
    received = bytearray()
    child = ChildProcess.spawn(Invocation(("env",)), received.extend)
    await child.ended()
    assert b"PATH=" in received
    assert b"hunter22" not in received
    assert b"FFREPORT" not in received


def test_the_soft_limit_of_open_files_is_raised() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096));"
        "from restream.service.interpreter import raise_file_limit; raise_file_limit();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "4096"
