"""By which names the service lets itself be called.

A page of another site can give its own name the address 127.0.0.1 (DNS rebinding), and then is "of the same origin".
Its name still stands in the Host header, which no page can choose.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Middleware

from restream.interfaces.http.auth import Handler

_HOST = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:]*))(?::\d*)?")


def named(hosts: Collection[str] | None) -> Middleware:
    """Middleware that answers 421 to a Host that is neither in `hosts` nor this machine itself; None admits any."""
    known = None if hosts is None else frozenset(host.lower().rstrip(".") for host in hosts)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        # Only HTTP/1.0 has no Host, and no browser speaks that.
        host = request.headers.get("Host")
        if known is None or host is None or _is_known(host, known):
            return await handler(request)
        text = "this name is unknown here: use localhost, or list it in http.allowed_hosts"
        return web.json_response({"error": text}, status=421)

    return middleware


def _is_known(host: str, known: Collection[str]) -> bool:
    match = _HOST.fullmatch(host.strip())
    if match is None:
        return False
    name = (match["v6"] or match["name"] or "").lower().rstrip(".")
    if name in known or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
