"""Puts one key frame of a track together from its packets, as a decoder takes it: Annex B, or a JPEG file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from restream.domain.rtp.jpeg import jpeg_file
from restream.domain.rtp.key_frames import FIRST, KEY, LOOKS, PICTURE
from restream.domain.rtp.packet import HEADER_BYTES, Buffer, payload_bounds, read_header

MOST_BYTES = 4 << 20
"""A key frame of 4K is less; what is larger is none, or not worth its cost."""
START_CODE = b"\0\0\0\1"


class KeyFrameAssembly:
    """Takes the packets of one track in order until a whole key frame has come; begins anew where one is missing.

    `parameters`: parameter sets of the description, with start codes; a camera may send none in the stream.
    """

    def __init__(self, codec: str, payload_type: int, parameters: bytes = b"") -> None:
        """Raises ValueError for a codec that is not in `CODECS`."""
        if codec not in CODECS:
            raise ValueError(f"key frames of {codec} are not put together")
        self._look, self._units = LOOKS[codec], _UNITS.get(codec)
        self._payload_type, self._parameters = payload_type & 0x7F, parameters
        self._parts: list[bytes] = []
        self._size = 0
        self._next = self._timestamp = -1
        self._begun = self._has_picture = False

    def take(self, data: Buffer, begin: int, end: int) -> bytes | None:
        """One RTP packet, data[begin:end]. A key frame once the first packet behind it has come."""
        if end - begin < HEADER_BYTES:
            return None
        head, sequence, timestamp, _ = read_header(data, begin)
        bounds = payload_bounds(data, begin, end) if head >> 14 == 2 else None
        if bounds is None or head & 0x7F != self._payload_type or bounds[0] == bounds[1]:
            return None
        found = self._look(data, *bounds)
        if self._begun and sequence != self._next:
            self._forget()
        if self._has_picture and (timestamp != self._timestamp or found & FIRST):
            whole = self._whole()
            self._forget()
            if whole is not None:
                return whole
        if not self._begun and not found & KEY:
            return None
        self._begun, self._next, self._timestamp = True, (sequence + 1) & 0xFFFF, timestamp
        self._has_picture = self._has_picture or bool(found & PICTURE)
        payload = bytes(data[bounds[0] : bounds[1]])
        self._size += len(payload)
        if self._size > MOST_BYTES:
            self._forget()
        elif self._units is None:
            self._parts.append(payload)
        else:
            self._parts.extend(self._units(payload))
        return None

    def _forget(self) -> None:
        self._parts.clear()
        self._size, self._begun, self._has_picture = 0, False, False

    def _whole(self) -> bytes | None:
        return jpeg_file(self._parts) if self._units is None else self._parameters + b"".join(self._parts)


def _h264(payload: bytes) -> Iterator[bytes]:
    """RFC 6184: the units of a payload, with start codes; a later fragment continues the part before."""
    kind = payload[0] & 0x1F
    if kind in (28, 29):
        body = 2 if kind == 28 else 4
        if len(payload) > body:
            if payload[1] & 0x80:
                yield START_CODE + bytes((payload[0] & 0xE0 | payload[1] & 0x1F,))
            yield payload[body:]
    elif kind in (24, 25):
        yield from _each(payload, 1 if kind == 24 else 3)
    else:
        yield _unit(payload)


def _h265(payload: bytes) -> Iterator[bytes]:
    """RFC 7798, without DONL."""
    kind = payload[0] >> 1 & 0x3F
    if kind == 49:
        if len(payload) > 3:
            if payload[2] & 0x80:
                yield START_CODE + bytes((payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]))
            yield payload[3:]
    elif kind == 48:
        yield from _each(payload, 2)
    else:
        yield _unit(payload)


def _unit(unit: bytes) -> bytes:
    """Some cameras send start codes, which have no place in RTP."""
    return unit if unit.startswith((START_CODE, START_CODE[1:])) else START_CODE + unit


def _each(payload: bytes, at: int) -> Iterator[bytes]:
    """The units of an aggregate, as many as are whole."""
    while at + 2 < len(payload):
        stop = at + 2 + int.from_bytes(payload[at : at + 2], "big")
        if stop > len(payload) or stop == at + 2:
            return
        yield _unit(payload[at + 2 : stop])
        at = stop


_UNITS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {"h264": _h264, "hevc": _h265}
CODECS = frozenset({*_UNITS, "mjpeg"})
"""Of which key frames are put together."""
