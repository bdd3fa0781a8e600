"""The service in this process: its signals, its terminal, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence

from restream.config.settings import Settings
from restream.interfaces.console.frame import Facts
from restream.interfaces.console.live import LiveConsole
from restream.interfaces.console.screen import Screen, can_be_painted
from restream.service.from_settings import require_programs
from restream.service.handover import VERSION, HandoverError, Manifest, Program, rehearse
from restream.service.interpreter import calm_collector, keep_quiet_about_lost_connections, raise_file_limit
from restream.service.service import Service
from restream.version import version_line

logger = logging.getLogger(__name__)


async def serve(
    settings: Settings,
    reload: Callable[[], Settings],
    *,
    plain: bool = True,
    notes: Sequence[str] = (),
    manifest: Manifest | None = None,
) -> Manifest | None:
    """Run the service until SIGTERM, SIGINT, or the end of its terminal. There it shows itself, with `notes`, unless
    `plain`. `manifest`: what the life before has left; after SIGUSR2, what this one leaves to the next.

    Raises ConfigError, DependencyError.
    """
    require_programs(settings)
    raise_file_limit()
    calm_collector()
    console = None if plain else _console(settings, notes)
    service = Service(settings, reload, [console] if console is not None else [], manifest)
    stop = asyncio.Event()
    replacement = Replacement(stop)
    loop = asyncio.get_running_loop()
    keep_quiet_about_lost_connections(loop)
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
    loop.add_signal_handler(signal.SIGUSR2, replacement.ask)
    async with console or contextlib.nullcontext():
        return await service.run(stop, replacement.granted)


class Replacement:
    """Tries the next version when it is asked to, and sets `stop` when that may take over."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._trial: asyncio.Task[None] | None = None
        self._granted = False

    def granted(self) -> bool:
        """Whether the next version takes over."""
        return self._granted

    def ask(self) -> None:
        """One at a time."""
        if self._trial is None or self._trial.done():
            self._trial = asyncio.create_task(self._try(), name="trial of the next version")

    async def _try(self) -> None:
        try:
            version = await rehearse(Program.of_this_process())
        except HandoverError as error:
            logger.error("the service is not replaced, everything goes on as it is: %s", error)
            return
        if not self._stop.is_set():
            logger.info("%s takes over", version)
            self._granted = True
            self._stop.set()


def _console(settings: Settings, notes: Sequence[str]) -> LiveConsole | None:
    """The live table; None where there is no terminal for it."""
    if not can_be_painted(os.environ, sys.stdout, sys.stderr):
        return None
    http = settings.http
    return LiveConsole(Screen(sys.stdout), Facts(f"http://{http.host}:{http.port}/", tuple(notes)))


def could_adopt(version: int, settings: Settings, reload: Callable[[], Settings]) -> None:
    """Whether this version could go on with what one has left that writes manifests of `version`; it makes all its
    parts, and starts none. Raises HandoverError, ConfigError, DependencyError.
    """
    if version != VERSION:
        raise HandoverError(f"it knows handovers of version {VERSION}, not {version}: restart the service")
    require_programs(settings)
    Service(settings, reload)
    sys.stdout.write(version_line() + "\n")
