"""What a camera sends over an RTSP connection (RFC 2326 and 7826): answers, requests of its own, interleaved frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Headers:
    """Headers of one message; names are lower case, a name may come several times.

    Values are Latin-1, which keeps every byte: what a digest covers must be what the camera sent.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)

    def get(self, name: str, default: str = "") -> str:
        """The first value of a name."""
        return next((value for key, value in self.pairs if key == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a name, in order."""
        return tuple(value for key, value in self.pairs if key == name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"Headers({self.pairs!r})"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; `protocol` is `RTSP/1.0` and its like, or `HTTP/…` when a web server answers."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    protocol: str = "RTSP/1.0"

    @property
    def status_line(self) -> str:
        """What the camera said in one line, as it said it."""
        return f"{self.protocol} {self.status} {self.reason}".rstrip()


@dataclass(frozen=True, slots=True)
class ServerRequest:
    """A request that the camera makes of us: OPTIONS, ANNOUNCE, REDIRECT, SET_PARAMETER …"""

    method: str
    uri: str
    headers: Headers
    body: bytes = b""


class InterleavedFrame(NamedTuple):
    """One binary frame inside the connection (RFC 2326 §10.12)."""

    channel: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What comes is no RTSP; nothing more is read. `begin`: its first bytes."""

    problem: str
    begin: bytes


Message = Response | ServerRequest | InterleavedFrame | Unreadable
"""Everything that can come."""
