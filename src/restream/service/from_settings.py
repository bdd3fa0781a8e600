"""Makes each part from the configuration; service.py puts them together."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from restream.adapters import visionaire_http
from restream.adapters.calendar import time_zones
from restream.adapters.ffmpeg.engine import FfmpegEngine
from restream.adapters.ffmpeg.ffprobe import FfprobeProber
from restream.adapters.postgres import PostgresCameraTable
from restream.adapters.postgres_leases import PostgresLeases
from restream.adapters.pull.engine import PullEngine
from restream.adapters.pull.own_readers import WithoutOwnReaders
from restream.adapters.relay.auto import AutoEngine
from restream.adapters.relay.engine import RelayEngine
from restream.adapters.rtsp.prober import RtspProber
from restream.adapters.server.docker_engine import DockerEngine
from restream.adapters.server.mediamtx_http import MediamtxServer
from restream.adapters.server.mediamtx_in_docker import ContainedServer
from restream.adapters.visionaire_http import VisionaireDirectory
from restream.config.media_server_sections import MediaServerSection
from restream.config.outlet_sections import is_loopback
from restream.config.settings import ConfigError, Settings, load_camera_types
from restream.domain.access.accounts import Accounts
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.secret import Secret
from restream.domain.camera.urls import parse_source
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.ffmpeg.plan import build_still
from restream.domain.pictures.mask import boxes, mask_name
from restream.domain.server.failover import FailoverPolicy, OnServerLoss
from restream.domain.server.identity import DEFAULT_SERVER, ServerId
from restream.domain.visionaire import parse_servers
from restream.interfaces.documents.players import PublicBases
from restream.interfaces.http.auth import Access
from restream.ports.cameras import Engine, Prober
from restream.ports.servers import MediaServer
from restream.service.engine_resources import EngineResources
from restream.service.pulling import pull_engine
from restream.service.secrets_in_use import SecretsInUse
from restream.supervisor.cameras.settings import StreamSettings

logger = logging.getLogger(__name__)

ENGINES = (FfmpegEngine.name, RelayEngine.name, AutoEngine.name, PullEngine.name)
"""What publishes cameras."""

_MOST_LEASE_WAIT_S = 10.0


class DependencyError(Exception):
    """A program the service cannot do without is missing; the message says what to do."""


STILL_NEEDS_FFMPEG = (
    "still pictures, cameras that do not speak RTSP, and rows whose options.engine is another one: for sound that must "
    "be converted, or to publish by SRT"
)
"""What ffmpeg is for where `cameras.engine` does without it."""
_WITHOUT_FFMPEG = frozenset({RelayEngine.name, PullEngine.name})


def needs_ffmpeg(settings: Settings) -> bool:
    """Whether a camera is published by ffmpeg unless its row says otherwise."""
    return settings.cameras.engine not in _WITHOUT_FFMPEG


def require_programs(settings: Settings) -> None:
    """Check that ffmpeg and ffprobe can be found; a warning where `cameras.engine` does without. Raises
    DependencyError."""
    for key, program in (("binary", settings.ffmpeg.binary), ("probe_binary", settings.ffmpeg.probe_binary)):
        if shutil.which(program) is not None:
            continue
        text = f"{program} is not installed: `apt install ffmpeg`, or set ffmpeg.{key} to its path"
        if needs_ffmpeg(settings):
            raise DependencyError(text)
        logger.warning("%s; it is still needed for %s", text, STILL_NEEDS_FFMPEG)


def require_dsn(settings: Settings, secrets: SecretsInUse | None = None) -> Secret:
    """The database to read. Raises ConfigError."""
    dsn = (secrets or SecretsInUse(settings)).of("database.dsn")
    if dsn is None:
        raise ConfigError("no database: set PG_DSN=postgresql://user:password@host/database, or pass --pg_dsn=…")
    return dsn


def require_nodes_dsn(settings: Settings, secrets: SecretsInUse | None = None) -> Secret:
    """The database of the leases. Raises ConfigError."""
    dsn = (secrets or SecretsInUse(settings)).of("nodes.dsn")
    if dsn is None:
        raise ConfigError("no database of nodes: set RESTREAM_NODES__DSN, or nodes.dsn")
    return dsn


def lease_table(settings: Settings, secrets: SecretsInUse | None = None) -> PostgresLeases:
    """Nodes, and who has which camera. Raises ConfigError."""
    return PostgresLeases(require_nodes_dsn(settings, secrets), timeout_s=lease_timeout_s(settings.nodes.ttl_s))


def lease_timeout_s(ttl_s: float) -> float:
    """How long the database is waited for: what is known after half of a lease comes too late to keep it."""
    return min(_MOST_LEASE_WAIT_S, ttl_s / 2)


def row_reader(settings: Settings) -> RowReader:
    """How rows are understood under this configuration. Raises ConfigError."""
    sites = {ServerId(name): section.sites for name, section in settings.mediamtx.servers.items()}
    return RowReader(
        load_camera_types(settings),
        settings.cameras.path_template,
        settings.database.columns,
        servers={DEFAULT_SERVER: (), **sites},
        engines=ENGINES,
        parents=settings.network.known().sites,
        schedules={site: entry.schedule() for site, entry in settings.cameras.schedules.items()},
        zones=time_zones(),
    )


def camera_table(settings: Settings, secrets: SecretsInUse | None = None) -> PostgresCameraTable:
    """The user's table. Raises ConfigError."""
    section, dsn = settings.database, require_dsn(settings, secrets)
    return PostgresCameraTable(dsn, query=section.query, notify_channel=section.notify_channel)


