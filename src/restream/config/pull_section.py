"""The section of the configuration for cameras that media servers fetch themselves."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from restream.config.outlet_sections import is_loopback
from restream.config.secret_files import SecretText
from restream.config.stream_sections import Section

_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,128}")


class PullSection(Section):
    """The directory, where a media server asks for a camera of the engine `pull`: an RTSP port of our own."""

    host: str = "127.0.0.1"
    """Whoever may ask here is told passwords of cameras: another address than loopback needs `token`."""
    port: int = Field(default=9554, ge=0, le=65535)
    """Opened at the start where `cameras.engine` is `pull`, else when the first camera is to be fetched."""
    token: SecretText | None = None
    """8 to 128 letters, digits, `_` and `-`; what is asked for must begin with it: `rtsp://host:9554/TOKEN/default/$G1`.
    Also good against other users of this host.
    """
    url: str | None = None
    """The directory as media servers reach it, e.g. `rtsp://10.0.0.5:9554`; null: `host` and `port`."""

    idle_s: float = Field(default=10, ge=1, le=3600)
    """A camera on demand that nobody has watched for so long is let go."""

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("expected 8 to 128 letters, digits, '_' and '-'")
        return value

    @field_validator("url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value.rstrip("/"))
            valid = parts.scheme == "rtsp" and bool(parts.hostname) and (parts.port or 1) > 0 and not parts.path
        except ValueError:
            valid = False
        if not valid or parts.username or parts.query:
            raise ValueError("expected rtsp://host:port")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _guarded(self) -> PullSection:
        if not is_loopback(self.host) and self.token is None:
            raise ValueError(f"host {self.host} is not loopback: set pull.token")
        return self

    @property
    def base(self) -> str:
        """The directory's address for media servers, without the token."""
        if self.url is not None:
            return self.url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rtsp://{host}:{self.port}"
