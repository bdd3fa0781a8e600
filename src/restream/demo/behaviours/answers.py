"""Behaviours of the dialogue: what is answered to which request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from restream.demo.behaviours.behaviour import METHODS, Behaviour, CameraReply, Visit
from restream.demo.delivery import parse_transport
from restream.demo.rtsp import Request

BUT_OPTIONS = METHODS[1:]


@dataclass(frozen=True, slots=True)
class AnswersWith(Behaviour):
    """Any status and reason phrase, at once; `at` no method: at all of them. `track` narrows SETUP to one track."""

    status: int
    at: tuple[str, ...] = ()
    reason: str = ""
    track: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    closes: bool = False

    def answer(self, request: Request, visit: Visit) -> CameraReply | None:
        """The status at its stage."""
        if not _is_at(self.at, request) or self.track not in (None, request.track):
            return None
        return CameraReply(self.status, self.headers, self.body, self.reason, self.closes)


@dataclass(frozen=True, slots=True)
class AnswersRaw(Behaviour):
    """Bytes that are no answer; none: the request is left hanging."""

    data: bytes = b""
    at: tuple[str, ...] = ()

    def answer(self, request: Request, visit: Visit) -> bytes | None:
        """The bytes at their stage."""
        return self.data if _is_at(self.at, request) else None


@dataclass(frozen=True, slots=True)
class Redirects(Behaviour):
    """Sends clients elsewhere; `{uri}` in the location is what they asked for: a loop."""

    location: str
    status: int = 302
    at: tuple[str, ...] = ("DESCRIBE",)

    def answer(self, request: Request, visit: Visit) -> CameraReply | None:
        """A status with a Location."""
        if not _is_at(self.at, request):
            return None
        return CameraReply(self.status, (("Location", self.location.replace("{uri}", request.uri)),))


@dataclass(frozen=True, slots=True)
class RefusesTransport(Behaviour):
    """461 for media over TCP, or over UDP."""

    refused: Literal["tcp", "udp"]

    def answer(self, request: Request, visit: Visit) -> CameraReply | None:
        """461 at SETUP."""
        offer = parse_transport(request.headers.get("transport", "")) if request.method == "SETUP" else None
        if offer is None or bool(offer.channels) != (self.refused == "tcp"):
            return None
        return CameraReply(461)


@dataclass(frozen=True, slots=True)
class SetsHeader(Behaviour):
    """One header of successful answers is another, or missing (None)."""

    name: str
    value: str | None
    at: tuple[str, ...] = ()

    def edit(self, request: Request, reply: CameraReply) -> CameraReply:
        """The answer with the header as wanted."""
        if not _is_at(self.at, request) or reply.status != 200:
            return reply
        return reply.with_header(self.name, self.value)


@dataclass(frozen=True, slots=True)
class KnowsOnly(Behaviour):
    """Methods that are offered by OPTIONS and understood; any other is answered 501."""

    methods: tuple[str, ...]

    def answer(self, request: Request, visit: Visit) -> CameraReply | None:
        """501 for what is not understood."""
        return None if request.method in self.methods else CameraReply(501)

    def edit(self, request: Request, reply: CameraReply) -> CameraReply:
        """OPTIONS names the methods."""
        return reply.with_header("Public", ", ".join(self.methods)) if request.method == "OPTIONS" else reply


def _is_at(methods: Sequence[str], request: Request) -> bool:
    return not methods or request.method in methods
