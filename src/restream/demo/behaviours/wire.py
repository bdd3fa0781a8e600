"""Behaviours of the connection: channels, ports, and bytes where they do not belong."""

import struct
from dataclasses import dataclass
from enum import StrEnum

from restream.demo.behaviours.behaviour import Behaviour, Visit
from restream.demo.delivery import TransportOffer


@dataclass(frozen=True, slots=True)
class RenumbersChannels(Behaviour):
    """Interleaved channels are `by` higher than the client asked for, in answer and media."""

    by: int = 10

    def setup(self, offer: TransportOffer) -> TransportOffer:
        """Other channels."""
        if offer.channels is None:
            return offer
        return TransportOffer(channels=(offer.channels[0] + self.by, offer.channels[1] + self.by))


@dataclass(frozen=True, slots=True)
class SwitchesToUdp(Behaviour):
    """SETUP for TCP is answered 200 with ports of UDP, to which media is sent although nobody listens there."""

    ports: tuple[int, int] = (49152, 49153)

    def setup(self, offer: TransportOffer) -> TransportOffer:
        """UDP, whatever was asked for."""
        return offer if offer.channels is None else TransportOffer(client_ports=self.ports)


@dataclass(frozen=True, slots=True)
class SendsStrayBytes(Behaviour):
    """Bytes before the dollar sign of each interleaved frame; line ends are what most clients bear."""

    stray: bytes = b"\r\n"

    def before_frame(self) -> bytes:
        """Those bytes."""
        return self.stray


class AnswerPlace(StrEnum):
    """Where in an answer."""

    BEFORE = "before"
    AFTER_STATUS = "after the status line"
    BEFORE_BODY = "between head and body"
    WITHIN_BODY = "within the body"


@dataclass(frozen=True, slots=True)
class InterleavesAnswers(Behaviour):
    """An interleaved frame (a receiver report of nobody, RFC 3550 §6.4.2) in the midst of answers after SETUP."""

    place: AnswerPlace = AnswerPlace.BEFORE
    channel: int = 1

    def wire(self, answer: bytes, visit: Visit) -> bytes:
        """The answer with the frame in it."""
        if visit.record.set_up_at_s is None:
            return answer
        report = struct.pack(">BBHI", 0x80, 201, 1, 1)
        frame = struct.pack(">BBH", 0x24, self.channel, len(report)) + report
        position = self._position(answer)
        return answer[:position] + frame + answer[position:]

    def _position(self, answer: bytes) -> int:
        head_bytes = answer.index(b"\r\n\r\n") + 4
        match self.place:
            case AnswerPlace.BEFORE:
                return 0
            case AnswerPlace.AFTER_STATUS:
                return answer.index(b"\r\n") + 2
            case AnswerPlace.BEFORE_BODY:
                return head_bytes
            case AnswerPlace.WITHIN_BODY:
                return (head_bytes + len(answer)) // 2
