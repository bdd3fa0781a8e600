"""A media server that fetches cameras, as the pull engine needs it: hold a path, ask of it, and have it let go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from restream.adapters.bounded_body import BodyTooLargeError, read_body
from restream.adapters.network_errors import reason
from restream.adapters.rtsp.addresses import Resolver
from restream.adapters.rtsp.connection import server_tls
from restream.adapters.rtsp.wire import Wire
from restream.adapters.tls import context_of
from restream.domain.camera.secret import Secret
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import Failed, Finished, Playing, RtspEvent
from restream.domain.rtsp.tracks import KINDS
from restream.domain.rtsp.url import Credentials, RtspUrl, parse_url
from restream.domain.server.mediamtx import PathObservation, parse_paths
from restream.domain.server.trust import SYSTEM, UNCHECKED, Trust

_API_TIMEOUT_S = 3.0
_DYING_S = 0.3
_MAX_DOCUMENT_BYTES = 32 << 20
_CONNECT_TIMEOUT_S = 5.0
# A path that is being fetched is answered when the camera has answered (sourceOnDemandStartTimeout); who waits for
# the camera has a limit of his own.
_ANSWER_TIMEOUT_S = 300.0
# MediaMTX takes each change of its configuration for itself; more at once only wait there.
_CHANGES_AT_ONCE = 4


class ServerCallError(Exception):
    """The control API did not do what was asked; the message is one line, without credentials."""


class FetchingServer:
    """One media server: `rtsp_url` and `api_url` as configured, and who may read and use the API there.

    `directory` is what the sources of its paths begin with, the token included.
    """

    def __init__(
        self,
        rtsp_url: str,
        api_url: str,
        directory: Secret,
        *,
        reader: Credentials | None = None,
        api_user: str | None = None,
        api_password: Secret | None = None,
        api_trust: Trust = SYSTEM,
        read_trust: Trust = UNCHECKED,
    ) -> None:
        self._rtsp_url = rtsp_url
        self._api_url = api_url
        self._directory = directory
        self._reader = reader
        login = f"{api_user}:{api_password.reveal() if api_password else ''}"
        self._headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if api_user else {}
        self._api_trust, self._read_trust = api_trust, read_trust
        self._changes = asyncio.Semaphore(_CHANGES_AT_ONCE)
        self._resolver = Resolver()

    def hold(self, path: str) -> Hold:
        """A session that wakes this path, and keeps it flowing. Raises ValueError for what is no path."""
        parts = parse_url(f"{self._rtsp_url}/{path}")
        if parts is None:
            raise ValueError("no RTSP URL")
        return Hold(parts[0], self._reader, self._resolver, answer_timeout_s=_ANSWER_TIMEOUT_S, trust=self._read_trust)

    async def answers(self) -> bool:
        """Whether it speaks; that connections are taken says little of a process that is ending or suspended."""
        url = parse_url(self._rtsp_url)
        if url is None:
            return False
        # Whoever dies closes its sessions before it is gone.
        await asyncio.sleep(_DYING_S)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(*url[0].address)
                try:
                    writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
                    return bool(await reader.read(1))
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError):
            return False

    async def age_s(self) -> float | None:
        """How long its process runs (MediaMTX 1.15 and later), by its own clock; None: it does not say."""
        try:
            found, headers = await self._ask("GET", "info")
            age_s = (parsedate_to_datetime(headers["Date"]) - datetime.fromisoformat(found["started"])).total_seconds()
        except (ServerCallError, KeyError, TypeError, ValueError, OverflowError):
            return None
        # A clock that was set meanwhile says nothing; `Date` is in whole seconds.
        return age_s + 1 if age_s > -1 else None

    async def path(self, name: str) -> PathObservation | None:
        """One path as it is now; None: there is none of this name. Raises ServerCallError."""
        return parse_paths({"items": [await self._call("GET", f"paths/get/{quote(name)}")]}).get(name)

    async def let_go(self, path: str) -> None:
        """End what the server fetches for this path, at once, whoever reads it. Raises ServerCallError.

        The API has no verb for that. A path whose entry changes is closed, with its source; so it gets an entry of its
        own for a moment. One that has its own already, and is sent to us by it, has it changed.
        """
        async with self._changes:
            name, source = quote(path), f"{self._directory.reveal()}/{path}"
            found = await self._call("GET", f"config/paths/get/{name}")
            if not isinstance(found, Mapping):
                entry = {"source": source, "sourceOnDemand": True, **_other(None)}
                await self._call("POST", f"config/paths/add/{name}", entry)
                await self._call("DELETE", f"config/paths/delete/{name}")
            elif found.get("source") == source:
                timeout = found.get("sourceOnDemandStartTimeout")
                await self._call("PATCH", f"config/paths/patch/{name}", _other(timeout))
            else:
                raise ServerCallError("the path has an entry of its own in mediamtx.yml, which leads elsewhere")

    async def path_entries(self) -> object:
        """`/v3/config/paths/list`. Raises ServerCallError."""
        return await self._call("GET", "config/paths/list?itemsPerPage=1000000")

    async def log_level(self) -> str:
        """How much it writes. Raises ServerCallError."""
        found = await self._call("GET", "config/global/get")
        level = found.get("logLevel") if isinstance(found, Mapping) else None
        return level if isinstance(level, str) else ""

    async def _call(self, method: str, path: str, document: object = None) -> Any:
        """The answer, decoded; None where it has no such thing (404)."""
        return (await self._ask(method, path, document))[0]

    async def _ask(self, method: str, path: str, document: object = None) -> tuple[Any, Mapping[str, str]]:
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(ssl=context_of(self._api_trust)),
                    headers={**self._headers, "Accept-Encoding": "identity"},
                    timeout=aiohttp.ClientTimeout(total=_API_TIMEOUT_S),
                    auto_decompress=False,
                ) as session,
                session.request(method, f"{self._api_url}/v3/{path}", json=document, allow_redirects=False) as answer,
            ):
                if answer.status == 404:
                    return None, answer.headers
                body = await read_body(answer, _MAX_DOCUMENT_BYTES)
                if answer.status != 200:
                    raise ServerCallError(f"the media server's API answers HTTP {answer.status}")
                return json.loads(body), answer.headers
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ServerCallError(f"the media server's API: {reason(error, _API_TIMEOUT_S)}") from None
        except (BodyTooLargeError, ValueError, RecursionError):
            raise ServerCallError("what answers at mediamtx.api_url is no control API") from None


def _other(start_timeout: object) -> dict[str, str]:
    """A change that no path keeps its source over, and that changes nothing else: around the usual 10 s."""
    return {"sourceOnDemandStartTimeout": "10s" if start_timeout == "11s" else "11s"}


class Hold:
    """A session that is set up and never played: nothing is sent to us, and at a media server the path stays."""

    def __init__(
        self,
        url: RtspUrl,
        login: Credentials | None,
        resolver: Resolver,
        *,
        answer_timeout_s: float,
        trust: Trust = UNCHECKED,
    ) -> None:
        wanted = Conversation(Goal.HOLD, KINDS, connect_timeout_s=_CONNECT_TIMEOUT_S, answer_timeout_s=answer_timeout_s)
        client = RtspClient(url, login, wanted, lambda: secrets.token_hex(8))
        self._wire = Wire(client, self._heard, server_tls(trust), resolver)
        self.opened = asyncio.Event()
        """It is described, and its first track set up."""

    async def run(self) -> Failed | Finished:
        """Hold it until it ends; cancelled, it is let go."""
        return await self._wire.run()

    def _heard(self, event: RtspEvent) -> None:
        if isinstance(event, Playing):
            self.opened.set()
