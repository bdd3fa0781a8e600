"""Session descriptions (SDP, RFC 4566): what tracks a stream has."""

import re
from dataclasses import dataclass, field

_STATIC_TYPES = {0: "PCMU/8000", 8: "PCMA/8000", 33: "MP2T/90000"}  # RFC 3551 tables 4, 5


class SdpError(Exception):
    """A media section that makes no sense."""


@dataclass(frozen=True, slots=True)
class SdpTrack:
    """One media section of a session description."""

    media: str
    payload_type: int
    encoding: str
    clock_rate: int
    channels: int
    control: str
    fmtp: dict[str, str] = field(default_factory=dict)


def sdp_tracks(sdp: str) -> list[SdpTrack]:
    """Tracks in order of appearance. Raises SdpError."""
    return [_sdp_track(section) for section in sdp_sections(sdp)[1]]


def sdp_sections(sdp: str) -> tuple[str, list[str]]:
    """Session part and media sections, with `\\r\\n` line ends."""
    head, *media = re.split(r"(?m)^(?=m=)", sdp.replace("\r\n", "\n"))
    return head.replace("\n", "\r\n"), [section.replace("\n", "\r\n") for section in media]


def with_numbered_controls(sdp: str) -> str:
    """The same description with its tracks named `streamid=0`, `streamid=1` …"""
    head, sections = sdp_sections(sdp)
    for index, section in enumerate(sections):
        head += re.sub(r"a=control:.*\r\n", "", section) + f"a=control:streamid={index}\r\n"
    return head


def _sdp_track(section: str) -> SdpTrack:
    lines = section.split("\r\n")
    media = re.fullmatch(r"m=(\w+) \d+ \S+ (\d{1,3})(?: .*)?", lines[0])
    if not media:
        raise SdpError("unusable media section")
    payload_type = int(media[2])
    attributes = {name: value for name, _, value in (line[2:].partition(":") for line in lines if line[:2] == "a=")}
    rtpmap = attributes.get("rtpmap", "").partition(" ")[2] or _STATIC_TYPES.get(payload_type, "")
    encoding = re.fullmatch(r"([\w.-]+)/(\d{1,9})(?:/(\d{1,2}))?", rtpmap)
    if not encoding or int(encoding[2]) == 0:
        raise SdpError("media section without a usable rtpmap")
    pairs = (pair.strip().partition("=") for pair in attributes.get("fmtp", "").partition(" ")[2].split(";"))
    return SdpTrack(
        media=media[1],
        payload_type=payload_type,
        encoding=encoding[1].upper(),
        clock_rate=int(encoding[2]),
        channels=int(encoding[3] or 1),
        control=attributes.get("control", ""),
        fmtp={name.lower(): value for name, _, value in pairs if name},
    )
