"""Conversations with cameras: how they go, what is asked, and what is told when they fail."""

from __future__ import annotations

import pytest

from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import (
    Announced,
    ConnectionWanted,
    Described,
    Failed,
    Finished,
    MediaPacket,
    Playing,
)
from restream.domain.rtsp.failure import FailureKind, Stage
from restream.domain.rtsp.requester import Exchange
from tests.unit.scripted_rtsp import HANG_UP, OK, SDP, Answer, Asked, Talk, asked_in, says, setup_ok, then_hangs_up
from tests.unit.test_rtsp_messages import RTP, frame

PROBE = Conversation(goal=Goal.DESCRIBE)
DIGEST = 'WWW-Authenticate: Digest realm="camera", nonce="{}", algorithm=SHA-256'


def unauthorised(nonce: str = "1", *headers: str) -> Answer:
    return says("401 Unauthorized", DIGEST.format(nonce), *headers)


def described(sdp: str) -> Answer:
    return says("200 OK", "Content-Type: application/sdp", body=sdp)


def playing(talk: Talk) -> Playing:
    found = talk.the(Playing)
    assert isinstance(found, Playing)
    assert talk.client.stage is Stage.PLAYING
    return found


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


def test_media_of_both_tracks() -> None:
    talk = Talk()
    talk.hear(frame(0) + frame(3, b"rtcp") + frame(9) + frame(2))
    talk.go_on()
    packets = [event for event in talk.events if isinstance(event, MediaPacket)]
    assert packets == [MediaPacket(0, False, RTP), MediaPacket(1, True, b"rtcp"), MediaPacket(1, False, RTP)]


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


# Keeping alive, and ending


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


def test_a_keep_alive_meets_a_new_nonce() -> None:
    talk = Talk(DESCRIBE=[unauthorised(), described(SDP)], GET_PARAMETER=[unauthorised("2"), says("200 OK")])
    talk.wait(15)
    assert [each.header("Authorization")[:6] for each in talk.asked[-2:]] == ["Digest", "Digest"]
    assert talk.methods[-2:] == ["GET_PARAMETER", "GET_PARAMETER"]
    assert talk.client.deadline == talk.now + 15


def test_a_session_that_the_camera_forgot() -> None:
    talk = Talk(GET_PARAMETER=says("454 Session Not Found"))
    talk.wait(15)
    assert (talk.failure.kind, talk.failure.stage, talk.failure.status) == (
        FailureKind.SOURCE_ENDED,
        Stage.PLAYING,
        454,
    )


