"""What the media servers show of cameras that another node had: does somebody still publish them?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from restream.domain.camera.camera import Camera
from restream.domain.fleet.fencing import PathSeen, Witnessed
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import ServerId

_SILENT_S = 12.0
"""Longer than an owner takes to end what has stalled (`ffmpeg.stall_timeout_s`), and than a server keeps a publisher
whose host is gone (MediaMTX's `readTimeout`, 10 s)."""
_STALE_S = 6.0
"""A picture that is older shows the past: this process was suspended, or the server is slow."""


class PathWatch:
    """Remembers since when paths have been seen silent, of those that are asked about at every heartbeat."""

    def __init__(self, pictures: Callable[[], Mapping[ServerId, ServerPicture]]) -> None:
        self._pictures = pictures
        self._silent_since: dict[str, float] = {}
        self._asked: set[str] = set()
        """About which somebody has asked since the last turn."""

    def see(self, camera: Camera, now: float) -> PathSeen:
        """The path of this camera, wherever it may be published; `now` is monotonic."""
        self._asked.add(camera.id)
        witnessed = _witnessed(camera, self._pictures(), now)
        if witnessed is not Witnessed.SILENT:
            self._silent_since.pop(camera.id, None)
            return PathSeen(witnessed)
        return PathSeen(witnessed, now - self._silent_since.setdefault(camera.id, now))

    def turn(self) -> None:
        """A heartbeat is over: what nobody asked about may have flowed meanwhile, and begins anew."""
        self._silent_since = {key: since for key, since in self._silent_since.items() if key in self._asked}
        self._asked = set()


def _witnessed(camera: Camera, pictures: Mapping[ServerId, ServerPicture], now: float) -> Witnessed:
    # The server it belongs to must be seen: its owner takes it elsewhere only when it does not see that.
    seen = [_witnessed_at(server, camera.path, pictures, now) for server in camera.places or (camera.server,)]
    return Witnessed.SERVED if Witnessed.SERVED in seen else seen[0]


def _witnessed_at(server: ServerId, path: str, pictures: Mapping[ServerId, ServerPicture], now: float) -> Witnessed:
    picture = pictures.get(server)
    if picture is None or picture.fresh_since is None or now - picture.asked_at > _STALE_S:
        return Witnessed.UNSEEN
    stream = picture.streams.get(path)
    if stream is None or not stream.path.live:
        return Witnessed.SILENT
    since = max(stream.flow.moved_at, picture.fresh_since)
    return Witnessed.SILENT if picture.asked_at - since >= _SILENT_S else Witnessed.SERVED
