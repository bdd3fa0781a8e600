"""Addresses of cameras: names are looked up in threads of their own, bounded in number."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import threading
from itertools import chain, zip_longest

_MOST_LOOKUPS = 64
_MOST_ADDRESSES = 8

_Found = tuple[str, ...] | OSError | UnicodeError


class Resolver:
    """Looks up the host names of cameras.

    A name server that is away holds each thread for many seconds. Neither the other names of the service, which asyncio
    looks up in a few threads, nor its end wait behind that.
    """

    def __init__(self) -> None:
        self._under_way = 0

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Where to try, families by turns (RFC 8305 §4). Raises OSError (socket.gaierror) and UnicodeError."""
        if _is_address(host):
            return (host,)
        if self._under_way >= _MOST_LOOKUPS:
            raise socket.gaierror(socket.EAI_AGAIN, f"{_MOST_LOOKUPS} names are being looked up, without an answer yet")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Found] = loop.create_future()

        def tell(found: _Found) -> None:
            self._under_way -= 1
            if not answer.done():
                answer.set_result(found)

        def look_up() -> None:
            found = _look_up(host)
            with contextlib.suppress(RuntimeError):  # nobody waits any more: the loop has ended
                loop.call_soon_threadsafe(tell, found)

        try:
            threading.Thread(target=look_up, name="camera name", daemon=True).start()
        except RuntimeError as error:
            raise OSError(errno.EAGAIN, str(error)) from None
        self._under_way += 1
        found = await answer
        if isinstance(found, Exception):
            raise found
        return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _look_up(host: str) -> _Found:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return error
    # A scope of IPv6 is a part of the text.
    texts = list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))
    first = texts[0][0] if texts else socket.AF_INET
    same = [text for family, text in texts if family == first]
    others = [text for family, text in texts if family != first]
    turns = chain.from_iterable(zip_longest(same, others))
    return tuple(text for text in turns if text is not None)[:_MOST_ADDRESSES]