@pytest.mark.parametrize(
    ("header", "timeout_s"),
    [("1;timeout=60", 60), ("1", 60), ("1; Timeout = 10", 10), ("1;timeout=0", 4), ("1;timeout=999999", 600)],
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
    assert (talk.failure.kind, talk.failure.stage) == (FailureKind.SOURCE_ENDED, Stage.PLAYING)
    assert talk.failure.words == "the connection ended (playing): connection reset by peer"


# Logging in


def test_a_login() -> None:
    talk = Talk(OPTIONS=[unauthorised(), says("200 OK")])
    assert talk.methods == ["OPTIONS", "OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY"]
    assert [bool(each.header("Authorization")) for each in talk.asked] == [False, True, True, True, True, True]
    assert 'uri="rtsp://10.0.0.1/live/trackID=1"' in talk.asked[3].header("Authorization")
    playing(talk)
    assert talk.client.said.offered == ("SHA-256",)


@pytest.mark.parametrize("method", ["SETUP", "PLAY"])
def test_a_new_nonce_later_on(method: str) -> None:
    answers: dict[str, list[Answer]] = {"SETUP": [setup_ok], "PLAY": [says("200 OK")]}
    talk = Talk(DESCRIBE=[unauthorised(), described(SDP)], **{method: [unauthorised("2"), *answers[method]]})
    playing(talk)


@pytest.mark.parametrize(
    ("answers", "login", "kind", "words"),
    [
        ([unauthorised()], "admin", FailureKind.AUTH_FAILED, "it offers SHA-256"),
        ([unauthorised("1"), unauthorised("2")], "admin", FailureKind.AUTH_FAILED, "it offers SHA-256"),
        ([unauthorised()], None, FailureKind.AUTH_FAILED, "no login is sent"),
        ([says("401 Unauthorized")], "admin", FailureKind.AUTH_FAILED, "it does not say how to log in"),
        (
            [says("401 No", 'WWW-Authenticate: Digest nonce="1", algorithm=SM3, Bearer')],
            "admin",
            FailureKind.AUTH_UNSUPPORTED,
            "it offers SM3, bearer",
        ),
        ([unauthorised(), says("403 Forbidden")], "admin", FailureKind.AUTH_FAILED, "RTSP/1.0 403 Forbidden"),
        ([says("403 Forbidden")], "admin", FailureKind.REQUEST_REFUSED, "RTSP/1.0 403 Forbidden"),
    ],
)
def test_a_login_that_fails(answers: list[Answer], login: str | None, kind: FailureKind, words: str) -> None:
    talk = Talk(PROBE, login=login, DESCRIBE=answers)
    assert talk.failure.kind is kind
    assert words in talk.failure.words
    assert len(talk.asked) == min(len(answers) + (len(answers) == 1 and "offers SHA" in words), 2)
    assert talk.failure.stage is Stage.DESCRIBE
    assert (talk.failure.offered == ()) == (kind is FailureKind.REQUEST_REFUSED or "does not say" in words) or (
        talk.failure.status == 403
    )


def test_a_camera_that_closes_the_connection_after_401() -> None:
    talk = Talk(DESCRIBE=[then_hangs_up(unauthorised()), described(SDP)])
    playing(talk)
    assert len(talk.addresses) == 2
    assert talk.methods[:3] == ["OPTIONS", "DESCRIBE", "DESCRIBE"]
    assert talk.asked[2].header("Authorization").startswith("Digest ")


def test_and_has_another_nonce_for_each_connection() -> None:
    close = "Connection: close"
    talk = Talk(PROBE, DESCRIBE=[unauthorised("1", close), unauthorised("2"), described(SDP)])
    talk.the(Described)
    assert [each.header("Authorization").partition("nonce=")[2][:3] for each in talk.asked] == ["", '"1"', '"2"']
    assert len(talk.addresses) == 2


def test_a_wrong_password_is_not_tried_again_over_another_connection() -> None:
    talk = Talk(PROBE, DESCRIBE=then_hangs_up(unauthorised()))
    assert talk.failure.kind in (FailureKind.AUTH_FAILED, FailureKind.SOURCE_ENDED)
    assert len([each for each in talk.asked if each.header("Authorization")]) <= 2


def test_a_camera_that_closes_the_connection_after_each_answer() -> None:
    talk = Talk(OPTIONS=says("200 OK", "Connection: close"), DESCRIBE=says("200 OK", "Connection: Close", body=SDP))
    playing(talk)
    assert len(talk.addresses) == 3


def test_and_never_gets_anywhere() -> None:
    talk = Talk(SETUP=says("200 OK", "Session: 1", "Connection: close"))
    assert talk.failure.kind is FailureKind.SOURCE_ENDED
    assert "again and again" in talk.failure.words
    assert len(talk.addresses) == 4


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize(
    ("location", "address", "target", "logs_in"),
    [
        ("rtsp://10.0.0.1:8554/other", ("10.0.0.1", 8554), "rtsp://10.0.0.1:8554/other", True),
        ("rtsps://10.0.0.1/other", ("10.0.0.1", 322), "rtsps://10.0.0.1/other", True),
        ("/other?x=1", ("10.0.0.1", 554), "rtsp://10.0.0.1/other?x=1", True),
        ("rtsp://10.0.0.2/other", ("10.0.0.2", 554), "rtsp://10.0.0.2/other", False),
        ("rtsp://own:word@10.0.0.2/other", ("10.0.0.2", 554), "rtsp://10.0.0.2/other", True),
    ],
)
def test_redirects(status: int, location: str, address: tuple[str, int], target: str, logs_in: bool) -> None:
    moved = says(f"{status} Moved", f"Location: {location}")
    talk = Talk(PROBE, DESCRIBE=[moved, unauthorised(), described(SDP)])
    assert talk.addresses == [("10.0.0.1", 554), address]
    assert talk.asked[1].target == target
    assert [each.header("Authorization") for each in talk.asked[:2]] == ["", ""]
    if logs_in:
        assert ('username="own"' if "own" in location else 'username="admin"') in talk.asked[2].header("Authorization")
        talk.the(Described)
    else:
        assert talk.failure.kind is FailureKind.AUTH_FAILED
        assert "another host" in talk.failure.words


def test_credentials_do_not_go_from_tls_into_clear() -> None:
    moved = says("301 Moved", "Location: rtsp://10.0.0.1/other")
    talk = Talk(PROBE, url="rtsps://10.0.0.1/live", DESCRIBE=[moved, unauthorised()])
    assert talk.failure.kind is FailureKind.AUTH_FAILED and len(talk.asked) == 2


@pytest.mark.parametrize(
    ("location", "kind", "times"),
    [
        ("rtsp://10.0.0.1/live", FailureKind.REDIRECT_LOOP, 4),
        ("http://10.0.0.1/live", FailureKind.REQUEST_REFUSED, 1),
        ("", FailureKind.REQUEST_REFUSED, 1),
    ],
)
def test_redirects_that_lead_nowhere(location: str, kind: FailureKind, times: int) -> None:
    talk = Talk(PROBE, DESCRIBE=says("302 Found", f"Location: {location}"))
    assert (talk.failure.kind, talk.failure.status, len(talk.asked)) == (kind, 302, times)


# Answers that are no success


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad Request", FailureKind.REQUEST_REFUSED),
        ("404 Stream Not Found", FailureKind.NOT_FOUND),
        ("406 Not Acceptable", FailureKind.REQUEST_REFUSED),
        ("453 Not Enough Bandwidth", FailureKind.BUSY),
        ("454 Session Not Found", FailureKind.REQUEST_REFUSED),
        ("461 Unsupported Transport", FailureKind.TRANSPORT_REFUSED),
        ("400 Max number of sessions reached", FailureKind.BUSY),
        ("500 Too many clients", FailureKind.BUSY),
        ("500 Internal Server Error", FailureKind.CAMERA_ERROR),
        ("503 Service Unavailable", FailureKind.BUSY),
        ("551 Option not supported", FailureKind.CAMERA_ERROR),
        ("304 Not Modified", FailureKind.REQUEST_REFUSED),
    ],
)
@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY"])
def test_each_refusal_is_told_with_its_stage_and_the_camera_s_words(
    method: str, status: str, kind: FailureKind
) -> None:
    talk = Talk(**{method: says(status)})
    assert (talk.failure.kind, talk.failure.stage.value) == (kind, method.lower())
    assert talk.failure.words == f"RTSP/1.0 {status}"
    assert talk.failure.status == int(status[:3])
    # A session that was opened is given back.
    assert (talk.methods[-1] == "TEARDOWN") == (method == "PLAY")


