"""The service in this process: its signals, its terminal, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence

from restream.config.settings import Settings
from restream.interfaces.console.frame import Facts
from restream.interfaces.console.live import LiveConsole
from restream.interfaces.console.screen import Screen, can_be_painted
from restream.service.from_settings import require_programs
from restream.service.interpreter import calm_collector, raise_file_limit
from restream.service.service import Service


async def serve(
    settings: Settings, reload: Callable[[], Settings], *, plain: bool = True, notes: Sequence[str] = ()
) -> None:
    """Run the service until SIGTERM, SIGINT, or the end of its terminal. There it shows itself, with `notes`, unless
    `plain`.

    Raises ConfigError, DependencyError.
    """
    require_programs(settings)
    raise_file_limit()
    calm_collector()
    console = None if plain else _console(settings, notes)
    service = Service(settings, reload, [console] if console is not None else [])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    in_terminal = os.isatty(2)

    def hung_up() -> None:
        # Its terminal was closed: nobody would see or end it any more.
        if in_terminal and not os.isatty(2):
            stop.set()
        else:
            service.reload()

    loop.add_signal_handler(signal.SIGHUP, hung_up)
    async with console or contextlib.nullcontext():
        await service.run(stop)


def _console(settings: Settings, notes: Sequence[str]) -> LiveConsole | None:
    """The live table; None where there is no terminal for it."""
    if not can_be_painted(os.environ, sys.stdout, sys.stderr):
        return None
    http = settings.http
    return LiveConsole(Screen(sys.stdout), Facts(f"http://{http.host}:{http.port}/", tuple(notes)))
