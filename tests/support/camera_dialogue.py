"""Talking RTSP to a simulated camera without a socket: what is sent comes back at once."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import Any

from restream.demo.camera_session import CameraSession
from restream.demo.cameras import SimulatedCamera

URI = "rtsp://camera.test/stream"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer; `closed`: the camera closed the connection with it."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    closed: bool

    def header(self, name: str) -> str | None:
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)

    @property
    def challenges(self) -> list[str]:
        return [value for name, value in self.headers if name == "WWW-Authenticate"]


class _Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 554), "peername": ("127.0.0.1", 40000)})
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0


class Dialogue:
    """One connection to a camera, which need not listen. Credentials are sent where they are given."""

    def __init__(self, camera: SimulatedCamera) -> None:
        self._wire = _Wire()
        self.session = CameraSession(camera)
        self.session.connection_made(self._wire)

    def raw(self, method: str, track: int | None = None, **headers: str) -> bytes:
        """The bytes that come back."""
        self._wire.written = b""
        if method == "SETUP":
            headers.setdefault("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
        uri = URI if track is None else f"{URI}/streamid={track}"
        lines = [f"{method} {uri} RTSP/1.0", "CSeq: 7", *(f"{name}: {value}" for name, value in headers.items())]
        self.session.data_received(("\r\n".join(lines) + "\r\n\r\n").encode())
        return self._wire.written

    def ask(self, method: str, track: int | None = None, **headers: str) -> Answered:
        """The answer, of which the camera's media after it is cut off."""
        head, _, rest = self.raw(method, track, **headers).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        _, status, reason = first.split(" ", 2)
        pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        length = int(dict(pairs).get("Content-Length", 0))
        assert dict(pairs)["CSeq"] == "7"
        return Answered(int(status), reason, pairs, rest[:length], self._wire.closed)

    @property
    def closed(self) -> bool:
        return self._wire.closed

    def leave(self) -> None:
        """The client closes the connection."""
        self.session.connection_lost(None)


def digest(challenge: str, method: str, login: str, password: str, *, uri: str = URI) -> str:
    """`Authorization` for a Digest challenge, computed anew from RFC 7616."""
    fields = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', challenge)}
    name = {"MD5": "md5", "SHA-256": "sha256"}[fields["algorithm"]]

    def hashed(text: str) -> str:
        return hashlib.new(name, text.encode()).hexdigest()

    middle = fields["nonce"] + (":00000001:abc:auth" if "qop" in fields else "")
    secret, what = hashed(f"{login}:{fields['realm']}:{password}"), hashed(f"{method}:{uri}")
    given = {"username": login, "uri": uri, "response": hashed(f"{secret}:{middle}:{what}")}
    text = ", ".join(f'{name}="{value}"' for name, value in ({**fields, **given}).items() if name != "stale")
    return f"Digest {text}" + (", nc=00000001, cnonce=abc" if "qop" in fields else "")
