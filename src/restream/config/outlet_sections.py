"""The sections of the configuration that say where the picture goes, and what else is looked at."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from restream.config.addresses import RedisUrl, with_password
from restream.config.secret_files import SecretText
from restream.config.stream_sections import Section
from restream.config.tls import CaFile
from restream.domain.visionaire import parse_servers


class NodeSection(Section):
    """This service among others that share its stores."""

    name: str | None = None
    """Letters, digits, `_ . -`; null: the host's name. Give one in containers, whose host name changes with every new
    one, and where two services of one host share a Redis: each needs its own."""

    @field_validator("name")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_.\-]{1,64}", value):
            raise ValueError("expected 1 to 64 letters, digits, _ . -")
        return value


class HttpSection(Section):
    """The page, the API and `/ws`."""

    host: str = "127.0.0.1"
    """Another address than loopback needs `token`, somebody in section `api`, or `auth: none`."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on."""
    auth: Literal["token", "none"] = "token"
    """`none`: reading needs no token, acting does when there is one."""
    token: SecretText | None = None
    """Whoever has it may do everything. Null, and nobody in section `api`: so may whoever reaches the port."""
    cors_origins: list[str] = Field(default_factory=list)
    """Pages of other sites that may use the API, e.g. `["https://wall.example"]`."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that browsers may call it by; on loopback without a token only `localhost` is."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks whose `X-Forwarded-For` is believed, e.g. `["127.0.0.1"]`."""

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9_.\-]+|[0-9A-Fa-f:]+", name):
                raise ValueError(f"expected host names or addresses without a port, not {name[:40]!r}")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
                raise ValueError(f"expected origins like https://wall.example, not {origin!r}")
        return value


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach a port on this address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class RedisSection(Section):
    """The latest picture, for front ends."""

    url: RedisUrl | None = SecretStr("redis://127.0.0.1:6379/0")
    """Null: none; `rediss://` for TLS."""
    password: SecretText | None = None
    """The one of `url`, where it does not stand there; as it is, nothing is percent-encoded."""
    tls_ca: CaFile | None = None
    """Certificates (PEM) that are believed where `url` begins with `rediss`, beside the system's."""
    tls_verify: bool = True
    """False: whose certificate it is, is not checked."""
    prefix: str = ""
    """Stands before every key."""

    @field_validator("prefix", mode="before")
    @classmethod
    def _prefix(cls, value: Any) -> Any:
        """No prefix is an empty one: that is how the environment says null."""
        return "" if value is None else value

    @model_validator(mode="after")
    def _whole(self) -> RedisSection:
        if self.url is not None and self.password is not None:
            object.__setattr__(self, "url", with_password(self.url, self.password))
        return self


class JsonFileSection(Section):
    """The classic array of streams as a file."""

    path: Path | None = Path("/tmp/mediamtx_streams.json")  # noqa: S108 - a contract with existing readers
    """Replaced as a whole in every cycle; null: none."""


class MetricsSection(Section):
    """Prometheus, beside `/metrics` on `http.port`."""

    host: str = "127.0.0.1"
    """Whoever reaches this port may read: names and states of cameras, no credentials."""
    port: int | None = Field(default=9898, ge=0, le=65535)
    """Null: none."""


class HostSection(Section):
    """The host the service runs on."""

    interval_s: float = Field(default=10, gt=0, le=3600)
    """How often the host and every ffmpeg are measured."""


class VisionaireSection(Section):
    """Third-party stream servers to poll."""

    hosts: list[str] = Field(default_factory=list)
    """E.g. `["http://10.0.0.5:4004"]`."""
    interval_s: float = Field(default=60, ge=5, le=3600)
    """How often they are asked."""
    timeout_s: float = Field(default=10, gt=0, le=60)
    """Of one call."""

    @field_validator("hosts")
    @classmethod
    def _hosts(cls, value: list[str]) -> list[str]:
        parse_servers(value)
        return value


class InfluxSection(Section):
    """Time series for InfluxDB 2, see [influxdb.md](influxdb.md)."""

    url: str | None = None
    """E.g. `http://127.0.0.1:8086`; null: none."""
    token: SecretText | None = None
    """Needs the right to write."""
    org: str | None = None
    """Organisation."""
    bucket: str | None = None
    """Needed with `url`."""
    interval_s: float = Field(default=10, ge=1, le=3600)
    """How often points are written."""
    tls_ca: CaFile | None = None
    """Certificates (PEM) that are believed where `url` begins with `https`; null: the system's."""
    tls_verify: bool = True
    """False: whose certificate it is, is not checked."""

    @field_validator("url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        return None if value is None else check_http_url(value).rstrip("/")

    @model_validator(mode="after")
    def _complete(self) -> InfluxSection:
        if self.url and not self.bucket:
            raise ValueError("bucket is needed with url")
        return self


def check_http_url(url: str) -> str:
    """The URL, or ValueError that does not repeat it: it may hold a secret."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("expected http://host:port/…")
    return url


class StoreSections(BaseModel):
    """One section a store; whatever is changed of them acts at the next start of the service."""

    redis: RedisSection = RedisSection()
    json_file: JsonFileSection = JsonFileSection()
    influx: InfluxSection = InfluxSection()
