"""A process that relays cameras, for the service that started it: `python -m restream.adapters.relay.worker`.

Its standard input is the socket to the service; when that ends, so does it. It can be looked into by nobody: passwords
are in its memory, so it leaves no core dump (prctl(2), PR_SET_DUMPABLE).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import resource
import selectors
import socket
import time

import msgspec

from restream.adapters.relay.camera_relay import CameraRelay
from restream.adapters.relay.channel import Channel
from restream.adapters.relay.messages import Begin, KeyFrameWanted, Logged, Over, Progress, RelayAdvance, ToWorker
from restream.adapters.rtsp.addresses import Resolver
from restream.adapters.rtsp.connection import camera_tls
from restream.domain.life.cause import Cause

# What a new relay brings first is told at once: it ends a camera's start, for which others wait.
_LOOK_S = 0.05
_TELL_EVERY = 20
_PR_SET_DUMPABLE = 4
# Cameras send a picture in many packets: to read and write each of them alone costs more than anything else here.
# 20 ms take a fifth less CPU of the relay and of the media server than 10 ms do, 40 ms no less than 20.
_PACE_S = 0.02


class PacedSelector(selectors.EpollSelector):
    """Looks at most fifty times a second, and so for several cameras and all packets of a picture at once."""

    def __init__(self) -> None:
        super().__init__()
        self._looked_at = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As of a selector; the loop asks with a timeout of 0 while it has something to do."""
        pause_s = self._looked_at + _PACE_S - time.monotonic()
        if pause_s > 0 and timeout != 0:
            pause_s = pause_s if timeout is None else min(pause_s, timeout)
            time.sleep(pause_s)
            timeout = None if timeout is None else timeout - pause_s
        ready = super().select(timeout)
        self._looked_at = time.monotonic()
        return ready


class Worker:
    """The relays of one process."""

    def __init__(self) -> None:
        self._tls, self._resolver = camera_tls(), Resolver()
        self._relays: dict[int, CameraRelay] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._young: set[int] = set()
        """Relays that have not told of media yet."""
        self.alone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the service is gone."""
        self.channel: Channel[ToWorker] = Channel(msgspec.msgpack.Decoder(ToWorker), self._hear, self._lost)

    def _lost(self) -> None:
        if not self.alone.done():
            self.alone.set_result(None)

    def _hear(self, message: ToWorker) -> None:
        if isinstance(message, Begin):
            relay = self._relays[message.number] = CameraRelay(message, self._tls, self._resolver)
            self._young.add(message.number)
            task = asyncio.create_task(self._relay(message.number, relay), name="relay")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif (known := self._relays.get(message.number)) is None:
            return
        elif isinstance(message, KeyFrameWanted):
            known.want_key_frame()
        else:
            known.stop()

    async def _relay(self, number: int, relay: CameraRelay) -> None:
        try:
            ending = await relay.run()
            over = Over(number, ending.cause, ending.detail, ending.log)
        except Exception as error:
            over = Over(number, Cause.INTERNAL, f"internal error in the relay: {type(error).__name__}: {error}", ())
        del self._relays[number]
        self._young.discard(number)
        self.channel.send(over)

    async def tell(self) -> None:
        """Report until cancelled; a worker that says nothing is taken for one that hangs."""
        loop, turn = asyncio.get_running_loop(), 0
        self.channel.send(Progress(()))
        while True:
            await asyncio.sleep(_LOOK_S)
            turn = (turn + 1) % _TELL_EVERY
            numbers = self._relays if turn == 0 else self._young
            came_on: list[RelayAdvance] = []
            for relay in self._relays.values() if turn == 0 else ():
                if (told := relay.key_frame()) is not None:
                    self.channel.send(told)
            for number in tuple(numbers):
                advanced = self._relays[number].progress(loop.time())
                if advanced is None:
                    continue
                came_on.append(advanced)
                if advanced.moved and number in self._young:
                    self._young.discard(number)
                    self.channel.send(Logged(number, self._relays[number].log))
            if came_on or turn == 0:
                self.channel.send(Progress(tuple(came_on)))


async def _serve(inherited: socket.socket) -> None:
    worker = Worker()
    await asyncio.get_running_loop().connect_accepted_socket(lambda: worker.channel, inherited)
    telling = asyncio.create_task(worker.tell(), name="tell")
    await asyncio.wait({telling, worker.alone}, return_when=asyncio.FIRST_COMPLETED)
    if telling.done():
        telling.result()


def forbid_core_dumps() -> None:
    """This process has passwords in its memory."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def main() -> None:
    """Relay until the service is gone. The cameras are left without a word then: it was killed, or is in a hurry."""
    forbid_core_dumps()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.freeze()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(PacedSelector())) as runner:
        runner.run(_serve(socket.socket(fileno=0)))


if __name__ == "__main__":
    main()
