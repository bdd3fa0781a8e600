"""The terminal as a surface that is painted as a whole, and given back as it was found."""

from __future__ import annotations

import contextlib
import io
import os
import select
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console

from restream.interfaces.console.text import Line, segments

# The alternate screen keeps what the operator had, and survives every change of size: nothing on it is history.
_ENTER = "\x1b[?1049h\x1b[?25l"
# A terminal without an alternate screen stays where it is: what follows then begins below.
_LEAVE = "\x1b[?25h\x1b[999;1H\r\n\x1b[?1049l"
# One picture at a time where the terminal can do that (2026), and nothing wraps, whatever it thinks is wide (7).
_BEGIN, _END = "\x1b[?2026h\x1b[?7l\x1b[H", "\x1b[?7h\x1b[?2026l"
_REST_OF_LINE, _REST_OF_SCREEN = "\x1b[K", "\r\n\x1b[J"
_MOST_TYPED = 1024
_FALLBACK_SIZE = os.terminal_size((80, 24))


def can_be_painted(environment: Mapping[str, str], *streams: TextIO) -> bool:
    """Whether all streams are one's own terminal that understands cursor movement, and no service manager's."""
    if environment.get("TERM", "dumb") == "dumb" or "NOTIFY_SOCKET" in environment:
        return False
    return all(stream.isatty() for stream in streams) and Screen(streams[0]).in_foreground()


class Screen:
    """The terminal behind `stream`. A terminal that is gone is silent: no method raises for it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._modes: list[Any] | None = None
        self._entered = False

    @property
    def stream(self) -> TextIO:
        return self._stream

    @property
    def entered(self) -> bool:
        return self._entered

    def size(self) -> os.terminal_size:
        """Columns and lines, now."""
        with contextlib.suppress(OSError, ValueError):
            size = os.get_terminal_size(self._stream.fileno())
            if size.columns > 0 and size.lines > 0:
                return size
        return _FALLBACK_SIZE

    def in_foreground(self) -> bool:
        """Whether the terminal is ours now; in the background it belongs to the shell."""
        with contextlib.suppress(OSError, ValueError):
            return os.tcgetpgrp(self._stream.fileno()) == os.getpgrp()
        return False

    def enter(self) -> None:
        """Take the terminal over; what is typed is not shown."""
        self._entered = True
        with _gone():
            modes: list[Any] = termios.tcgetattr(self._stream.fileno())
            self._modes = [*modes]
            # Each key by itself; Ctrl-C and Ctrl-Z go on to be signals.
            modes[3] &= ~(termios.ECHO | termios.ICANON)
            modes[6] = [*modes[6]]
            modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._stream.fileno(), termios.TCSANOW, modes)
        self._write(_ENTER)

    def paint(self, lines: Sequence[Line]) -> None:
        """Show these lines from the top; there are no more of them than the terminal has."""
        size = self.size()
        # On the last cell of a full line the cursor stays, and erasing from there would take that cell away.
        ends = ("" if cell_len(line.text) >= size.columns else _REST_OF_LINE for line in lines)
        shown = "\r\n".join(text + end for text, end in zip(self._rendered(lines), ends, strict=True))
        self._write(_BEGIN + shown + (_REST_OF_SCREEN if len(lines) < size.lines else "") + _END)

    def typed(self, wait_s: float) -> str:
        """What has been typed, after at most `wait_s` seconds; nothing while the terminal is not ours."""
        # Whoever reads from the background is stopped.
        if not self._entered or not self.in_foreground():
            time.sleep(wait_s)
            return ""
        with contextlib.suppress(OSError, ValueError):
            if select.select([self._stream.fileno()], [], [], wait_s)[0]:
                keys = os.read(self._stream.fileno(), _MOST_TYPED)
                if keys:
                    return keys.decode("utf-8", "replace")
        # At the end of a terminal everything returns at once.
        time.sleep(wait_s)
        return ""

    def leave(self, last: Sequence[Line] = ()) -> None:
        """Give the terminal back, with some last lines that stay."""
        if not self._entered:
            return
        self._entered = False
        self._write(_LEAVE + "".join(f"{line}\r\n" for line in self._rendered(last)))
        # Whoever sets modes from the background is stopped.
        if self._modes is not None and self.in_foreground():
            with _gone():
                # Not for the shell: what was typed meanwhile.
                termios.tcflush(self._stream.fileno(), termios.TCIFLUSH)
                termios.tcsetattr(self._stream.fileno(), termios.TCSANOW, self._modes)
        self._modes = None

    def _rendered(self, lines: Sequence[Line]) -> list[str]:
        """Each with its colours, as far as this terminal and $NO_COLOR go."""
        shown = io.StringIO()
        console = Console(file=shown, force_terminal=True, width=self.size().columns, legacy_windows=False)
        console.print(segments(lines), end="")
        return shown.getvalue().split("\n")[:-1]

    def _write(self, text: str) -> None:
        # Not through the stream: a write that hangs would keep its lock, and the process from ending.
        rest = text.encode(self._stream.encoding or "utf-8", "replace")
        with _gone():
            while rest:
                rest = rest[os.write(self._stream.fileno(), rest) :]


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    with contextlib.suppress(OSError, ValueError, termios.error):
        yield
