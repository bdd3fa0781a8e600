"""What the interpreter and the operating system must be told before thousands of children are started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sys


def install_child_watcher() -> None:
    """On Python 3.11 the default watcher starts a thread per child; a pidfd costs nothing (3.12 does this itself)."""
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


def raise_file_limit() -> None:
    """Every camera takes three descriptors; the usual soft limit of 1024 ends at about 330 cameras."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
