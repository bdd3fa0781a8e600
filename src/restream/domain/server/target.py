"""Where streams are published: one media server, as its publishers need to know it."""

from __future__ import annotations

from dataclasses import dataclass

from restream.domain.camera.options import Transport
from restream.domain.camera.secret import Secret
from restream.domain.server.identity import DEFAULT_SERVER, ServerId


@dataclass(frozen=True, slots=True)
class Target:
    """Addresses without a path, and the user that publishing needs, if any."""

    rtsp_url: str = "rtsp://127.0.0.1:8554"
    srt_url: str = "srt://127.0.0.1:8890"
    publish: Transport = Transport.RTSP
    """For rows that do not choose."""
    user: str | None = None
    password: Secret | None = None
    server: ServerId = DEFAULT_SERVER
