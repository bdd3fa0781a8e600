"""One container of the Docker Engine, asked over its unix socket; nothing is ever changed there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
import orjson

from restream.adapters.bounded_body import BodyTooLargeError, read_body

DEFAULT_SOCKET = Path("/var/run/docker.sock")
_TIMEOUT_S = 3.0
_MAX_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ContainerState:
    """What the Engine says of a container; `problem` is set, and all else empty, where it says nothing."""

    status: str = ""
    """created, running, paused, restarting, removing, exited, dead."""
    health: str = ""
    """starting, healthy, unhealthy; empty without a health check."""
    restarts: int = 0
    """How often the Engine's restart policy started it again."""
    started: str = ""
    """RFC 3339; empty when it never ran."""
    exit_code: int = 0
    oom_killed: bool = False
    problem: str = ""

    @property
    def up(self) -> bool:
        """It runs, and its health check does not deny it."""
        return self.status == "running" and self.health != "unhealthy"

    @property
    def text(self) -> str:
        """One line for the operator."""
        if self.problem:
            return self.problem
        parts = [self.status]
        if self.health and self.status == "running":
            parts.append(self.health)
        if self.status in ("exited", "dead", "restarting"):
            parts.append(f"exit code {self.exit_code}" + (", killed for its memory" if self.oom_killed else ""))
        if self.restarts:
            parts.append(f"restarted {self.restarts} times" if self.restarts > 1 else "restarted once")
        return ", ".join(parts)


class DockerEngine:
    """The Engine behind one socket. Whoever may open that socket is root on the host; reading is all this does."""

    def __init__(self, socket: Path = DEFAULT_SOCKET, timeout_s: float = _TIMEOUT_S) -> None:
        self._socket = str(socket)
        self._timeout_s = timeout_s

    async def container(self, name: str) -> ContainerState:
        """State of a container by its name or id; never raises, and never takes longer than the timeout."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._inspect(name)
        except TimeoutError:
            return _unknown(f"the Docker Engine does not answer within {self._timeout_s:g} s")
        except aiohttp.ClientConnectorError as error:
            reason = error.os_error.strerror or type(error.os_error).__name__
            return _unknown(f"no Docker Engine at {self._socket}: {reason}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _unknown(f"the Docker Engine's answer is not understood ({type(error).__name__})")

    async def _inspect(self, name: str) -> ContainerState:
        # A session per question: it is asked rarely, and an Engine that was restarted needs a new connection anyway.
        connector = aiohttp.UnixConnector(self._socket)
        url = f"http://docker/containers/{quote(name, safe='')}/json"
        async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
            if response.status == 404:
                return _unknown(f"there is no container {name}")
            if response.status != 200:
                return _unknown(f"the Docker Engine answers HTTP {response.status}")
            try:
                body = await read_body(response, _MAX_ANSWER_BYTES)
            except BodyTooLargeError:
                return _unknown("the Docker Engine's answer is too large")
        return parse_container(orjson.loads(body))


def parse_container(document: object) -> ContainerState:
    """The answer of `GET /containers/{name}/json`; what is missing in it is left empty."""
    inspected = document if isinstance(document, dict) else {}
    state = inspected.get("State")
    if not isinstance(state, dict) or not isinstance(state.get("Status"), str):
        return _unknown("the Docker Engine's answer has no state")
    health = state.get("Health")
    health_status = health.get("Status") if isinstance(health, dict) else None
    started = state.get("StartedAt")
    return ContainerState(
        status=state["Status"],
        health=health_status if isinstance(health_status, str) and health_status != "none" else "",
        restarts=_count(inspected.get("RestartCount")),
        # The Engine's zero time.
        started=started if isinstance(started, str) and not started.startswith("0001-") else "",
        exit_code=_count(state.get("ExitCode")),
        oom_killed=state.get("OOMKilled") is True,
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _unknown(problem: str) -> ContainerState:
    return ContainerState(problem=problem)
