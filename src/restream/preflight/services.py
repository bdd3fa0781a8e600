"""The servers around the service: database, media server, Redis."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from restream.adapters.network_errors import reason as network_reason
from restream.adapters.reachability import notify_triggers, redis_version
from restream.adapters.rtsp.connection import server_tls
from restream.adapters.server.docker_engine import DockerEngine
from restream.adapters.tls import tls_trouble
from restream.config.media_server_sections import MediaServerSection
from restream.config.settings import ConfigError, Settings
from restream.domain.camera.camera import Camera, RejectedRow, RowReader
from restream.domain.camera.secret import Secret
from restream.domain.engine import Media, ProbeFailure
from restream.domain.server.api_trouble import ApiTrouble
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.trust import Trust
from restream.interfaces.console.explanation import describe_media
from restream.interfaces.console.findings import CheckState, Finding
from restream.ports.cameras import DatabaseError, Row
from restream.ports.outlets import SinkError
from restream.service.from_settings import camera_table, media_server, prober, require_dsn, row_reader
from restream.service.stores import redis_trust

ANY_CAMERA = "*"
"""Instead of an id: the first camera that answers is enough."""

_CONNECT_TIMEOUT_S = 3.0
_WITHOUT_REDIS = "the service runs without, and keeps no events over a restart then"
_OLDEST, _ADVISED = (1, 0), (1, 17)
# Of a whole fleet, this many are asked before giving up, so many at once.
_MOST_PROBED, _PROBED_AT_ONCE = 12, 4


async def check_database(settings: Settings, camera: str | None) -> list[Finding]:
    """Connection, table, rows, trigger; and a camera or two when that is asked for."""
    try:
        dsn, reader = require_dsn(settings), row_reader(settings)
        table = camera_table(settings)
    except ConfigError as error:
        return [Finding("database", CheckState.FAIL, str(error), "see the README, Configuration")]
    try:
        await table.connect(lambda: None)
        rows = await table.read()
    except DatabaseError as error:
        text, _, todo = str(error).partition("; ")
        return [Finding("database", CheckState.FAIL, text, todo or "start PostgreSQL, or correct PG_DSN")]
    finally:
        await table.close()
    found = [reader.read(row) for row in rows]
    cameras = [row for row in found if isinstance(row, Camera)]
    rejected = [row for row in found if isinstance(row, RejectedRow)]
    findings = [Finding("database", CheckState.OK, f"readable, {len(found)} rows"), _rows(cameras, rejected)]
    findings += _unknown_types(rows, reader)
    findings += _unknown_parents(cameras, settings.network.parents)
    behind = [site for each in settings.network.parents.values() for site in each.sites]
    findings += _unknown_sites(cameras, {"cameras.schedules": settings.cameras.schedules, "network.parents": behind})
    findings.append(await _trigger(settings, dsn))
    if camera is not None:
        findings.append(await _cameras(settings, cameras, camera))
    return findings


def _rows(cameras: Sequence[Camera], rejected: Sequence[RejectedRow]) -> Finding:
    enabled = sum(camera.enabled for camera in cameras)
    text = f"{len(cameras)} cameras, {enabled} enabled"
    if rejected:
        first = "; ".join(f"{row.id}: {row.problem}" for row in rejected[:3])
        more = f" and {len(rejected) - 3} more" if len(rejected) > 3 else ""
        text = f"{text}; {len(rejected)} rows are not understood ({first}{more})"
        return Finding("cameras", CheckState.WARN, text, "correct these rows; the others are not affected")
    return Finding("cameras", CheckState.OK, text)


def _unknown_parents(cameras: Sequence[Camera], known: Collection[str]) -> list[Finding]:
    """Names that the configuration does not have: meant so, or misspelt."""
    named = Counter(camera.parent for camera in cameras if camera.parent and camera.parent not in known)
    if not named or not known:
        return []
    shown = ", ".join(f"{name} ({count})" for name, count in named.most_common(5))
    text = f"rows name parents that network.parents does not have: {shown}"
    return [Finding("parents", CheckState.WARN, text, "add them, or correct options.parent of these rows")]


def _unknown_sites(cameras: Sequence[Camera], named: Mapping[str, Collection[str]]) -> list[Finding]:
    """Sites of a setting, by its key, that no camera has: what is said of them changes nothing."""
    known = {camera.site for camera in cameras}
    findings = []
    for key, sites in named.items():
        if lost := sorted(set(sites) - known):
            text = f"{key} has sites that no camera has: {', '.join(lost[:5])}{' …' if len(lost) > 5 else ''}"
            findings.append(
                Finding("sites", CheckState.WARN, text, "correct them: sites are compared as they are written")
            )
    return findings


def _unknown_types(rows: Sequence[Row], reader: RowReader) -> list[Finding]:
    """Types that have no template of their own: meant so, or misspelt."""
    column = {name: reader.columns.get(name, name) for name in ("id", "camera_type", "rtsp_url")}
    known = {*reader.types.names, ""}
    found = {
        str(row.get(column["id"])): kind[:40]
        for row in rows
        if (kind := str(row.get(column["camera_type"]) or "").strip()).upper() not in known
        and not row.get(column["rtsp_url"])
    }
    if not found:
        return []
    names = ", ".join(sorted(set(found.values()))[:3])
    text = f"{len(found)} rows have a type without a template of its own: {names} (first row {next(iter(found))})"
    return [Finding("types", CheckState.WARN, text, "they get the default template: correct the type, or add it")]


async def _trigger(settings: Settings, dsn: Secret) -> Finding:
    section = settings.database
    try:
        count = await notify_triggers(dsn, None if section.query else "cameras", section.notify_channel)
    except DatabaseError as error:
        return Finding("trigger", CheckState.WARN, f"cannot be looked for: {error}", "changes act at the next poll")
    if count == 0:
        text = f"nothing notifies {section.notify_channel}: changes act within {section.poll_s:g} s, not at once"
        return Finding("trigger", CheckState.WARN, text, "create the trigger of etc/schema.sql, or leave it so")
    return Finding("trigger", CheckState.OK, f"changes are told on {section.notify_channel}")


async def _cameras(settings: Settings, cameras: Sequence[Camera], wanted: str) -> Finding:
    if wanted != ANY_CAMERA:
        chosen = [camera for camera in cameras if camera.id == wanted]
        if not chosen:
            return Finding(
                "camera", CheckState.FAIL, f"there is no camera {wanted} that is understood", "check its row"
            )
    else:
        chosen = sorted((each for each in cameras if each.enabled), key=lambda each: -each.options.priority)
        if not chosen:
            return Finding("camera", CheckState.WARN, "no camera is enabled", "INSERT a row")
    last = ""
    for start in range(0, min(len(chosen), _MOST_PROBED), _PROBED_AT_ONCE):
        asked = chosen[start : start + _PROBED_AT_ONCE]
        outcomes = await asyncio.gather(*(_probe(settings, camera) for camera in asked))
        for camera, outcome in zip(asked, outcomes, strict=True):
            text = f"{camera.id} {camera.name}: {describe_media(outcome)}"
            if isinstance(outcome, Media):
                return Finding("camera", CheckState.OK, text)
            last, hint = text, outcome.cause.facts.hint
    text = last if len(chosen) == 1 else f"none of {min(len(chosen), _MOST_PROBED)} answers, the last: {last}"
    return Finding("camera", CheckState.FAIL, text, hint)


async def _probe(settings: Settings, camera: Camera) -> Media | ProbeFailure:
    look = await prober(settings).probe(camera.source, camera.options)
    return look.outcome


async def check_media_server(settings: Settings) -> list[Finding]:
    """Of each media server: control API with its version, the publish address, the container when one is named."""
    found = await asyncio.gather(*(_media_server(section) for section in settings.servers.values()))
    return [
        finding if server == DEFAULT_SERVER else replace(finding, name=f"{finding.name} of {server}")
        for server, findings in zip(settings.servers, found, strict=True)
        for finding in findings
    ]


async def _media_server(section: MediaServerSection) -> list[Finding]:
    server = media_server(section)
    try:
        status = await server.observe()
    finally:
        await server.close()
    findings = []
    if status.view is not None:
        findings += [
            judge_version(status.view.version),
            await _publish_address(section.rtsp_url, section.publish_trust),
        ]
    elif status.reachable:
        hint = (status.trouble or ApiTrouble.OFF).words.hint
        todo = f"{hint} Without the API nobody sees whether media arrives"
        findings.append(Finding("mediamtx", CheckState.WARN, status.detail, todo))
    else:
        todo = "start MediaMTX with `api: yes` in mediamtx.yml, or correct mediamtx.api_url and mediamtx.rtsp_url"
        findings.append(Finding("mediamtx", CheckState.FAIL, status.detail, todo))
    if section.container is not None:
        findings.append(await _container(section.container))
    return findings


def judge_version(version: str | None) -> Finding:
    """What can be expected of a media server that answers."""
    if version == "stand-in":
        return Finding("mediamtx", CheckState.OK, "the demo's stand-in answers")
    found = re.match(r"v?(\d+)\.(\d+)", version or "")
    advice = "install MediaMTX 1.17 or newer: older ones tell less"
    if found is None:
        told = version or "not told, as before 1.15.2"
        return Finding("mediamtx", CheckState.WARN, f"the control API answers, its version is {told}", advice)
    number = (int(found[1]), int(found[2]))
    if number < _OLDEST:
        return Finding("mediamtx", CheckState.FAIL, f"{version} is too old", advice)
    if number < _ADVISED:
        return Finding("mediamtx", CheckState.WARN, f"{version}, the control API answers", advice)
    return Finding("mediamtx", CheckState.OK, f"{version}, the control API answers")


async def _publish_address(url: str, trust: Trust) -> Finding:
    parts = urlsplit(url)
    secure = parts.scheme == "rtsps"
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (322 if secure else 554), ssl=server_tls(trust) if secure else None
            )
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        if trouble := tls_trouble(error):
            todo = "check mediamtx.rtsp_url, mediamtx.tls_ca, and rtspServerCert in mediamtx.yml"
            return Finding("publish address", CheckState.FAIL, f"{url}: {trouble}", todo)
        reason = network_reason(error, _CONNECT_TIMEOUT_S)
        todo = "set `rtsp: yes` in mediamtx.yml, or correct mediamtx.rtsp_url"
        # A server without TLS waits for more of the hello, or closes with some of it unread, which is a reset.
        if secure and isinstance(error, (TimeoutError, ConnectionResetError, BrokenPipeError)):
            todo = f"{todo}; if that port does not speak TLS, it must begin with rtsp"
        return Finding("publish address", CheckState.FAIL, f"{url} does not answer ({reason})", todo)
    if secure and not trust.verify:
        text = f"{url} answers; whose certificate it has is not checked"
        return Finding("publish address", CheckState.WARN, text, "set mediamtx.tls_ca, or tls_verify: true")
    return Finding("publish address", CheckState.OK, f"{url} answers")


async def _container(name: str) -> Finding:
    state = await DockerEngine().container(name)
    text = f"{name}: {state.text}"
    if state.up:
        return Finding("container", CheckState.OK, text)
    todo = f"docker logs {name}" if state.status else "check mediamtx.container, and who may use /var/run/docker.sock"
    return Finding("container", CheckState.WARN, text, todo)


async def check_redis(settings: Settings) -> list[Finding]:
    """The service runs without; front ends that read Redis see nothing then."""
    if settings.redis.url is None:
        return [Finding("redis", CheckState.OK, "switched off (redis.url)")]
    try:
        version = await redis_version(Secret(settings.redis.url.get_secret_value()), redis_trust(settings))
    except SinkError as error:
        text, _, todo = str(error).partition("; ")
        todo = f"{todo or 'start Redis or correct redis.url'}; {_WITHOUT_REDIS}"
        return [Finding("redis", CheckState.WARN, text, todo)]
    return [Finding("redis", CheckState.OK, f"answers {version}".rstrip())]