def media_server(section: MediaServerSection) -> MediaServer:
    """One media server, with its container where one is named."""
    password = Secret(section.api_password.get_secret_value()) if section.api_password else None
    server = MediamtxServer(
        section.api_url, section.rtsp_url, user=section.api_user, password=password, trust=section.api_trust
    )
    return ContainedServer(server, DockerEngine(), section.container) if section.container else server


def media_servers(settings: Settings) -> Mapping[ServerId, MediaServer]:
    """All of them, by name."""
    return {server: media_server(section) for server, section in settings.servers.items()}


def observed_server(server: ServerId, section: MediaServerSection, resources: EngineResources) -> MediaServer:
    """One media server, without what we read there ourselves."""
    return WithoutOwnReaders(media_server(section), server, resources.directory.audience, resources.readings)


def with_same_servers(settings: Settings, before: Settings) -> Settings:
    """Servers may change, but none comes or goes while the service runs."""
    known = before.mediamtx.servers
    if settings.mediamtx.servers.keys() == known.keys():
        return settings
    logger.warning("mediamtx.servers: servers come and go at the next restart of the service")
    return settings.model_copy(update={"mediamtx": settings.mediamtx.model_copy(update={"servers": known})})


def prober(settings: Settings) -> Prober:
    """Who looks at cameras: our own conversation where they speak RTSP, ffprobe at all others."""
    return RtspProber(FfprobeProber(settings.ffmpeg_settings()), settings.ffmpeg.probe_timeout_s)


def stream_settings(settings: Settings, resources: EngineResources) -> StreamSettings:
    """What all cameras share."""
    section, looks = settings.ffmpeg, prober(settings)
    ffmpeg = FfmpegEngine(settings.ffmpeg_settings(), stop_grace_s=section.stop_grace_s, pipes=resources.pipes)
    relay = RelayEngine(settings.relay_settings(), resources.relay_workers)
    pull = pull_engine(settings, resources.directory, looks)
    engines: tuple[Engine, ...] = (ffmpeg, relay, AutoEngine(relay, ffmpeg), pull)
    return StreamSettings(
        engines={engine.name: engine for engine in engines},
        prober=looks,
        engine=settings.cameras.engine,
        targets=settings.targets(),
        restart=settings.restart_policy(),
        connect_timeout_s=section.connect_timeout_s,
        stall_timeout_s=section.stall_timeout_s,
        conversing=RelayEngine.name,
    )


def failover_policy(settings: Settings) -> FailoverPolicy:
    """Which cameras are published elsewhere when their server is lost."""
    section = settings.mediamtx
    others = {ServerId(name): each.on_server_loss or section.on_server_loss for name, each in section.servers.items()}
    losses = {DEFAULT_SERVER: section.on_server_loss, **others}
    pool = frozenset(server for server, loss in losses.items() if loss is OnServerLoss.MOVE)
    return FailoverPolicy(pool, section.move_after_s, section.returns_per_minute)


def public_bases(section: MediaServerSection) -> PublicBases:
    """Player URLs' bases: as configured, else MediaMTX's default ports where streams are published."""
    fallback = PublicBases.beside(section.rtsp_url)
    public = section.public
    return PublicBases(
        rtsp=public.rtsp or fallback.rtsp,
        hls=public.hls or fallback.hls,
        webrtc=public.webrtc or fallback.webrtc,
        srt=public.srt or fallback.srt,
    )


def access(
    settings: Settings, secrets: SecretsInUse | None = None, accounts: Callable[[], Accounts] | None = None
) -> Access:
    """Who may use the HTTP interface; `accounts` None: those of these settings, for ever."""
    http, held = settings.http, secrets or SecretsInUse(settings)
    token, closed = held.of("http.token"), bool(settings.api.accounts)
    asks_for_token = (token is not None or closed) and http.auth == "token"
    # A page that borrows our address has no token to show.
    hosts = http.allowed_hosts or None if asks_for_token else allowed_hosts(settings, http.host)
    rules = Access(
        token,
        http.auth,
        frozenset(http.cors_origins),
        hosts,
        http.trusted_proxies,
        accounts=accounts or (lambda: settings.api.accounts),
        closed=closed,
    )
    key = held.of("api.session_key") or token
    return rules if key is None else replace(rules, key=key)


def allowed_hosts(settings: Settings, listens_on: str) -> Sequence[str] | None:
    """By which names an address that asks for no token may be called; None: any."""
    return settings.http.allowed_hosts or (() if is_loopback(listens_on) else None)


def still_of(settings: Settings, camera: Camera) -> tuple[str, Invocation]:
    """How a picture of a camera is taken at its media server, and a name that is another one behind another mask."""
    section, mask = settings.servers[camera.server], settings.pictures.thresholds_of(camera).mask
    scheme, _, rest = section.rtsp_url.partition("://")
    password = section.read_password.get_secret_value() if section.read_password else ""
    user = f"{quote(section.read_user, safe='')}:{quote(password, safe='')}@" if section.read_user else ""
    source = parse_source(f"{scheme}://{user}{rest}/{camera.path}")
    name = f"{camera.id} {mask_name(mask)}" if mask else camera.id
    return name, build_still(source, settings.ffmpeg_settings(), boxes(mask))


def stream_directories(settings: Settings) -> list[VisionaireDirectory]:
    """The third-party servers that are polled."""
    section = settings.visionaire
    return visionaire_http.stream_directories(
        parse_servers(section.hosts), interval_s=section.interval_s, timeout_s=section.timeout_s
    )
