"""Measures one track of a camera from its RTP and RTCP packets: loss, order, frames, key frames, jitter, clock.

`take` is called for every packet of every camera, so the usual packet (the next one of a picture already known) takes
one comparison of each field and nothing else; what is told in a report is computed there.
"""

from __future__ import annotations

from typing import NamedTuple

from restream.domain.rtp.frames import FrameCounter
from restream.domain.rtp.packet import (
    FRAME_HEAD_BYTES,
    HEADER_BYTES,
    INTERLEAVED_BYTES,
    MAX_DROPOUT,
    MAX_MISORDER,
    Buffer,
    ahead,
    payload_bounds,
    read_header,
    read_interleaved,
)
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.rtcp import SenderReport, read_rtcp

_NO_NUMBER = -1
_MAX_MISSING = 4 * MAX_MISORDER


class Reception(NamedTuple):
    """How the packets of one source arrived, in the terms of a receiver report (RFC 3550 §6.4.1)."""

    ssrc: int
    expected: int
    """Packets since the source began, those that were lost too."""
    lost: int
    highest_sequence: int
    """Extended to 32 bits by the wrap-arounds."""
    jitter_ticks: int
    """In ticks of the track's clock."""
    last_report: int
    """LSR: the middle 32 bits of the last sender report's NTP moment; 0: there was none."""
    since_last_report_s: float
    """DLSR."""


