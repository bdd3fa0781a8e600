"""Configuration: `restream.yml`, overridden by `RESTREAM_<SECTION>__<KEY>`; `PG_DSN` wins over everything.

Every key has its default here; the commented file in etc/ repeats them.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from restream.config.access_section import ApiSection
from restream.config.addresses import hidden_parts
from restream.config.complaints import described, reason
from restream.config.history_section import HistorySection
from restream.config.media_server_sections import MediamtxSection, MediaServerSection
from restream.config.message_sections import MessageSections
from restream.config.nodes_section import NodesSection
from restream.config.outlet_sections import (
    HostSection,
    HttpSection,
    MetricsSection,
    NodeSection,
    StoreSections,
    VisionaireSection,
    is_loopback,
)
from restream.config.pictures_section import PicturesSection
from restream.config.places import INSTALLED, ConfigurationOrigin
from restream.config.pull_section import PullSection
from restream.config.reports_section import ReportsSection
from restream.config.secret_files import SecretSourceError, dsn_of_environment, from_environment, secret_values
from restream.config.stream_sections import (
    AdmissionSection,
    CamerasSection,
    DatabaseSection,
    DegradedSection,
    FfmpegSection,
    RelaySection,
    RestartSection,
)
from restream.domain.admission.queue import StartLimits
from restream.domain.camera.secret import Secret
from restream.domain.camera.urls import CameraTypes
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.fleet.fencing import Fence
from restream.domain.judgement.flaws import Thresholds
from restream.domain.life.backoff import RestartPolicy
from restream.domain.relay.plan import RelaySettings
from restream.domain.server.identity import DEFAULT_SERVER, ServerId
from restream.domain.server.target import Target

FIXED: Mapping[str, tuple[str, ...] | None] = {
    **dict.fromkeys(
        (
            "mqtt",
            "node",
            "nodes",
            "http",
            "metrics",
            "host",
            "history",
            "relay",
            "pull",
            "visionaire",
            *StoreSections.model_fields,
        )
    ),
    "database": ("dsn", "query", "notify_channel"),
    "mediamtx": ("interval_s",),
    "pictures": ("enabled", "jpeg_width", "keep"),
    "api": ("audit_file",),
    "alerts": ("keep_days",),
}
"""Changes of these sections act only at the next start of the service; of some, only these keys. SIGHUP re-reads the
rest."""


class ConfigError(Exception):
    """The configuration cannot be used; the message is one line that names the key."""


class _Environment(EnvSettingsSource):
    """An empty value means null: compose files cannot unset a variable. Secrets may stand in files."""

    def __init__(self, settings_cls: type[BaseSettings], document: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self._document = document

    def __call__(self) -> dict[str, Any]:
        given = {key: _nulled(value) for key, value in super().__call__().items()}
        return from_environment(self.settings_cls, given, self._document)


def _nulled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nulled(item) for key, item in value.items()}
    return None if value == "" else value


class Settings(StoreSections, MessageSections, BaseSettings):
    """The whole configuration, validated and frozen."""

    model_config = SettingsConfigDict(
        env_prefix="RESTREAM_", env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    database: DatabaseSection = DatabaseSection()
    cameras: CamerasSection = CamerasSection()
    ffmpeg: FfmpegSection = FfmpegSection()
    relay: RelaySection = RelaySection()
    pull: PullSection = PullSection()
    restart: RestartSection = RestartSection()
    admission: AdmissionSection = AdmissionSection()
    mediamtx: MediamtxSection = MediamtxSection()
    degraded: DegradedSection = DegradedSection()
    pictures: PicturesSection = PicturesSection()
    node: NodeSection = NodeSection()
    nodes: NodesSection = NodesSection()
    http: HttpSection = HttpSection()
    api: ApiSection = ApiSection()
    metrics: MetricsSection = MetricsSection()
    host: HostSection = HostSection()
    visionaire: VisionaireSection = VisionaireSection()
    history: HistorySection = HistorySection()
    reports: ReportsSection = ReportsSection()

    @model_validator(mode="after")
    def _guarded(self) -> Settings:
        http = self.http
        if not (is_loopback(http.host) or http.auth == "none" or http.token or self.api.accounts):
            raise ValueError(
                f"http: host {http.host} is not loopback: set http.token, or http.auth: none to serve anybody"
            )
        return self

    @model_validator(mode="after")
    def _fenced(self) -> Settings:
        nodes, stopping_s = self.nodes, self.ffmpeg.stopping_s
        if nodes.dsn is not None and nodes.fence is Fence.TIME and nodes.ttl_s <= nodes.heartbeat_s + stopping_s:
            raise ValueError(
                f"nodes: with fence: time ttl_s must be more than {nodes.heartbeat_s + stopping_s:g}: heartbeat_s, "
                f"ffmpeg.stop_grace_s and a second; no camera would last from one heartbeat to the next"
            )
        return self

    _origin: ConfigurationOrigin = PrivateAttr(default=ConfigurationOrigin(INSTALLED))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what is given, which comes from the file."""
        return _Environment(settings_cls, init_settings()), init_settings

    @property
    def origin(self) -> ConfigurationOrigin:
        """Where it was read from, and so what its paths mean."""
        return self._origin

    @property
    def node_name(self) -> str:
        """Who this service is among others. A host may be called anything; what else no node could be called is `-`."""
        return self.node.name or re.sub(r"[^A-Za-z0-9_.\-]", "-", socket.gethostname())[:64] or "node"

    def start_limits(self) -> StartLimits:
        """How many cameras may start at once."""
        return self.admission.limits(os.cpu_count() or 1)

    @property
    def servers(self) -> Mapping[ServerId, MediaServerSection]:
        """All media servers by name."""
        named = {ServerId(name): section for name, section in self.mediamtx.servers.items()}
        return {DEFAULT_SERVER: self.mediamtx, **named}

    def ffmpeg_settings(self) -> FfmpegSettings:
        """What the ffmpeg engine and ffprobe are told."""
        section = self.ffmpeg
        return FfmpegSettings(
            binary=section.binary,
            probe_binary=section.probe_binary,
            probe_timeout_s=section.probe_timeout_s,
            stall_timeout_s=section.stall_timeout_s,
            rtsp_transport=self.cameras.rtsp_transport,
            hide_source=section.source == "stdin",
            memory_bytes=section.memory_mb << 20,
        )

    def relay_settings(self) -> RelaySettings:
        """What the relay is told."""
        section = self.ffmpeg
        return RelaySettings(section.probe_timeout_s, section.stall_timeout_s, self.cameras.rtsp_transport)

    def targets(self) -> Mapping[ServerId, Target]:
        """Where streams are published, by media server."""
        return {
            server: Target(
                server=server,
                rtsp_url=section.rtsp_url,
                srt_url=section.srt_url,
                publish=section.publish,
                user=section.publish_user,
                password=Secret(section.publish_password.get_secret_value()) if section.publish_password else None,
                trust=section.publish_trust,
            )
            for server, section in self.servers.items()
        }

    def restart_policy(self) -> RestartPolicy:
        """When a stream that ended is started again."""
        return RestartPolicy(**self.restart.model_dump())

    def thresholds(self) -> Thresholds:
        """When a running camera is degraded."""
        return self.degraded.thresholds()

    def secrets(self) -> tuple[str, ...]:
        """The configured credentials, for masking."""
        return tuple(sorted({part for _, secret in secret_values(self) for part in hidden_parts(secret)}))


