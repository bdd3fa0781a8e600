"""What is known of a camera's media from an earlier life of the service, and what its row asked for then."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from restream.domain.camera.camera import Camera
from restream.domain.engine import Media


class KnownMedia(NamedTuple):
    """Media that flowed, and what they were asked for."""

    media: Media
    asked: str
    """`asked_for` of the row at that time."""


def asked_for(camera: Camera) -> str:
    """Digest of all in a row that a probe depends on. Its password is no part of it: another one brings the same media,
    and a digest of a password could be guessed at."""
    options = camera.options
    parts = (camera.source.masked, options.rtsp_transport, options.audio, options.input)
    return hashlib.blake2s(repr(parts).encode(), digest_size=12).hexdigest()
