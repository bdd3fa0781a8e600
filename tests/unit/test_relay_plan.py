"""What the relay decides of a camera before it starts, and how that is shown."""

from __future__ import annotations

import pytest

from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.options import RtspTransport
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Media, VideoStream
from restream.domain.relay.plan import RelaySettings, build_plan, refusal
from restream.domain.server.target import Target

MEDIA = Media(VideoStream("h264", 640, 360))
TCP, UDP, AUTO = RtspTransport


def camera(url: str = "rtsp://admin:sEcret@10.0.0.1/s", **options: object) -> Camera:
    row = {"id": 1, "rtsp_url": url, "options": options}
    found = RowReader(CameraTypes.parse({"default": "{link}"})).read(row)
    assert isinstance(found, Camera)
    return found


@pytest.mark.parametrize(
    ("configured", "own", "tried", "reason"),
    [
        (TCP, {}, (TCP,), None),
        (UDP, {}, (UDP,), "received over UDP, as rtsp_transport wants it"),
        (AUTO, {}, (TCP, UDP), "received over TCP, or over UDP where the camera refuses that: rtsp_transport is auto"),
        (UDP, {"rtsp_transport": "tcp"}, (TCP,), None),
        (TCP, {"rtsp_transport": "udp"}, (UDP,), "received over UDP, as rtsp_transport wants it"),
    ],
)
def test_the_transport_from_the_camera(
    configured: RtspTransport, own: dict[str, str], tried: tuple[RtspTransport, ...], reason: str | None
) -> None:
    settings, row = RelaySettings(rtsp_transport=configured), camera(**own)
    assert refusal(row, MEDIA, settings) is None
    plan = build_plan(row, MEDIA, Target(), settings)
    assert plan.transports == tried
    assert [each for each in plan.reasons if "received over" in each] == ([] if reason is None else [reason])
    shown = ("relay", ",".join(tried), "rtsp://10.0.0.1/s", "rtsp://127.0.0.1:8554/cam1")
    assert plan.shown.command == shown


@pytest.mark.parametrize("transport", [UDP, AUTO])
def test_rtsps_comes_over_tcp_whatever_is_wanted(transport: RtspTransport) -> None:
    row = camera("rtsps://10.0.0.1/s", rtsp_transport=transport.value)
    plan = build_plan(row, MEDIA, Target(), RelaySettings())
    assert plan.transports == (TCP,)
    assert any("RTSPS" in reason for reason in plan.reasons)
