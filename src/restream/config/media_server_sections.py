"""The section of the configuration for media servers: where each is, and who may do what there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from restream.config.secret_files import SecretText
from restream.config.stream_sections import Section
from restream.config.tls import CaFile
from restream.domain.camera.options import NAME, Transport
from restream.domain.server.failover import OnServerLoss
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.trust import Trust


class PublicUrls(Section):
    """Where viewers reach the media server."""

    rtsp: str | None = None
    """Base of RTSP addresses for viewers; null: `rtsp_url`."""
    hls: str | None = None
    """Base of HLS addresses; null: port 8888 of the host of `rtsp_url`."""
    webrtc: str | None = None
    """Base of WebRTC addresses; null: port 8889 of that host."""
    srt: str | None = None
    """Base of SRT addresses; null: port 8890 of that host."""


class MediaServerSection(Section):
    """One media server."""

    api_url: str = "http://127.0.0.1:9997"
    """The control API; switch it on in `mediamtx.yml` with `api: yes`."""
    api_user: str | None = None
    """Where the control API needs a user."""
    api_password: SecretText | None = None
    """His password."""
    publish: Transport = Transport.RTSP
    """How streams are published; a row's `options.publish` wins."""
    rtsp_url: str = "rtsp://127.0.0.1:8554"
    """Where streams are published by RTSP."""
    srt_url: str = "srt://127.0.0.1:8890"
    """Where streams are published by SRT."""
    publish_user: str | None = None
    """Where publishing needs a user; shows in ffmpeg's command line."""
    publish_password: SecretText | None = None
    """His password; likewise."""
    read_user: str | None = None
    """For still pictures, where reading needs a user."""
    read_password: SecretText | None = None
    """His password."""
    tls_ca: CaFile | None = None
    """Certificates (PEM) that are believed where `api_url` begins with `https` or `rtsp_url` with `rtsps`; null: the
    system's."""
    tls_verify: bool | None = None
    """Whether certificates are checked, with their host name. Null: that of `https` is, that of `rtsps` only with
    `tls_ca`. ffmpeg does not check all of it itself, see [security.md](security.md)."""
    public: PublicUrls = PublicUrls()
    """Bases of player URLs."""
    container: str | None = None
    """Name of MediaMTX's Docker container, for its health and restarts."""

    _SCHEMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "api_url": ("http", "https"),
        "rtsp_url": ("rtsp", "rtsps"),
        "srt_url": ("srt",),
    }

    @property
    def api_trust(self) -> Trust:
        """Of `https`."""
        return Trust(self.tls_ca, self.tls_verify is not False)

    @property
    def publish_trust(self) -> Trust:
        """Of `rtsps`: nobody has checked it before there were keys for that."""
        return Trust(self.tls_ca, self.tls_ca is not None if self.tls_verify is None else self.tls_verify)

    @model_validator(mode="after")
    def _publishable(self) -> Self:
        password = self.publish_password.get_secret_value() if self.publish_password else ""
        if self.publish is Transport.SRT and ":" in f"{self.publish_user or ''}{password}":
            raise ValueError("publish_user and publish_password cannot contain ':' when publishing by SRT")
        return self

    @field_validator("api_url", "rtsp_url", "srt_url")
    @classmethod
    def _url(cls, value: str, info: Any) -> str:
        schemes = cls._SCHEMES[info.field_name]
        try:
            parts = urlsplit(value)
            valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            valid = False
        if not valid:
            raise ValueError(f"expected {schemes[0]}://host:port")
        if parts.username or parts.password:
            raise ValueError("credentials do not belong into the URL; there are keys for them")
        return value.rstrip("/")


class NamedServerSection(MediaServerSection):
    """A further media server. It has the keys of `mediamtx` with their defaults; its addresses must be given."""

    api_url: str
    """Its control API."""
    rtsp_url: str
    """Where streams are published by RTSP."""
    sites: tuple[str, ...] = ()
    """Cameras of these sites are published here; a row's `options.server` wins."""
    on_server_loss: OnServerLoss | None = None
    """Null: as `mediamtx.on_server_loss`."""


class MediamtxSection(MediaServerSection):
    """The media server. These keys describe the one called `default`; there may be more of them."""

    interval_s: float = Field(default=2, gt=0.1, le=60)
    """How often each server is asked: one cycle."""
    servers: dict[str, NamedServerSection] = Field(default_factory=dict)
    """Further servers by name, each with keys as here, and `sites` whose cameras it takes, e.g.
    `{west: {api_url: "http://10.1.0.2:9997", rtsp_url: "rtsp://10.1.0.2:8554", sites: [West]}}`.
    Which there are is settled at the start.
    """
    on_server_loss: OnServerLoss = OnServerLoss.WAIT
    """`wait`: cameras of a server that is lost wait for it. `move`: they are published at another one meanwhile, of
    those with `move`; a server with `wait` gives none away and takes none. The same on all nodes."""
    move_after_s: float = Field(default=30, ge=5, le=3600)
    """How long a server is down before its cameras move, and up again before they return."""
    returns_per_minute: int = Field(default=30, ge=0, le=100_000)
    """How many cameras return in a minute, each with a short gap; 0: they stay until the service starts again."""

    @field_validator("servers")
    @classmethod
    def _servers(cls, value: dict[str, NamedServerSection]) -> dict[str, NamedServerSection]:
        owners: dict[str, str] = {}
        for name, server in value.items():
            if not NAME.fullmatch(name) or name == DEFAULT_SERVER:
                raise ValueError(f"{name[:40]!r} is no name: expected letters, digits, '_', '-' and '.', not 'default'")
            for site in server.sites:
                if owners.setdefault(site, name) != name:
                    raise ValueError(f"site {site[:40]!r} is claimed by {owners[site]} and {name}")
        return value
