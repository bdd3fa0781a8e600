"""The section of the configuration about a broker."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from restream.config.secret_files import SecretText
from restream.config.stream_sections import Section
from restream.config.tls import CaFile

_LEVELS = r"^[A-Za-z0-9_\-]+(/[A-Za-z0-9_\-]+)*$"


class MqttSection(Section):
    """State of cameras for home automation, see [alerts.md](alerts.md#mqtt)."""

    host: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.:\-]{1,255}$")
    """Of the broker; null: none."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Null: 8883 with `tls`, else 1883."""
    tls: bool = False
    """Whether the broker speaks TLS."""
    user: str | None = None
    """Null: no login."""
    password: SecretText | None = None
    """Of the login."""
    topic: str = Field(default="restream", pattern=_LEVELS, max_length=100)
    """Where topics begin; services that share a table of cameras have the same, others their own."""
    discovery_prefix: str | None = Field(default="homeassistant", pattern=_LEVELS, max_length=100)
    """Where Home Assistant looks; null: it is told nothing."""
    tls_ca: CaFile | None = None
    """Certificates (PEM) that are believed; null: the system's."""
    tls_verify: bool = True
    """False: whose certificate it is, is not checked."""

    @property
    def reached_at(self) -> int:
        """The port."""
        return self.port or (8883 if self.tls else 1883)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.user is not None and self.password is None:
            raise ValueError("password is needed with user")
        return self
