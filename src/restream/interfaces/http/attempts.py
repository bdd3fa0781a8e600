"""How often one client may be wrong about a token or a password."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

# Ten wrong tokens a minute from one client: a typist is never stopped, a dictionary is.
_MOST_FAILURES = 10
_WINDOW_S = 60.0
_MOST_CLIENTS = 1000

Network = IPv4Network | IPv6Network


class Attempts:
    """Counts different wrong tokens per client: a program that repeats its old one learns nothing, locks nobody out."""

    def __init__(self, most: int = _MOST_FAILURES) -> None:
        self._most = most
        self._failures: OrderedDict[str, dict[bytes, float]] = OrderedDict()

    def exhausted(self, client: str) -> bool:
        """Whether this client has to wait, whatever it sends: else each try would still tell right from wrong."""
        since = time.monotonic() - _WINDOW_S
        recent = {token: at for token, at in self._failures.get(client, {}).items() if at > since}
        if recent:
            self._failures[client] = recent
        else:
            self._failures.pop(client, None)
        return len(recent) >= self._most

    def judge(self, client: str, token: str, right: bool) -> bool:
        """One try: `right`, unless the client has to wait."""
        if self.exhausted(client):
            return False
        if not right:
            known = _digest(token)
            self._failures.setdefault(client, {})[known] = time.monotonic()
            while len(self._failures) > _MOST_CLIENTS:
                self._failures.popitem(last=False)
        return right

    def forgive(self, client: str, token: str) -> None:
        """What was counted before it was known turned out to be right."""
        self._failures.get(client, {}).pop(_digest(token), None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def client_of(request: web.Request, proxies: Collection[Network] = ()) -> str:
    """Who asks: an IPv4 address, or the /64 of an IPv6 one, since its owner has all of them.

    `X-Forwarded-For` is believed from the networks in `proxies` alone: the last entry that is none of them.
    """
    client = _address(request.remote or "")
    if any(client in proxy for proxy in proxies):
        told = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        for text in reversed(told):
            found = _address(text.strip())
            if found is None:
                break
            client = found
            if not any(client in proxy for proxy in proxies):
                break
    if isinstance(client, IPv6Address):
        return str(ip_network((client, 64), strict=False))
    return str(client)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
