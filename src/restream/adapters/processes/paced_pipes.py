"""What many children write, read together some times a second.

A thousand publishers report progress once a second each, at a thousand different moments. Waking the event loop for
each of them costs several times what reading and understanding them together does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
from collections.abc import Callable

from restream.adapters.processes.pipes import ReadPipe

logger = logging.getLogger(__name__)

_PACE_S = 0.1
# What a new child says first is waited for: it ends a camera's start.
_YOUNG_PACE_S = 0.02
_YOUNG_S = 10.0
# So many at a time, then whatever else waits in the event loop.
_BATCH = 256


class PacedPipes:
    """Pipes of any number of children. What they write is handed over within 0.1 s, if the event loop is in time."""

    def __init__(self) -> None:
        self._pipes: dict[int, ReadPipe] = {}
        self._epoll: select.epoll | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._young_until = 0.0
        self._deaf = False

    def follow(self, descriptor: int, on_data: Callable[[bytes], None]) -> ReadPipe:
        """See `Pipes`."""
        if self._epoll is None:
            self._epoll = select.epoll()
        pipe = ReadPipe(descriptor, on_data, self._forget)
        self._pipes[descriptor] = pipe
        self._epoll.register(descriptor, select.EPOLLIN)
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

    def _forget(self, pipe: ReadPipe) -> None:
        del self._pipes[pipe.descriptor]
        if self._epoll is None:
            return
        with contextlib.suppress(OSError):
            self._epoll.unregister(pipe.descriptor)
        if not self._pipes:
            self._epoll.close()
            self._epoll = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
