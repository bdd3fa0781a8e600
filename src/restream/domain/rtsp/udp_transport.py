"""The `Transport` of a track over UDP (RFC 2326 §12.39): what is asked for, and what cameras make of it."""

from __future__ import annotations

import re
from ipaddress import ip_address

from restream.domain.rtsp.events import Origin, PortPair

_PROFILE = re.compile(r"(?i)RTP/AVPF?(?:/UDP)?")
_PORTS = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?")
# With these it comes over the connection, or to a group.
_ELSEWHERE = frozenset({"interleaved", "multicast"})


def offer_over_udp(ports: PortPair) -> str:
    """Without the `/UDP` that cameras refuse although it is the default (GSYVideoPlayer issue 3197)."""
    return f"RTP/AVP;unicast;client_port={ports.rtp}-{ports.rtcp}"


def parse_over_udp(header: str) -> Origin | None:
    """What SETUP was answered; None: it does not come to our ports. A camera that names no transport does as asked.

    Other `client_port` and `destination` than ours are not believed (RTSP-Server issue 69), and no `ssrc` is needed:
    a source is known by its address.
    """
    first = header.partition(",")[0].strip()
    if not first:
        return Origin()
    profile, *parts = first.split(";")
    fields: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        fields.setdefault(name.strip().lower(), value.strip().strip('"'))
    if not _PROFILE.fullmatch(profile.strip()) or _ELSEWHERE & fields.keys():
        return None
    if _is_group(fields.get("destination", "")):
        return None
    return Origin(_pair(fields.get("server_port", "")), _host(fields.get("source", "")))


def _pair(text: str) -> PortPair | None:
    """One port alone is that of RTP; cameras announce 0-0 too (mediamtx issue 698)."""
    found = _PORTS.fullmatch(text)
    if found is None:
        return None
    rtp = int(found[1])
    rtcp = int(found[2]) if found[2] else rtp + 1
    return PortPair(rtp, rtcp) if 0 < rtp <= 65535 and 0 < rtcp <= 65535 else None


def _is_group(text: str) -> bool:
    try:
        return ip_address(text).is_multicast
    except ValueError:
        return False


def _host(text: str) -> str:
    """An address that one host can have; a name would have to be looked up, and could lead anywhere."""
    try:
        found = ip_address(text)
    except ValueError:
        return ""
    return "" if found.is_multicast or found.is_unspecified else str(found)
