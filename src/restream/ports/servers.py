"""What is watched, and who watches us, as verbs: media servers, third-party servers, the host, the service manager."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from restream.domain.admission.pressure import Stalls
from restream.domain.host_sample import HostSample
from restream.domain.server.api_trouble import ApiTrouble
from restream.domain.server.mediamtx import ServerView
from restream.domain.visionaire import Collection as Collected
from restream.domain.visionaire import StreamServer


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The media server as seen by one check."""

    reachable: bool
    detail: str
    view: ServerView | None = None
    """What its control API tells; None when the API does not answer."""
    trouble: ApiTrouble | None = None
    """Why the API tells nothing."""


class MediaServer(Protocol):
    """The media server that cameras are published to."""

    async def observe(self) -> ServerStatus:
        """Sweep over it once: is it there, and what does it see? Bounded in time, never raises."""

    async def close(self) -> None:
        """Let go of connections; never raises."""


class HostMeter(Protocol):
    """Measures the host."""

    def sample(self, pids: Sequence[int]) -> HostSample:
        """Blocking, for a thread; one call at a time. Processes that are gone are left out. Never raises."""


class PressureGauge(Protocol):
    """Tells what tasks of this machine had to wait for."""

    def read(self) -> Stalls:
        """All of it so far. Does not block, never raises."""


class StreamDirectory(Protocol):
    """One third-party server that tells which streams it has."""

    @property
    def server(self) -> StreamServer: ...

    async def collect(self) -> Collected:
        """One cycle: the list, and every stream's details. Bounded in time well below the interval; never raises."""

    async def close(self) -> None:
        """Let go of connections; never raises."""


class ServiceManager(Protocol):
    """Who started the service (systemd), and wants to hear how it is."""

    @property
    def watchdog_interval_s(self) -> float | None:
        """How often to say that the service is alive, or None."""

    def ready(self) -> None: ...

    def reloading(self) -> None: ...

    def stopping(self) -> None: ...

    def alive(self) -> None: ...

    def status(self, text: str) -> None: ...
