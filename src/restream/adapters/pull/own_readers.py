"""A media server's readers without those of ours, that only hold a path or take a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from restream.adapters.rtsp.server_key_frames import OwnReadings
from restream.domain.pull.entry import place_of
from restream.domain.server.identity import ServerId
from restream.domain.server.mediamtx import PathObservation
from restream.ports.servers import MediaServer, ServerStatus


class WithoutOwnReaders:
    """A media server as `server` tells of it; `audience` is told how many others read each place that is fetched.

    `readings` are those of ours that look at pictures.
    """

    def __init__(
        self,
        server: MediaServer,
        identity: ServerId,
        audience: Mapping[str, Callable[[int], None]],
        readings: OwnReadings | None = None,
    ) -> None:
        self._server = server
        self._identity, self._readings = identity, readings or OwnReadings()
        self._before = place_of(identity, "")
        self._audience = audience

    async def observe(self) -> ServerStatus:
        """One sweep; never raises."""
        before = self._readings.under_way()
        status = await self._server.observe()
        # Those that began or ended meanwhile may be in it or not: a viewer too many does no harm.
        looking = self._readings.lasting(before, self._identity)
        if status.view is None or not (self._audience or looking):
            return status
        paths = dict(status.view.paths)
        for name, count in looking.items():
            if (path := paths.get(name)) is not None:
                paths[name] = path._replace(readers=max(0, path.readers - count))
        for place, told in tuple(self._audience.items()):
            name = place.removeprefix(self._before)
            path = paths.get(name)
            if path is not None and name != place:
                paths[name] = path = _less_one(path)
                told(path.readers)
        return replace(status, view=replace(status.view, paths=paths))

    async def close(self) -> None:
        """Let go of connections; never raises."""
        await self._server.close()


def _less_one(path: PathObservation) -> PathObservation:
    return path._replace(readers=max(0, path.readers - 1)) if path.pulled else path
