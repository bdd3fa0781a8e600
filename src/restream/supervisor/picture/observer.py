"""Watches one media server, so that its outage is one event and never the cameras' fault."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import NoReturn

from restream.domain.news.component import ComponentState
from restream.domain.news.event import ServerRestart
from restream.domain.server.flow import ServerPicture, join_streams
from restream.domain.server.identity import ServerId, component_name
from restream.domain.server.mediamtx import ServerView
from restream.ports.servers import MediaServer, ServerStatus
from restream.supervisor.components import Components
from restream.supervisor.journeys import EventListener, ServerFollower

logger = logging.getLogger(__name__)

# One missed check may be a hiccup; publishers that break report it at once and are checked on the spot.
_MISSES_UNTIL_LOST = 2
# Many publishers break together: one check for all of them.
_GATHER_S = 0.1
# While suspicion goes on its sweeps come ever more rarely: first after this, at last once per interval,
_LEAST_PAUSE_S = 0.3
# and they never take more than a tenth of the time.
_MOST_SHARE = 0.1
# Paths that are joined before somebody else may run.
_BATCH = 500


class Observer:
    """Checks the media server every `interval_s` seconds, and at once when a publisher suspects it after a calm."""

    def __init__(
        self,
        identity: ServerId,
        server: MediaServer,
        components: Components,
        followers: Sequence[ServerFollower],
        listener: EventListener,
        *,
        interval_s: float,
    ) -> None:
        self._identity = identity
        self._component = component_name(identity)
        self._server = self._wanted = server
        self._components = components
        self._followers = followers
        self._listener = listener
        self._picture = ServerPicture()
        self._interval_s = interval_s
        self._suspected = asyncio.Event()
        self._adopted = asyncio.Event()
        self._pause_s = 0.0
        self._misses = 0

    @property
    def picture(self) -> ServerPicture:
        """What the sweeps have shown; the last good data stay when the server is away."""
        return self._picture

    def suspect(self) -> None:
        """A publisher was refused or cut off: look now."""
        self._suspected.set()

    def adopt(self, server: MediaServer) -> None:
        """Another server, or another way to it: look there now."""
        self._wanted = server
        self._adopted.set()
        self._suspected.set()

    async def close(self) -> None:
        """Let go of the server; to be called when it is not watched any more."""
        for server in {self._server, self._wanted}:
            await server.close()

    async def run(self) -> NoReturn:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if self._server is not self._wanted:
                await self._server.close()
                self._server = self._wanted
            self._adopted.clear()
            suspected = self._suspected.is_set()
            self._suspected.clear()
            asked_at = loop.time()
            await self._take(await self._server.observe(), asked_at, suspected=suspected)
            if suspected:
                pause_s = max(_LEAST_PAUSE_S, 2 * self._pause_s, (loop.time() - asked_at) / _MOST_SHARE)
                self._pause_s = min(pause_s, self._interval_s)
            else:
                self._pause_s = 0.0
            await self._next(asked_at + self._pause_s)

    async def _next(self, at_soonest: float) -> None:
        """Wait until the interval is over, or for a suspicion and until `at_soonest`; another server ends both."""
        try:
            async with asyncio.timeout(self._interval_s):
                await self._suspected.wait()
        except TimeoutError:
            return
        pause_s = max(min(_GATHER_S, self._interval_s), at_soonest - asyncio.get_running_loop().time())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._adopted.wait()

    async def _swept(self, view: ServerView, asked_at: float) -> ServerPicture:
        now, streams = asyncio.get_running_loop().time(), {}
        for name, stream in join_streams(view, self._picture.streams, now):
            streams[name] = stream
            if len(streams) % _BATCH == 0:
                await asyncio.sleep(0)
        return self._picture.joined(view, streams, now, asked_at)

    async def _take(self, status: ServerStatus, asked_at: float, *, suspected: bool) -> None:
        before = self._picture
        view = status.view
        self._picture = before.missed(status.trouble) if view is None else await self._swept(view, asked_at)
        if status.reachable:
            self._misses = 0
            if view is not None and before.is_of_another_run(view, self._picture.streams):
                self._tell_restart(view.started)
            self._report(ComponentState.UP, status.detail)
        else:
            self._misses += 1
            known = self._components.state(self._component)
            if suspected or self._misses >= _MISSES_UNTIL_LOST or known is not ComponentState.UP:
                detail = f"{status.detail} (cameras wait for it)"
                self._report(ComponentState.DOWN, detail)
        for follower in self._followers:
            follower.observed(self._identity, self._picture)

    def _report(self, state: ComponentState, detail: str) -> None:
        if self._components.report(self._component, state, detail, self._identity):
            for follower in self._followers:
                follower.server_changed(self._identity, state is ComponentState.UP)

    def _tell_restart(self, started: str | None) -> None:
        detail = f"the media server restarted ({started or 'all its paths are gone at once'})"
        logger.warning("%s: %s", self._component, detail)
        self._listener.happened(ServerRestart(time.time(), detail, self._identity))
