"""Another node of the same cameras, asked over HTTP for what only it knows, or can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

import aiohttp
from yarl import URL

from restream.adapters.bounded_body import BodyTooLargeError, read_body
from restream.adapters.network_errors import reason
from restream.ports.nodes import NodeAnswer, NodeError

PASSED_ON = "X-Restream-Node"
"""Names the node that asks: what carries it is answered, never passed on again."""

_TIMEOUT_S = 4.0
_STILL_TIMEOUT_S = 20.0
_MOST_BYTES = 2 * 1024 * 1024
_MOST_CALLS = 16


class HttpNodes:
    """`cookies` are what opens the others' doors; they are made anew for each call, and last as long as it."""

    def __init__(self, me: str, cookies: Callable[[], Mapping[str, str]]) -> None:
        self._me = me
        self._cookies = cookies
        self._session: aiohttp.ClientSession | None = None

    async def get(self, page: str, camera_id: str, what: str = "") -> NodeAnswer:
        """Raises NodeError."""
        return await self._ask("GET", page, _of_camera(camera_id, what))

    async def post(self, page: str, camera_id: str, action: str) -> NodeAnswer:
        """Raises NodeError."""
        return await self._ask("POST", page, _of_camera(camera_id, action))

    async def act(self, page: str, asked: bytes) -> NodeAnswer:
        """Raises NodeError."""
        return await self._ask("POST", page, "api/actions", asked)

    async def _ask(self, method: str, page: str, path: str, body: bytes | None = None) -> NodeAnswer:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_MOST_CALLS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        limit_s = _STILL_TIMEOUT_S if path.endswith(".jpg") else _TIMEOUT_S
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies().items())
        headers = {PASSED_ON: quote(self._me), "Accept-Encoding": "identity", **({"Cookie": cookie} if cookie else {})}
        try:
            async with self._session.request(
                method,
                # As it was quoted: a camera's id may hold a slash.
                URL(f"{page.rstrip('/')}/{path}", encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=limit_s),
            ) as response:
                return NodeAnswer(response.status, await read_body(response, _MOST_BYTES))
        except BodyTooLargeError as error:
            raise NodeError(str(error)) from None
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise NodeError(reason(error, limit_s)) from None

    async def close(self) -> None:
        """Never raises."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _of_camera(camera_id: str, what: str) -> str:
    return "/".join(["api/cameras", quote(camera_id, safe=""), *([what] if what else [])])