def test_a_probe_asks_for_options_where_it_must() -> None:
    talk = Talk(PROBE, DESCRIBE=[says("455 Method Not Valid in This State"), described(SDP)])
    assert talk.methods == ["DESCRIBE", "OPTIONS", "DESCRIBE"]
    talk.the(Described)
    assert Talk(PROBE, DESCRIBE=says("455 No")).failure.kind is FailureKind.REQUEST_REFUSED


@pytest.mark.parametrize(
    "transport", ["RTP/AVP;unicast;client_port=0-1;server_port=6000-6001", "RTP/AVP/UDP;unicast", "RTP/AVP;multicast"]
)
def test_another_transport_than_asked_is_a_refusal(transport: str) -> None:
    talk = Talk(SETUP=says("200 OK", f"Transport: {transport}", "Session: 7"))
    assert (talk.failure.kind, talk.failure.stage) == (FailureKind.TRANSPORT_REFUSED, Stage.SETUP)
    assert transport.partition(";")[0] in talk.failure.words
    assert talk.methods[-1] == "TEARDOWN"


@pytest.mark.parametrize(
    ("transport", "video", "audio"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=4-5", 4, 2),  # the same for both: what was asked is meant
        ("RTP/AVP/TCP;unicast", 0, 2),
        ("RTP/AVP/TCP;interleaved=6", 6, 2),
        ("RTP/AVP;unicast;interleaved=4-5,RTP/AVP;client_port=1-2", 4, 2),
        ("RTP/AVP/TCP;interleaved=999-1000", 0, 2),
        ("", 0, 2),
    ],
)
def test_channels_that_the_camera_numbers_otherwise(transport: str, video: int, audio: int) -> None:
    headers = [f"Transport: {transport}"] if transport else []
    talk = Talk(SETUP=says("200 OK", "Session: 7", *headers))
    talk.hear(frame(video, b"v") + frame(audio, b"a"))
    talk.go_on()
    packets = [event for event in talk.events if isinstance(event, MediaPacket)]
    assert packets == [MediaPacket(0, False, b"v"), MediaPacket(1, False, b"a")]


