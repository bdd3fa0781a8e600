"""The shapes of SDP that simulated cameras describe themselves with."""

import pytest

from restream.demo.behaviours.answers import AnswersWith, SetsHeader
from restream.demo.behaviours.descriptions import (
    DescribesAs,
    SdpShape,
    absolute_controls,
    aggregate_control,
    back_channel_before_audio,
    line_feeds_only,
    metadata_first,
    private_controls,
    second_rtpmap_first,
    without_controls,
    without_parameter_sets,
)
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import CLIPS, Clip
from tests.support.camera_dialogue import URI, Dialogue


def dialogue(*shapes: SdpShape, clip: str = "h264_aac") -> Dialogue:
    return Dialogue(SimulatedCamera(Clip.load(clip), behaviours=tuple(map(DescribesAs, shapes))))


def described(*shapes: SdpShape, clip: str = "h264_aac") -> str:
    return dialogue(*shapes, clip=clip).ask("DESCRIBE").body.decode()


def lines(sdp: str, start: str) -> list[str]:
    return [line for line in sdp.splitlines() if line.startswith(start)]


async def test_metadata_video_back_channel_and_sound() -> None:
    talk = dialogue(back_channel_before_audio, metadata_first)
    sdp = talk.ask("DESCRIBE").body.decode()
    assert [line.split()[0] for line in lines(sdp, "m=")] == ["m=application", "m=video", "m=audio", "m=audio"]
    assert "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\n" in sdp
    assert lines(sdp, "a=control") == [f"a=control:streamid={number}" for number in (10, 0, 11, 1)]
    assert [talk.ask("SETUP", track).status for track in (10, 0, 11, 1, 2)] == [200] * 4 + [404]
    played = talk.ask("PLAY").header("RTP-Info") or ""
    assert "streamid=1" in played and "streamid=10" not in played
    talk.leave()


async def test_the_second_of_two_payload_types_is_described_first() -> None:
    sdp = described(second_rtpmap_first)
    assert "m=video 0 RTP/AVP 96 98" in sdp
    assert lines(sdp, "a=rtpmap")[:2] == ["a=rtpmap:98 H265/90000", "a=rtpmap:96 H264/90000"]
    assert lines(described(second_rtpmap_first, clip="h265"), "a=rtpmap")[0] == "a=rtpmap:98 H264/90000"


async def test_line_feeds_only() -> None:
    talk = dialogue(line_feeds_only)
    sdp = talk.ask("DESCRIBE").body.decode()
    assert "\r" not in sdp and sdp.splitlines() == described().splitlines()
    assert talk.ask("SETUP", 1).status == 200


@pytest.mark.parametrize("clip", CLIPS)
async def test_no_parameter_sets_and_the_rest_as_it_was(clip: str) -> None:
    sdp = described(without_parameter_sets, clip=clip)
    assert "sprop" in described(clip=clip) and "sprop" not in sdp
    video = lines(sdp, "a=fmtp:96")
    assert video == ([] if clip == "h265" else ["a=fmtp:96 packetization-mode=1; profile-level-id=4D400C"])
    assert len(sdp.splitlines()) >= len(described(clip=clip).splitlines()) - 1


async def test_controls() -> None:
    assert lines(described(absolute_controls), "a=control") == [f"a=control:{URI}/streamid={n}" for n in (0, 1)]
    hidden = "a=control:rtsp://192.0.2.64:554/stream/streamid="
    assert lines(described(private_controls), "a=control") == [f"{hidden}{n}" for n in (0, 1)]
    assert lines(described(aggregate_control), "a=control")[0] == "a=control:*"
    assert described(aggregate_control).index("a=control:*") < described(aggregate_control).index("m=video")
    for shape in (absolute_controls, private_controls, aggregate_control):
        assert dialogue(shape).ask("SETUP", 1).status == 200


async def test_a_single_track_without_a_control_is_set_up_as_the_whole() -> None:
    talk = dialogue(without_controls, clip="h264")
    assert "control" not in talk.ask("DESCRIBE").body.decode()
    assert talk.ask("SETUP").status == 200
    assert dialogue(clip="h264").ask("SETUP").status == 404


async def test_an_empty_description_and_none() -> None:
    nothing = (("Content-Type", "application/sdp"), ("Content-Length", "0"))
    for headers in (nothing, ()):
        it = SimulatedCamera(Clip.load("h264"), behaviours=(AnswersWith(200, at=("DESCRIBE",), headers=headers),))
        answered = Dialogue(it).ask("DESCRIBE")
        assert (answered.status, answered.body, answered.headers[1:]) == (200, b"", list(headers))


@pytest.mark.parametrize("base", [None, "", "/", URI, "rtsp://192.0.2.64/other/", "stream"])
async def test_an_odd_base(base: str | None) -> None:
    it = SimulatedCamera(Clip.load("h264"), behaviours=(SetsHeader("Content-Base", base, ("DESCRIBE",)),))
    talk = Dialogue(it)
    assert talk.ask("DESCRIBE").header("Content-Base") == base
    assert talk.ask("SETUP", 0).header("Content-Base") is None
