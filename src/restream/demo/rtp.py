"""RTP and RTCP (RFC 3550): headers, renumbering, sender reports, and delivery to one reader.

Timestamps count ticks of a track's clock (90 kHz for video); sequence numbers are 16 bits, timestamps 32 bits wide.
"""

import asyncio
import contextlib
import random
import re
import socket
import struct
from dataclasses import dataclass, field

from restream.demo.rtsp import TransportOffer

RTP_HEADER_BYTES = 12
NTP_EPOCH_OFFSET_S = 2_208_988_800  # 1900-01-01 to 1970-01-01, RFC 5905
_HEADER = struct.Struct(">BBHII")
_STATIC_TYPES = {0: "PCMU/8000", 8: "PCMA/8000"}  # RFC 3551 table 4


class RtpError(Exception):
    """Not an RTP packet that we can handle."""


@dataclass(frozen=True, slots=True)
class RtpHeader:
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int


def parse_header(packet: bytes) -> RtpHeader:
    if len(packet) < RTP_HEADER_BYTES:
        raise RtpError("short packet")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
    if first >> 6 != 2:
        raise RtpError("not RTP version 2")
    return RtpHeader(bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc)


class Numbering:
    """Gives the packets of one outgoing track rising numbers, whatever recording they come from, however often."""

    def __init__(self, clock_rate: int, *, ssrc: int, sequence: int, timestamp: int) -> None:
        self.clock_rate = clock_rate
        self.ssrc = ssrc
        self.sequence = sequence & 0xFFFF
        self.origin = timestamp & 0xFFFFFFFF
        self.packets_total = 0
        self.payload_bytes_total = 0

    @classmethod
    def random(cls, clock_rate: int, rng: random.Random) -> "Numbering":
        # Never near 0: some readers take a first timestamp of 0 for "unknown".
        return cls(
            clock_rate,
            ssrc=rng.randrange(1, 1 << 32),
            sequence=rng.randrange(1 << 16),
            timestamp=rng.randrange(1 << 16, 1 << 31),
        )

    def timestamp(self, ticks: int) -> int:
        """RTP timestamp `ticks` after the current origin."""
        return (self.origin + ticks) & 0xFFFFFFFF

    def next_header(self, flags: int, marker_and_type: int, ticks: int, payload_bytes: int) -> bytes:
        """Header of the next packet; `flags` and `marker_and_type` are the first two bytes of the recorded one."""
        header = _HEADER.pack(flags, marker_and_type, self.sequence, (self.origin + ticks) & 0xFFFFFFFF, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.packets_total += 1
        self.payload_bytes_total += payload_bytes
        return header

    def advance(self, ticks: int) -> None:
        """Move the origin: one loop of the recording is over, or time has passed in silence."""
        self.origin = (self.origin + ticks) & 0xFFFFFFFF

    def sender_report(self, unix_time_s: float, ticks: int) -> bytes:
        """RTCP SR that ties wall clock time to the timestamp `ticks` after the origin (RFC 3550 §6.4.1)."""
        seconds = int(unix_time_s)
        fraction = int((unix_time_s - seconds) * (1 << 32))
        return struct.pack(
            ">BBHIIIIII",
            0x80,
            200,
            6,
            self.ssrc,
            (seconds + NTP_EPOCH_OFFSET_S) & 0xFFFFFFFF,
            fraction,
            self.timestamp(ticks),
            self.packets_total & 0xFFFFFFFF,
            self.payload_bytes_total & 0xFFFFFFFF,
        )


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
    """Tracks in order of appearance; a section that makes no sense raises `RtpError`."""
    return [_sdp_track(section) for section in sdp_sections(sdp)[1]]


def sdp_sections(sdp: str) -> tuple[str, list[str]]:
    """Session part and media sections, with `\\r\\n` line ends."""
    head, *media = re.split(r"(?m)^(?=m=)", sdp.replace("\r\n", "\n"))
    return head.replace("\n", "\r\n"), [section.replace("\n", "\r\n") for section in media]


def _sdp_track(section: str) -> SdpTrack:
    lines = section.split("\r\n")
    media = re.fullmatch(r"m=(\w+) \d+ \S+ (\d{1,3})(?: .*)?", lines[0])
    if not media:
        raise RtpError("unusable media section")
    payload_type = int(media[2])
    attributes = {name: value for name, _, value in (line[2:].partition(":") for line in lines if line[:2] == "a=")}
    rtpmap = attributes.get("rtpmap", "").partition(" ")[2] or _STATIC_TYPES.get(payload_type, "")
    encoding = re.fullmatch(r"([\w.-]+)/(\d{1,9})(?:/(\d{1,2}))?", rtpmap)
    if not encoding or int(encoding[2]) == 0:
        raise RtpError("media section without a usable rtpmap")
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


class Delivery:
    """Where one reader wants its tracks: interleaved channels of its connection, or UDP ports of its host.

    Never blocks and never buffers without bound: what a slow reader does not take is dropped.
    """

    def __init__(self, transport: asyncio.Transport, *, max_backlog_bytes: int = 1 << 20) -> None:
        self._transport = transport
        self._max_backlog_bytes = max_backlog_bytes
        self._channels: dict[int, tuple[int, int]] = {}
        self._ports: dict[int, tuple[int, int]] = {}
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self.dropped_total = 0

    @property
    def tracks(self) -> set[int]:
        return self._channels.keys() | self._ports.keys()

    @property
    def is_tcp(self) -> bool:
        return bool(self._channels)

    def add(self, track: int, offer: TransportOffer) -> str:
        """Take over one SETUP; returns the value of the `Transport` answer header."""
        if offer.channels is not None:
            self._channels[track] = offer.channels
            return f"RTP/AVP/TCP;unicast;interleaved={offer.channels[0]}-{offer.channels[1]}"
        assert offer.client_ports is not None  # noqa: S101 - TransportOffer sets one of the two
        if self._sockets is None:
            self._sockets = _udp_pair(self._transport.get_extra_info("sockname")[0])
        self._ports[track] = offer.client_ports
        server = "-".join(str(each.getsockname()[1]) for each in self._sockets)
        client = "-".join(map(str, offer.client_ports))
        return f"RTP/AVP/UDP;unicast;client_port={client};server_port={server}"

    def send(self, packets: list[tuple[int, bool, bytes]]) -> int:
        """Send (track, is RTCP, packet) triples, TCP ones in a single write; returns the bytes accepted."""
        chunks: list[bytes] = []
        sent_bytes = 0
        for track, is_rtcp, packet in packets:
            if (channels := self._channels.get(track)) is not None:
                chunks += (struct.pack(">BBH", 0x24, channels[is_rtcp], len(packet)), packet)
            elif (ports := self._ports.get(track)) is not None and self._sockets is not None:
                peer = self._transport.get_extra_info("peername")
                with contextlib.suppress(OSError):  # a full socket buffer loses the packet, as a network would
                    sent_bytes += self._sockets[is_rtcp].sendto(packet, (peer[0], ports[is_rtcp]))
        if chunks:
            if self._transport.get_write_buffer_size() > self._max_backlog_bytes:
                self.dropped_total += len(chunks) // 2
            else:
                data = b"".join(chunks)
                self._transport.write(data)
                sent_bytes += len(data)
        return sent_bytes

    def close(self) -> None:
        for each in self._sockets or ():
            each.close()
        self._sockets = None


def _udp_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port and the next one, as RTP and RTCP expect."""
    for _ in range(64):
        rtp = _udp_socket(host, 0)
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            with contextlib.suppress(OSError):
                return rtp, _udp_socket(host, port + 1)
        rtp.close()
    raise OSError("no pair of free UDP ports")


def _udp_socket(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
