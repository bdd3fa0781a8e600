"""Which packets of a camera go on to the media server, and under which channel."""

from __future__ import annotations

import struct

from restream.domain.relay.forwarder import Forwarder, Lane
from restream.domain.rtp.key_frame_assembly import KeyFrameAssembly
from restream.domain.rtp.meter import TrackMeter

IDR, SLICE = b"\x65\x88", b"\x41\x9a"


def frame(number: int, unit: bytes, channel: int = 0) -> bytes:
    """One picture in one packet."""
    packet = struct.pack(">BBHII", 0x80, 0x80 | 96, number, 3600 * number, 7) + unit + bytes(50)
    return b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet


def forwarder(channel: int = 0) -> Forwarder:
    meter = TrackMeter("h264", 90_000, 96)
    return Forwarder({0: Lane(channel, meter, is_video=True), 1: Lane(channel + 1, meter, is_rtcp=True)}, 0.0)


def test_whole_frames_go_on_as_they_came_and_the_rest_waits() -> None:
    relay, whole = forwarder(), frame(1, IDR) + frame(2, SLICE)
    assert relay.take(whole + frame(3, SLICE)[:20], 0, 1.0) == len(whole)
    assert relay.ready_bytes == len(whole)
    assert relay.data_to_send() == whole
    assert relay.data_to_send() == b""


def test_a_server_that_has_other_channels_gets_its_own() -> None:
    relay = forwarder(channel=4)
    relay.take(frame(1, IDR) + frame(2, SLICE), 0, 1.0)
    assert relay.data_to_send() == frame(1, IDR, 4) + frame(2, SLICE, 4)


def test_what_nobody_set_up_is_left_out_and_counted() -> None:
    relay = forwarder()
    relay.take(frame(1, IDR) + frame(9, SLICE, channel=77) + frame(2, SLICE), 0, 1.0)
    assert (relay.data_to_send(), relay.stray_frames) == (frame(1, IDR) + frame(2, SLICE), 1)


def test_after_a_jam_it_goes_on_with_a_key_frame() -> None:
    relay = forwarder()
    relay.take(frame(1, IDR), 0, 1.0)
    relay.congested = True
    assert relay.withholds
    relay.take(frame(2, SLICE) + frame(3, IDR), 0, 1.1)
    relay.congested = False
    relay.take(frame(4, SLICE), 0, 1.2)
    assert relay.withholds
    relay.take(frame(5, IDR) + frame(6, SLICE), 0, 1.2)
    assert not relay.withholds
    assert relay.data_to_send() == frame(1, IDR) + frame(5, IDR) + frame(6, SLICE)
    assert relay.dropped_packets == 3


def test_a_camera_without_key_frames_goes_on_after_a_while() -> None:
    relay = forwarder()
    relay.discard(1.0)
    relay.take(frame(1, SLICE), 0, 5.0)
    relay.take(frame(2, SLICE), 0, 12.0)
    assert relay.data_to_send() == frame(2, SLICE)


def part(number: int, unit: bytes, timestamp: int = 3600) -> bytes:
    """A packet without marker: more of its picture may follow."""
    packet = struct.pack(">BBHII", 0x80, 96, number, timestamp, 7) + unit + bytes(20)
    return b"$\0" + len(packet).to_bytes(2, "big") + packet


def test_pictures_of_a_camera_that_never_sets_the_marker_are_told_apart_in_one_piece() -> None:
    meter = TrackMeter("h264", 90_000, 96)
    relay = Forwarder({0: Lane(0, meter, is_video=True)}, 0.0)
    relay.take(part(1, IDR, 3600) + part(2, SLICE, 3600) + part(3, SLICE, 7200) + part(4, IDR, 9000), 0, 1.0)
    report = meter.report(2.0)
    assert (report.packets, report.frames, report.key_frames) == (4, 3, 2)


def test_a_frame_that_ends_within_its_header_is_no_packet_whatever_follows_it() -> None:
    meter = TrackMeter("h264", 90_000, 96)
    relay = Forwarder({0: Lane(0, meter, is_video=True)}, 0.0)
    short = b"$\0\0\x04" + struct.pack(">BBH", 0x80, 96, 2)
    assert relay.take(part(1, IDR) + short, 0, 1.0) == len(part(1, IDR) + short)
    # Behind another one the bytes after it are those of a picture's next packet.
    tail = struct.pack(">II", 3600, 7)
    relay.take(part(2, SLICE) + b"$\0\0\x04" + struct.pack(">BBH", 0x80, 96, 3) + tail, 0, 1.0)
    assert (meter.report(2.0).packets, meter.report(2.0).malformed) == (2, 2)


def test_a_key_frame_is_put_together_beside_what_goes_on() -> None:
    relay = forwarder()
    first, wanted = part(1, IDR, 3600) + part(2, IDR[:1] + b"\x07", 3600), part(4, IDR, 10_800)
    relay.tap = KeyFrameAssembly("h264", 96)
    relay.take(part(0, SLICE, 0) + first, 0, 1.0)
    assert relay.key_frame is None
    relay.take(part(3, SLICE, 7200) + wanted, 0, 1.1)
    assert relay.tap is None
    assert relay.key_frame == b"".join(b"\0\0\0\1" + unit + bytes(20) for unit in (IDR, IDR[:1] + b"\x07"))
    assert relay.data_to_send() == part(0, SLICE, 0) + first + part(3, SLICE, 7200) + wanted
