"""Pressure stall information, as Linux tells it (Documentation/accounting/psi.rst)."""

from __future__ import annotations

import re
from pathlib import Path

from restream.domain.admission.pressure import Stalls

# Microseconds in all; the averages beside it are over ten seconds and more, too slow for starts.
_SOME = re.compile(rb"^some .*\btotal=(\d{1,20})$", re.MULTILINE)
_MAX_BYTES = 4096


class ProcPressure:
    """Reads `/proc/pressure`, which takes no longer than a system call. Never raises."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._directory = proc / "pressure"

    def read(self) -> Stalls:
        """What was waited for so far; None for what this kernel does not tell."""
        return Stalls(self._total("cpu"), self._total("memory"))

    def _total(self, resource: str) -> int | None:
        try:
            with (self._directory / resource).open("rb") as file:
                found = _SOME.search(file.read(_MAX_BYTES))
        except OSError:
            # No such kernel, or `psi=0`: the file is there then, and cannot be read.
            return None
        return int(found[1]) if found else None
