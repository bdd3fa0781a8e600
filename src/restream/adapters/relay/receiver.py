"""How a camera's packets come: in its connection, or as datagrams; and what the camera is told of that."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence

from restream.adapters.rtsp.datagrams import RECEIVE_BUFFER_BYTES, Datagrams
from restream.adapters.rtsp.wire import Wire
from restream.domain.rtp.meter import TrackMeter
from restream.domain.rtp.receiver_report import ReceiverReports
from restream.domain.rtp.report import TrackReport
from restream.domain.rtsp.events import Interleaved, PortPair, RtspEvent, SetUpOverUdp

# There are cameras that end a stream of which they hear nothing (mediamtx issue 1403, rtsp-client-android issue 2).
_REPORT_EVERY_S = 5.0
# Sender reports count, which come every five seconds; less than a start may take, and a media server waits.
_NOTHING_AFTER_S = 6.0


class Receiver:
    """Of one camera. `on_nothing` is called where no datagram has come for so long that none will."""

    def __init__(
        self,
        wire: Callable[[], Wire[RtspEvent]],
        on_frames: Callable[[bytes, float], object],
        on_turn: Callable[[], None],
        on_nothing: Callable[[], None],
    ) -> None:
        self._wire, self._on_nothing = wire, on_nothing
        self._loop = asyncio.get_running_loop()
        self._datagrams = Datagrams(lambda: wire().ends, on_frames, on_turn)
        self._over_udp = False
        self._told: list[tuple[Interleaved, TrackMeter, ReceiverReports]] = []
        self._timers: list[asyncio.TimerHandle] = []

    def ports(self, place: int) -> PortPair | str:
        """See `PortSource`."""
        return self._datagrams.ports(place)

    def set_up(self, event: SetUpOverUdp) -> None:
        """A track is to come as datagrams."""
        self._datagrams.set_up(event)

    def listen(self, all_channels: Sequence[Interleaved], *, over_udp: bool) -> None:
        """Media come from now on; the channels are those of all tracks that were set up."""
        self._over_udp = over_udp
        if over_udp:
            self._datagrams.listen(all_channels)
            self._timers.append(self._loop.call_later(_NOTHING_AFTER_S, self._look))
        else:
            self._datagrams.close()

    def measure(self, channels: Sequence[Interleaved], meters: Sequence[TrackMeter]) -> None:
        """The camera is told from now on what these meters of its tracks count."""
        source, name = secrets.randbits(32), secrets.token_hex(8)
        made = (ReceiverReports(source, name) for _ in meters)
        self._told = list(zip(channels, meters, made, strict=True))
        self._timers.append(self._loop.call_later(_REPORT_EVERY_S, self._report))

    @property
    def is_missing(self) -> bool:
        """Datagrams were asked for, and none has come."""
        return self._over_udp and not self._datagrams.packets

    def report(self, meter: TrackMeter, now: float) -> TrackReport:
        """Of a track, with what was put right before the meter saw it."""
        report = meter.report(now)
        if not self._over_udp:
            return report
        order = self._datagrams.order(next(pair.rtp for pair, each, _ in self._told if each is meter))
        reordered, duplicates = report.reordered + order.reordered, report.duplicates + order.duplicates
        return report._replace(reordered=reordered, duplicates=duplicates)

    def remarks(self) -> Iterator[str]:
        """What the operator should know."""
        if strays := self._datagrams.strays:
            yield f"{strays} datagrams are left out: they came from others, or are no RTP"
        if 0 < (size := self._datagrams.buffer_bytes) < RECEIVE_BUFFER_BYTES:
            yield f"this system keeps {size // 1024} KiB of datagrams, which a key frame may not fit: net.core.rmem_max"

    def close(self) -> None:
        """Nothing comes, and nothing is told any more."""
        for timer in self._timers:
            timer.cancel()
        self._datagrams.close()

    def _look(self) -> None:
        if self.is_missing:
            self._on_nothing()

    def _report(self) -> None:
        now = self._loop.time()
        self._timers[-1] = self._loop.call_later(_REPORT_EVERY_S, self._report)
        for channels, meter, reports in self._told:
            report = reports.build(meter.reception(now))
            if self._over_udp:
                self._datagrams.report(channels.rtcp, report)
            else:
                self._wire().write(bytes((0x24, channels.rtcp)) + len(report).to_bytes(2, "big") + report)
