"""Large answers, made and compressed once for everybody who asks the same of the same version."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from aiohttp.hdrs import ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, VARY

from restream.interfaces.http.answer import WORTH_COMPRESSING_BYTES, unchanged
from restream.interfaces.http.rights import caller_of, version_for

# Pages of an operators' room ask a few different questions, again and again.
_MOST_QUESTIONS = 8
# At 5,000 cameras level 6 takes more than twice the time for a fifth less (bench cycle, "all, gzip").
_GZIP_LEVEL = 3


@dataclass(slots=True)
class _Kept:
    etag: str
    body: bytes
    headers: Mapping[str, str]
    packing: asyncio.Task[bytes] | None = None

    async def packed(self) -> bytes:
        """Compressed by the first who asks, in a thread."""
        if self.packing is None:
            self.packing = asyncio.create_task(asyncio.to_thread(gzip.compress, self.body, _GZIP_LEVEL, mtime=0))
        # Whoever leaves does not take it from the others.
        return await asyncio.shield(self.packing)


class AnswerCache:
    """JSON answers by what was asked; of each the newest version."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    async def answer(
        self, request: web.Request, version: str, make: Callable[[], tuple[bytes, Mapping[str, str]]]
    ) -> web.Response:
        """The answer to a request, of this version; `make` gives body and headers where they are not known yet, and
        depends on nothing but the question and the caller's sites.

        Raises what `make` raises.
        """
        caller = caller_of(request)
        etag, question = f'W/"{version_for(caller, version)}"', version_for(caller, request.raw_path)
        kept = self._kept.pop(question, None)
        if kept is None or kept.etag != etag:
            kept = _Kept(etag, *make())
        self._kept[question] = kept
        while len(self._kept) > _MOST_QUESTIONS:
            del self._kept[next(iter(self._kept))]
        if (same := unchanged(request, etag)) is not None:
            return same
        headers = {**kept.headers, ETAG: etag, "Cache-Control": "no-cache", VARY: ACCEPT_ENCODING}
        body = kept.body
        if len(body) > WORTH_COMPRESSING_BYTES and "gzip" in request.headers.get(ACCEPT_ENCODING, "").lower():
            body = await kept.packed()
            headers[CONTENT_ENCODING] = "gzip"
        return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
