"""What holds for every stream that is given to a media server, whatever that answers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from restream.domain.rtsp.announcement import announcement
from restream.domain.rtsp.description import MediaDescription, PayloadFormat, read_description
from restream.domain.rtsp.events import Failed, Finished
from restream.domain.rtsp.failure import Stage
from restream.domain.rtsp.media_session import Interleaved
from restream.domain.rtsp.publisher import Recording, RtspPublisher
from restream.domain.rtsp.route import MAX_RECONNECTS
from restream.domain.rtsp.tracks import choose_tracks
from restream.domain.rtsp.url import RtspUrl
from tests.unit.scripted_rtsp import Answer
from tests.unit.scripted_server import PASSWORD, SERVER, Publication
from tests.unit.test_rtsp_properties import answers

CHANNELS = st.builds(Interleaved, st.integers(0, 9), st.integers(0, 9))


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, list[Answer]]:
    queues = st.lists(answers(), min_size=1, max_size=4)
    return {method: draw(queues) for method in SERVER if draw(st.booleans())}


@given(scripts(), st.tuples(CHANNELS, CHANNELS), st.integers(0, 6), st.booleans())
@settings(deadline=None)
def test_every_publication_comes_to_an_end(
    script: dict[str, list[Answer]], channels: tuple[Interleaved, ...], rounds: int, is_cut: bool
) -> None:
    it = Publication(channels=channels, cut=3 if is_cut else 0, **script)
    for _ in range(rounds):
        deadline = it.publisher.deadline
        if deadline is not None:
            it.wait(max(0.0, deadline - it.now))
    it.close()
    it.wait(2.0)
    ended = [event for event in it.events if isinstance(event, Failed | Finished)]
    assert len(ended) == 1 and it.publisher.stage is Stage.CLOSED and it.publisher.deadline is None
    assert it.connections <= 1 + MAX_RECONNECTS and len(it.asked) <= 40
    assert PASSWORD not in repr(it.events) + repr(it.publisher.said) + repr(it.publisher.__dict__)
    tries = [each for each in it.asked if each.header("Authorization") and each.method == "ANNOUNCE"]
    assert len(tries) <= 2 * it.connections
    for event in it.events:
        if isinstance(event, Recording):
            used = [channel for pair in event.channels for channel in pair]
            assert len(event.channels) == 2 and all(0 <= channel <= 255 for channel in used)


@given(st.binary(max_size=300))
def test_who_does_not_know_the_order_of_calls_harms_nothing(data: bytes) -> None:
    publisher = RtspPublisher(RtspUrl(False, "10.0.0.2", None, "/cam1"), None, b"", (), lambda: "c")
    publisher.receive(data, 1.0)
    publisher.lost("never was", 1.0)
    publisher.due(1.0)
    publisher.connected(1.0)
    publisher.encrypting(1.0)
    assert publisher.data_to_send() == b"" and list(publisher.events()) == []
    publisher.close(1.0)
    publisher.close(1.0)
    assert list(publisher.events()) == [Finished()]


TEXT = st.text(st.characters(max_codepoint=255), max_size=60)
FORMATS = st.builds(
    PayloadFormat,
    st.integers(0, 127),
    st.sampled_from(["H264", "H265", "HEVC", "MPEG4-GENERIC", "OPUS", "AV1", "JPEG", "PCMA"]),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 99),
    st.dictionaries(
        st.sampled_from(["config", "mode", "sprop-sps", "sprop-parameter-sets", "packetization-mode", "tier"]) | TEXT,
        st.sampled_from(["AAC-hbr", "1", "QgEB", "Z00,aO"]) | TEXT,
        max_size=6,
    ),
)


@given(FORMATS, FORMATS, TEXT)
def test_whatever_a_camera_describes_is_one_section_for_each_track(
    video: PayloadFormat, sound: PayloadFormat, text: str
) -> None:
    base = read_description(b"v=0\r\n")
    assert base is not None
    media = (MediaDescription("video", formats=(video,), control=text), MediaDescription("audio", formats=(sound,)))
    tracks = choose_tracks(type(base)(media, text), RtspUrl(False, "10.0.0.1", None, "/live")).tracks
    lines = announcement(tracks).decode("latin-1").split("\r\n")
    assert lines.pop() == "" and all(line[1:2] == "=" and line.isprintable() for line in lines)
    again = read_description(announcement(tracks))
    assert again is not None and len(again.media) == len(tracks) == sum(line.startswith("m=") for line in lines)
    for track, told in zip(tracks, again.media, strict=True):
        assert told.kind == ("video" if track.is_video else "audio")
        (payload,) = told.formats
        assert payload.payload_type == track.encoding.payload_type and payload.clock_rate_hz > 0
