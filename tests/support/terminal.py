"""The service on a terminal of its own: a real pty, and what a person in front of it would see."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from restream.demo.embedded import free_port
from tests.support.servers import TestServer
from tests.support.service import PROGRAM, environment, settings_of

# CSI sequences as the service writes them, line ends, and everything else.
_PIECES = re.compile(r"\x1b\[(?P<arguments>[?\d;]*)(?P<verb>[A-Za-z])|(?P<end>\r|\n)|(?P<text>[^\x1b\r\n]+)")

_BEGIN = b"\x1b[?2026h"


class Picture:
    """What a terminal shows after `text`. Knows what the service uses, and refuses everything else."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.cursor_visible = True
        self.alternate = False
        self.lines: list[str] = [""]
        """Of the screen that is shown; the main one has its history above."""
        self._main: list[str] = self.lines
        self._row = self._column = 0

    def resize(self, width: int, height: int) -> None:
        """What has no room any more is gone."""
        self.width, self.height = width, height
        if self.alternate:
            self.lines[:] = [line[:width] for line in self.lines[:height]]
            self._row, self._column = min(self._row, height - 1), min(self._column, width - 1)

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            piece = _PIECES.match(text, at)
            assert piece is not None, f"a terminal does not know {text[at : at + 20]!r}"
            at = piece.end()
            if piece["verb"]:
                self._obey(piece["verb"], piece["arguments"])
            elif piece["end"] == "\r":
                self._column = 0
            elif piece["end"]:
                self._row += 1
                self._reach()
            else:
                self._put(piece["text"])

    def _put(self, text: str) -> None:
        line = self.lines[self._row].ljust(self._column)
        self.lines[self._row] = line[: self._column] + text + line[self._column + len(text) :]
        self._column += len(text)
        # Without wrapping the cursor stays on the last cell.
        if self.alternate:
            self._column = min(self._column, self.width - 1)

    def _reach(self) -> None:
        self.lines += [""] * (self._row + 1 - len(self.lines))

    def _obey(self, verb: str, arguments: str) -> None:
        match verb, arguments:
            case "h" | "l", "?25":
                self.cursor_visible = verb == "h"
            case "h", "?1049":
                self.alternate, self._main = True, self.lines
                self.lines, self._row, self._column = [""], 0, 0
            case "l", "?1049":
                self.alternate, self.lines = False, self._main
                self._row, self._column = len(self.lines) - 1, 0
            case "h" | "l", "?2026" | "?7":
                pass
            case "H", _:
                row, _, column = arguments.partition(";")
                self._row, self._column = min(int(row or 1), self.height) - 1, int(column or 1) - 1
                self._reach()
            case "K", "":
                self.lines[self._row] = self.lines[self._row][: self._column]
            case "J", "":
                self.lines[self._row] = self.lines[self._row][: self._column]
                del self.lines[self._row + 1 :]
            case "m", _:
                pass
            case _:
                raise AssertionError(f"a terminal does not know {arguments}{verb}")

    def __str__(self) -> str:
        return "\n".join(self.lines)


class Terminal:
    """A pty with the service on it."""

    def __init__(
        self, process: asyncio.subprocess.Process, master: int, base_url: str, width: int, height: int
    ) -> None:
        self.process = process
        self.base_url = base_url
        self.raw = b""
        self._master = master
        self._sizes = [(0, width, height)]
        self.read()

    def read(self) -> None:
        asyncio.get_running_loop().add_reader(self._master, self._arrived)

    def ignore(self) -> None:
        """A terminal that is stopped: nobody takes what is written."""
        asyncio.get_running_loop().remove_reader(self._master)

    def _arrived(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the other side open any more
            data = b""
        self.raw += data
        if not data:
            self.ignore()

    @property
    def picture(self) -> Picture:
        (_, *first), *later = self._sizes
        picture, shown = Picture(*first), 0
        for since, width, height in later:
            # The next picture begins where the new size is known.
            until = self.raw.find(_BEGIN, since)
            if until < 0:
                break
            picture.feed(self.raw[shown:until].decode("utf-8", "ignore"))
            picture.resize(width, height)
            shown = until
        picture.feed(self.raw[shown:].decode("utf-8", "ignore"))
        return picture

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def resize(self, width: int, height: int) -> None:
        self._sizes.append((len(self.raw), width, height))
        # The kernel tells the foreground by SIGWINCH.
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def hang_up(self) -> None:
        """Close its window; harmless when that is done already."""
        if self._master >= 0:
            self.ignore()
            os.close(self._master)
            self._master = -1

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())


@contextlib.asynccontextmanager
async def on_terminal(
    tmp_path: Path,
    *arguments: str,
    server: TestServer | None = None,
    overrides: Mapping[str, str] | None = None,
    size: tuple[int, int] = (100, 30),
) -> AsyncIterator[Terminal]:
    """Start the service on a pty of `size` columns and lines."""
    master, slave = pty.openpty()
    port = free_port()
    settings = {**settings_of(tmp_path, port, server), "TERM": "xterm-256color", **(overrides or {})}
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    try:
        process = await asyncio.create_subprocess_exec(
            # A session of its own on this terminal, as a login gives it.
            *("setsid", "--ctty", sys.executable, str(PROGRAM), *arguments),
            env=environment(settings),
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        terminal = Terminal(process, master, f"http://127.0.0.1:{port}", *size)
        try:
            yield terminal
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), 20)
                except TimeoutError:
                    process.kill()
                    await process.wait()
            terminal.hang_up()
    finally:
        os.close(slave)
