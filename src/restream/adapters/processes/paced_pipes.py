"""What many children write, read together some times a second.

A thousand publishers report progress once a second each, at a thousand different moments. Waking the event loop for
each of them costs several times what reading and understanding them together does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
from collections.abc import Callable

logger = logging.getLogger(__name__)

_PACE_S = 0.1
# What a new child says first is waited for: it ends a camera's start.
_YOUNG_PACE_S = 0.02
_YOUNG_S = 10.0
# So many at a time, then whatever else waits in the event loop.
_BATCH = 256
_CHUNK_BYTES = 1 << 16


class PacedPipe:
    """One pipe. The child gets `write_end`; what it writes is handed over in chunks."""

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[PacedPipe], None]) -> None:
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        self._on_data = on_data
        self._on_end = on_end
        self._open = True

    def close_write_end(self) -> None:
        """To be called once, when the child has its copy, or will never have one."""
        os.close(self.write_end)

    def read(self) -> None:
        """Hand over what is there, up to 64 KiB; a pipe that cannot be read is closed."""
        try:
            chunk = os.read(self.read_end, _CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            logger.error("the output of a child cannot be read any more: %s", error.strerror)
            chunk = b""
        if not chunk:
            self._close()
            return
        try:
            self._on_data(chunk)
        except Exception:
            logger.exception("internal error while reading from a child")

    def finish(self) -> None:
        """The child has ended: hand over the rest, and do not wait for a grandchild that still holds the other end."""
        if self._open:
            self.read()
        if self._open:
            self._close()

    def _close(self) -> None:
        self._open = False
        self._on_end(self)
        os.close(self.read_end)


class PacedPipes:
    """Pipes of any number of children. What they write is handed over within 0.1 s, if the event loop is in time."""

    def __init__(self) -> None:
        self._pipes: dict[int, PacedPipe] = {}
        self._epoll: select.epoll | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._young_until = 0.0
        self._deaf = False

    def open(self, on_data: Callable[[bytes], None]) -> PacedPipe:
        """A pipe that is read from now on. Raises OSError when there are no descriptors left."""
        if self._epoll is None:
            self._epoll = select.epoll()
        pipe = PacedPipe(on_data, self._forget)
        self._pipes[pipe.read_end] = pipe
        self._epoll.register(pipe.read_end, select.EPOLLIN)
        self._young_until = asyncio.get_running_loop().time() + _YOUNG_S
        if self._timer is None:
            self._look_in(_YOUNG_PACE_S)
        return pipe

    def _look_in(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _look(self) -> None:
        self._timer = None
        ready = self._ready()
        for descriptor in ready:
            if pipe := self._pipes.get(descriptor):
                pipe.read()
        if not self._pipes:
            return
        young = asyncio.get_running_loop().time() < self._young_until
        self._look_in(0 if len(ready) == _BATCH and not self._deaf else _YOUNG_PACE_S if young else _PACE_S)

    def _ready(self) -> list[int]:
        """Descriptors with something to read; all where the system cannot tell, since an empty one does no harm."""
        try:
            found = [descriptor for descriptor, _ in self._epoll.poll(0, _BATCH)] if self._epoll else []
        except OSError as error:
            if not self._deaf:
                logger.error("which children have written cannot be told: %s; all are read", error.strerror)
            self._deaf = True
            return list(self._pipes)
        self._deaf = False
        return found

    def _forget(self, pipe: PacedPipe) -> None:
        del self._pipes[pipe.read_end]
        if self._epoll is None:
            return
        with contextlib.suppress(OSError):
            self._epoll.unregister(pipe.read_end)
        if not self._pipes:
            self._epoll.close()
            self._epoll = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
