"""The operators' page: static files of our own, and what browsers are told about them."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).resolve().parents[1] / "static"
# What is not in this table is not served, however it is spelt.
FILES = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}
# Players are frames of the media server, wherever that is; everything else comes from here.
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; frame-src *; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Files change with the service; asking each time costs a 304.
    "Cache-Control": "no-cache",
}


def routes() -> list[web.AbstractRouteDef]:
    return [web.get("/", _page), web.get("/static/{file:.+}", _file)]


async def _page(_: web.Request) -> web.StreamResponse:
    return web.FileResponse(STATIC / "index.html", headers=_HEADERS)


async def _file(request: web.Request) -> web.StreamResponse:
    path = FILES.get(request.match_info["file"])
    if path is None:
        raise web.HTTPNotFound(reason="there is no such file")
    return web.FileResponse(path, headers=_HEADERS)
