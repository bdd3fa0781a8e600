"""MediaMTX over its control API, and over RTSP when the API is switched off (as it is by default)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from urllib.parse import urlsplit

import aiohttp

from restream.domain.secret import Secret
from restream.ports import ServerStatus

_TIMEOUT_S = 4.5  # MediaMTX answers wrong credentials with 401 only after up to 4 s
_MAX_ANSWER_BYTES = 1 << 16


class MediamtxServer:
    """One MediaMTX. `api_url` like http://127.0.0.1:9997, `rtsp_url` like rtsp://127.0.0.1:8554."""

    def __init__(self, api_url: str, rtsp_url: str, *, user: str | None = None, password: Secret | None = None) -> None:
        self._api_url = api_url
        self._rtsp = urlsplit(rtsp_url)
        self._auth = aiohttp.BasicAuth(user, password.reveal() if password else "") if user else None
        self._session: aiohttp.ClientSession | None = None

    async def check(self) -> ServerStatus:
        problem = ""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._info()
        except _ApiError as error:
            problem = str(error)
        except TimeoutError:
            problem = f"no answer within {_TIMEOUT_S:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            problem = _reason(error)
        answers = await self._rtsp_answers()
        if answers:
            return ServerStatus(True, f"RTSP answers; the control API at {self._api_url} does not ({problem})")
        return ServerStatus(False, f"neither {self._api_url} ({problem}) nor {self._rtsp.geturl()} answers")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _info(self) -> ServerStatus:
        status, document = await self._get("/v3/info")
        if status == 404:
            # Before 1.15.2 there is no /v3/info.
            status, document = await self._get("/v3/paths/list?itemsPerPage=1")
        if status in (401, 403):
            raise _ApiError("it refuses the user: set mediamtx.api_user and api_password")
        if status != 200:
            raise _ApiError(f"HTTP {status}")
        version, started = document.get("version"), document.get("started")
        version = version if isinstance(version, str) else None
        name = "stand-in for MediaMTX (demo and test double)" if version == "stand-in" else f"MediaMTX {version or ''}"
        return ServerStatus(True, name.strip(), version, started if isinstance(started, str) else None)

    async def _get(self, path: str) -> tuple[int, dict[str, object]]:
        if self._session is None:
            self._session = aiohttp.ClientSession(auth=self._auth)
        async with self._session.get(self._api_url + path, allow_redirects=False) as response:
            body = await response.content.read(_MAX_ANSWER_BYTES)
            document = json.loads(body) if response.status == 200 else {}
            return response.status, document if isinstance(document, dict) else {}

    async def _rtsp_answers(self) -> bool:
        """Whether something at the publish address speaks RTSP."""
        host, port = self._rtsp.hostname or "", self._rtsp.port or (322 if self._rtsp.scheme == "rtsps" else 554)
        context = None
        if self._rtsp.scheme == "rtsps":
            # Only presence is asked for here; ffmpeg does not verify publishers' servers either.
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            async with asyncio.timeout(_TIMEOUT_S):
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
    pass


def _reason(error: Exception) -> str:
    cause = getattr(error, "os_error", None) or error
    return getattr(cause, "strerror", None) or type(cause).__name__