class TrackMeter:
    """One track; moments are of one monotonic clock, in seconds. Nothing that a camera sends raises."""

    __slots__ = (
        "_bytes",
        "_clock_offset_s",
        "_clock_rate_hz",
        "_duplicates",
        "_foreign",
        "_frames",
        "_lost",
        "_malformed",
        "_missing",
        "_next",
        "_origin",
        "_packets",
        "_passed_over",
        "_plain",
        "_reordered",
        "_reported",
        "_restarts",
        "_sender_report",
        "_sender_report_at",
        "_ssrc",
        "_stray",
        "said_bye",
    )

    def __init__(self, codec: str, clock_rate_hz: int, payload_type: int) -> None:
        """`codec` as of a VideoStream or AudioStream; a clock rate of 0: unknown, there is no jitter then."""
        self._frames = FrameCounter(codec, clock_rate_hz)
        self._clock_rate_hz = max(0, clock_rate_hz)
        # The first 16 bits of a header without padding, extension and contributors; the marker may be set.
        self._plain = 0x8000 | payload_type & 0x7F
        self.said_bye = False
        """The camera has said that this source ends."""
        self._packets = self._lost = self._reordered = self._duplicates = 0
        self._malformed = self._foreign = self._restarts = self._bytes = 0
        self._passed_over = 0
        """Numbers that were taken by packets which are none of the track's media."""
        self._next = self._stray = _NO_NUMBER
        self._ssrc = 0
        self._origin = (0, 0, 0)
        """Of this source: its first number, and how many numbers and losses were counted before."""
        self._missing: set[int] = set()
        """Lost so far, by count of numbers before each: what comes late after all is found here, a duplicate is not."""
        self._sender_report: SenderReport | None = None
        self._sender_report_at = 0.0
        self._clock_offset_s: float | None = None
        self._reported: tuple[float, int, int] | None = None

    def take(self, data: Buffer, begin: int, end: int, now: float) -> bool:
        """One RTP packet, data[begin:end]. Whether a key frame begins with it: where a decoder can begin.

        Without key frames (MJPEG), where a frame begins; of sound, always. Never of what is not the track's, and never
        of a packet behind a later one.
        """
        size = end - begin
        if size < HEADER_BYTES:
            self._malformed += 1
            return False
        head, sequence, timestamp, ssrc = read_header(data, begin)
        if sequence == self._next and head & 0xFF7F == self._plain and ssrc == self._ssrc:
            self._next = (sequence + 1) & 0xFFFF
            at, stop = begin + HEADER_BYTES, end
        else:
            bounds = self._place(head, sequence, ssrc, data, begin, end)
            if bounds is None:
                return False
            at, stop = bounds
        self._packets += 1
        self._bytes += size
        frames = self._frames
        if frames.decided and timestamp == frames.timestamp:
            if head & 0x80:
                frames.decided = False
            return False
        return at < stop and frames.take(data, at, stop, timestamp, head & 0x80, now)

    def take_rest(self, data: Buffer, at: int, mark: int) -> int:
        """Interleaved frames from `at` on that begin with `mark` (dollar sign and channel), as long as each is the next
        packet of a picture that is known, and not its last: they are counted. Returns where they end."""
        if not self._frames.decided:
            return at
        begin, size, packets, number = at, len(data), 0, self._next
        plain, alike = self._plain, self._frames.timestamp << 32 | self._ssrc
        while at + INTERLEAVED_BYTES <= size:
            frame, length, head, sequence, stamp_and_source = read_interleaved(data, at)
            end = at + FRAME_HEAD_BYTES + length
            if sequence != number or head != plain or stamp_and_source != alike or frame != mark:
                break
            if length < HEADER_BYTES or end > size:
                break
            at, packets, number = end, packets + 1, (number + 1) & 0xFFFF
        self._next = number
        self._packets += packets
        self._bytes += at - begin - FRAME_HEAD_BYTES * packets
        return at

    def _place(self, head: int, sequence: int, ssrc: int, data: Buffer, begin: int, end: int) -> tuple[int, int] | None:
        """The bounds of the payload of a packet that goes on with the stream; None: it does not."""
        if head >> 14 != 2:
            self._malformed += 1
            return None
        is_ours = (head ^ self._plain) & 0x7F == 0
        bounds = payload_bounds(data, begin, end) if is_ours else None
        if bounds is None:
            self._pass_over(head, sequence, ssrc)
            if is_ours:
                self._malformed += 1
            else:
                self._foreign += 1
            return None
        if self._next == _NO_NUMBER:
            self._begin(sequence, ssrc)
        elif ssrc != self._ssrc:
            self._begin_anew(sequence, ssrc)
        elif sequence != self._next and not self._jump(sequence, end - begin):
            return None
        self._next = (sequence + 1) & 0xFFFF
        return bounds

    def _pass_over(self, head: int, sequence: int, ssrc: int) -> None:
        """A packet beside the media has a number of its own where it is of the same source; RTCP has none."""
        if sequence == self._next and ssrc == self._ssrc and not 0xC0 <= head & 0xFF < 0xE0:
            self._next = (sequence + 1) & 0xFFFF
            self._passed_over += 1

    def _jump(self, sequence: int, size: int) -> bool:
        """A number that is not the next one; whether the stream goes on with it (RFC 3550 A.1)."""
        step = ahead(sequence, self._next)
        if 0 < step < MAX_DROPOUT:
            self._miss(step)
            return True
        if -MAX_MISORDER <= step < 0:
            self._come_late(self._numbers + step, size)
            return False
        if abs(step) >= MAX_DROPOUT:
            self._begin_anew(sequence, self._ssrc)
            return True
        # Two in a row are a new numbering, one alone is something from long ago.
        if sequence == self._stray:
            self._begin_anew((sequence - 1) & 0xFFFF, self._ssrc)
            self._duplicates -= 1
            self._packets += 1
            return True
        self._stray = (sequence + 1) & 0xFFFF
        self._duplicates += 1
        return False

    @property
    def _numbers(self) -> int:
        """How many sequence numbers were used up to the highest that came, since the first packet."""
        return self._packets + self._lost + self._passed_over

    def _miss(self, count: int) -> None:
        first, missing = self._numbers, self._missing
        after = first + count
        self._lost += count
        missing.update(range(max(first, after - MAX_MISORDER), after))
        if len(missing) > _MAX_MISSING:
            self._missing = {each for each in missing if each >= after - MAX_MISORDER}

    def _come_late(self, index: int, size: int) -> None:
        if index in self._missing:
            self._missing.remove(index)
            self._lost -= 1
            self._packets += 1
            self._bytes += size
            self._reordered += 1
        else:
            self._duplicates += 1

    def _begin(self, sequence: int, ssrc: int) -> None:
        self._ssrc = ssrc
        self._origin = (sequence, self._numbers, self._lost)
        self._missing.clear()
        self._stray = _NO_NUMBER

    def _begin_anew(self, sequence: int, ssrc: int) -> None:
        """The camera has begun a new numbering."""
        self._restarts += 1
        self.said_bye = False
        self._begin(sequence, ssrc)
        self._frames.begin_anew()

    def take_rtcp(self, data: Buffer, begin: int, end: int, now: float, wall: float) -> None:
        """One RTCP packet, compound or not; `wall` in seconds since 1970.

        Reports count whatever source they name, since there are cameras that name none (0) or a wrong one.
        """
        rtcp = read_rtcp(data, begin, end)
        if not rtcp.intact:
            self._malformed += 1
        if rtcp.report is not None:
            self._sender_report, self._sender_report_at = rtcp.report, now
            self._clock_offset_s = rtcp.report.clock_offset_s(wall)
        if rtcp.farewells is not None and (not rtcp.farewells or {0, self._ssrc} & {*rtcp.farewells}):
            self.said_bye = True

    def report(self, now: float) -> TrackReport:
        """Counters since the first packet, rates since the last call."""
        frames, fps, bitrate_bps = self._frames, None, None
        if self._reported is not None and now > self._reported[0]:
            at, total, size = self._reported
            fps, bitrate_bps = (frames.total - total) / (now - at), (self._bytes - size) * 8 / (now - at)
        self._reported = (now, frames.total, self._bytes)
        return TrackReport(
            packets=self._packets,
            lost=self._lost,
            reordered=self._reordered,
            duplicates=self._duplicates,
            malformed=self._malformed,
            foreign=self._foreign,
            restarts=self._restarts,
            bytes=self._bytes,
            frames=frames.total,
            key_frames=frames.key_frames,
            jitter_s=frames.jitter_s,
            fps=fps,
            bitrate_bps=bitrate_bps,
            key_frame_interval_s=frames.key_frame_interval_s,
            last_key_frame_age_s=_age(frames.key_frame_at, now),
            last_frame_age_s=_age(frames.last_frame_at, now),
            clock_offset_s=self._clock_offset_s,
        )

    def reception(self, now: float) -> Reception | None:
        """What a receiver report tells the camera; None: nothing of it has come."""
        if self._next == _NO_NUMBER:
            return None
        first, numbers, lost = self._origin
        expected = self._numbers - numbers
        report = self._sender_report
        return Reception(
            self._ssrc,
            expected,
            self._lost - lost,
            (first + expected - 1) & 0xFFFFFFFF,
            round((self._frames.jitter_s or 0.0) * self._clock_rate_hz),
            report.middle if report else 0,
            now - self._sender_report_at if report else 0.0,
        )


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else max(0.0, now - at)
