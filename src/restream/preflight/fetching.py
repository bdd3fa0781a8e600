"""Cameras of the engine `pull`: can their media servers ask us for them, and would they?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from restream.adapters.pull.media_server import ServerCallError
from restream.config.settings import ConfigError, Settings
from restream.domain.camera.camera import Camera, without_collisions
from restream.domain.pull.entry import trouble_of
from restream.domain.pull.plan import ENGINE
from restream.domain.server.identity import DEFAULT_SERVER, ServerId
from restream.interfaces.console.findings import CheckState, Finding
from restream.ports.cameras import DatabaseError, PublisherError
from restream.service.from_settings import camera_table, row_reader
from restream.service.pulling import directory_base, directory_listener, fetching_server, path_entries

_MOST_LOOKED_AT = 200
_TIMEOUT_S = 3.0
_QUESTION = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"
_OURS = b"OPTIONS, DESCRIBE"
_DEBUG = Finding(
    "mediamtx log",
    CheckState.WARN,
    "logLevel is debug: MediaMTX writes the directory's answers into its log, passwords of cameras included",
    "set `logLevel: info` in mediamtx.yml",
)


async def check_fetching(settings: Settings) -> list[Finding]:
    """Nothing where no camera is to be fetched."""
    paths = await _paths(settings)
    if not paths:
        return []
    found = await asyncio.gather(*(_entries(settings, server, names) for server, names in paths.items()))
    return [await _port(settings), *(finding for each in found for finding in each)]


async def _paths(settings: Settings) -> dict[ServerId, list[str]]:
    """Paths of the cameras to be fetched, by media server; an example where the table cannot be read."""
    found: dict[ServerId, list[str]] = {}
    try:
        cameras = await _cameras(settings)
    except (DatabaseError, ConfigError):
        name = settings.cameras.path_template.replace("{id}", "1")
        return {DEFAULT_SERVER: [name]} if settings.cameras.engine == ENGINE else {}
    for camera in cameras:
        if camera.enabled and (camera.options.engine or settings.cameras.engine) == ENGINE:
            found.setdefault(camera.server, []).append(camera.path)
    return found


async def _cameras(settings: Settings) -> list[Camera]:
    table, reader = camera_table(settings), row_reader(settings)
    try:
        await table.connect(lambda: None)
        rows = await table.read()
    finally:
        await table.close()
    return [each for each in without_collisions([reader.read(row) for row in rows]) if isinstance(each, Camera)]


async def _port(settings: Settings) -> Finding:
    listener, section = directory_listener(settings), settings.pull
    where = f"{section.host}:{section.port}"
    try:
        await listener.listen()
    except PublisherError as error:
        if _OURS in await _answer(section.host, section.port):
            return Finding("pull port", CheckState.OK, f"{where}: the service is already running")
        return Finding("pull port", CheckState.FAIL, str(error), "set pull.port, or correct pull.host")
    await listener.close()
    return Finding("pull port", CheckState.OK, f"{where} is free")


async def _answer(host: str, port: int) -> bytes:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_QUESTION)
                return await reader.read(200)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""


async def _entries(settings: Settings, server: ServerId, paths: Sequence[str]) -> list[Finding]:
    """Whether this media server sends for these paths to the directory."""
    name = "path entries" if server == DEFAULT_SERVER else f"path entries of {server}"
    fetching, entry = fetching_server(settings, server), path_entries(settings)[server]
    try:
        document, level = await asyncio.gather(fetching.path_entries(), fetching.log_level())
    except ServerCallError as error:
        todo = "the engine pull needs the control API: to see media arrive, and to have a camera let go"
        return [Finding(name, CheckState.FAIL, str(error), todo)]
    base = directory_base(settings, server).reveal()
    wrong = ((path, trouble_of(document, path, f"{base}/{path}")) for path in paths[:_MOST_LOOKED_AT])
    path, trouble = next((each for each in wrong if each[1]), ("", ""))
    if trouble:
        finding = Finding(name, CheckState.FAIL, f"{path}: {trouble}", entry.advice(path))
    else:
        finding = Finding(name, CheckState.OK, f"{len(paths)} cameras are sent for to {entry.base}")
    return [finding, *([_DEBUG] if level == "debug" else [])]
