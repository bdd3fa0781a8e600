"""One worker process of the relay as the service sees it: watched, told what to relay, left and resumed."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import restream
from restream.adapters.processes.child_process import ChildProcess, LeftChild
from restream.adapters.relay.channel import Channel, LeftChannel
from restream.adapters.relay.messages import (
    Begin,
    FromWorker,
    KeyFrameTold,
    KeyFrameWanted,
    Logged,
    Over,
    Progress,
    Stop,
)
from restream.domain.engine import Advance, Ending
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.life.cause import Cause
from restream.domain.relay.plan import RelayPlan

logger = logging.getLogger(__name__)

_HANGS_AFTER_S = 10.0
"""A worker reports every second."""
_GRACE_S = 10.0
"""Farewells take two seconds at most; who needs so long does not run."""
_LATE_S = 0.5
"""A timer that is this late tells that we did not run: what has come meanwhile is not read yet."""


class LeftRelay(NamedTuple):
    """How a relay is known again: its process, and its number there."""

    pid: int
    number: int


class LeftWorker(NamedTuple):
    """A process that relays on while the service is replaced."""

    child: LeftChild
    channel: LeftChannel
    relays: tuple[int, ...]


class RelayPublication:
    """One camera that a worker relays."""

    def __init__(self, worker: RelayWorker, number: int, on_advance: Callable[[Advance], None]) -> None:
        self._worker, self._number = worker, number
        self.on_advance = on_advance
        self.lines: tuple[str, ...] = ()
        self.ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.left = False
        self._key_frame: asyncio.Future[KeyFrameTold] | None = None

    async def key_frame(self) -> KeyFrameTold | None:
        """The next one; None: its worker is of another version, or it ends before. Wait no longer than you like."""
        if self._worker.retiring or self.ending.done():
            return None
        told = self._key_frame
        if told is None:
            told = self._key_frame = asyncio.get_running_loop().create_future()
            self._worker.want_key_frame(self._number)
        waits: tuple[asyncio.Future[Any], ...] = (told, self.ending)
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        return told.result() if told.done() else None

    def show(self, told: KeyFrameTold) -> None:
        """It has come."""
        if self._key_frame is not None and not self._key_frame.done():
            self._key_frame.set_result(told)
        self._key_frame = None

    @property
    def pid(self) -> int | None:
        """None: its process works for others too."""
        return None

    @property
    def log(self) -> tuple[str, ...]:
        """What camera and media server have said."""
        return self.lines

    def excuse(self) -> Cause | None:
        """A worker that somebody has stopped cannot relay anything."""
        return Cause.SUSPENDED if self._worker.suspended else None

    async def ended(self) -> Ending:
        """Wait until nothing of it is left."""
        return await asyncio.shield(self.ending)

    async def stop(self) -> None:
        """It says goodbye to both sides; a worker that does not obey is ended, with all that it does."""
        self._worker.ask_to_stop(self._number)
        now, late = asyncio.get_running_loop().time, True
        while late and not self.ending.done():
            due = now() + _GRACE_S
            await asyncio.wait({self.ending}, timeout=_GRACE_S)
            late = now() - due > _LATE_S
        if not self.ending.done():
            self._worker.give_up("it did not end a relay in time")
            await asyncio.shield(self.ending)

    def leave(self) -> bytes | None:
        """Its worker relays on."""
        pid = self._worker.pid
        if self.ending.done() or pid is None or not self._worker.leavable:
            return None
        self.left = True
        return msgspec.msgpack.encode(LeftRelay(pid, self._number))


class RelayWorker:
    """One process. `retiring`: of the version before; it goes on with what it has, and begins nothing."""

    def __init__(self, *, retiring: bool = False) -> None:
        self.retiring = retiring
        self.relays: dict[int, RelayPublication] = {}
        self._numbers = 0
        self._child: ChildProcess | None = None
        self._channel: Channel[FromWorker] = Channel(msgspec.msgpack.Decoder(FromWorker), self._hear, self._lost)
        self._watch: asyncio.Task[None] | None = None
        self._hang: asyncio.TimerHandle | None = None
        self._trouble = ""
        self.alive = True
        self.has_spoken = False
        """It runs; a young process only reads its modules, for half a second on a busy machine."""

    @property
    def pid(self) -> int | None:
        """Of its process."""
        return self._child.pid if self._child is not None else None

    @property
    def leavable(self) -> bool:
        """Whether it may relay on while the service is replaced."""
        return self.alive and self._child is not None and self._child.running and self._channel.leavable

    @property
    def suspended(self) -> bool:
        """Whether its process is stopped by a signal, or traced."""
        return self._child is not None and self._child.suspended

    async def start(self) -> None:
        """Start the process. Raises PublisherError."""
        ours, its = socket.socketpair()
        # It may belong to a checkout that nobody has installed.
        path = os.pathsep.join(str(Path(each).parent) for each in restream.__path__)
        argv = ("env", f"PYTHONPATH={path}", sys.executable, "-m", "restream.adapters.relay.worker")
        try:
            self._child = ChildProcess.spawn(Invocation(argv), lambda _: None, stdin=its.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            its.close()
        await self._follow(self._child, ours)

    async def _follow(self, child: ChildProcess, ours: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self._channel, ours)
        self._heard()
        self._watch = asyncio.create_task(self._until_it_ends(child), name="relay worker")

    async def resume(self, left: LeftWorker) -> Mapping[int, RelayPublication]:
        """Go on with a process that was left; its relays by number, also those that end meanwhile. Raises
        PublisherError.
        """
        self._child = ChildProcess.adopt(left.child, lambda _: None)
        resumed = {number: RelayPublication(self, number, lambda _: None) for number in left.relays}
        self.relays = dict(resumed)
        self._channel.resume(left.channel.pending)
        os.set_inheritable(left.channel.descriptor, False)
        await self._follow(self._child, socket.socket(fileno=left.channel.descriptor))
        return resumed

    def leave(self) -> LeftWorker | None:
        """Have it relay on for the next program in this process; None: it is ended, since that could not have it."""
        if self._child is None or not self.alive:
            return None
        whole = all(each.left for each in self.relays.values())
        channel = self._channel.leave() if whole and self.relays else None
        child = self._child.leave() if channel is not None else None
        if channel is None or child is None:
            self._child.kill()
            return None
        if self._hang is not None:
            self._hang.cancel()
        return LeftWorker(child, channel, tuple(self.relays))

    def begin(self, plan: RelayPlan, on_advance: Callable[[Advance], None]) -> RelayPublication:
        """Relay one more camera."""
        self._numbers += 1
        publication = self.relays[self._numbers] = RelayPublication(self, self._numbers, on_advance)
        self._channel.send(Begin.of(self._numbers, plan))
        return publication

    def ask_to_stop(self, number: int) -> None:
        """End one relay."""
        self._channel.send(Stop(number))

    def want_key_frame(self, number: int) -> None:
        """Ask for the next one of a relay."""
        self._channel.send(KeyFrameWanted(number))

    def give_up(self, why: str) -> None:
        """Kill the process."""
        if self._child is not None and self._child.running:
            logger.error("a relay worker (pid %d) is ended: %s", self._child.pid, why)
            self._trouble = why
            self._child.kill()

    async def close(self) -> None:
        """End the process; what it relays ends too."""
        self._channel.close()
        if self._child is not None:
            await self._child.stop(_GRACE_S)
        if self._watch is not None:
            await asyncio.wait({self._watch})

    def _heard(self) -> None:
        if self._hang is not None:
            self._hang.cancel()
        self._hang = asyncio.get_running_loop().call_later(_HANGS_AFTER_S, self._look_whether_it_hangs)

    def _look_whether_it_hangs(self) -> None:
        late = self._hang is not None and asyncio.get_running_loop().time() - self._hang.when() > _LATE_S
        # Who stops it (a debugger, SIGSTOP) will have it go on, and us.
        if late or self.suspended:
            self._heard()
        else:
            self.give_up(f"it has said nothing for {_HANGS_AFTER_S:g} s")

    def _hear(self, message: FromWorker) -> None:
        self._heard()
        self.has_spoken = True
        if isinstance(message, Progress):
            for each in message.relays:
                relay = self.relays.get(each.number)
                if relay is not None:
                    relay.on_advance(
                        Advance(
                            each.moved,
                            each.frames,
                            total_size_bytes=each.bytes,
                            fps=each.stream.video.fps,
                            drop_frames=each.dropped,
                            stream=each.stream,
                        )
                    )
        elif isinstance(message, KeyFrameTold):
            if (shown := self.relays.get(message.number)) is not None:
                shown.show(message)
        elif isinstance(message, Logged) and message.number in self.relays:
            self.relays[message.number].lines = message.lines
        elif isinstance(message, Over) and (over := self.relays.pop(message.number, None)):
            over.lines = message.lines
            over.ending.set_result(Ending(Cause(message.cause), message.detail, message.lines))
            if self.retiring and not self.relays:
                # With the socket it ends by itself.
                self._channel.close()

    def _lost(self) -> None:
        """Its end of the socket is closed: it has ended, or will not obey any more."""
        self.alive = False
        if self._child is not None:
            self._child.kill()

    async def _until_it_ends(self, child: ChildProcess) -> None:
        ending = await child.ended()
        self.alive = False
        self._channel.close()
        if self._hang is not None:
            self._hang.cancel()
        # Those that were left go on: this is the end of our part in them.
        if lost := sum(not each.left for each in self.relays.values()):
            logger.warning("a relay worker has ended (%s) with %d cameras", ending.outcome, lost)
        cause = Cause.INTERNAL if self._trouble or ending.signal is None else Cause.KILLED
        why = f"the relay worker ended: {self._trouble or ending.outcome}"
        while self.relays:
            _, relay = self.relays.popitem()
            relay.ending.set_result(Ending(cause, why, (*relay.lines, *ending.stderr_tail)))
