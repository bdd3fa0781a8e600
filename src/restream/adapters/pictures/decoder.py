"""The picture decoder as the service sees it: one worker process that stays, watched, and replaced when it dies."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from pathlib import Path

import msgspec

import restream
from restream.adapters.pictures.messages import (
    DecodeOrder,
    FromPictureWorker,
    PictureDone,
    PictureFailed,
    WorkerReady,
    WorkerUseless,
)
from restream.adapters.processes.child_process import ChildProcess
from restream.adapters.relay.channel import Channel
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.one_line import one_line
from restream.domain.pictures.mask import Mask
from restream.domain.pictures.measure import PictureMeasure
from restream.ports.cameras import PublisherError
from restream.ports.pictures import DecodedPicture, DecodeError, KeyFrame

__all__ = ["DecodeError", "DecodedPicture", "KeyFrame", "PictureDecoder"]

logger = logging.getLogger(__name__)

_MOST_BYTES = 8 << 20
"""Of a key frame; one of 4K is 2 MB at most."""
_MEMORY_BYTES = 640 << 20
"""What a worker may allocate: libraries 100 MiB, a picture of 32 million pixels some 200 MiB."""
_START_S = 30.0
_DECODE_S = 10.0
_GRACE_S = 1.0
_PAUSE_S = (0.5, 2.0, 10.0, 30.0)
"""Before the next start, after so many workers in a row that have decoded nothing."""


class PictureDecoder:
    """Decodes one key frame after the other. The process is started with the first one."""

    def __init__(self, jpeg_width: int = 640, limit_s: float = _DECODE_S) -> None:
        """`jpeg_width`: of the pictures, at most, pixels; `limit_s`: for one of them, seconds."""
        self._jpeg_width, self._limit_s = jpeg_width, limit_s
        self._turn = asyncio.Lock()
        self._worker: _Worker | None = None
        self._number = 0
        self._deaths = 0
        self._not_before = 0.0
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the process that decodes, while there is one."""
        return self._worker.child.pid if self._worker is not None and self._worker.alive else None

    async def decode(self, frame: KeyFrame, mask: Mask = ()) -> DecodedPicture:
        """Wait for the frames before it, and then for its picture, without what the mask hides. Raises DecodeError."""
        if not 0 < len(frame.data) <= _MOST_BYTES:
            raise DecodeError(f"a key frame of {len(frame.data)} bytes is not decoded")
        async with self._turn:
            worker = await self._ready()
            self._number += 1
            answer = await worker.ask(DecodeOrder(self._number, frame, self._jpeg_width, mask), self._limit_s)
        if isinstance(answer, PictureFailed):
            raise DecodeError(one_line(answer.why))
        found = PictureMeasure.from_mapping(answer.measure)
        if found is None or not answer.jpeg.startswith(b"\xff\xd8"):
            raise DecodeError("the worker answered with something else than a picture")
        self._deaths = 0
        return DecodedPicture(found, answer.jpeg)

    async def close(self) -> None:
        """End the process; who waits for a picture gets DecodeError."""
        self._closed = True
        if self._worker is not None:
            await self._worker.close()
            self._worker = None

    async def _ready(self) -> _Worker:
        """A worker that runs. Raises DecodeError."""
        if self._closed:
            raise DecodeError("the decoder is closed")
        now = asyncio.get_running_loop().time()
        if self._worker is not None:
            if self._worker.alive:
                return self._worker
            await self._worker.close()
            self._worker = None
            # The first death may be the picture's fault.
            if self._deaths:
                self._not_before = now + _PAUSE_S[min(self._deaths, len(_PAUSE_S)) - 1]
            self._deaths += 1
        if now < self._not_before:
            raise DecodeError("the picture worker has died several times: it is started again soon")
        worker = _Worker()
        await worker.start()
        self._worker = worker
        return worker


class _Worker:
    """One process, with one order at a time."""

    def __init__(self) -> None:
        self.child: ChildProcess
        self._channel: Channel[FromPictureWorker] = Channel(
            msgspec.msgpack.Decoder(FromPictureWorker), self._hear, self._lost
        )
        self._answer: asyncio.Future[FromPictureWorker] | None = None
        self.alive = True

    async def start(self) -> None:
        """Until its libraries are loaded. Raises DecodeError."""
        ours, its = socket.socketpair()
        # It may belong to a checkout that nobody has installed. It decodes on one core.
        path = os.pathsep.join(str(Path(each).parent) for each in restream.__path__)
        env = ("env", f"PYTHONPATH={path}", "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "MALLOC_ARENA_MAX=1")
        argv = (*env, sys.executable, "-m", "restream.adapters.pictures.worker")
        try:
            self.child = ChildProcess.spawn(
                Invocation(argv, memory_bytes=_MEMORY_BYTES), lambda _: None, stdin=its.fileno()
            )
        except PublisherError as error:
            ours.close()
            raise DecodeError(f"the picture worker: {error}") from None
        finally:
            its.close()
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self._channel, ours)
        heard = await self._hears(_START_S)
        if isinstance(heard, WorkerUseless):
            await self.close()
            raise DecodeError(f"pictures need the extra `pictures`: {one_line(heard.why)}")
        if not isinstance(heard, WorkerReady):
            self._kill("it began with something else")
            raise DecodeError("the picture worker did not start")

    async def ask(self, order: DecodeOrder, limit_s: float) -> PictureDone | PictureFailed:
        """Raises DecodeError."""
        self._channel.send(order)
        answer = await self._hears(limit_s)
        if isinstance(answer, PictureDone | PictureFailed) and answer.number == order.number:
            return answer
        self._kill("it answered something else")
        raise DecodeError("the picture worker answered something else")

    async def close(self) -> None:
        """End it; whoever waits for an answer is told."""
        self.alive = False
        self._channel.close()
        self._gone()
        await self.child.stop(_GRACE_S)
        await self.child.ended()

    async def _hears(self, limit_s: float) -> FromPictureWorker:
        answer: asyncio.Future[FromPictureWorker] = asyncio.get_running_loop().create_future()
        self._answer = answer
        if not self.alive:
            self._gone()
        try:
            async with asyncio.timeout(limit_s):
                return await answer
        except TimeoutError:
            self._kill(f"it took more than {limit_s:g} s for one picture")
            raise DecodeError(f"no picture within {limit_s:g} s") from None
        except asyncio.CancelledError:
            # Its answer would be taken for the next one's.
            self._kill("nobody waits for its picture any more")
            raise

    def _hear(self, message: FromPictureWorker) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(message)

    def _lost(self) -> None:
        self.alive = False
        self._gone()

    def _gone(self) -> None:
        if self._answer is not None and not self._answer.done():
            tail = self.child.stderr_tail
            why = f": {one_line(tail[-1])}" if tail else ""
            self._answer.set_exception(DecodeError(f"the picture worker ended{why}"))

    def _kill(self, why: str) -> None:
        logger.warning("the picture worker (pid %d) is ended: %s", self.child.pid, why)
        self.alive = False
        self.child.kill()