@pytest.mark.parametrize(
    "refused",
    [says("400 Bad Request"), says("500 Oops"), says("461 No"), says("200 OK", "Transport: RTP/AVP;client_port=1-2")],
)
def test_a_sound_that_cannot_be_set_up_is_left_out(refused: Answer) -> None:
    talk = Talk(SETUP=[setup_ok, refused])
    assert [track.media.kind for track in playing(talk).tracks] == ["video"]
    assert playing(talk).reasons[-1].startswith("track 1 is left out: ")


def test_also_where_the_camera_closes_the_connection_for_it() -> None:
    talk = Talk(SETUP=[setup_ok, lambda asked: HANG_UP, setup_ok])
    assert [track.media.kind for track in playing(talk).tracks] == ["video"]
    assert talk.methods.count("DESCRIBE") == 1 and len(talk.addresses) == 2
    assert [each.header("Session") for each in talk.asked if each.method == "SETUP"] == ["", "12345678", ""]


def test_a_range_that_the_camera_does_not_like() -> None:
    talk = Talk(PLAY=[says("457 Invalid Range"), says("200 OK")])
    assert [each.header("Range") for each in talk.asked[-2:]] == ["npt=0.000-", ""]
    playing(talk)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("", FailureKind.DESCRIPTION_UNREADABLE, "without a session description"),
        ("<html>\x1b[2Jno</html>", FailureKind.DESCRIPTION_UNREADABLE, "<html> [2Jno</html>"),
        ("v=0\r\ns=x\r\n", FailureKind.NO_MEDIA, "no media"),
        ("v=0\r\nm=audio 0 RTP/AVP 0\r\n", FailureKind.NO_MEDIA, "track 0 (audio PCMU) is taken"),
        ("m=video 0 RTP/AVP 99\r\na=rtpmap:99 X-OWN/90000\r\n", FailureKind.NO_MEDIA, "encoding is not known"),
    ],
)
def test_descriptions_that_tell_nothing(body: str, kind: FailureKind, words: str) -> None:
    talk = Talk(PROBE, DESCRIBE=described(body))
    if not body:  # might be to come
        talk.wait(1.0)
    assert talk.failure.kind is kind
    assert words in talk.failure.words


def test_options_of_the_row_reach_the_dialogue() -> None:
    assert len(playing(Talk(Conversation(allowed=frozenset({"video"})))).tracks) == 1
    assert len(playing(Talk(Conversation(carries=lambda codec: codec == "aac"))).tracks) == 1


# Time


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
def test_a_timeout_tells_what_was_waited_for(method: str) -> None:
    talk = Talk(**{method: None})
    talk.wait(9.9)
    assert not [event for event in talk.events if isinstance(event, Failed)]
    talk.wait(0.1)
    failure = talk.failure
    assert (failure.kind, failure.stage.value, failure.status) == (FailureKind.TIMEOUT, method.lower(), None)
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
        assert failed.failure.kind is FailureKind.TIMEOUT


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


# Numbers, and words of the camera's own


@pytest.mark.parametrize("number", ["", "x", "999", "0"])
def test_answers_with_another_number_or_none(number: str) -> None:
    described_so = says("200 OK", body=SDP, number=number)
    options = says("200 OK", "Public: A", number=number)
    setup = says("200 OK", "Session: 7", number=number)
    # Two answers that are the same are one that was sent twice; a real camera's differ.
    talk = Talk(
        OPTIONS=options, DESCRIBE=described_so, SETUP=[setup, says("200 OK", "Session: 7", "X: 2", number=number)]
    )
    assert len(playing(talk).tracks) == 2


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
def test_an_answer_that_comes_twice(method: str) -> None:
    once = OK[method]
    assert once is not None
    talk = Talk(**{method: lambda asked: once(asked) * 2})
    assert len(playing(talk).tracks) == 2
    assert talk.methods == ["OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY"]


