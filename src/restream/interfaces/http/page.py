"""The operators' page: static files of our own, and what browsers are told about them."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web
from aiohttp.hdrs import ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, VARY

from restream.interfaces.http.answer import WORTH_COMPRESSING_BYTES, unchanged

STATIC = Path(__file__).resolve().parents[1] / "static"
# What is not in this table is not served, however it is spelt.
FILES = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}
# Players are frames of the media server, wherever that is, and the wall plays from those that are known here;
# everything else comes from here.
_POLICY = (
    "default-src 'self'; connect-src 'self'{players}; media-src 'self' blob:{players}; img-src 'self' data: blob:; "
    "frame-src *; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Files change with the service; asking each time costs a 304.
    "Cache-Control": "no-cache",
    VARY: ACCEPT_ENCODING,
}


@dataclass(frozen=True, slots=True)
class _Asset:
    """A file as it is sent; `packed` is empty where compressing it is not worth while."""

    body: bytes
    packed: bytes
    etag: str
    content_type: str

    def answer(self, request: web.Request) -> web.Response:
        """The file, or 304."""
        headers = {**_HEADERS, ETAG: self.etag}
        if (same := unchanged(request, self.etag)) is not None:
            same.headers.update(headers)
            return same
        if self.packed and "gzip" in request.headers.get(ACCEPT_ENCODING, "").lower():
            return web.Response(
                body=self.packed, content_type=self.content_type, headers={**headers, CONTENT_ENCODING: "gzip"}
            )
        return web.Response(body=self.body, content_type=self.content_type, headers=headers)


@cache
def _asset(name: str) -> _Asset:
    """Read and compressed once; the files are those of this version of the service."""
    body = FILES[name].read_bytes()
    packed = gzip.compress(body, mtime=0) if len(body) > WORTH_COMPRESSING_BYTES else b""
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
    kind, _ = mimetypes.guess_type(name)
    return _Asset(body, packed if len(packed) < len(body) else b"", etag, kind or "application/octet-stream")


def routes(players: Callable[[], Iterable[str]] = tuple) -> list[web.AbstractRouteDef]:
    """`players`: addresses at which media servers are watched by HLS and WebRTC."""

    def answer(name: str, request: web.Request) -> web.Response:
        response = _asset(name).answer(request)
        response.headers["Content-Security-Policy"] = policy(players())
        return response

    async def page(request: web.Request) -> web.StreamResponse:
        return answer("index.html", request)

    async def file(request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"]
        if name not in FILES:
            raise web.HTTPNotFound(reason="there is no such file")
        return answer(name, request)

    return [web.get("/", page), web.get("/static/{file:.+}", file)]


def policy(players: Iterable[str]) -> str:
    """What the page may reach, where media servers are watched at these addresses."""
    origins = sorted({*filter(None, map(_origin, players))})
    return _POLICY.format(players="".join(f" {origin}" for origin in origins))


def _origin(address: str) -> str:
    """As a policy names it; empty: it is no web address, or holds what a policy would read otherwise."""
    scheme, _, rest = address.partition("://")
    place = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    plain = scheme in ("http", "https") and re.fullmatch(r"[\w.:\[\]-]+", place, re.ASCII)
    return f"{scheme}://{place}" if plain else ""
