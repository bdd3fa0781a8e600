"""Reading answers over HTTP: no more of a body than is wanted, however much the other side sends."""

from __future__ import annotations

import aiohttp


class BodyTooLargeError(Exception):
    """The body is longer than its limit; `beginning` is what had come by then, cut at the limit."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__("its answer is too large")
        self.beginning = beginning


async def read_body(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    """The whole body, `limit_bytes` at most. Raises BodyTooLargeError, and what aiohttp raises while it reads.

    Only the session's timeout bounds the time. The session should not unpack (`auto_decompress=False`): a few packed
    bytes can become gigabytes before they are counted here.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit_bytes:
            raise BodyTooLargeError(bytes(body[:limit_bytes]))
    return bytes(body)
