"""What this machine and this process must offer: interpreter, limits, ports, directories."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import resource
import shutil
import socket
import stat
import sys
import time
from pathlib import Path

import aiohttp

from restream.adapters.bounded_body import BodyTooLargeError, read_body
from restream.config.places import INSTALLED, ConfigurationOrigin
from restream.config.settings import ConfigError, Settings, load_camera_types
from restream.interfaces.console.findings import CheckState, Finding

_OLDEST_PYTHON = (3, 11)
_ANSWER_TIMEOUT_S = 10.0
_ANSWER_BYTES = 64 << 10
# With a blank in it, as earlier releases wrote it, or without.
_SERVICE = re.compile(rb'\{"status": ?"')
_METRICS = re.compile(rb"restream_")
# Three pipes of each ffmpeg, and what the service itself has open.
_FILES_PER_CAMERA, _FILES_OF_SERVICE, _PLENTY_OF_FILES = 3, 200, 16_384
_FEWEST_FREE_BYTES = 200 << 20


def check_host(settings: Settings) -> list[Finding]:
    """Interpreter, configuration, clock and limits."""
    version = ".".join(map(str, sys.version_info[:3]))
    findings = [Finding("python", CheckState.OK, version), configuration(settings.origin)]
    if sys.version_info[:2] < _OLDEST_PYTHON:
        findings[0] = Finding("python", CheckState.FAIL, f"{version} is too old", "install Python 3.11 or newer")
    try:
        load_camera_types(settings)
        findings.append(
            Finding("camera types", CheckState.OK, str(settings.origin.resolve(settings.cameras.types_file)))
        )
    except ConfigError as error:
        findings.append(Finding("camera types", CheckState.FAIL, str(error), "correct it, or set cameras.types_file"))
    return [*findings, clock(time.time()), open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1])]


def configuration(origin: ConfigurationOrigin) -> Finding:
    """Which was taken. That it is valid is known already: what is not is no `Settings`."""
    if origin.file is not None:
        named = f" ({origin.named_by})" if origin.named_by else ""
        return Finding("configuration", CheckState.OK, f"{origin.file}{named}")
    absent = ", ".join(map(str, origin.looked_at))
    return Finding("configuration", CheckState.OK, f"the built-in defaults; looked for {absent}")


def clock(now_s: float) -> Finding:
    """A clock that runs before this program was written is wrong: machines without battery start in 1970."""
    written_s = Path(__file__).stat().st_mtime
    if now_s < written_s - 86_400:
        text = f"it is {time.strftime('%Y-%m-%d', time.gmtime(now_s))}, before this program was installed"
        return Finding(
            "clock", CheckState.WARN, text, "set the clock (timedatectl set-ntp true): events carry its time"
        )
    return Finding("clock", CheckState.OK, time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now_s)))


def open_files(hard_limit: int) -> Finding:
    """The service raises its soft limit to the hard one."""
    if hard_limit == resource.RLIM_INFINITY or hard_limit >= _PLENTY_OF_FILES:
        return Finding("open files", CheckState.OK, "no limit" if hard_limit < 0 else f"{hard_limit} allowed")
    cameras = max(0, (hard_limit - _FILES_OF_SERVICE) // _FILES_PER_CAMERA)
    todo = "raise the hard limit: LimitNOFILE= in the unit, `ulimits` in compose, or `ulimit -Hn`"
    return Finding("open files", CheckState.WARN, f"{hard_limit} allowed: enough for about {cameras} cameras", todo)


async def runs_here(settings: Settings) -> bool:
    """Whether a service answers on our port."""
    return _SERVICE.search(await _answer(settings.http.host, settings.http.port, "/livez")) is not None


async def check_ports(settings: Settings) -> list[Finding]:
    """Whether the service can listen where it is told to."""
    wanted = [_port("http", settings.http.host, settings.http.port, "/livez", _SERVICE)]
    if settings.metrics.port is not None:
        wanted.append(_port("metrics", settings.metrics.host, settings.metrics.port, "/metrics", _METRICS))
    return list(await asyncio.gather(*wanted))


async def _port(section: str, host: str, port: int, path: str, ours: re.Pattern[bytes]) -> Finding:
    name, where, key = f"{section} port", f"{host}:{port}", f"{section}.port"
    if port == 0:
        return Finding(name, CheckState.OK, "any that is free")
    try:
        await asyncio.to_thread(_bind, host, port)
    except socket.gaierror:
        return Finding(name, CheckState.FAIL, f"{host} is no address of this host", f"correct {section}.host")
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            reason = error.strerror or str(error)
            return Finding(
                name, CheckState.FAIL, f"cannot listen on {where}: {reason}", f"correct {section}.host or {key}"
            )
        if ours.search(await _answer(host, port, path)):
            todo = "nothing, unless a second one is to run here: that needs other ports"
            return Finding(name, CheckState.WARN, f"{where}: the service is already running", todo)
        todo = f"end the other program (ss -ltnp 'sport = :{port}'), or set {key}"
        return Finding(name, CheckState.FAIL, f"{where} is taken by another program", todo)
    return Finding(name, CheckState.OK, f"{where} is free")


def _bind(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        # Only listening collides with a listener on the same port of all addresses.
        probe.listen(1)


async def _answer(host: str, port: int, path: str) -> bytes:
    """The beginning of what a web server says there; empty when it is none."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - reading, not binding
    url = f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"
    try:
        timeout, headers = aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_S), {"Accept-Encoding": "identity"}
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers, auto_decompress=False) as session,
            session.get(url) as response,
        ):
            return await read_body(response, _ANSWER_BYTES)
    except BodyTooLargeError as error:
        return error.beginning
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return b""


def check_files(settings: Settings) -> list[Finding]:
    """Whether logs and the JSON file can be written, and where anything else would be."""
    state, log = INSTALLED.directories(os.environ)
    findings = [
        _directory("log directory", log, "give the service's user the directory: chown -R restream: " + str(log)),
        Finding("state directory", CheckState.OK, f"{state} (nothing is kept there today)"),
    ]
    if settings.json_file.path is None:
        return [*findings, Finding("JSON file", CheckState.OK, "switched off (json_file.path)")]
    path = settings.origin.resolve(settings.json_file.path)
    finding = _directory("JSON file", path.parent, "set json_file.path to a place that this user may write to")
    if finding.state is CheckState.OK and _held_by_another(path):
        todo = f"remove it once (as its owner or root): rm {path}"
        finding = Finding("JSON file", CheckState.FAIL, f"{path} belongs to another user and cannot be replaced", todo)
    return [*findings, finding]


def _directory(name: str, directory: Path, todo: str) -> Finding:
    """A directory that exists, or that can be made, and has room."""
    present = next(path for path in (directory, *directory.parents) if path.exists())
    if not present.is_dir():
        return Finding(name, CheckState.FAIL, f"{present} is no directory", todo)
    if not os.access(present, os.W_OK | os.X_OK):
        return Finding(name, CheckState.FAIL, f"{present} cannot be written to", todo)
    free_bytes = shutil.disk_usage(present).free
    if free_bytes < _FEWEST_FREE_BYTES:
        return Finding(name, CheckState.WARN, f"{directory}: only {free_bytes >> 20} MB are free", "make room")
    return Finding(name, CheckState.OK, f"{directory} can be written to")


def _held_by_another(path: Path) -> bool:
    """In a directory like /tmp only the owner of a file may replace it."""
    try:
        owner, sticky = path.stat().st_uid, path.parent.stat().st_mode & stat.S_ISVTX
    except OSError:
        return False
    return bool(sticky) and os.geteuid() not in (0, owner, path.parent.stat().st_uid)
