"""The running service, asked and signalled from beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec
import psutil

from restream.config.places import INSTALLED
from restream.config.settings import Settings
from restream.domain.access.accounts import AccountKind
from restream.domain.access.caller import Role
from restream.domain.one_line import one_line
from restream.service.from_settings import DependencyError
from restream.service.handover import HandoverError, Program, rehearse

_HTTP_TIMEOUT_S = 10.0
_LOOK_AGAIN_S = 0.2
# The next version is tried for a minute at most, cameras that start or end are waited for, and then it has to come up.
_UPGRADE_LIMIT_S = 120.0


async def ask_service(
    settings: Settings,
    path: str,
    kind: Any,
    *,
    method: str = "GET",
    timeout_s: float = _HTTP_TIMEOUT_S,
    body: object = None,
) -> Any:
    """One request to the service on this host; the answer as `kind`. Raises DependencyError with what to do."""
    http = settings.http
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)  # noqa: S104 - reading, not binding
    base = f"http://[{host}]:{http.port}" if ":" in host else f"http://{host}:{http.port}"
    token = _token(settings)
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    try:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(method, base + path, json=body) as response,
        ):
            if response.status == 401:
                raise DependencyError(f"the service at {base} wants its token: set RESTREAM_HTTP__TOKEN, or http.token")
            if response.status not in (200, 201):
                said = one_line(str((await response.json()).get("error", ""))) if body is not None else ""
                told = f": {said}" if said else f" to {path}"
                raise DependencyError(f"the service at {base} answers {response.status}{told}")
            return msgspec.json.decode(await response.read(), type=kind)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        todo = f"start it with {INSTALLED.command}, or see http.port"
        raise DependencyError(f"no service answers at {base}: {todo}") from None


def stand_beside(pid: int) -> Sequence[str]:
    """Take the directory and the environment of a running service, so that its settings are read; returns the
    arguments that it was started with. Raises DependencyError.
    """
    program = _program(pid)
    os.chdir(program.directory or "/")
    os.environ.clear()
    os.environ.update(program.environment or {})
    return program.arguments


def _token(settings: Settings) -> str | None:
    """What opens the service to us, as far as the configuration has it: who reads that is trusted."""
    if settings.http.token:
        return settings.http.token.get_secret_value()
    now = time.time()
    tokens = [each for (kind, _), each in settings.api.accounts.known.items() if kind is AccountKind.TOKEN]
    whole = [each for each in tokens if each.role is Role.CONFIGURE and each.sites is None and each.holds(now)]
    return whole[0].proof.reveal() if whole else None


async def upgrade(settings: Settings, pid: int | None = None) -> str:
    """Have the running service (of that process, else whoever listens) replaced by the version that is installed now;
    returns that. Raises DependencyError, HandoverError: it goes on as it was.
    """
    before: _Life = await ask_service(settings, "/api/status", _Life)
    pid = _listener(settings.http.port) if pid is None else pid
    program = _program(pid)
    # The service tries it too; why it does not start is told here.
    await rehearse(program)
    os.kill(pid, signal.SIGUSR2)
    loop = asyncio.get_running_loop()
    until = loop.time() + _UPGRADE_LIMIT_S
    while loop.time() < until:
        await asyncio.sleep(_LOOK_AGAIN_S)
        try:
            now: _Life = await ask_service(settings, "/api/status", _Life)
        except DependencyError:
            # Between two lives its port listens, and nobody answers.
            continue
        if now.instance != before.instance:
            return now.version
    raise HandoverError("the service was not replaced, and goes on as it was: its log says why")


class _Life(msgspec.Struct):
    instance: str
    version: str


def _program(pid: int) -> Program:
    """How the service that is this process was started. Raises DependencyError."""
    with contextlib.suppress(psutil.Error):
        if (program := Program.of(psutil.Process(pid))) is not None:
            return program
    # What listens may be a proxy before it, which a signal would end.
    raise DependencyError(
        "the process of the service is not found: run this where it runs (in its container), as its user or as root"
    )


def _listener(port: int) -> int:
    """Process that listens on a port of ours, as far as we may see; else 0, which is none."""
    for each in psutil.net_connections("tcp"):
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr[1] == port and each.pid is not None:
            return int(each.pid)
    return 0
