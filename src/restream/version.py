"""Which program this is: its version, and the commit where that is known."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from restream import __version__
from restream.config.places import INSTALLED

RECORD = "COMMIT"
"""The file of the package in which a build leaves the commit (src/restream_build.py)."""

_LIMIT_S = 5.0


def version_line() -> str:
    """`restream 0.1.0 (02be2ab8d1c5)`; without the commit where nobody knows it."""
    recorded = Path(__file__).with_name(RECORD)
    if recorded.is_file():
        commit = recorded.read_text(encoding="ascii", errors="replace").strip()
    else:
        commit = "" if INSTALLED.checkout is None else commit_of(INSTALLED.checkout)
    return f"restream {__version__} ({commit})" if commit else f"restream {__version__}"


def commit_of(project: Path) -> str:
    """The commit of a checkout, with `-dirty` when files differ from it; empty where git cannot tell."""
    return git(project, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").strip()


def git(project: Path, *question: str) -> str:
    """What git says of a checkout; empty where it cannot tell."""
    # Without this it would answer for a repository further up.
    if not (project / ".git").exists():
        return ""
    # What a hook of git exports names another repository; looking must not lock the index.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    command = ("git", "-C", str(project), *question)
    try:
        run = subprocess.run(
            command, capture_output=True, timeout=_LIMIT_S, check=False, env=environment, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.decode("utf-8", "replace") if run.returncode == 0 else ""
