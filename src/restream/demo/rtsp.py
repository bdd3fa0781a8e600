"""RTSP 1.0 as spoken by IP cameras and media servers: parsing and answering (RFC 2326).

Pure but for `RtspConnection` at the end, the thin shell that both demo servers build on. Input is untrusted,
therefore bounded.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

MAX_HEADER_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024
MAX_UNREAD_BYTES = 4 * 1024 * 1024

REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    551: "Option Not Supported",
}

_TOKEN = re.compile(r"[A-Z_]{1,32}")
_TRACK = re.compile(r"(?:streamid|trackid)=(\d{1,3})/?$", re.IGNORECASE)


class RtspError(Exception):
    """The peer does not speak RTSP, or asks for more than we are willing to hold."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Path without its leading slash and without the query, percent-decoded."""
        return unquote(_split(self.uri)[0]).strip("/")

    @property
    def query(self) -> str:
        """What follows the question mark, as it was sent."""
        return _split(self.uri)[1]

    @property
    def track(self) -> int | None:
        """Number of the track a SETUP asks for, as our SDPs name them (`streamid=N`)."""
        found = _TRACK.search(self.uri)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Frame:
    """One interleaved binary frame (RFC 2326 §10.12)."""

    channel: int
    payload: bytes


class Parser:
    """Incremental: however the bytes are cut, the same requests and frames come out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Request | Frame]:
        """Yield what is complete; raise `RtspError` after the last good item when the rest is unacceptable."""
        buffer = self._buffer
        buffer += data
        while True:
            while buffer and buffer[0] in b"\r\n":  # stray line ends between messages are tolerated
                del buffer[0]
            item = self._next_frame() if buffer[:1] == b"$" else self._next_request()
            if item is None:
                return
            yield item

    def _next_frame(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 4:
            return None
        end = 4 + (buffer[2] << 8 | buffer[3])
        if len(buffer) < end:
            return None
        frame = Frame(buffer[1], bytes(buffer[4:end]))
        del buffer[:end]
        return frame

    def _next_request(self) -> Request | None:
        buffer = self._buffer
        if not buffer:
            return None
        if not 0x41 <= buffer[0] <= 0x5A:
            raise RtspError("not an RTSP request")
        end = buffer.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES)
        if end < 0:
            if len(buffer) >= MAX_HEADER_BYTES:
                raise RtspError("header block too long")
            return None
        method, uri, headers = _parse_head(bytes(buffer[:end]))
        length = headers.get("content-length", "0").strip()
        if not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= MAX_BODY_BYTES):
            raise RtspError("bad or excessive content length")
        total = end + 4 + int(length)
        if len(buffer) < total:
            return None
        body = bytes(buffer[end + 4 : total])
        del buffer[:total]
        return Request(method, uri, headers, body)


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    lines = head.decode("utf-8", "replace").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]) or parts[2] != "RTSP/1.0":
        raise RtspError("not an RTSP request line")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise RtspError("not a header line")
        headers[name.strip().lower()] = value.strip()
    return parts[0], parts[1], headers


def _split(uri: str) -> tuple[str, str]:
    # By hand: camera URLs carry queries and brackets that urlsplit refuses.
    rest = uri.partition("://")[2] or uri
    path, _, query = rest.partition("/")[2].partition("?")
    return path, query


def response(
    request: Request, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"", reason: str = ""
) -> bytes:
    """Serialise an answer; CSeq is echoed, the usual reason phrase is taken where none is given."""
    lines = [f"RTSP/1.0 {status} {reason or REASONS.get(status, '')}", f"CSeq: {request.headers.get('cseq', '0')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class RtspConnection(asyncio.Protocol):
    """One client's connection: feeds the parser, hands on what comes out, closes on what is not RTSP."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._parser = Parser()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)  # always one for TCP; uvloop's is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell those who wait for `lost`."""
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        """Hand over whole requests and frames; what is no RTSP ends the connection."""
        try:
            for item in self._parser.feed(data):
                if self.transport.is_closing():
                    return
                if isinstance(item, Frame):
                    self.on_frame(item)
                else:
                    self.on_request(item)
        except RtspError:
            self.transport.abort()

    def reply(self, request: Request, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """Send an answer."""
        self.write_answer(response(request, status, (headers or {}).items(), body))

    def write_answer(self, data: bytes) -> None:
        """Send the bytes of an answer; a client that never reads them is cut off."""
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:  # asks and asks, never reads
            self.transport.abort()
        elif not self.transport.is_closing():
            self.transport.write(data)

    def on_request(self, request: Request) -> None:
        """A request has come."""
        raise NotImplementedError

    def on_frame(self, frame: Frame) -> None:
        """A reader's frames are receiver reports, of no interest."""
