"""The directory: where a media server that fetches cameras itself is told where each of them is, or why it must wait.

Whoever asks DESCRIBE for a place (`server/path`) gets `302` with the camera's URL, once for each time that the place
was opened: the media server tries again by itself, at its own pace, and each try may be a login that is refused. All
else is answered `503` with a reason, which then stands in the media server's log.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from restream.domain.camera.secret import Secret
from restream.domain.rtsp.message_reader import MessageReader
from restream.domain.rtsp.messages import ServerRequest
from restream.domain.rtsp.request import encode_answer
from restream.domain.rtsp.url import parse_url
from restream.domain.rtsp.words import readable

MOST_REQUESTS = 16
"""Of one connection: MediaMTX asks OPTIONS and DESCRIBE, and goes."""
_LONGEST_NUMBER = 10
_METHODS = "OPTIONS, DESCRIBE"


class Referral(NamedTuple):
    """Where the camera is, with its login."""

    url: Secret


class Withheld(NamedTuple):
    """An answer that leads nowhere; `reason` may be read by anybody."""

    status: int
    reason: str


Direction = Referral | Withheld
"""What is answered to a DESCRIBE."""

_UNKNOWN = Withheld(404, "nothing of this name is fetched")


@dataclass(slots=True)
class _Entry:
    url: Secret | None
    asked: Callable[[], None]
    given: bool = False


class Directory:
    """The places that are open now, with the URL of each camera.

    `why` tells of a place that is not open why it is so; empty where nobody knows it. With a `token` the first segment
    of what is asked for must be that.
    """

    def __init__(self, token: Secret | None = None, why: Callable[[str], str] = lambda _: "") -> None:
        self._token = token
        self._why = why
        self._entries: dict[str, _Entry] = {}

    @property
    def places(self) -> frozenset[str]:
        """Those that are open."""
        return frozenset(self._entries)

    def open(self, place: str, url: Secret | None, asked: Callable[[], None]) -> None:
        """From now on the next who asks for the place is sent to the camera. `asked` is called at every question.

        Without a URL nobody is sent anywhere: it is to be known whether the media server asks at all.
        """
        self._entries[place] = _Entry(url, asked)

    def close(self, place: str) -> None:
        """Nobody is sent there any more."""
        self._entries.pop(place, None)

    def find(self, target: str) -> Direction:
        """What a DESCRIBE of a URL is answered. Never raises."""
        parts = parse_url(target)
        place = parts[0].rest.partition("?")[0].strip("/") if parts else ""
        if self._token is not None:
            said, _, place = place.partition("/")
            if not hmac.compare_digest(said.encode(), self._token.reveal().encode()):
                return _UNKNOWN
        entry = self._entries.get(place)
        if entry is None:
            why = self._why(place)
            return Withheld(503, why) if why else _UNKNOWN
        direction: Direction = Withheld(503, "it is not its turn: this start has been tried, or is still under way")
        if not entry.given and entry.url is not None:
            entry.given, direction = True, Referral(entry.url)
        entry.asked()
        return direction


class DirectoryTalk:
    """One connection of somebody who asks, without I/O: bytes in; bytes out, until it `is_over`."""

    def __init__(self, find: Callable[[str], Direction]) -> None:
        self._find = find
        self._reader = MessageReader()
        self._out = bytearray()
        self._requests = 0
        self.is_over = False
        """Nothing more is answered: send what is left, and close the connection."""

    def receive(self, data: bytes) -> None:
        """Bytes have come. Never raises."""
        self._reader.receive(data)
        while not self.is_over and (message := self._reader.next_message()) is not None:
            self._requests += 1
            if isinstance(message, ServerRequest):
                self._answer(message)
            else:
                self._say(400, "Bad Request", "")
                self.is_over = True
            self.is_over = self.is_over or self._requests >= MOST_REQUESTS

    def data_to_send(self) -> bytes:
        """Bytes for the connection, once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def _answer(self, request: ServerRequest) -> None:
        number = request.headers.get("cseq")
        if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
            self._say(400, "Bad Request", "")
            self.is_over = True
        elif request.method == "OPTIONS":
            self._say(200, "OK", number, ("Public", _METHODS))
        elif request.method != "DESCRIBE":
            self._say(405, "Method Not Allowed", number, ("Allow", _METHODS))
        else:
            self._direct(self._find(request.uri), number)

    def _direct(self, direction: Direction, number: str) -> None:
        if isinstance(direction, Referral):
            self._say(302, "Found", number, ("Location", direction.url.reveal()))
        else:
            # A status line of MediaMTX's log: readable everywhere, and without a second line.
            text = readable(direction.reason).encode("ascii", "replace").decode()
            self._say(direction.status, text, number)

    def _say(self, status: int, reason: str, number: str, *headers: tuple[str, str]) -> None:
        numbered = (("CSeq", number),) if number else ()
        self._out += encode_answer(status, reason, (*numbered, *headers))
