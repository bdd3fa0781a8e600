"""Conversations with cameras as they should go: to describe, to play, to keep alive, to end; and how long they wait."""

from __future__ import annotations

import pytest

from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.life.cause import Cause
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import (
    ConnectionWanted,
    Described,
    Failed,
    Finished,
    Interleaved,
    MediaPacket,
)
from restream.domain.rtsp.failure import Stage
from restream.domain.rtsp.media_session import MAX_EARLY_BYTES
from restream.domain.rtsp.requester import Exchange
from tests.unit.scripted_rtsp import (
    PROBE,
    SDP,
    Answer,
    Asked,
    Talk,
    described,
    playing,
    says,
    setup_ok,
    then_hangs_up,
    unauthorised,
)
from tests.unit.test_rtsp_messages import RTP, frame


def test_a_probe_is_one_describe() -> None:
    talk = Talk(PROBE)
    assert talk.methods == ["DESCRIBE"]
    wanted, found, finished = talk.events
    assert isinstance(wanted, ConnectionWanted) and str(wanted.url) == "rtsp://10.0.0.1/live"
    assert isinstance(found, Described) and isinstance(finished, Finished)
    assert found.choice.media == Media(VideoStream("h264", 0, 0), AudioStream("pcm_mulaw", 8000, 1))
    assert talk.client.deadline is None
    assert talk.asked[0].headers == {"cseq": "1", "user-agent": "restream", "accept": "application/sdp"}
    assert talk.client.said.exchanges == (Exchange(Stage.DESCRIBE, "DESCRIBE", "RTSP/1.0 200 OK", 0.0),)


def test_to_play() -> None:
    talk = Talk()
    assert [(each.method, each.target) for each in talk.asked] == [
        ("OPTIONS", "rtsp://10.0.0.1/live"),
        ("DESCRIBE", "rtsp://10.0.0.1/live"),
        ("SETUP", "rtsp://10.0.0.1/live/trackID=1"),
        ("SETUP", "rtsp://10.0.0.1/live/trackID=2"),
        ("PLAY", "rtsp://10.0.0.1/live/"),
    ]
    assert [each.header("Transport") for each in talk.asked[2:4]] == [
        "RTP/AVP/TCP;unicast;interleaved=0-1",
        "RTP/AVP/TCP;unicast;interleaved=2-3",
    ]
    assert [each.header("Session") for each in talk.asked] == ["", "", "", "12345678", "12345678"]
    assert talk.asked[4].header("Range") == "npt=0.000-"
    assert [track.media.kind for track in playing(talk).tracks] == ["video", "audio"]
    assert playing(talk).session_timeout_s == 30
    assert talk.client.said.server == "Camera 1.0"


def test_to_hold_a_stream_it_is_set_up_and_not_played() -> None:
    talk = Talk(Conversation(Goal.HOLD))
    assert talk.methods == ["OPTIONS", "DESCRIBE", "SETUP"]
    assert [track.media.kind for track in playing(talk).tracks] == ["video"]
    talk.wait(15)
    assert talk.methods[3:] == ["GET_PARAMETER"]
    talk.close()
    assert talk.methods[-1] == "TEARDOWN"


def test_media_of_both_tracks() -> None:
    talk = Talk()
    talk.hear(frame(0) + frame(3, b"rtcp") + frame(9) + frame(2))
    talk.go_on()
    packets = [event for event in talk.events if isinstance(event, MediaPacket)]
    assert packets == [MediaPacket(0, False, RTP), MediaPacket(1, True, b"rtcp"), MediaPacket(1, False, RTP)]


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_frames_that_somebody_takes_unread(cut: int) -> None:
    taken = Frames()
    talk = Talk(cut=cut)
    talk.client.frames = taken
    answer = b"RTSP/1.0 200 OK\r\n" + frame(2, b"inside") + b"CSeq: 77\r\n\r\n"
    talk.hear(frame(0) + answer + frame(1, b"rtcp") + b"stray" + frame(0))
    talk.go_on()
    events = [event for event in talk.events if isinstance(event, MediaPacket)]
    assert MediaPacket(1, False, b"inside") in events
    # Right after what is no frame, one is an event.
    again = b"".join(frame(2 * each.track + each.is_rtcp, each.payload) for each in events if each.payload == RTP)
    assert taken.data + again == frame(0) + frame(1, b"rtcp") + frame(0)
    assert playing(talk).channels == (Interleaved(0, 1), Interleaved(2, 3))


