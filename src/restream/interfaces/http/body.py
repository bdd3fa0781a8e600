"""Bodies of requests, within bounds of bytes and time."""

from __future__ import annotations

import asyncio

from aiohttp import web

_BODY_S = 10.0


async def bounded_body(request: web.Request, most_bytes: int, limit_s: float = _BODY_S) -> bytes:
    """The whole body. Raises HTTPRequestEntityTooLarge, HTTPRequestTimeout."""
    body = bytearray()
    try:
        async with asyncio.timeout(limit_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most_bytes:
                    reason = f"the body is larger than {most_bytes >> 20} MiB"
                    raise web.HTTPRequestEntityTooLarge(most_bytes, len(body), reason=reason)
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason=f"the body did not come within {limit_s:g} s") from None
    return bytes(body)
