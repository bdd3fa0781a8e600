"""What children write, taken from their pipes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Protocol

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16
# A pipe holds 64 KiB, or up to 1 MiB where somebody has made it larger (pipe(7)).
_MOST_LEFT = 16


class ReadPipe:
    """The reading end of one pipe. Whoever watches it calls `read`, and hears by `on_end` that it is no more."""

    def __init__(self, descriptor: int, on_data: Callable[[bytes], None], on_end: Callable[[ReadPipe], None]) -> None:
        os.set_blocking(descriptor, False)
        os.set_inheritable(descriptor, False)
        self.descriptor = descriptor
        self._on_data = on_data
        self._on_end = on_end
        self._open = True

    def read(self) -> bool:
        """Hand over what is there, up to 64 KiB; False: nothing was. A pipe that cannot be read is closed."""
        try:
            chunk = os.read(self.descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            logger.error("the output of a child cannot be read any more: %s", error.strerror)
            chunk = b""
        if not chunk:
            self._close()
            return False
        try:
            self._on_data(chunk)
        except Exception:
            logger.exception("internal error while reading from a child")
        return True

    def finish(self) -> None:
        """The child has ended: hand over the rest, and do not wait for a grandchild that still holds the other end."""
        for _ in range(_MOST_LEFT):
            if not self._open or not self.read():
                break
        if self._open:
            self._close()

    def leave(self) -> int | None:
        """Watch it no more; its descriptor, for the next program in this process. None: it is closed already."""
        if not self._open:
            return None
        self._open = False
        self._on_end(self)
        os.set_inheritable(self.descriptor, True)
        return self.descriptor

    def _close(self) -> None:
        self._open = False
        self._on_end(self)
        os.close(self.descriptor)


class Pipes(Protocol):
    """Watches pipes."""

    def follow(self, descriptor: int, on_data: Callable[[bytes], None]) -> ReadPipe:
        """Have a pipe read from now on. Raises OSError when there are no descriptors left."""


class PromptPipes:
    """Each is read as soon as something is there."""

    def follow(self, descriptor: int, on_data: Callable[[bytes], None]) -> ReadPipe:
        """See `Pipes`."""
        loop = asyncio.get_running_loop()

        def ended(pipe: ReadPipe) -> None:
            loop.remove_reader(pipe.descriptor)

        pipe = ReadPipe(descriptor, on_data, ended)
        loop.add_reader(descriptor, pipe.read)
        return pipe
