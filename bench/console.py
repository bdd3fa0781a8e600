"""What the live table in a terminal costs: a scripted fleet, its log, and a pty that takes everything."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator
from typing import Any

from bench.scripted_fleet import ScriptedFleet
from restream import __version__
from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.news.component import Component, ComponentState
from restream.domain.news.event import Event, Transition
from restream.interfaces.console.frame import Facts
from restream.interfaces.console.live import LiveConsole
from restream.interfaces.console.screen import Screen
from restream.interfaces.documents.rendering import Renderer
from restream.interfaces.documents.status import ServiceFacts
from restream.supervisor.picture.assessor import Assessor
from restream.supervisor.picture.cycle import Scene

_INTERVAL_S = 2.0
_COLUMNS, _LINES = 160, 50


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("console", help=__doc__)
    parser.add_argument("--cameras", type=int, nargs="+", default=[6, 1000, 5000])
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S")
    parser.add_argument("--changing", type=float, default=2.0, metavar="PERCENT", help="cameras whose phase changes")
    parser.set_defaults(measure=measure)


class _Terminal:
    """A pty whose other side takes everything."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
        self.received_bytes = self.pictures = 0
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._master, 1 << 16):
                self.received_bytes += len(data)
                self.pictures += data.count(b"\x1b[?2026h")

    @contextlib.contextmanager
    def screen(self) -> Iterator[Screen]:
        with open(self._slave, "w", encoding="utf-8", closefd=False) as stream:
            screen = Screen(stream)
            screen.in_foreground = lambda: True  # type: ignore[method-assign]
            yield screen


class _Changes(list[Transition]):
    """What the scripted fleet told since it was cleared."""

    def happened(self, event: Event) -> None:
        if isinstance(event, Transition):
            self.append(event)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    os.environ.setdefault("TERM", "xterm-256color")
    found = {str(size): await _measure(options, size) for size in options.cameras}
    names = next(iter(found.values()))
    sys.stdout.write(f"{'cameras':32}" + "".join(f"{size:>12}" for size in found) + "\n")
    for name in names:
        sys.stdout.write(f"{name:32}" + "".join(f"{result[name]:>12}" for result in found.values()) + "\n")
    return found


async def _measure(options: argparse.Namespace, size: int) -> dict[str, Any]:
    terminal = _Terminal()
    changes = _Changes()
    fleet = ScriptedFleet(size, options.changing / 100, changes)
    assessor = Assessor(Thresholds(), changes)
    renderer = Renderer(ServiceFacts("bench", __version__, "0", time.time(), _INTERVAL_S))
    components = {name: Component(name, ComponentState.UP, time.time()) for name in ("database", "mediamtx", "redis")}
    with terminal.screen() as screen:
        console = LiveConsole(screen, Facts("http://127.0.0.1:8000/"))
        async with console:
            clock = time.pthread_getcpuclockid(console._thread.ident or 0)
            until = time.monotonic() + options.seconds
            began_s, generation = time.monotonic(), 0
            first_cpu_s, first_pictures = time.clock_gettime(clock), terminal.pictures
            while time.monotonic() < until:
                fleet.advance()
                generation += 1
                scene = Scene(fleet.subjects, components)
                now = time.monotonic()
                reports = dict(assessor.assess(scene.subjects, scene.servers, now, time.time()))
                snapshot = Snapshot(generation, time.time(), now, reports, components)
                console.show(await renderer.render(snapshot))
                await _log(console, changes)
            cpu_s = time.clock_gettime(clock) - first_cpu_s
            lasted_s = time.monotonic() - began_s
            pictures = terminal.pictures - first_pictures
    return {
        "cpu_percent_of_a_core": round(100 * cpu_s / lasted_s, 2),
        "pictures_per_second": round(pictures / lasted_s, 2),
        "cpu_ms_per_picture": round(1000 * cpu_s / max(1, pictures), 1),
        "bytes_per_picture": round(terminal.received_bytes / max(1, terminal.pictures)),
    }


async def _log(console: LiveConsole, changes: list[Transition]) -> None:
    """An interval in which every change is a line of the log."""
    pause_s = _INTERVAL_S / (len(changes) + 1)
    await asyncio.sleep(pause_s)
    for each in changes:
        label = f"camera {each.camera_id} ({each.name})"
        console._pane.write(f"2026-01-02 03:04:05,678 INFO    restream.camera: {label}: {each.after}\n")
        await asyncio.sleep(pause_s)
    changes.clear()
