"""Behaviours of media over UDP: ports that are not those that were told, and strangers who send to the same ones."""

import contextlib
import re
import socket
from dataclasses import dataclass, field

from restream.demo.behaviours.behaviour import Behaviour, CameraReply
from restream.demo.delivery import TransportOffer
from restream.demo.rtp import OutgoingPacket
from restream.demo.rtsp import Request


@dataclass(frozen=True, slots=True)
class TellsServerPorts(Behaviour):
    """SETUP over UDP is answered with other ports than those from which media come; None: with none."""

    ports: str | None = None

    def edit(self, request: Request, reply: CameraReply) -> CameraReply:
        """With that `server_port`."""
        transport = dict(reply.headers).get("Transport", "")
        told = "" if self.ports is None else f";server_port={self.ports}"
        changed = re.sub(r";server_port=\d+-\d+", told, transport)
        return reply if changed == transport else reply.with_header("Transport", changed)


@dataclass(frozen=True, slots=True)
class HasIntruder(Behaviour):
    """Whenever the camera sends, somebody else sends RTP to its clients' ports on loopback, from another address."""

    host: str = "127.0.0.2"
    payload_type: int = 96
    _ports: set[int] = field(default_factory=set, compare=False)

    def setup(self, offer: TransportOffer) -> TransportOffer:
        """As asked, but overheard."""
        if offer.client_ports is not None:
            self._ports.add(offer.client_ports[0])
        return offer

    def deliver(self, packets: list[OutgoingPacket], played_s: float) -> list[OutgoingPacket]:
        """The camera's own, unchanged."""
        packet = bytes((0x80, self.payload_type)) + bytes(10) + b"\x65" + bytes(200)
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((self.host, 0))
            for port in self._ports:
                sock.sendto(packet, ("127.0.0.1", port))
        return packets
