"""A camera that flows while the service is replaced by its next version: what that one has to know of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import NamedTuple

from restream.domain.camera.camera import Camera
from restream.domain.camera.options import CameraOptions
from restream.domain.engine import Media
from restream.domain.life.lifecycle import State
from restream.domain.server.identity import ServerId
from restream.domain.server.target import Target

_NOT_OF_THE_STREAM = frozenset({"path", "site", "server", "node", "priority"})
"""Options that change nothing of it, or stand in the camera's own fields."""


class LeftPublication(NamedTuple):
    """A publisher that runs on."""

    engine: str
    words: bytes
    """How its engine knows it again."""
    pid: int | None


@dataclass(frozen=True, slots=True)
class KeptCamera:
    """One camera whose publisher runs on. Moments are of the monotonic clock, which goes on over an execv, in s."""

    camera_id: str
    server: ServerId
    path: str
    stream: str
    """`stream_digest` of what is published: another stream cannot go on in it."""
    engine: str
    words: bytes
    """How its engine knows it again."""
    pid: int | None
    """The process that works for this camera alone, where there is one."""
    media: Media
    since: float
    running_since: float
    looked_at: float | None = None
    failures: int = 0
    restarts: int = 0
    lesser: bool = False

    @classmethod
    def of(cls, camera: Camera, target: Target, state: State, left: LeftPublication) -> KeptCamera | None:
        """What is to be known of a camera in this state; None for one that does not run."""
        if state.media is None or state.running_since is None:
            return None
        return cls(
            camera.id,
            camera.server,
            camera.path,
            stream_digest(camera, target),
            *left,
            state.media,
            state.since,
            state.running_since,
            state.looked_at,
            state.failures,
            state.restarts,
            state.lesser,
        )

    @property
    def place(self) -> tuple[ServerId, str]:
        """Where nobody else may publish meanwhile."""
        return self.server, self.path


def stream_digest(camera: Camera, target: Target) -> str:
    """Digest of what a stream is made of, the same in every version: what a later one adds and nobody has set does not
    count. It contains the camera's password, so it is to be kept in memory only."""
    options = camera.options
    chosen = [
        (each.name, str(value))
        for each in fields(CameraOptions)
        if each.name not in _NOT_OF_THE_STREAM and (value := getattr(options, each.name)) != each.default
    ]
    # Not the login at the media server: with another one it publishes from its next start on.
    where = (target.rtsp_url, target.srt_url, str(target.publish))
    parts = (camera.server, camera.path, camera.source.reveal(), where, sorted(chosen))
    return hashlib.blake2s(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
