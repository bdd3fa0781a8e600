"""The live table: paints the latest rendering and the last lines of the log, beside the service, not inside it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

from restream.interfaces.console.frame import Facts, frame
from restream.interfaces.console.keys import Sought
from restream.interfaces.console.screen import Screen
from restream.interfaces.documents.rendering import Rendering

logger = logging.getLogger(__name__)

# At most one picture a second, and never more than this share of a core. A change of size is answered sooner.
_LEAST_PAUSE_S = 1.0
_MOST_SHARE = 0.02
_RESIZE_PAUSE_S = 0.1
_JOIN_S = 2.0
_LISTEN_S = 0.2
_KEPT_LINES = 500
# On leaving, so many lines of the log stay below the table.
_LAST_LINES = 10


class LogPane(io.TextIOBase):
    """A stream whose last lines are kept."""

    def __init__(self, on_line: threading.Event) -> None:
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._on_line = on_line
        self._begun = ""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keep whole lines; a line that is begun waits for its end."""
        *whole, self._begun = (self._begun + text).split("\n")
        if whole:
            self.lines.extend(whole)
            self._on_line.set()
        return len(text)


class LiveConsole:
    """While entered, the terminal shows the service; what would be written to it goes into the pane below.

    Painting is a thread of its own: a terminal that is stopped (Ctrl-S, a dead SSH session) stops nothing else.
    """

    name = "console"

    def __init__(self, screen: Screen, facts: Facts) -> None:
        self._screen = screen
        self._facts = facts
        self._due = threading.Event()
        self._hurry = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._pane = LogPane(self._due)
        self._latest: Rendering | None = None
        self._last_whole: Rendering | None = None
        self._diverted = contextlib.ExitStack()
        self._sought, self._page = Sought(), 1
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)
        self._listener = threading.Thread(target=self._listen, name="keys", daemon=True)

    def publish(self, rendering: Rendering) -> None:
        """A cycle is complete."""
        self._latest = rendering
        if not rendering.snapshot.draining:
            self._last_whole = rendering
        self._due.set()

    async def run(self) -> None:
        """Painting is a thread of its own."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, self._resized)
        loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        self._divert()
        self._thread.start()
        self._listener.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._resized()
        await asyncio.to_thread(self._thread.join, _JOIN_S)
        for number in (signal.SIGWINCH, signal.SIGTSTP):
            asyncio.get_running_loop().remove_signal_handler(number)
        # A terminal that takes nothing any more must not keep the process from ending.
        if not self._thread.is_alive():
            self._give_back()

    def _give_back(self) -> None:
        """The terminal as it was, with the last state of the service and the end of its log."""
        entered = self._screen.entered
        width, height = self._screen.size()
        log = list(self._pane.lines)[-_LAST_LINES:]
        last = self._last_whole or self._latest
        lines = frame(last, log, self._facts, width, height - 1).lines if last is not None else []
        self._screen.leave(lines)
        self._diverted.close()
        if not entered or not lines:
            # Nothing was painted, or nothing could be: the log must not be lost.
            sys.stderr.writelines(f"{line}\n" for line in log)

    def _divert(self) -> None:
        """Let everything that would be written to the terminal go to the pane."""
        loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
        for handler in {handler for each in loggers for handler in each.handlers}:
            if isinstance(handler, logging.StreamHandler) and handler.stream in (sys.stdout, sys.stderr):
                self._diverted.callback(handler.setStream, handler.stream)
                handler.setStream(self._pane)
        self._diverted.enter_context(contextlib.redirect_stdout(self._pane))
        self._diverted.enter_context(contextlib.redirect_stderr(self._pane))

    # -- signals -------------------------------------------------------------------------------------------------------

    def _resized(self) -> None:
        self._hurry.set()
        self._due.set()

    def _suspend(self) -> None:
        """Ctrl-Z: the shell gets its terminal back before this process stops."""
        held = self._lock.acquire(timeout=_JOIN_S)
        self._screen.leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        if held:
            self._lock.release()
        self._resized()

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._due.wait()
            if self._closing.is_set():
                return
            self._due.clear()
            began_s = time.thread_time()
            try:
                self._paint()
            except Exception:
                self._screen.leave()
                self._diverted.close()
                logger.exception("the live table failed; log lines only from here on")
                return
            pause_s = max(_LEAST_PAUSE_S, (time.thread_time() - began_s) / _MOST_SHARE)
            if self._hurry.wait(pause_s):
                self._hurry.clear()
                self._closing.wait(_RESIZE_PAUSE_S)

    def _paint(self) -> None:
        rendering = self._latest
        if rendering is None:
            return
        with self._lock:
            if not self._screen.in_foreground():
                return
            if not self._screen.entered:
                self._screen.enter()
            width, height = self._screen.size()
            found = frame(rendering, list(self._pane.lines), self._facts, width, height, self._sought)
            self._sought, self._page = found.sought, found.page
            self._screen.paint(found.lines)

    def _listen(self) -> None:
        while not self._closing.is_set():
            if typed := self._screen.typed(_LISTEN_S):
                with self._lock:
                    self._sought = self._sought.pressed(typed, self._page)
                self._resized()
