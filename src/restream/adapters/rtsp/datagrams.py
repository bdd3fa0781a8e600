"""What a camera sends over UDP: a pair of ports per track, packets put in order, in the shape of interleaved frames."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from restream.adapters.rtsp.connection import Ends
from restream.domain.rtp.packet import HEADER_BYTES
from restream.domain.rtp.reorder import Arrival, ReorderBuffer
from restream.domain.rtsp.events import Interleaved, Origin, PortPair, SetUpOverUdp

RECEIVE_BUFFER_BYTES = 1 << 20
"""Asked of the kernel for each track's packets, which come in bursts: 900 of 1,400 bytes, a key frame of 4K. Linux
gives at most `net.core.rmem_max`."""
_MOST_AT_ONCE = 128
_TRIES = 32
_LEAST_RTCP_BYTES = 8
# Shared: what is read into it is taken out before anybody else reads.
_READ_BUFFER = memoryview(bytearray(1 << 16))
_FRAME = struct.Struct(">BBH").pack
_DOLLAR = 0x24
# What opens the way through a firewall from this side: an RTP packet of nothing, and a receiver report of nobody.
_EMPTY_RTP = struct.pack(">BBHII", 0x80, 0, 0, 0, 0)
_EMPTY_REPORT = struct.pack(">BBHI", 0x80, 201, 1, 0)

_Frames = Callable[[bytes, float], object]
_Address = tuple[Any, ...]
"""As the system has it: host, port, and what IPv6 adds."""


class Order(NamedTuple):
    """What was to be put right in the packets of a track."""

    reordered: int = 0
    duplicates: int = 0
    """That came again, or when others behind them had been handed on."""


class _Track:
    """One track's sockets, and its packets up to the one that is missing."""

    def __init__(self, ends: Ends) -> None:
        """Raises OSError."""
        self.rtp, self.rtcp = _open_pair(ends)
        self.ports = PortPair(self.rtp.getsockname()[1], self.rtcp.getsockname()[1])
        self.origin = Origin()
        self.channels = Interleaved(0, 1)
        self.order = ReorderBuffer()
        self.heard_rtcp: _Address | None = None
        """Whence its last RTCP packet came."""