class Frames:
    """Takes them whole."""

    data = b""

    def take(self, buffer: bytes, at: int, now: float) -> int:
        while buffer[at : at + 1] == b"$" and len(buffer) >= at + 4:
            end = at + 4 + int.from_bytes(buffer[at + 2 : at + 4], "big")
            if end > len(buffer):
                break
            self.data += buffer[at:end]
            at = end
        return at


def test_media_before_the_answer_to_play_is_kept() -> None:
    def play(asked: Asked) -> bytes:
        answer = says("200 OK")
        assert answer
        return frame(0) + answer(asked) + frame(0, b"next")

    talk = Talk(PLAY=play)
    assert talk.events[-3:] == [playing(talk), MediaPacket(0, False, RTP), MediaPacket(0, False, b"next")]


def test_media_although_play_is_never_answered() -> None:
    talk = Talk(PLAY=lambda asked: frame(0))
    talk.wait(10)
    assert "the camera sends media and does not answer PLAY" in playing(talk).reasons
    assert talk.events[-1] == MediaPacket(0, False, RTP)


def test_media_without_end_before_the_answer_to_play_is_bounded() -> None:
    talk = Talk(PLAY=lambda asked: frame(0, bytes(60_000)) * 100)
    talk.wait(10)
    kept = sum(len(event.payload) for event in talk.events if isinstance(event, MediaPacket))
    assert 0 < kept <= MAX_EARLY_BYTES


def test_nothing_is_held_of_what_comes_after_the_end() -> None:
    talk = Talk(PROBE)
    for _ in range(100):
        talk.hear(b"x" * 60_000)
    assert len(talk.client._reader._buffer) < 60_000


def test_a_session_is_kept_alive_at_half_of_its_timeout() -> None:
    talk = Talk()
    assert talk.client.deadline == talk.now + 15
    talk.wait(14.9)
    assert talk.methods[5:] == []
    talk.wait(0.1)
    talk.wait(15)
    assert talk.methods[5:] == ["GET_PARAMETER", "GET_PARAMETER"]
    assert talk.asked[-1].target == "rtsp://10.0.0.1/live/" and talk.asked[-1].header("Session") == "12345678"


@pytest.mark.parametrize(
    "options", [says("200 OK", "Public: OPTIONS, DESCRIBE"), says("200 OK"), says("501 Not Implemented")]
)
def test_by_options_where_there_is_no_get_parameter(options: Answer) -> None:
    talk = Talk(OPTIONS=options)
    talk.wait(15)
    assert talk.methods[5:] == ["OPTIONS"]
    playing(talk)


@pytest.mark.parametrize("status", ["400 Bad Request", "405 Method Not Allowed", "501 Not Implemented", "551 No"])
def test_by_options_where_get_parameter_is_refused(status: str) -> None:
    talk = Talk(GET_PARAMETER=says(status))
    talk.wait(15)
    talk.wait(15)
    assert talk.methods[5:] == ["GET_PARAMETER", "OPTIONS"]
    playing(talk)


def test_a_keep_alive_may_go_unanswered() -> None:
    talk = Talk(GET_PARAMETER=None)
    for _ in range(5):
        talk.wait(15)
    assert talk.methods[5:] == ["GET_PARAMETER"] * 5
    playing(talk)
    assert [each.method for each in talk.client.said.exchanges] == [*talk.methods[:5], "GET_PARAMETER"]
    assert talk.client.said.exchanges[-1] == Exchange(Stage.PLAYING, "GET_PARAMETER", "", 15.0)


def test_a_keep_alive_meets_a_new_nonce() -> None:
    talk = Talk(DESCRIBE=[unauthorised(), described(SDP)], GET_PARAMETER=[unauthorised("2"), says("200 OK")])
    talk.wait(15)
    assert [each.header("Authorization")[:6] for each in talk.asked[-2:]] == ["Digest", "Digest"]
    assert talk.methods[-2:] == ["GET_PARAMETER", "GET_PARAMETER"]
    assert talk.client.deadline == talk.now + 15


def test_a_keep_alive_that_is_refused_ends_nothing() -> None:
    talk = Talk(login=None, GET_PARAMETER=unauthorised())
    talk.wait(15)
    talk.wait(15)
    playing(talk)
    assert talk.methods[5:] == ["GET_PARAMETER", "OPTIONS"]


def test_a_session_that_the_camera_forgot() -> None:
    talk = Talk(GET_PARAMETER=says("454 Session Not Found"))
    talk.wait(15)
    assert (talk.failure.cause, talk.failure.stage, talk.failure.status) == (
        Cause.SOURCE_ENDED,
        Stage.PLAYING,
        454,
    )


