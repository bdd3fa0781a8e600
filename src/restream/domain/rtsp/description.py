"""Session descriptions (SDP, RFC 4566 and 8866) as cameras write them. Bounded, and no bytes raise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

MAX_DESCRIPTION_BYTES = 64 * 1024
"""What lies behind is not read."""
MAX_MEDIA = 64
"""Media of one description; recorders with more channels describe each on its own."""
MAX_PAYLOAD_TYPES = 128
"""Of one medium: there are no more."""


class Direction(StrEnum):
    """`a=recvonly` and its like. Whose direction it is differs, see `tracks.py`."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class PayloadFormat:
    """What one payload type means."""

    payload_type: int
    encoding: str = ""
    """Capitals, as in the registry of RTP payload formats; empty: the description does not tell."""
    clock_rate_hz: int = 0
    channels: int | None = None
    """Of audio; None: not told, which means 1."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Of `a=fmtp`, names in lower case."""


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One `m=` section."""

    kind: str
    """`video`, `audio`, `application` …"""
    port: int = 0
    protocol: str = ""
    formats: tuple[PayloadFormat, ...] = ()
    """In the order of the payload types of the `m=` line."""
    mapped: tuple[PayloadFormat, ...] = ()
    """In the order of the `a=rtpmap` lines; without the parameters of `a=fmtp`."""
    control: str = ""
    direction: Direction | None = None
    """Its own, else that of the session; None: neither has one."""
    frame_rate: float | None = None
    size: tuple[int, int] | None = None
    """Width and height in pixels where an attribute tells them."""
    bandwidth_bps: int | None = None


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """One description."""

    media: tuple[MediaDescription, ...] = ()
    control: str = ""
    range: str = ""
    """`a=range`: `npt=now-` of a live source, `npt=0-60` of a recording."""


STATIC_FORMATS: Mapping[int, tuple[str, int, int | None]] = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    5: ("DVI4", 8000, 1),
    6: ("DVI4", 16000, 1),
    7: ("LPC", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    12: ("QCELP", 8000, 1),
    13: ("CN", 8000, 1),
    14: ("MPA", 90000, None),
    15: ("G728", 8000, 1),
    16: ("DVI4", 11025, 1),
    17: ("DVI4", 22050, 1),
    18: ("G729", 8000, 1),
    25: ("CELB", 90000, None),
    26: ("JPEG", 90000, None),
    28: ("NV", 90000, None),
    31: ("H261", 90000, None),
    32: ("MPV", 90000, None),
    33: ("MP2T", 90000, None),
    34: ("H263", 90000, None),
}
"""RFC 3551 §6: encoding, clock rate in Hz, channels."""

_DIRECTIONS = {each.value: each for each in Direction}
_LINE_END = re.compile(r"[\r\n]+")
_RTPMAP = re.compile(r"(\d{1,3})\s+([^/\s]+)\s*(?:/\s*(\d{1,9}))?(?:\s*/\s*(\d{1,2}))?")
_FMTP = re.compile(r"(\d{1,3})\s+(.*)")
_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,9})?")
_SIZE = re.compile(r"(?:\d{1,3}\s+)?(\d{1,5})\s*[-,x]\s*(\d{1,5})")
_BANDWIDTH = re.compile(r"(AS|TIAS)\s*:\s*(\d{1,10})")


@dataclass(slots=True)
class _Section:
    """Lines of one section, gathered; of what is said twice the first counts."""

    media_line: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    rtpmaps: dict[int, PayloadFormat] = field(default_factory=dict)
    parameters: dict[int, dict[str, str]] = field(default_factory=dict)
    direction: Direction | None = None
    bandwidth_bps: int | None = None

    def add(self, kind: str, value: str) -> None:
        if kind == "b" and (match := _BANDWIDTH.match(value)) and self.bandwidth_bps is None:
            self.bandwidth_bps = int(match[2]) * (1000 if match[1] == "AS" else 1)
        elif kind == "a":
            name, _, text = value.partition(":")
            self._attribute(name.strip().lower(), text.strip())

    def _attribute(self, name: str, text: str) -> None:
        if name == "rtpmap":
            if match := _RTPMAP.match(text):
                number, encoding, rate, channels = match.groups()
                found = PayloadFormat(
                    int(number), encoding.upper(), int(rate or 0), int(channels) if channels else None
                )
                self.rtpmaps.setdefault(found.payload_type, found)
        elif name == "fmtp":
            if match := _FMTP.match(text):
                known = self.parameters.setdefault(int(match[1]), {})
                for pair in match[2].split(";"):
                    key, _, value = pair.partition("=")
                    if key.strip():
                        known.setdefault(key.strip().lower(), value.strip())
        elif name in _DIRECTIONS:
            self.direction = self.direction or _DIRECTIONS[name]
        else:
            self.attributes.setdefault(name, text)


def read_description(body: bytes) -> SessionDescription | None:
    """Read what a DESCRIBE was answered with; None: not one line of it is of a description."""
    text = body[:MAX_DESCRIPTION_BYTES].replace(b"\0", b"").decode("latin-1")
    session, sections = _Section(), list[_Section]()
    lines = 0
    for line in _LINE_END.split(text):
        kind, equals, value = line.strip().partition("=")
        if not equals or len(kind) != 1:
            continue
        lines += 1
        if kind == "m":
            if len(sections) == MAX_MEDIA:
                break
            sections.append(_Section(media_line=value))
        else:
            (sections[-1] if sections else session).add(kind, value.strip())
    if not lines:
        return None
    # Some cameras write the parameters of their video into the section of the audio.
    strays: dict[int, dict[str, str]] = {}
    for section in sections:
        for number, parameters in section.parameters.items():
            strays.setdefault(number, parameters)
    media = tuple(_media(section, session.direction, strays) for section in sections)
    return SessionDescription(media, session.attributes.get("control", ""), session.attributes.get("range", ""))


def _media(section: _Section, direction: Direction | None, strays: Mapping[int, Mapping[str, str]]) -> MediaDescription:
    kind, port, protocol, numbers = _media_line(section.media_line)
    # A camera that numbers its rtpmap otherwise than its m= line, or has no number there, means the rtpmap.
    if not any(number in section.rtpmaps or number in STATIC_FORMATS for number in numbers):
        numbers = tuple(section.rtpmaps) or numbers
    formats = []
    for number in numbers:
        found = section.rtpmaps.get(number) or PayloadFormat(number, *STATIC_FORMATS.get(number, ("", 0, None)))
        parameters = section.parameters.get(number) or (strays.get(number, {}) if number >= 96 else {})
        formats.append(replace(found, parameters=parameters))
    attributes = section.attributes
    rate = _NUMBER.match(attributes.get("framerate") or attributes.get("x-framerate", ""))
    size = _SIZE.match(attributes.get("framesize") or attributes.get("x-dimensions", ""))
    return MediaDescription(
        kind=kind,
        port=port,
        protocol=protocol,
        formats=tuple(formats),
        mapped=tuple(section.rtpmaps.values()),
        control=attributes.get("control", ""),
        direction=section.direction or direction,
        frame_rate=float(rate[0]) or None if rate else None,
        size=(int(size[1]), int(size[2])) if size else None,
        bandwidth_bps=section.bandwidth_bps,
    )


def _media_line(line: str) -> tuple[str, int, str, tuple[int, ...]]:
    """Kind, port, protocol and payload types; what is missing is 0 or empty."""
    kind, *words = line.split() or [""]
    port = 0
    if words and (head := words[0].partition("/")[0]).isdecimal() and head.isascii() and len(head) <= 5:
        port = int(head)
        del words[0]
    protocol = words.pop(0) if words and not words[0].isdecimal() else ""
    numbers = (int(word) for word in words if word.isascii() and word.isdecimal() and len(word) <= 3)
    unique = tuple(dict.fromkeys(number for number in numbers if number < MAX_PAYLOAD_TYPES))
    return kind.lower(), port, protocol.upper(), unique
