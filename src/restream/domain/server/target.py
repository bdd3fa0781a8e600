"""Where streams are published: one media server, as its publishers need to know it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from restream.domain.camera.options import Transport
from restream.domain.camera.secret import Secret
from restream.domain.rtsp.url import Credentials, RtspUrl, parse_url
from restream.domain.server.identity import DEFAULT_SERVER, ServerId
from restream.domain.server.trust import UNCHECKED, TlsServer, Trust


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
    trust: Trust = UNCHECKED
    """Where `rtsp_url` begins with rtsps."""

    def with_login_of(self, other: Target) -> Target:
        """The same with another one's user and password."""
        return replace(self, user=other.user, password=other.password)

    @property
    def to_be_checked(self) -> TlsServer | None:
        """Where streams are published by RTSPS, when its certificate is checked."""
        parts = parse_url(self.rtsp_url)
        if parts is None or not parts[0].secure or not self.trust.verify:
            return None
        return TlsServer(*parts[0].address, self.trust)

    def rtsp_parts(self, path: str) -> tuple[RtspUrl, Credentials | None] | None:
        """URL and credentials to publish a path by RTSP; None: `rtsp_url` is none of RTSP."""
        parts = parse_url(self.rtsp_url)
        if parts is None:
            return None
        url, credentials = parts
        if self.user:
            credentials = Credentials(self.user, self.password or Secret(""))
        return url.under(f"{url.rest.rstrip('/')}/{path}"), credentials
