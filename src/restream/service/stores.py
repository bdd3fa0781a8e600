"""Makes the stores from the configuration: what everything that is told is written to."""

from __future__ import annotations

from restream.adapters.stores.audit_file import AuditFile
from restream.adapters.stores.influx import InfluxStore
from restream.adapters.stores.json_file import JsonFileSink
from restream.adapters.stores.picture_files import PictureFiles
from restream.adapters.stores.pictures_in_memory import PicturesInMemory
from restream.adapters.stores.postgres_audit import PostgresAudit
from restream.adapters.stores.postgres_deliveries import PostgresDeliveries
from restream.adapters.stores.postgres_events import PostgresEvents
from restream.adapters.stores.postgres_incidents import PostgresIncidents
from restream.adapters.stores.postgres_spans import PostgresSpans
from restream.adapters.stores.postgres_windows import PostgresWindows
from restream.adapters.stores.redis_archive import RedisArchive
from restream.adapters.stores.redis_incidents import RedisIncidents
from restream.adapters.stores.redis_media import RedisMedia
from restream.adapters.stores.redis_peers import RedisPeers
from restream.adapters.stores.redis_pictures import RedisPictures
from restream.adapters.stores.redis_sink import RedisSink
from restream.adapters.stores.redis_windows import RedisWindows
from restream.config.settings import Settings
from restream.domain.server.trust import Trust
from restream.interfaces.documents.events import EventDocument
from restream.interfaces.series import line_protocol
from restream.ports.audit import AuditStore
from restream.ports.deliveries import DeliveryStore
from restream.ports.history import SpanStore
from restream.ports.incidents import IncidentStore
from restream.ports.maintenance import WindowStore
from restream.ports.nodes import PeerReader
from restream.ports.outlets import Archive, LineStore, MediaMemory, StreamSink
from restream.ports.pictures import PictureMemories, PictureStore
from restream.service.from_settings import require_dsn
from restream.service.secrets_in_use import SecretsInUse


def redis_trust(settings: Settings) -> Trust:
    """Whose certificate Redis may have, where `redis.url` begins with rediss."""
    return Trust(settings.redis.tls_ca, settings.redis.tls_verify)


def stream_sinks(settings: Settings, secrets: SecretsInUse | None = None) -> list[StreamSink]:
    """Where every cycle is written to, as configured."""
    sinks: list[StreamSink] = []
    if settings.json_file.path is not None:
        sinks.append(JsonFileSink(settings.origin.resolve(settings.json_file.path)))
    url = (secrets or SecretsInUse(settings)).of("redis.url")
    if url is not None:
        sinks.append(
            RedisSink(
                url, settings.redis.prefix, settings.node_name, 5 * settings.mediamtx.interval_s, redis_trust(settings)
            )
        )
    return sinks


def peer_reader(settings: Settings, secrets: SecretsInUse) -> PeerReader | None:
    """What other nodes tell of their cameras; None without a store where they could."""
    url = secrets.of("redis.url")
    return None if url is None else RedisPeers(url, settings.redis.prefix, redis_trust(settings))


def media_memory(settings: Settings, secrets: SecretsInUse) -> MediaMemory | None:
    """Where it is kept what cameras send."""
    url = secrets.of("redis.url")
    return None if url is None else RedisMedia(url, settings.redis.prefix, settings.node_name, redis_trust(settings))


def picture_memories(settings: Settings, secrets: SecretsInUse) -> PictureMemories | None:
    """Where it is kept what is known of cameras' pictures."""
    url = secrets.of("redis.url")
    return None if url is None else RedisPictures(url, settings.redis.prefix, redis_trust(settings))


def picture_store(settings: Settings) -> PictureStore:
    """Where pictures are kept."""
    folder = settings.pictures.keep.folder
    return PicturesInMemory() if folder is None else PictureFiles(settings.origin.resolve(folder))


def archives(settings: Settings, secrets: SecretsInUse) -> list[Archive]:
    """Where events and availability are kept; the first is the one that is read at the start."""
    kept: list[Archive] = []
    url = secrets.of("redis.url")
    if url is not None:
        kept.append(RedisArchive(url, settings.redis.prefix, settings.node_name, EventDocument, redis_trust(settings)))
    return [*kept, PostgresEvents(require_dsn(settings, secrets))]


def span_store(settings: Settings, secrets: SecretsInUse) -> SpanStore:
    """Where it is kept what cameras were like, if its tables are there."""
    return PostgresSpans(require_dsn(settings, secrets), settings.node_name)


def incident_stores(settings: Settings, secrets: SecretsInUse) -> list[IncidentStore]:
    """Where incidents may be kept; the first that exists is taken."""
    url = secrets.of("redis.url")
    redis = [] if url is None else [RedisIncidents(url, settings.redis.prefix, redis_trust(settings))]
    return [PostgresIncidents(require_dsn(settings, secrets)), *redis]


def window_stores(settings: Settings, secrets: SecretsInUse) -> list[WindowStore]:
    """Where maintenance windows may be kept; the first that exists is taken."""
    url = secrets.of("redis.url")
    redis = [] if url is None else [RedisWindows(url, settings.redis.prefix, redis_trust(settings))]
    return [PostgresWindows(require_dsn(settings, secrets)), *redis]


def delivery_store(settings: Settings, secrets: SecretsInUse) -> DeliveryStore:
    """Where messages and what became of them are kept, if its table is there."""
    return PostgresDeliveries(require_dsn(settings, secrets))


def audit_stores(settings: Settings, secrets: SecretsInUse) -> list[AuditStore]:
    """Where it is kept who did what; the first is the one that is asked."""
    file = settings.api.audit_file
    table = PostgresAudit(require_dsn(settings, secrets))
    return [table, *([AuditFile(settings.origin.resolve(file))] if file is not None else [])]


def line_store(settings: Settings, secrets: SecretsInUse) -> LineStore | None:
    """The database of time series, when one is configured."""
    section = settings.influx
    if section.url is None or section.bucket is None:
        return None
    token = secrets.of("influx.token")
    return InfluxStore(
        section.url,
        token=token,
        org=section.org,
        bucket=section.bucket,
        precision=line_protocol.PRECISION,
        trust=Trust(section.tls_ca, section.tls_verify),
    )
