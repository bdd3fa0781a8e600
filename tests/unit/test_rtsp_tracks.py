"""Which tracks of a camera are taken, and under which URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.options import parse_options
from restream.domain.camera.urls import parse_source
from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.rtsp.description import read_description
from restream.domain.rtsp.tracks import KINDS, Carries, Choice, allowed_kinds, choose_tracks
from restream.domain.rtsp.url import RtspUrl, base_url, control_url, parse_url, source_parts

BASE = RtspUrl(False, "10.0.0.1", None, "/live/")
VIDEO = ("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=control:video")
AAC = ("m=audio 0 RTP/AVP 97", "a=rtpmap:97 MPEG4-GENERIC/16000/1", "a=control:aac")
PCMU = ("m=audio 0 RTP/AVP 0", "a=control:pcmu")
METADATA = ("m=application 0 RTP/AVP 107", "a=rtpmap:107 vnd.onvif.metadata/90000", "a=control:meta")


def anything(_: str) -> bool:
    return True


def choose(*lines: str, allowed: frozenset[str] = KINDS, carries: Carries = anything) -> Choice:
    description = read_description("\n".join(("v=0", *lines)).encode())
    assert description is not None
    return choose_tracks(description, BASE, allowed, carries)


def taken(choice: Choice) -> list[str]:
    return [track.media.control for track in choice.tracks]


@pytest.mark.parametrize(
    ("lines", "controls"),
    [
        ((*VIDEO, *AAC), ["video", "aac"]),
        ((*AAC, *VIDEO), ["aac", "video"]),
        ((*METADATA, *VIDEO, *PCMU, "a=sendonly", *AAC), ["video", "aac"]),
        ((*VIDEO, "a=recvonly", *PCMU, "a=recvonly", *AAC, "a=sendonly"), ["video", "pcmu"]),
        ((*VIDEO, *PCMU, "a=sendrecv"), ["video", "pcmu"]),
        ((*VIDEO, *PCMU, "a=inactive", *AAC), ["video", "aac"]),
        ((*VIDEO, "a=sendonly", *AAC), ["video", "aac"]),  # writes directions as its own
        ((*VIDEO, "a=sendonly", *PCMU, "a=recvonly", *AAC, "a=sendonly"), ["video", "aac"]),
        (("a=sendonly", *VIDEO, *AAC), ["video", "aac"]),
        ((*VIDEO, *VIDEO, *AAC, *PCMU), ["video", "aac"]),
        (("m=video 0 RTP/AVP 99", "a=rtpmap:99 X-SECRET/90000", "a=control:x", *VIDEO), ["video"]),
        (("m=video 0 RTP/AVP 96", "a=control:x"), []),
        ((*METADATA,), []),
        ((*VIDEO, "m=audio 0 RTP/AVP 13 0", "a=control:cn"), ["video", "cn"]),
        (("m=video 0 RTP/AVP 98", "a=rtpmap:98 vnd.onvif.metadata/90000", *VIDEO), ["video"]),
        (("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", *PCMU[:1]), [""]),  # one address for two
        ((*PCMU, *VIDEO[:2], "a=control:pcmu"), ["pcmu"]),
    ],
)
def test_the_first_video_and_the_first_sound_that_is_sent(lines: tuple[str, ...], controls: list[str]) -> None:
    choice = choose(*lines)
    assert taken(choice) == controls
    assert len(choice.reasons) == sum(line.startswith("m=") for line in lines)
    assert all(reason.isprintable() and len(reason) < 300 for reason in choice.reasons)


def test_what_a_camera_sends() -> None:
    choice = choose(*VIDEO, *AAC)
    assert choice.media == Media(VideoStream("h264", 0, 0), AudioStream("aac", 16000, 1))
    assert [str(track.url) for track in choice.tracks] == ["rtsp://10.0.0.1/live/video", "rtsp://10.0.0.1/live/aac"]
    assert choice.video is choice.tracks[0]


def test_the_sound_that_the_target_carries() -> None:
    assert taken(choose(*VIDEO, *AAC, *PCMU, carries=lambda codec: codec == "pcm_mulaw")) == ["video", "pcmu"]
    assert taken(choose(*VIDEO, *AAC, carries=lambda codec: False)) == ["video"]


def test_the_video_keeps_an_address_that_it_shares() -> None:
    choice = choose(*PCMU, *VIDEO[:2], "a=control:pcmu")
    assert choice.media == Media(VideoStream("h264", 0, 0))
    assert choice.reasons[0] == "track 0 is left out: the camera gives the video the same address"


def test_several_encodings_in_one_section_are_taken_by_the_order_of_its_first_line() -> None:
    choice = choose("m=video 0 RTP/AVP 96 98", "a=rtpmap:98 H265/90000", "a=rtpmap:96 H264/90000")
    assert [track.stream.codec for track in choice.tracks] == ["h264"]
    assert choice.reasons == ("track 0 (video H264, H265) is taken: it has 2 encodings, payload type 96 comes first",)


@pytest.mark.parametrize("kind", ["video", "application"])
def test_a_transport_stream_is_a_track_that_tells_nothing(kind: str) -> None:
    choice = choose(f"m={kind} 0 RTP/AVP 33")
    assert [track.stream for track in choice.tracks] == [VideoStream("mpegts", 0, 0)]
    assert choice.media is None and choice.video is not None


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({}, {"video", "audio"}),
        ({"audio": "none"}, {"video"}),
        ({"input": {"allowed_media_types": "video"}}, {"video"}),
        ({"input": {"allowed_media_types": "video+audio"}}, {"video", "audio"}),
        ({"input": {"allowed_media_types": "-audio"}}, {"video"}),
        ({"input": {"allowed_media_types": "+data"}}, {"video", "audio"}),
        ({"input": {"allowed_media_types": "audio"}, "audio": "none"}, set()),
    ],
)
def test_options_of_the_row(options: dict[str, object], kinds: set[str]) -> None:
    allowed = allowed_kinds(parse_options(options))
    assert allowed == kinds
    names = {"video": "video", "aac": "audio"}
    assert {names[control] for control in taken(choose(*VIDEO, *AAC, allowed=allowed))} == kinds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://10.0.0.1/live", "rtsp://10.0.0.1/live"),
        ("RTSP://Camera.example:8554?x=1", "rtsp://camera.example:8554?x=1"),
        ("rtsps://u:p@10.0.0.1:322/a b", "rtsps://10.0.0.1:322/a%20b"),
        ("rtspu://10.0.0.1/", "rtsp://10.0.0.1/"),
        ("rtsp://[fe80::1]:554/x", "rtsp://[fe80::1]:554/x"),
        ("rtsp://::ffff:192.168.1.123/onvif/", "rtsp://[::ffff:192.168.1.123]/onvif/"),
        ("rtsp://rtsp://turret2-cam.lan:554/stream1/", "rtsp://turret2-cam.lan:554/stream1/"),
        ("192.168.253.220:1935/", "rtsp://192.168.253.220:1935/"),
        ("rtsp://10.0.0.1:/x", "rtsp://10.0.0.1/x"),
        ("rtsp://10.0.0.1/a\r\nX: y", "rtsp://10.0.0.1/a%0D%0AX:%20y"),
        ("rtsp://10.0.0.1/%20{x}|\"<>'é", "rtsp://10.0.0.1/%20{x}|\"<>'%E9"),
        ("http://10.0.0.1/", None),
        ("rtsp://", None),
        ("rtsp:///x", None),
        ("rtsp://10.0.0.1:99999/", None),
        ("rtsp://10.0.0.1:x/", None),
        ("rtsp://a b/", None),
        ("", None),
        ("rtsp://x/" + "y" * 3000, None),
    ],
)
def test_urls(text: str, expected: str | None) -> None:
    found = parse_url(text)
    assert (None if found is None else found[0].reveal()) == expected


def test_the_url_of_a_row_has_its_credentials_apart() -> None:
    found = source_parts(parse_source("rtsp://ad%20min:p%40ss@10.0.0.1:8554/Straße?x=1"))
    assert found is not None
    url, credentials = found
    assert str(url) == "rtsp://10.0.0.1:8554/Stra%C3%9Fe?x=1"
    assert credentials is not None
    assert (credentials.login, credentials.password.reveal()) == ("ad min", "p@ss")
    assert "p@ss" not in repr(found)
    assert url.address == ("10.0.0.1", 8554)


def test_a_password_in_a_path_is_not_printed() -> None:
    url = RtspUrl(False, "10.0.0.1", None, "/user=admin&password=sEcret&channel=1")
    assert "sEcret" not in repr(url) + str(url) and "sEcret" in url.reveal()


@pytest.mark.parametrize(
    ("url", "address"),
    [("rtsp://h/", ("h", 554)), ("rtsps://h/", ("h", 322)), ("rtsp://[::1]:1/", ("::1", 1))],
)
def test_addresses(url: str, address: tuple[str, int]) -> None:
    found = parse_url(url)
    assert found is not None and found[0].address == address


@pytest.mark.parametrize(
    ("session", "content_base", "location", "expected"),
    [
        ("", "", "", "/live?x=1"),
        ("*", "", "", "/live?x=1"),
        ("*", "rtsp://10.0.0.1/live/", "", "/live/"),
        ("*", "rtsp://192.168.1.64:8554/live/", "rtsp://10.0.0.1/other", "/live/"),
        ("", "", "rtsp://10.0.0.1/other", "/other"),
        ("", "/live/a/", "", "/live/a/"),
        ("", "garbage, really", "rtsp://10.0.0.1/other", "/other"),
        ("rtsp://192.168.1.64/own", "rtsp://10.0.0.1/live/", "", "/own"),
        ("relative", "rtsp://10.0.0.1/live/", "", "/live/"),
        ("", "10.0.0.1:554/live/", "", "/live/"),
    ],
)
def test_what_controls_are_relative_to(session: str, content_base: str, location: str, expected: str) -> None:
    request = RtspUrl(False, "203.0.113.7", 5540, "/live?x=1")
    found = base_url(request, session, content_base, location)
    # Behind NAT a camera names an address of its own network.
    assert found.reveal() == f"rtsp://203.0.113.7:5540{expected}"


@pytest.mark.parametrize(
    ("base", "control", "expected"),
    [
        ("/live/", "trackID=1", "/live/trackID=1"),
        ("/live", "trackID=1", "/live/trackID=1"),
        ("", "trackID=1", "/trackID=1"),
        ("/live/", "/trackID=1", "/live/trackID=1"),
        ("/live", "/trackID=1", "/live/trackID=1"),
        ("/live/", "/live/trackID=1", "/live/trackID=1"),
        ("/livestream", "/live/trackID=1", "/livestream/live/trackID=1"),
        ("/cam?channel=1&subtype=0", "trackID=0", "/cam?channel=1&subtype=0/trackID=0"),
        ("/cam?channel=1/", "trackID=0", "/cam?channel=1/trackID=0"),
        ("/live", "?track=1", "/live?track=1"),
        ("/live/", "*", "/live/"),
        ("/live/", "", "/live/"),
        ("/live/", "rtsp://192.168.1.64:8554/media/track1?x=1", "/media/track1?x=1"),
        ("/live/", "http://192.168.1.64/track1", "/track1"),
        ("/live/", "track\r\n1", "/live/track%0D%0A1"),
    ],
)
def test_controls(base: str, control: str, expected: str) -> None:
    assert control_url(RtspUrl(True, "10.0.0.1", None, base), control).rest == expected


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_url_raises_or_adds_a_line(base: str, control: str) -> None:
    url = control_url(base_url(BASE, base, control, base), control)
    text = url.reveal()
    assert text.startswith("rtsp://10.0.0.1") and text.isascii() and " " not in text and text.isprintable()