@pytest.mark.parametrize(
    ("header", "timeout_s"),
    [
        ("1;timeout=60", 60),
        ("1", 60),
        ("1; Timeout = 10", 10),
        ("1;timeout=0", 60),
        ("1;timeout=1", 2),
        ("1;timeout=999999", 600),
    ],
)
def test_timeouts_of_sessions(header: str, timeout_s: float) -> None:
    talk = Talk(SETUP=says("200 OK", f"Session: {header}"))
    assert talk.client.deadline == talk.now + timeout_s / 2


def test_the_end_is_told_to_the_camera() -> None:
    talk = Talk()
    talk.close()
    assert talk.methods[-1] == "TEARDOWN" and talk.asked[-1].header("Session") == "12345678"
    assert talk.events[-1] == Finished()
    assert talk.client.stage is Stage.CLOSED


@pytest.mark.parametrize("how", ["silence", "loss", "401", "an old answer"])
def test_the_end_does_not_wait_for_ever(how: str) -> None:
    talk = Talk(TEARDOWN=unauthorised() if how == "401" else None)
    talk.close()
    if how == "silence":
        talk.wait(2)
    elif how == "loss":
        talk.client.lost("end of file", talk.now)
        talk.go_on()
    elif how == "an old answer":
        talk.hear(b"RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n")
        talk.go_on()
        assert talk.client.stage is Stage.TEARDOWN
        talk.wait(2)
    assert talk.events[-1] == Finished()


def test_the_end_before_there_is_a_session() -> None:
    talk = Talk(DESCRIBE=None)
    talk.close()
    assert talk.events[-1] == Finished() and "TEARDOWN" not in talk.methods
    talk.close()
    talk.client.lost("end of file", talk.now)
    talk.client.receive(b"RTSP/1.0 200 OK\r\n\r\n", talk.now)
    talk.client.due(talk.now + 100)
    assert list(talk.client.events()) == []


def test_the_connection_ends_while_it_plays() -> None:
    talk = Talk()
    talk.client.lost("connection reset by peer", talk.now)
    talk.go_on()
    assert (talk.failure.cause, talk.failure.stage) == (Cause.SOURCE_ENDED, Stage.PLAYING)
    assert talk.failure.words == "the connection ended (playing): connection reset by peer"


def test_a_sound_whose_setup_is_never_answered_is_left_out() -> None:
    talk = Talk(SETUP=[setup_ok, None, setup_ok])
    talk.wait(10)
    assert [track.media.kind for track in playing(talk).tracks] == ["video"]
    assert playing(talk).reasons[-1] == "track 1 is left out: no answer to SETUP within 10.0 s"


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
def test_a_timeout_tells_what_was_waited_for(method: str) -> None:
    talk = Talk(**{method: None})
    talk.wait(9.9)
    assert not [event for event in talk.events if isinstance(event, Failed)]
    talk.wait(0.1)
    failure = talk.failure
    assert (failure.cause, failure.stage.value, failure.status) == (Cause.TIMEOUT, method.lower(), None)
    assert failure.words == f"no answer to {method} within 10.0 s" and failure.waited_s == pytest.approx(10)
    assert talk.client.said.exchanges[-1].answer == ""


def test_a_timeout_of_the_connection() -> None:
    for tls in (False, True):
        talk = Talk(DESCRIBE=None)
        client = type(talk.client)(talk.client._route.url, None, PROBE, lambda: "")
        client.start(0.0)
        if tls:
            client.encrypting(3.0)
        assert client.deadline == 5.0 + 3.0 * tls
        client.due(8.0)
        _, failed = client.events()
        assert isinstance(failed, Failed)
        assert failed.failure.stage is (Stage.TLS if tls else Stage.CONNECT)
        assert failed.failure.cause is Cause.TIMEOUT


def test_a_description_whose_length_is_not_told() -> None:
    def answer(asked: Asked) -> bytes:
        return f"RTSP/1.0 200 OK\r\nCSeq: {asked.header('CSeq')}\r\nContent-Type: application/sdp\r\n\r\n{SDP}".encode()

    talk = Talk(DESCRIBE=answer)
    talk.wait(1.0)
    playing(talk)
    talk = Talk(PROBE, DESCRIBE=then_hangs_up(answer))
    talk.the(Described)
    talk = Talk(DESCRIBE=then_hangs_up(answer))
    playing(talk)
    assert len(talk.addresses) == 2
