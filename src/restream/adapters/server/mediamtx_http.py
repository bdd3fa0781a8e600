"""MediaMTX over its control API, and over RTSP when the API is switched off (as it is by default)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from base64 import b64encode
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from restream.adapters.bounded_body import BodyTooLargeError, read_body
from restream.adapters.server.mediamtx_lists import PATHS, SRT, ListError, ListKind, T, json_object, session_list
from restream.adapters.tls import context_of, tls_trouble
from restream.domain.camera.secret import Secret
from restream.domain.server.api_trouble import ApiTrouble
from restream.domain.server.mediamtx import SESSION_LISTS, ServerView, parse_info
from restream.domain.server.trust import SYSTEM, Trust
from restream.ports.servers import ServerStatus

_TIMEOUT_S = 4.5  # MediaMTX v1.20 answers wrong credentials with 401 only after up to 4 s
_API_HEAD_START_S = 1.0
_RTSP_TIMEOUT_S = 3.5
# 5,000 SRT connections are 7.4 MB, as bench/scripted_api.py writes them.
_MAX_LIST_BYTES = 32 << 20
_MAX_INFO_BYTES = 64 << 10
_ALL_ITEMS = 1_000_000
# Smaller lists are parsed sooner than a thread takes over.
_LONG_BYTES = 512 << 10
_READ_BYTES = 1 << 20
# Go's server says so; nginx: "The plain HTTP request was sent to HTTPS port".
_ASKS_FOR_TLS = b"HTTPS"
_MAX_ERROR_BYTES = 4 << 10


class MediamtxServer:
    """One MediaMTX. `api_url` like http://127.0.0.1:9997, `rtsp_url` like rtsp://127.0.0.1:8554."""

    def __init__(
        self,
        api_url: str,
        rtsp_url: str,
        *,
        user: str | None = None,
        password: Secret | None = None,
        trust: Trust = SYSTEM,
    ) -> None:
        self._api_url = api_url
        self._trust = trust
        self._rtsp = urlsplit(rtsp_url)
        login = f"{user}:{password.reveal() if password else ''}"
        self._headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if user else {}
        self._session: aiohttp.ClientSession | None = None

    async def observe(self) -> ServerStatus:
        """One sweep, at most 4.5 s; never raises."""
        # A server that hangs must be noticed before a camera's connect_timeout_s: RTSP is asked beside an API that is
        # not quick, and at once when the API fails.
        asking = asyncio.create_task(self._ask_api())
        try:
            await asyncio.wait({asking}, timeout=_API_HEAD_START_S)
            if asking.done() and isinstance(told := asking.result(), ServerStatus):
                return told
            rtsp_answers, told = await asyncio.gather(self._rtsp_answers(), asking)
        finally:
            asking.cancel()
        if isinstance(told, ServerStatus):
            return told
        if rtsp_answers:
            text = f"RTSP answers; the control API at {self._api_url} does not ({told})"
            return ServerStatus(True, text, trouble=told.trouble)
        text = f"neither {self._api_url} ({told}) nor {self._rtsp.geturl()} answers"
        return ServerStatus(False, text, trouble=told.trouble)

    async def _ask_api(self) -> ServerStatus | _ApiError:
        """A sweep, or the reason why there is none."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._sweep()
        except _ApiError as error:
            return error
        except (ListError, BodyTooLargeError) as error:
            return _ApiError(ApiTrouble.FOREIGN, str(error))
        except TimeoutError:
            return _ApiError(ApiTrouble.TIMEOUT, f"no answer within {_TIMEOUT_S:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _ApiError(_trouble(error), _reason(error))

    async def close(self) -> None:
        """Let go of connections; never raises."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _sweep(self) -> ServerStatus:
        told, paths, srt = await _together(self._get("info", _MAX_INFO_BYTES), self._list(PATHS), self._list(SRT))
        version, started = parse_info(json_object(told)) if told is not None else (None, None)
        if paths is None:
            raise _ApiError(ApiTrouble.NOT_FOUND, "it does not know /v3/paths/list: is it MediaMTX 1.0 or newer?")
        types = {path.source_type for path in paths.values()}
        lists = [name for kind, name in SESSION_LISTS.items() if kind in types]
        found = await _together(*(self._list(session_list(name)) for name in lists))
        sessions = {key: session for each in found if each for key, session in each.items()}
        view = ServerView(version=version, started=started, paths=paths, srt=srt or {}, sessions=sessions)
        stand_in = view.version == "stand-in"
        name = "stand-in for MediaMTX (demo and test double)" if stand_in else f"MediaMTX {view.version or ''}".strip()
        return ServerStatus(True, name, view)

    async def _list(self, kind: ListKind[T]) -> dict[str, T] | None:
        """A whole list as one large page, since pages are not one snapshot; None when its protocol is disabled."""
        body = await self._get(f"{kind.name}/list?itemsPerPage={_ALL_ITEMS}", _MAX_LIST_BYTES)
        if body is None:
            return None
        if len(body) < _LONG_BYTES:
            return kind.read(body)
        return await asyncio.to_thread(kind.read_long, body)

    def _open(self) -> aiohttp.ClientSession:
        # A few compressed bytes can become gigabytes; this server compresses nothing.
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context_of(self._trust)),
            headers={**self._headers, "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_READ_BYTES,
        )

    async def _get(self, path: str, max_bytes: int) -> bytes | None:
        """An answer of the API; None for 404 (older server, or a disabled protocol).

        Raises _ApiError, BodyTooLargeError.
        """
        if self._session is None:
            self._session = self._open()
        async with self._session.get(f"{self._api_url}/v3/{path}", allow_redirects=False) as response:
            if response.status == 404:
                return None
            if response.status in (401, 403):
                raise _ApiError(ApiTrouble.USER, "it refuses the user: set mediamtx.api_user and api_password")
            if response.status == 400 and _ASKS_FOR_TLS in await response.content.read(_MAX_ERROR_BYTES):
                raise _ApiError(ApiTrouble.TLS, "it speaks TLS: mediamtx.api_url must begin with https")
            if response.status != 200:
                foreign = response.status < 400 or response.content_type == "text/html"
                raise _ApiError(ApiTrouble.FOREIGN if foreign else ApiTrouble.ERROR, f"HTTP {response.status}")
            return await read_body(response, max_bytes)

    async def _rtsp_answers(self) -> bool:
        """Whether something at the publish address speaks RTSP."""
        host, port = self._rtsp.hostname or "", self._rtsp.port or (322 if self._rtsp.scheme == "rtsps" else 554)
        context = None
        if self._rtsp.scheme == "rtsps":
            # Only presence is asked for here, and nothing is told.
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            async with asyncio.timeout(_RTSP_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(host, port, ssl=context)
                try:
                    writer.write(f"OPTIONS rtsp://{host}:{port}/ RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
                    return (await reader.read(64)).startswith(b"RTSP/1.0")
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError):
            return False


class _ApiError(Exception):
    def __init__(self, trouble: ApiTrouble, text: str) -> None:
        super().__init__(text)
        self.trouble = trouble


async def _together(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results of all; when one fails, nobody waits for the others, and they end."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


# Of the errors that asking can end with, the first that fits.
_TROUBLES: tuple[tuple[type[Exception], ApiTrouble], ...] = (
    (aiohttp.ClientSSLError, ApiTrouble.TLS),
    (aiohttp.ClientConnectorError, ApiTrouble.OFF),
    (aiohttp.ClientPayloadError, ApiTrouble.ERROR),
    # Its head is no HTTP, or its body no JSON.
    (aiohttp.ClientResponseError, ApiTrouble.FOREIGN),
    (ValueError, ApiTrouble.FOREIGN),
)


def _trouble(error: Exception) -> ApiTrouble:
    return next((trouble for kind, trouble in _TROUBLES if isinstance(error, kind)), ApiTrouble.ERROR)


def _reason(error: Exception) -> str:
    if trouble := tls_trouble(error):
        return trouble
    cause = getattr(error, "os_error", None) or error
    return getattr(cause, "strerror", None) or type(cause).__name__
