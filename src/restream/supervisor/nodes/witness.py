"""What the media servers show of cameras that another node had: does somebody still publish them?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from restream.domain.camera.camera import Camera
from restream.domain.fleet.fencing import PathSeen, Witnessed
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import ServerId


class PathWatch:
    """Remembers since when paths have been seen silent, of those that are asked about at every heartbeat.

    `silent_s` tells when a path on which nothing comes is silent: longer than an owner takes to end what has stalled,
    and than a server keeps a publisher whose host is gone. A picture that is older than `stale_s` shows the past: this
    process was suspended, or the server is slow.
    """

    def __init__(
        self,
        pictures: Callable[[], Mapping[ServerId, ServerPicture]],
        silent_s: Callable[[Camera], float],
        stale_s: float,
    ) -> None:
        self._pictures = pictures
        self._silent_s, self._stale_s = silent_s, stale_s
        self._silent_since: dict[str, float] = {}
        self._asked: set[str] = set()
        """About which somebody has asked since the last turn."""

    def see(self, camera: Camera, now: float) -> PathSeen:
        """The path of this camera, wherever it may be published; `now` is monotonic."""
        self._asked.add(camera.id)
        witnessed = self._witnessed(camera, now)
        if witnessed is not Witnessed.SILENT:
            self._silent_since.pop(camera.id, None)
            return PathSeen(witnessed)
        return PathSeen(witnessed, now - self._silent_since.setdefault(camera.id, now))

    def turn(self) -> None:
        """A heartbeat is over: what nobody asked about may have flowed meanwhile, and begins anew."""
        self._silent_since = {key: since for key, since in self._silent_since.items() if key in self._asked}
        self._asked = set()

    def _witnessed(self, camera: Camera, now: float) -> Witnessed:
        # The server it belongs to must be seen: its owner takes it elsewhere only when it does not see that.
        seen = [self._witnessed_at(server, camera, now) for server in camera.places or (camera.server,)]
        return Witnessed.SERVED if Witnessed.SERVED in seen else seen[0]

    def _witnessed_at(self, server: ServerId, camera: Camera, now: float) -> Witnessed:
        picture = self._pictures().get(server)
        if picture is None or picture.fresh_since is None or now - picture.asked_at > self._stale_s:
            return Witnessed.UNSEEN
        stream = picture.streams.get(camera.path)
        if stream is None or not stream.path.live:
            return Witnessed.SILENT
        since = max(stream.flow.moved_at, picture.fresh_since)
        return Witnessed.SILENT if picture.asked_at - since >= self._silent_s(camera) else Witnessed.SERVED
