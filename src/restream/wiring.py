"""Makes each part from the configuration; bootstrap puts them together."""

from __future__ import annotations

import shutil

from restream.adapters.json_file import JsonFileSink
from restream.adapters.mediamtx_http import MediamtxServer
from restream.adapters.postgres import PostgresCameraTable
from restream.adapters.redis_store import RedisSink
from restream.config import ConfigError, Settings, load_camera_types, resolve
from restream.domain.camera import RowReader
from restream.domain.secret import Secret
from restream.interfaces import render
from restream.ports import StreamSink
from restream.supervisor.environment import StreamSettings


class DependencyError(Exception):
    """A program the service cannot do without is missing; the message says what to do."""


def require_programs(settings: Settings) -> None:
    """Check that ffmpeg and ffprobe can be found. Raises DependencyError."""
    for key, program in (("binary", settings.ffmpeg.binary), ("probe_binary", settings.ffmpeg.probe_binary)):
        if shutil.which(program) is None:
            raise DependencyError(f"{program} is not installed: `apt install ffmpeg`, or set ffmpeg.{key} to its path")


def require_dsn(settings: Settings) -> Secret:
    """The database to read. Raises ConfigError."""
    if settings.database.dsn is None:
        raise ConfigError("no database: set PG_DSN=postgresql://user:password@host/database, or pass --pg_dsn=…")
    return Secret(settings.database.dsn.get_secret_value())


def row_reader(settings: Settings) -> RowReader:
    """How rows are understood under this configuration. Raises ConfigError."""
    return RowReader(load_camera_types(settings), settings.cameras.path_template, settings.database.columns)


def camera_table(settings: Settings) -> PostgresCameraTable:
    """The user's table. Raises ConfigError."""
    section = settings.database
    return PostgresCameraTable(require_dsn(settings), query=section.query, notify_channel=section.notify_channel)


def media_server(settings: Settings) -> MediamtxServer:
    section = settings.mediamtx
    password = Secret(section.api_password.get_secret_value()) if section.api_password else None
    return MediamtxServer(section.api_url, section.rtsp_url, user=section.api_user, password=password)


def stream_settings(settings: Settings) -> StreamSettings:
    return StreamSettings(settings.ffmpeg_settings(), settings.target(), settings.restart_policy())


def public_bases(settings: Settings) -> render.PublicBases:
    """Player URLs' bases: as configured, else MediaMTX's default ports where streams are published."""
    fallback = render.PublicBases.beside(settings.mediamtx.rtsp_url)
    public = settings.mediamtx.public
    return render.PublicBases(
        rtsp=public.rtsp or fallback.rtsp,
        hls=public.hls or fallback.hls,
        webrtc=public.webrtc or fallback.webrtc,
        srt=public.srt or fallback.srt,
    )


def stream_sinks(settings: Settings) -> list[StreamSink]:
    """Where every cycle is written to, as configured."""
    sinks: list[StreamSink] = []
    if settings.json_file.path is not None:
        sinks.append(JsonFileSink(resolve(settings.json_file.path)))
    if settings.redis.url is not None:
        url = Secret(settings.redis.url.get_secret_value())
        sinks.append(RedisSink(url, settings.redis.prefix, expire_s=5 * settings.mediamtx.interval_s))
    return sinks