class Datagrams:
    """Of one camera. `on_frames` is called with whole frames and the moment at which they came, `on_turn` after that.

    Packets are taken from the camera's address and the one that it has announced, whatever the port: cameras send from
    others than they say (mediamtx issue 698). Nothing here raises but defects of the listeners.
    """

    def __init__(self, ends: Callable[[], Ends | None], on_frames: _Frames, on_turn: Callable[[], None]) -> None:
        self._ends = ends
        self._on_frames, self._on_turn = on_frames, on_turn
        self._loop = asyncio.get_running_loop()
        self._tracks: list[_Track] = []
        self._peer: _Address = ()
        self._hosts: frozenset[str] = frozenset()
        self._timer: asyncio.TimerHandle | None = None
        self.packets = 0
        """That were taken."""
        self.strays = 0
        """Datagrams of others, and those that are none of RTP or RTCP."""

    def ports(self, place: int) -> PortPair | str:
        """Of the track that is set up as number `place`, opened now; else why there are none."""
        while len(self._tracks) > place:
            _close(self._tracks.pop())
        ends = self._ends()
        if ends is None:
            return os.strerror(errno.ENOTCONN)
        try:
            self._tracks.append(_Track(ends))
        except OSError as error:
            return os.strerror(error.errno or errno.EADDRINUSE)
        self._peer, self._hosts = ends.peer, frozenset({ends.peer[0]})
        return self._tracks[-1].ports

    def set_up(self, event: SetUpOverUdp) -> None:
        """The camera has told whence a track comes; the way from there is opened."""
        track = self._tracks[event.track]
        track.origin = event.origin
        if event.origin.address:
            self._hosts |= {event.origin.address}
        if ports := event.origin.ports:
            self._send(track.rtp, _EMPTY_RTP, ports.rtp)
            self._send(track.rtcp, _EMPTY_REPORT, ports.rtcp)

    def listen(self, channels: Sequence[Interleaved]) -> None:
        """Media come from now on, and what has come since SETUP: each track under its channels."""
        for track, pair in zip(self._tracks, channels, strict=False):
            track.channels = pair
            self._loop.add_reader(track.rtp, partial(self._read_rtp, track))
            self._loop.add_reader(track.rtcp, partial(self._read_rtcp, track))

    def report(self, channel: int, data: bytes) -> None:
        """Send RTCP of the track whose RTCP comes under a channel: to the port that was announced, else to the one from
        which it comes."""
        for track in self._tracks:
            if track.channels.rtcp == channel:
                port = track.origin.ports.rtcp if track.origin.ports else track.heard_rtcp and track.heard_rtcp[1]
                if isinstance(port, int):
                    self._send(track.rtcp, data, port, track.heard_rtcp)

    def order(self, channel: int) -> Order:
        """Of the track whose RTP comes under a channel."""
        found = next((track.order for track in self._tracks if track.channels.rtp == channel), None)
        return Order() if found is None else Order(found.reordered, found.duplicates + found.late)

    @property
    def buffer_bytes(self) -> int:
        """What the kernel keeps of a track until it is read, at least; 0: there are no ports."""
        # Linux tells twice what it was asked for: the other half is for its own.
        sizes = [track.rtp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2 for track in self._tracks]
        return min(sizes, default=0)

    def close(self) -> None:
        """Nothing comes any more."""
        if self._timer is not None:
            self._timer.cancel()
        while self._tracks:
            _close(self._tracks.pop())

    def _send(self, sock: socket.socket, data: bytes, port: int, to: _Address | None = None) -> None:
        host, _, *scope = to or self._peer
        with contextlib.suppress(OSError):  # what it is for is repeated, or was not needed
            sock.sendto(data, (host, port, *scope))

    def _read_rtp(self, track: _Track) -> None:
        now, arrivals = self._loop.time(), []
        for size, _ in self._datagrams(track.rtp):
            if size >= HEADER_BYTES and _READ_BUFFER[0] >> 6 == 2:
                self.packets += 1
                arrivals += track.order.put(bytes(_READ_BUFFER[:size]), now)
            else:
                self.strays += 1
        self._hand_on(track, arrivals)

    def _read_rtcp(self, track: _Track) -> None:
        chunks = []
        for size, address in self._datagrams(track.rtcp):
            if size >= _LEAST_RTCP_BYTES and _READ_BUFFER[0] >> 6 == 2 and 192 <= _READ_BUFFER[1] <= 223:
                self.packets += 1
                track.heard_rtcp = address
                chunks += [_FRAME(_DOLLAR, track.channels.rtcp, size), bytes(_READ_BUFFER[:size])]
            else:
                self.strays += 1
        if chunks:
            self._on_frames(b"".join(chunks), self._loop.time())
            self._on_turn()

    def _datagrams(self, sock: socket.socket) -> Iterator[tuple[int, _Address]]:
        """Sizes of those in the read buffer, one after the other, and whence they come; of the camera's."""
        for _ in range(_MOST_AT_ONCE):
            try:
                size, address = sock.recvfrom_into(_READ_BUFFER)
            except OSError:  # there are no more, most of the time
                return
            if address[0] in self._hosts:
                yield size, address
            else:
                self.strays += 1

    def _hand_on(self, track: _Track, arrivals: list[Arrival]) -> None:
        """Frames of packets whose turn has come, those that came together in one piece."""
        for at, together in groupby(arrivals, key=_moment):
            frames = [
                part for packet, _ in together for part in (_FRAME(_DOLLAR, track.channels.rtp, len(packet)), packet)
            ]
            self._on_frames(b"".join(frames), at)
        if arrivals:
            self._on_turn()
        deadline = track.order.deadline
        if deadline is not None and (self._timer is None or self._timer.when() > deadline):
            self._arm(deadline)

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._due)

    def _due(self) -> None:
        """What is missing is not waited for any longer."""
        self._timer = None
        for track in self._tracks:
            self._hand_on(track, track.order.due(self._loop.time()))


_moment = attrgetter("at")


def _open_pair(ends: Ends) -> tuple[socket.socket, socket.socket]:
    """An even port and the next one (RFC 3550 §11), at the address from which the camera was asked. Raises OSError."""
    for left in reversed(range(_TRIES)):
        first = _open(ends, 0)
        port = first.getsockname()[1]
        try:
            second = _open(ends, port ^ 1)
        except OSError as error:
            first.close()
            if error.errno != errno.EADDRINUSE or not left:
                raise
            continue
        return (second, first) if port % 2 else (first, second)
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _open(ends: Ends, port: int) -> socket.socket:
    host, _, *scope = ends.local
    made = socket.socket(ends.family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        made.bind((host, port, *scope))
    except BaseException:
        made.close()
        raise
    return made


def _close(track: _Track) -> None:
    loop = asyncio.get_running_loop()
    for each in (track.rtp, track.rtcp):
        loop.remove_reader(each)
        each.close()
