"""The sections of the configuration, one model each: every key, its default and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from restream.domain.camera import COLUMNS
from restream.domain.options import RtspTransport, Transport, check_path
from restream.domain.visionaire import parse_servers


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DatabaseSection(_Section):
    dsn: SecretStr | None = None
    query: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    poll_s: float = Field(default=10, gt=0, le=3600)
    notify_channel: str = Field(default="cameras_changed", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")

    @field_validator("dsn")
    @classmethod
    def _dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value()
        try:
            parts = urlsplit(text)
            # Several hosts, for fail-over, are libpq's host1:port1,host2:port2.
            hosts = parts.netloc.rpartition("@")[2].split(",")
            ports = [urlsplit(f"//{host}").port for host in hosts]
            valid = parts.scheme in ("postgresql", "postgres") and all(port is None or port > 0 for port in ports)
        except ValueError:
            valid = False
        if not valid:
            raise ValueError("expected postgresql://user:password@host:port/database")
        return value

    @field_validator("columns")
    @classmethod
    def _columns(cls, value: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(value) - set(COLUMNS))
        if unknown:
            raise ValueError(f"unknown column {unknown[0]!r} (known: {', '.join(COLUMNS)})")
        return value


class CamerasSection(_Section):
    types_file: Path = Path("etc/camera_types.yml")
    path_template: str = "cam{id}"
    rtsp_transport: RtspTransport = RtspTransport.TCP

    @field_validator("path_template")
    @classmethod
    def _template(cls, value: str) -> str:
        if "{id}" not in value:
            raise ValueError("must contain {id}")
        check_path(value.replace("{id}", "1"))
        return value


class FfmpegSection(_Section):
    binary: str = "ffmpeg"
    probe_binary: str = "ffprobe"
    probe_timeout_s: float = Field(default=10, ge=2, le=120)
    connect_timeout_s: float = Field(default=15, ge=2, le=300)
    stall_timeout_s: float = Field(default=10, ge=2, le=300)
    stop_grace_s: float = Field(default=3, ge=0.5, le=60)
    source: Literal["stdin", "argv"] = "stdin"


class RestartSection(_Section):
    first_s: float = Field(default=0.5, ge=0, le=60)
    base_s: float = Field(default=5, gt=0, le=3600)
    factor: float = Field(default=2, ge=1, le=10)
    max_s: float = Field(default=300, gt=0, le=86400)
    jitter: float = Field(default=0.2, ge=0, le=0.9)
    stable_after_s: float = Field(default=30, gt=0, le=3600)
    held_s: float = Field(default=900, gt=0, le=86400)

    @model_validator(mode="after")
    def _ordered(self) -> RestartSection:
        if self.max_s < self.base_s:
            raise ValueError("max_s must not be smaller than base_s")
        return self


class AdmissionSection(_Section):
    max_starting: int | None = Field(default=None, ge=1)
    max_starting_per_host: int | None = Field(default=4, ge=1)


class PublicUrls(_Section):
    rtsp: str | None = None
    hls: str | None = None
    webrtc: str | None = None
    srt: str | None = None


class MediamtxSection(_Section):
    api_url: str = "http://127.0.0.1:9997"
    api_user: str | None = None
    api_password: SecretStr | None = None
    interval_s: float = Field(default=2, gt=0.1, le=60)
    publish: Transport = Transport.RTSP
    rtsp_url: str = "rtsp://127.0.0.1:8554"
    srt_url: str = "srt://127.0.0.1:8890"
    publish_user: str | None = None
    publish_password: SecretStr | None = None
    read_user: str | None = None
    read_password: SecretStr | None = None
    public: PublicUrls = PublicUrls()
    container: str | None = None

    _SCHEMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "api_url": ("http", "https"),
        "rtsp_url": ("rtsp", "rtsps"),
        "srt_url": ("srt",),
    }

    @model_validator(mode="after")
    def _publishable(self) -> MediamtxSection:
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


class RedisSection(_Section):
    url: SecretStr | None = SecretStr("redis://127.0.0.1:6379/0")
    prefix: str = ""

    @field_validator("url")
    @classmethod
    def _url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value.get_secret_value())
            valid = parts.scheme in ("redis", "rediss", "unix") and (parts.port is None or parts.port > 0)
        except ValueError:
            valid = False
        if not valid:
            raise ValueError("expected redis://:password@host:port/0")
        return value


class DegradedSection(_Section):
    srt_loss_ratio: float = Field(default=0.01, gt=0, le=1)
    srt_rtt_share: float = Field(default=0.25, gt=0, le=10)
    srt_rtt_bad_share: float = Field(default=0.3333, gt=0, le=10)
    bitrate_share: float = Field(default=0.25, ge=0, lt=1)
    restarts_per_hour: int = Field(default=3, ge=1)


class JsonFileSection(_Section):
    path: Path | None = Path("/tmp/mediamtx_streams.json")  # noqa: S108 - a contract with existing readers


class HttpSection(_Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    auth: Literal["token", "none"] = "token"
    token: SecretStr | None = None
    cors_origins: list[str] = Field(default_factory=list)

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
                raise ValueError(f"expected origins like https://wall.example, not {origin!r}")
        return value

    @model_validator(mode="after")
    def _guarded(self) -> HttpSection:
        if not _is_loopback(self.host) and self.auth == "token" and not self.token:
            raise ValueError(f"host {self.host} is not loopback: set http.token, or http.auth: none to serve anybody")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class MetricsSection(_Section):
    host: str = "127.0.0.1"
    port: int | None = Field(default=9898, ge=0, le=65535)


class HostSection(_Section):
    interval_s: float = Field(default=10, gt=0, le=3600)


class WebhookEntry(_Section):
    url: SecretStr
    secret: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _url(cls, value: SecretStr) -> SecretStr:
        check_http_url(value.get_secret_value())
        return value


class AlertsSection(_Section):
    down_after_s: float = Field(default=30, ge=0, le=86400)
    up_after_s: float = Field(default=10, ge=0, le=86400)
    webhooks: tuple[WebhookEntry, ...] = ()

    @field_validator("webhooks", mode="before")
    @classmethod
    def _entries(cls, value: Any) -> Any:
        """A plain URL is a webhook without a secret."""
        return (
            [{"url": each} if isinstance(each, str) else each for each in value] if isinstance(value, list) else value
        )


class VisionaireSection(_Section):
    hosts: list[str] = Field(default_factory=list)
    interval_s: float = Field(default=60, ge=5, le=3600)
    timeout_s: float = Field(default=10, gt=0, le=60)

    @field_validator("hosts")
    @classmethod
    def _hosts(cls, value: list[str]) -> list[str]:
        parse_servers(value)
        return value


class InfluxSection(_Section):
    url: str | None = None
    token: SecretStr | None = None
    org: str | None = None
    bucket: str | None = None
    interval_s: float = Field(default=10, ge=1, le=3600)

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
