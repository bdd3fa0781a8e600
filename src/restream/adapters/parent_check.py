"""Asks a switch, a recorder or a link whether it is there: by a connection, or by HTTP."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp

from restream.adapters.network_errors import reason
from restream.domain.news.parents import ParentCheck

_TIMEOUT_S = 3.0


async def parent_answers(check: ParentCheck) -> str:
    """One question, at most 3 s: what went wrong, one line; empty: it is there. Any answer will do."""
    try:
        if check.http:
            await _ask(check.http)
        else:
            await _connect(check.tcp)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        return reason(error, _TIMEOUT_S)
    return ""


async def _connect(place: str) -> None:
    host, _, port = place.rpartition(":")
    async with asyncio.timeout(_TIMEOUT_S):
        _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_TIMEOUT_S):
            await writer.wait_closed()


async def _ask(url: str) -> None:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    # Whose certificate it has matters to nobody: nothing is told to it. Where it leads neither.
    connector = aiohttp.TCPConnector(ssl=False)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(url, allow_redirects=False),
    ):
        pass
