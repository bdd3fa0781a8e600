"""Packets that come over UDP, put into the order of their sequence numbers."""

from __future__ import annotations

from typing import NamedTuple

from restream.domain.rtp.packet import HEADER_BYTES, MAX_MISORDER, ahead, read_header


class Arrival(NamedTuple):
    """A packet, and when it arrived: a meter is told that moment, not the one at which its turn came."""

    packet: bytes
    at: float


class ReorderBuffer:
    """Holds packets behind a gap until what is missing comes, for a bounded time and number; then goes on without it.

    What has no place in the order (too short, another version of RTP) is handed on at once. What comes when its turn
    is over, or again, is dropped and counted. Moments are monotonic seconds.
    """

    __slots__ = ("_held", "_max_packets", "_max_wait_s", "_next", "_ssrc", "_stray", "duplicates", "late", "reordered")

    def __init__(self, max_packets: int = 128, max_wait_s: float = 0.2) -> None:
        """At most so many packets are held, each for at most so long."""
        self._max_packets = min(max(1, max_packets), 0x4000)
        self._max_wait_s = max_wait_s
        self._held: dict[int, Arrival] = {}
        """By sequence number, in the order of their arrival."""
        self._next = self._stray = -1
        self._ssrc = 0
        self.reordered = 0
        """Came behind a later one, and in time."""
        self.duplicates = 0
        """Came again while the first was still held."""
        self.late = 0
        """Came when others behind it, or itself, had been handed on."""

    def __len__(self) -> int:
        """How many packets are held."""
        return len(self._held)

    @property
    def deadline(self) -> float | None:
        """When `due` has something to do."""
        first = next(iter(self._held.values()), None)
        return None if first is None else first.at + self._max_wait_s

    def put(self, packet: bytes, now: float) -> list[Arrival]:
        """One packet; the packets whose turn has come, in order."""
        arrival = Arrival(packet, now)
        if len(packet) < HEADER_BYTES or packet[0] >> 6 != 2:
            return [arrival]
        _, sequence, _, ssrc = read_header(packet, 0)
        if self._next < 0 or ssrc != self._ssrc:
            return self._begin(arrival, sequence, ssrc)
        if sequence == self._next:
            self._next = (sequence + 1) & 0xFFFF
            if not self._held:
                return [arrival]
            self.reordered += 1
            return [arrival, *self._run()]
        step = ahead(sequence, self._next)
        if -MAX_MISORDER <= step < 0:
            self.late += 1
            return []
        if not 0 < step <= self._max_packets:
            return self._jump(arrival, sequence)
        return self._hold(arrival, sequence, step)

    def due(self, now: float) -> list[Arrival]:
        """Let those gaps go that have been waited for long enough; the packets whose turn has come by that."""
        released: list[Arrival] = []
        while (deadline := self.deadline) is not None and deadline <= now:
            released += self._skip()
        return released

    def flush(self) -> list[Arrival]:
        """Everything that is held, in order."""
        released: list[Arrival] = []
        while self._held:
            released += self._skip()
        return released

    def _hold(self, arrival: Arrival, sequence: int, step: int) -> list[Arrival]:
        if sequence in self._held:
            self.duplicates += 1
            return []
        if any(ahead(other, sequence) > 0 for other in self._held):
            self.reordered += 1
        self._held[sequence] = arrival
        return self._skip() if len(self._held) > self._max_packets else []

    def _jump(self, arrival: Arrival, sequence: int) -> list[Arrival]:
        """Too far to wait for what is between; one alone that is far behind is something from long ago."""
        if ahead(sequence, self._next) < 0 and sequence != self._stray:
            self._stray = (sequence + 1) & 0xFFFF
            self.late += 1
            return []
        return self._begin(arrival, sequence, self._ssrc)

    def _begin(self, arrival: Arrival, sequence: int, ssrc: int) -> list[Arrival]:
        released = [*self.flush(), arrival]
        self._next, self._ssrc, self._stray = (sequence + 1) & 0xFFFF, ssrc, -1
        return released

    def _skip(self) -> list[Arrival]:
        """Let the gap before the first that is held go."""
        self._next = min(self._held, key=lambda sequence: ahead(sequence, self._next))
        return self._run()

    def _run(self) -> list[Arrival]:
        """Those whose turn has come."""
        released = []
        while (arrival := self._held.pop(self._next, None)) is not None:
            released.append(arrival)
            self._next = (self._next + 1) & 0xFFFF
        return released