def test_answers_to_come() -> None:
    talk = Talk(DESCRIBE=lambda asked: b"RTSP/1.0 100 Continue\r\nCSeq: 2\r\n\r\n" + described(SDP)(asked))  # type: ignore[misc]
    playing(talk)


def test_requests_of_the_camera_are_answered() -> None:
    talk = Talk()
    talk.hear(b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\nPAUSE * RTSP/1.0\r\nCSeq: 8\r\n\r\n")
    sent = talk.client.data_to_send().decode()
    assert "RTSP/1.0 200 OK\r\nCSeq: 7\r\n" in sent and "RTSP/1.0 501 Not Implemented\r\nCSeq: 8\r\n" in sent
    talk.hear(f"ANNOUNCE * RTSP/1.0\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}".encode())
    (announced,) = talk.client.events()
    assert isinstance(announced, Announced) and announced.description is not None
    talk.hear(b"REDIRECT * RTSP/1.0\r\nLocation: rtsp://10.0.0.1:8554/\r\n\r\n")
    talk.go_on()
    assert talk.addresses[-1] == ("10.0.0.1", 8554)


def test_a_camera_that_ends_the_session() -> None:
    talk = Talk()
    talk.hear(b"TEARDOWN * RTSP/1.0\r\n\r\n")
    talk.go_on()
    assert talk.failure.kind is FailureKind.SOURCE_ENDED


def test_a_camera_that_asks_and_never_reads() -> None:
    talk = Talk()
    for _ in range(1000):
        talk.hear(b"OPTIONS * RTSP/1.0\r\n\r\n" * 50)
    assert len(talk.client.data_to_send()) < 300_000


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "a web server answers: HTTP/1.1 400 Bad Request"),
        (b"\x17\x03\x01\x00\x02\x02\x46" * 1000, "bytes that are no RTSP"),
        (b"\x15\x03\x01\x00\x02\x02\x46" * 1000, "the port speaks TLS"),
        (b"RTSP/1.0 200 OK\r\nX: " + b"x" * 20_000, "a header of more than"),
    ],
)
def test_who_is_no_rtsp_server(said: bytes, words: str) -> None:
    talk = Talk(OPTIONS=lambda asked: said)
    assert talk.failure.kind is FailureKind.NOT_RTSP
    assert words in talk.failure.words


def test_who_carries_the_bytes_gives_up() -> None:
    talk = Talk(DESCRIBE=None)
    talk.client.abandon(FailureKind.CAMERA_ERROR, "too much", talk.now)
    talk.client.abandon(FailureKind.TIMEOUT, "told once", talk.now)
    talk.go_on()
    assert (talk.failure.kind, talk.failure.stage) == (FailureKind.CAMERA_ERROR, Stage.DESCRIBE)
    assert talk.client.said.exchanges[-1].method == "DESCRIBE" and not talk.client.said.exchanges[-1].answer


@pytest.mark.parametrize("end", ["timeout", "loss"])
def test_a_few_bytes_that_are_no_rtsp_are_told_at_the_end(end: str) -> None:
    talk = Talk(OPTIONS=lambda asked: b"SSH-2.0-OpenSSH_9.2p1\r\nmore\r\n")
    if end == "timeout":
        talk.wait(10)
    else:
        talk.client.lost("end of file", talk.now)
        talk.go_on()
    assert talk.failure.kind is FailureKind.NOT_RTSP
    assert "SSH-2.0" in talk.failure.words


def test_nobody_sees_the_password() -> None:
    leak = f"400 no {' '.join(['sEcret@1', 'sEcret%401'])} \x1b[31m{'x' * 500}"
    talk = Talk(PROBE, DESCRIBE=says(leak, "Server: sEcret@1"))
    assert talk.failure.words.startswith("RTSP/1.0 400 no *** *** [31mxxx")
    assert talk.client.said.server == "***"
    assert asked_in(b"") == []
