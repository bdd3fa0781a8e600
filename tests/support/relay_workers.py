"""The processes that relay."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psutil

_MODULE = "restream.adapters.relay.worker"


def relay_workers(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those of them that relay, and have not ended meanwhile."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if _MODULE in process.cmdline():
                found.append(process)
    return found
