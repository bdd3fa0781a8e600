"""Where and how a reader gets its media: the `Transport` it asks for at SETUP, and sending there."""

import asyncio
import contextlib
import re
import socket
import struct
from dataclasses import dataclass

from restream.demo.rtp import OutgoingPacket


@dataclass(frozen=True, slots=True)
class TransportOffer:
    """The first usable alternative of a `Transport` request header; exactly one of the pairs is set."""

    channels: tuple[int, int] | None = None
    client_ports: tuple[int, int] | None = None
    record: bool = False


def parse_transport(value: str) -> TransportOffer | None:
    """None when no alternative is unicast RTP over TCP or UDP."""
    for alternative in value.split(","):
        profile, *parameters = (part.strip() for part in alternative.split(";"))
        fields = {name.lower(): text for name, _, text in (part.partition("=") for part in parameters)}
        record = fields.get("mode", "").strip('"').lower() == "record"
        if "multicast" in fields:
            continue
        if profile.upper() == "RTP/AVP/TCP":
            pair = _pair(fields.get("interleaved", "0-1"), 255)
            if pair:
                return TransportOffer(channels=pair, record=record)
        elif profile.upper() in ("RTP/AVP", "RTP/AVP/UDP"):
            pair = _pair(fields.get("client_port", ""), 65535)
            if pair:
                return TransportOffer(client_ports=pair, record=record)
    return None


def _pair(text: str, highest: int) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    if not found:
        return None
    first = int(found[1])
    second = int(found[2]) if found[2] else first + 1
    return (first, second) if max(first, second) <= highest else None


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
        """Numbers of the tracks that were set up."""
        return self._channels.keys() | self._ports.keys()

    @property
    def is_tcp(self) -> bool:
        """Packets go over the connection itself."""
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

    def send(self, packets: list[OutgoingPacket], *, before_frame: bytes = b"") -> int:
        """Send packets, those over TCP in a single write; returns the bytes accepted.

        `before_frame`: stray bytes that each interleaved frame comes with.
        """
        chunks: list[bytes] = []
        sent_bytes = 0
        for track, is_rtcp, packet in packets:
            if (channels := self._channels.get(track)) is not None:
                chunks += (before_frame + struct.pack(">BBH", 0x24, channels[is_rtcp], len(packet)), packet)
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
        """Close the UDP sockets."""
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