def load_settings(config: Path | None = None, *, pg_dsn: str | None = None) -> Settings:
    """Read and validate the configuration. Raises ConfigError, one line naming the key.

    `config` None: it is looked for (places.py). `pg_dsn` (the command line's) yields to `PG_DSN`.
    """
    origin = INSTALLED.configuration(config, os.environ)
    document = _read_yaml(origin.file) if origin.file is not None else {}
    _refuse_unknown_variables()
    try:
        named_by, dsn = dsn_of_environment() or ("--pg_dsn", pg_dsn)
        settings = Settings(**document)
    except SettingsError as error:
        section = re.search(r'field "(\w+)"', str(error))
        where = f"RESTREAM_{section[1].upper()}__…" if section else "environment"
        raise ConfigError(f"{where}: a list or mapping is written as JSON") from None
    except ValidationError as error:
        raise ConfigError(described(error)) from None
    except SecretSourceError as error:
        raise ConfigError(str(error)) from None
    settings._origin = origin
    if not dsn:
        return settings
    try:
        given = DatabaseSection(dsn=SecretStr(dsn), password=settings.database.password)
    except ValidationError as error:
        raise ConfigError(f"{named_by}: {reason(error)}") from None
    # After all other sources, whose order pydantic decides: this one wins.
    database = settings.database.model_copy(update={"dsn": given.dsn})
    return settings.model_copy(update={"database": database})


def _refuse_unknown_variables() -> None:
    for name in os.environ:
        section, nested, _ = name.removeprefix("RESTREAM_").partition("__")
        if name.startswith("RESTREAM_") and nested and section.lower() not in Settings.model_fields:
            raise ConfigError(f"{name}: there is no section {section.lower()!r}")


def load_camera_types(settings: Settings) -> CameraTypes:
    """Read the URL templates. Raises ConfigError."""
    path = settings.origin.resolve(settings.cameras.types_file)
    try:
        return CameraTypes.parse(_read_yaml(path))
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise ConfigError(f"{path}: is not valid YAML{where}") from None
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigError(f"{path}: expected a mapping of sections")
    return document
