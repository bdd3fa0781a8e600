"""What the interpreter and the operating system must be told before thousands of children are started."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import sys
from typing import Any, NoReturn

logger = logging.getLogger(__name__)


def install_child_watcher() -> None:
    """On Python 3.11 the default watcher starts a thread per child; a pidfd costs nothing (3.12 does this itself)."""
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


COLLECTOR = (10_000, 1_000_000, 1_000_000)
"""Thresholds of the garbage collector: it looks through what is new, and by itself never through what has lasted."""
_COLLECT_EVERY_S = 600.0


def calm_collector() -> None:
    """Look for cycles of references among a few new objects at a time, and never among what was imported.

    A picture of thousands of cameras is a million objects without a cycle, new every two seconds; by its defaults the
    collector walks all of them again and again, and nothing else runs meanwhile.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)


async def collect_rarely() -> NoReturn:
    """Look through everything every ten minutes: at 5,000 cameras nothing else runs for a quarter of a second."""
    while True:
        await asyncio.sleep(_COLLECT_EVERY_S)
        gc.collect()


def keep_quiet_about_lost_connections(loop: asyncio.AbstractEventLoop) -> None:
    """No ERROR for a connection that is lost while nobody waits for it any more.

    asyncpg leaves such a future when its connect is cancelled or times out at the moment at which the server closes
    (`connect_utils.TLSUpgradeProto`, 0.30 and 0.31). A task that fails unseen is told as before.
    """

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        future, error = context.get("future"), context.get("exception")
        if isinstance(error, OSError) and isinstance(future, asyncio.Future) and not isinstance(future, asyncio.Task):
            logger.debug("a connection was lost that nobody waited for: %s", error)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


def raise_file_limit() -> None:
    """Every camera takes three descriptors; the usual soft limit of 1024 ends at about 330 cameras."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
