"""An observer for every media server: one that is away, or hangs, keeps nobody from watching the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER, ServerId, component_name
from restream.ports.servers import MediaServer
from restream.supervisor.components import Components
from restream.supervisor.journeys import EventListener, ServerFollower
from restream.supervisor.picture.observer import Observer


class Observers:
    """Which servers there are is settled at the start of the service. Who is to hear of them says so by `follow`."""

    def __init__(
        self,
        servers: Mapping[ServerId, MediaServer],
        components: Components,
        listener: EventListener,
        *,
        interval_s: float,
    ) -> None:
        self._followers: list[ServerFollower] = []
        self._observers = {
            identity: Observer(identity, server, components, self._followers, listener, interval_s=interval_s)
            for identity, server in servers.items()
        }

    def follow(self, *followers: ServerFollower) -> None:
        """From now on they hear of every sweep over every server, in this order."""
        self._followers.extend(followers)

    @property
    def pictures(self) -> Mapping[ServerId, ServerPicture]:
        """What the sweeps have shown of each; the last good data stay when a server is away."""
        return {identity: observer.picture for identity, observer in self._observers.items()}

    def suspect(self, server: ServerId) -> None:
        """A publisher was refused or cut off there: look now."""
        self._observers[server].suspect()

    def adopt(self, server: ServerId, way: MediaServer) -> None:
        """Another way to a server: look there now."""
        self._observers[server].adopt(way)

    def loops(self) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """What has to run, by name."""
        return {_loop_name(identity): observer.run for identity, observer in self._observers.items()}

    async def close(self) -> None:
        """Let go of the servers; to be called when they are not watched any more."""
        await asyncio.gather(*(observer.close() for observer in self._observers.values()))


def _loop_name(server: ServerId) -> str:
    return "media server" if server == DEFAULT_SERVER else f"media server {component_name(server)}"
