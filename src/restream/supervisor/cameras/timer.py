"""One timer for a deadline that mostly moves away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# A timer that is this late tells that the process did not run for a while (suspended, a paused virtual machine).
_LATE_S = 0.1
# Whatever came meanwhile is read by then (ports.Publisher), and may move the deadline.
_READING_S = 0.5


class DeadlineTimer:
    """Calls back when the deadline (of the loop's clock, in seconds) has come.

    Progress moves a camera's deadline every second: a timer that is set earlier stays, and looks again when it fires.
    """

    def __init__(self, on_due: Callable[[], None]) -> None:
        self._on_due = on_due
        self._loop = asyncio.get_running_loop()
        self._deadline: float | None = None
        self._handle: asyncio.TimerHandle | None = None

    def set(self, deadline: float | None) -> None:
        """A new deadline; None: there is nothing to wait for."""
        self._deadline = deadline
        if self._handle is not None and (deadline is None or self._handle.when() > deadline):
            self._handle.cancel()
            self._handle = None
        if self._handle is None and deadline is not None:
            self._handle = self._loop.call_at(deadline, self._fire)

    def _fire(self) -> None:
        late = self._handle is not None and self._loop.time() - self._handle.when() > _LATE_S
        # Even in time: what has come is read before the next timer is, not before this one.
        self._handle = self._loop.call_later(_READING_S if late else 0, self._look)

    def _look(self) -> None:
        self._handle = None
        if self._deadline is not None and self._loop.time() < self._deadline:
            self.set(self._deadline)
        elif self._deadline is not None:
            self._on_due()
