"""The commands beside `run`: each asks the running service or the database, and prints."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import asdict
from rich.console import Console

from restream.adapters.postgres import execute_script
from restream.adapters.postgres_leases import PostgresLeases
from restream.config.settings import ConfigError, Settings
from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.secret import Secret
from restream.domain.camera.urls import SourceUrl, UrlError, parse_source
from restream.domain.engine import AudioStream, Media, ProbeFailure, VideoStream
from restream.domain.fleet.node import NodeName
from restream.domain.look import Look
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER, ServerId
from restream.interfaces.console import explanation
from restream.interfaces.console.audit_table import print_audit
from restream.interfaces.console.camera_table import print_cameras
from restream.interfaces.console.node_table import print_nodes
from restream.interfaces.console.text import printable
from restream.interfaces.documents.alerts import ReceiverTestDocument
from restream.interfaces.documents.audit import AuditDocument
from restream.interfaces.documents.camera_details import CameraDetailsDocument, MediaDocument
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.engines import engine_document
from restream.interfaces.documents.streams import by_run_of, joined, sweep
from restream.ports.outlets import Documents, SinkError
from restream.ports.servers import ServerStatus
from restream.service.client import ask_service
from restream.service.engine_resources import EngineResources
from restream.service.from_settings import (
    DependencyError,
    camera_table,
    lease_table,
    media_servers,
    prober,
    require_programs,
    row_reader,
    stream_settings,
)
from restream.service.stores import stream_sinks

_HTTP_TIMEOUT_S = 10.0
_LOOK_AGAIN_S = 1.0
# A mail server may take its time for each step.
_TEST_TIMEOUT_S = 120.0


async def cameras(settings: Settings, console: Console, *, as_json: bool) -> int:
    """List the cameras of the running service. Raises DependencyError when none runs."""
    if as_json:
        sys.stdout.write(json.dumps(await ask_service(settings, "/api/cameras", Any), indent=2) + "\n")
    else:
        print_cameras(console, await ask_service(settings, "/api/cameras", list[CameraDocument]))
    return 0


async def audit(settings: Settings, console: Console, limit: int, *, as_json: bool) -> int:
    """Who did what, as the running service knows it. Raises DependencyError when none runs."""
    path = f"/api/audit?limit={limit}"
    if as_json:
        sys.stdout.write(json.dumps(await ask_service(settings, path, Any), indent=2) + "\n")
    else:
        print_audit(console, await ask_service(settings, path, list[AuditDocument]))
    return 0


async def once(settings: Settings) -> int:
    """One collection: print the classic array and store it. 1 when the server or a store does not answer."""
    seen = await _observe(settings)
    now = asyncio.get_running_loop().time()
    pictures = {server: ServerPicture().swept(status.view, now) for server, status in seen.items() if status.view}
    for status in seen.values():
        if status.view is None:
            sys.stderr.write(f"restream: {status.detail}\n")
    if not pictures:
        return 1
    by_run = by_run_of(pictures, settings.node_name)
    streams = joined(by_run.values())
    sys.stdout.write(streams.decode() + "\n")
    worked = len(pictures) == len(seen)
    for sink in stream_sinks(settings):
        try:
            await sink.write(Documents(streams, servers=by_run))
        except SinkError as error:
            sys.stderr.write(f"restream: {sink.name}: {error}\n")
            worked = False
        finally:
            await sink.close()
    return 0 if worked else 1


async def snapshot(settings: Settings) -> int:
    """Everything that can be seen now, as JSON: the media server's view, and the running service's, if there is one."""
    servers = await _observe(settings)
    seen: dict[str, Any] = {"media_server": msgspec.to_builtins(sweep(servers[DEFAULT_SERVER]))}
    if len(servers) > 1:
        seen["media_servers"] = {server: msgspec.to_builtins(sweep(status)) for server, status in servers.items()}
    for name in ("status", "cameras"):
        try:
            seen[name] = await ask_service(settings, f"/api/{name}", Any)
        except DependencyError as error:
            seen[name] = {"error": str(error)}
    sys.stdout.write(json.dumps(seen, indent=2) + "\n")
    return 0 if all(status.view is not None for status in servers.values()) else 1


async def _observe(settings: Settings) -> dict[ServerId, ServerStatus]:
    """One look at every media server."""
    servers = media_servers(settings)
    try:
        found = await asyncio.gather(*(server.observe() for server in servers.values()))
        return dict(zip(servers, found, strict=True))
    finally:
        await asyncio.gather(*(server.close() for server in servers.values()))


async def explain(settings: Settings, console: Console, camera_id: str, *, may_probe: bool) -> int:
    """The command for one camera. What the running service knows saves the camera a second connection."""
    camera = await _read_camera(settings, camera_id)
    if isinstance(camera, str):
        console.print(camera, style="red", markup=False, highlight=False)
        return 1
    running = await _known_to_service(settings, camera_id)
    media: Media | ProbeFailure | None = _media_of(running.media) if running and running.media else None
    shown: explanation.ShownCommand | None = None
    if running and running.command:
        shown = explanation.ShownCommand(running.command, running.command_stdin or "", running.command_reasons)
    elif media is None and may_probe:
        media = (await _look(settings, camera.source, camera.options)).outcome
    engines = running.engines if running else ()
    if isinstance(media, Media) and (shown is None or not engines):
        stream = stream_settings(settings, EngineResources(settings))
        plan = stream.engine_of(camera).plan(camera, media, stream.target_of(camera))
        shown = shown or explanation.ShownCommand.of(plan)
        engines = engines or tuple(map(engine_document, stream.choices(camera, media, plan)))
    asked_for, setting = camera.options.engine, "options.engine of this row"
    if asked_for is None:
        asked_for, setting = settings.cameras.engine, "cameras.engine"
    chosen = explanation.ShownEngines(asked_for, setting, engines)
    explanation.print_explanation(console, camera, media, shown, chosen, running.stream if running else None)
    return 0


async def probe(settings: Settings, console: Console, target: str) -> int:
    """Look at one camera of the table, or at one URL, as the service would.

    Raises ConfigError for something that is no URL, DatabaseError.
    """
    options = CameraOptions()
    if "://" in target:
        try:
            source = parse_source(target)
        except UrlError as error:
            raise ConfigError(str(error)) from None
    else:
        camera = await _read_camera(settings, target)
        if isinstance(camera, str):
            console.print(camera, style="red", markup=False, highlight=False)
            return 1
        source, options = camera.source, camera.options
    look = await _look(settings, source, options)
    explanation.print_look(console, source.masked, look)
    return 0 if isinstance(look.outcome, Media) else 1


async def init_db(dsn: Secret, console: Console, schemas: Sequence[Path]) -> int:
    """Create tables and trigger. Raises ConfigError, DatabaseError."""
    for schema in schemas:
        try:
            script = schema.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{schema}: cannot be read: {error.strerror}") from None
        await execute_script(dsn, script)
        console.print(f"{schema.name} is in place", highlight=False)
    return 0


async def nodes(settings: Settings, console: Console) -> int:
    """All nodes, and how many cameras each has. Raises ConfigError, DatabaseError."""
    table = lease_table(settings)
    try:
        roster = await table.roster()
    finally:
        await table.close()
    print_nodes(console, roster.nodes, roster.cameras)
    return 0


async def alert_test(settings: Settings, console: Console, receiver: str | None) -> int:
    """Have the running service send a test message to a receiver, or to all; 1 when one does not take it.

    Raises DependencyError when no service runs, ConfigError when there is nobody to be told.
    """
    section = settings.alerts
    known = [*section.receivers, *(f"webhooks.{number}" for number in range(1, len(section.webhooks) + 1))]
    if not known or (receiver is not None and receiver not in known):
        missing = "there are no receivers" if not known else f"there is no receiver {printable(receiver or '')}"
        raise ConfigError(f"{missing}: see alerts.receivers")
    path = "/api/alerts/test" + (f"?receiver={quote(receiver, safe='')}" if receiver is not None else "")
    outcomes: list[ReceiverTestDocument] = await ask_service(
        settings, path, list[ReceiverTestDocument], method="POST", timeout_s=_TEST_TIMEOUT_S
    )
    for each in outcomes:
        told = "took the test message" if each.taken else f"did not take it: {each.error}"
        console.print(f"{printable(each.receiver)} {printable(told)}", markup=False, highlight=False)
    return 0 if all(each.taken for each in outcomes) else 1


async def drain(settings: Settings, console: Console, name: str, *, undo: bool, wait_s: float = 0.0) -> int:
    """Have a node give its cameras away, or no longer; 1 when there is none of this name, or when it has some left
    after `wait_s`.

    Raises ConfigError, DatabaseError.
    """
    table, left = lease_table(settings), 0
    try:
        known = await table.drain(NodeName(name), draining=not undo)
        if known and wait_s:
            left = await _left(table, NodeName(name), wait_s)
    finally:
        await table.close()
    if not known:
        sys.stderr.write(f"restream: there is no node {printable(name)}: `restream nodes` lists them\n")
        return 1
    if left:
        sys.stderr.write(f"restream: {printable(name)} still has {left} cameras: no other node has taken them\n")
        return 1
    told = "takes cameras again" if undo else "gives its cameras away; `restream nodes` shows how many it still has"
    console.print(f"{printable(name)} {told}", markup=False, highlight=False)
    return 0


async def _left(table: PostgresLeases, name: NodeName, wait_s: float) -> int:
    """How many cameras a node has when it has none, when nobody is there to take them, or when the time is over."""
    clock = asyncio.get_running_loop().time
    until = clock() + wait_s
    while True:
        roster = await table.roster()
        left = roster.cameras.get(name, 0)
        takers = any(node.has_room for node in roster.nodes if node.name != name)
        if not left or not takers or clock() >= until:
            return left
        await asyncio.sleep(min(_LOOK_AGAIN_S, max(0.0, until - clock())))


async def _look(settings: Settings, source: SourceUrl, options: CameraOptions) -> Look:
    require_programs(settings)
    return await prober(settings).probe(source, options)


async def _read_camera(settings: Settings, camera_id: str) -> Camera | str:
    """The camera, or why there is none. Raises DatabaseError."""
    reader = row_reader(settings)
    table = camera_table(settings)
    try:
        await table.connect(lambda: None)
        rows = [reader.read(row) for row in await table.read()]
    finally:
        await table.close()
    found = next((row for row in rows if row.id == camera_id), None)
    if isinstance(found, RejectedRow):
        return f"camera {found.id} is skipped: {found.problem}"
    return found or f"there is no camera {camera_id}; the table has {len(rows)} rows"


async def _known_to_service(settings: Settings, camera_id: str) -> CameraDetailsDocument | None:
    """What the running service says of a camera; None when none runs."""
    try:
        found: CameraDetailsDocument = await ask_service(
            settings, f"/api/cameras/{quote(camera_id, safe='')}", CameraDetailsDocument
        )
    except DependencyError:
        return None
    return found


def _media_of(media: MediaDocument) -> Media:
    audio = AudioStream(**asdict(media.audio)) if media.audio else None
    return Media(VideoStream(**asdict(media.video)), audio)
