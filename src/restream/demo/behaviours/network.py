"""Behaviours of numbered packets: lost, twice, out of order, with clocks that are wrong."""

import struct
from dataclasses import dataclass

from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.rtp import OutgoingPacket, parse_header


@dataclass(frozen=True, slots=True)
class LosesPackets(Behaviour):
    """One RTP packet in `every` never arrives: its sequence number is missing."""

    every: int = 10

    def deliver(self, packets: list[OutgoingPacket], played_s: float) -> list[OutgoingPacket]:
        """What arrives."""
        return [each for each in packets if not _is_one_in(self.every, each)]


@dataclass(frozen=True, slots=True)
class RepeatsPackets(Behaviour):
    """One RTP packet in `every` arrives twice."""

    every: int = 10

    def deliver(self, packets: list[OutgoingPacket], played_s: float) -> list[OutgoingPacket]:
        """What arrives."""
        return [each for packet in packets for each in (packet, packet)[: 1 + _is_one_in(self.every, packet)]]


@dataclass(frozen=True, slots=True)
class ReordersPackets(Behaviour):
    """The first two RTP packets of a track that are sent together change places; key frames have several."""

    def deliver(self, packets: list[OutgoingPacket], played_s: float) -> list[OutgoingPacket]:
        """What arrives."""
        arriving = list(packets)
        for track in {packet.track for packet in packets}:
            media = [number for number, each in enumerate(packets) if each.track == track and not each.is_rtcp]
            if len(media) > 1:
                first, second = media[:2]
                arriving[first], arriving[second] = packets[second], packets[first]
        return arriving


@dataclass(frozen=True, slots=True)
class HasWrongClock(Behaviour):
    """Sender reports tell a time that is off by so much; negative: the camera lives in the past."""

    offset_s: int

    def deliver(self, packets: list[OutgoingPacket], played_s: float) -> list[OutgoingPacket]:
        """With the camera's idea of time (the seconds of the NTP timestamp, RFC 3550 §6.4.1)."""
        return [_added(each, 8, self.offset_s) if each.is_rtcp else each for each in packets]


@dataclass(frozen=True, slots=True)
class JumpsTimestamps(Behaviour):
    """RTP timestamps jump by so many ticks, `after_s` after PLAY, in media and in sender reports."""

    ticks: int
    after_s: float = 0.0

    def deliver(self, packets: list[OutgoingPacket], played_s: float) -> list[OutgoingPacket]:
        """With other timestamps, once the time has come."""
        if played_s < self.after_s:
            return packets
        return [_added(each, 16 if each.is_rtcp else 4, self.ticks) for each in packets]


@dataclass(frozen=True, slots=True)
class SendsNoReports(Behaviour):
    """RTP without RTCP."""

    def deliver(self, packets: list[OutgoingPacket], played_s: float) -> list[OutgoingPacket]:
        """Media alone."""
        return [each for each in packets if not each.is_rtcp]


def _is_one_in(every: int, packet: OutgoingPacket) -> bool:
    return not packet.is_rtcp and parse_header(packet.data).sequence % every == 0


def _added(packet: OutgoingPacket, position: int, amount: int) -> OutgoingPacket:
    """With `amount` added to the 32 bits at `position`."""
    (value,) = struct.unpack_from(">I", packet.data, position)
    changed = struct.pack(">I", (value + amount) & 0xFFFFFFFF)
    return packet._replace(data=packet.data[:position] + changed + packet.data[position + 4 :])
