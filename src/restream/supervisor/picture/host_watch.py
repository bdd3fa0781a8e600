"""Measures the host now and then, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NoReturn

from restream.domain.host_sample import HostSample
from restream.ports.servers import HostMeter


class HostWatch:
    """Keeps the newest sample. `pids` tells the publishers' processes by camera id."""

    def __init__(
        self,
        meter: HostMeter,
        pids: Callable[[], Mapping[str, int]],
        interval_s: float = 10.0,
        on_sample: Callable[[HostSample], None] = lambda _: None,
    ) -> None:
        self._meter = meter
        self._pids = pids
        self._interval_s = interval_s
        self._on_sample = on_sample
        self._sample: HostSample | None = None

    @property
    def sample(self) -> HostSample | None:
        """None until the host has been measured once."""
        return self._sample

    async def run(self) -> NoReturn:
        """Measure until cancelled."""
        while True:
            self._sample = await asyncio.to_thread(self._meter.sample, tuple(self._pids().values()))
            self._on_sample(self._sample)
            await asyncio.sleep(self._interval_s)
