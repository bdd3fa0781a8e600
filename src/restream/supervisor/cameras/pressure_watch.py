"""Tells admission how hard the machine is pressed."""

from __future__ import annotations

import asyncio
from typing import NoReturn, Protocol

from restream.domain.admission.pressure import Pressure, Strain
from restream.ports.servers import PressureGauge

_INTERVAL_S = 1.0
# The event loop's lag is looked at so often in it while cameras start.
_LOOKS = 10


class Pressed(Protocol):
    """Who has to know."""

    @property
    def idle(self) -> bool:
        """Nothing starts now: a coarse look is enough."""

    def press(self, strain: Strain) -> None:
        """How hard the machine is pressed from now on."""


class PressureWatch:
    """Looks once a second; more closely at the event loop while cameras start."""

    def __init__(self, gauge: PressureGauge, pressed: Pressed) -> None:
        self._gauge = gauge
        self._pressed = pressed

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        stalls, at = self._gauge.read(), asyncio.get_running_loop().time()
        while True:
            lag_s = await _lag(1 if self._pressed.idle else _LOOKS)
            before, began = stalls, at
            stalls, at = self._gauge.read(), asyncio.get_running_loop().time()
            self._pressed.press(Pressure.between(before, stalls, at - began, lag_s).strain)


async def _lag(looks: int) -> float:
    """How late the event loop comes to a timer, on average over the interval."""
    began = asyncio.get_running_loop().time()
    for _ in range(looks):
        await asyncio.sleep(_INTERVAL_S / looks)
    return max(0.0, asyncio.get_running_loop().time() - began - _INTERVAL_S) / looks
