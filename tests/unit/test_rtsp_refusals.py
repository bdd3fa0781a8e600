"""What cameras answer when they refuse, leave out, number otherwise, or are no cameras; and what is told."""

from __future__ import annotations

import pytest

from restream.domain.life.cause import Cause
from restream.domain.rtsp.dialogue import Conversation
from restream.domain.rtsp.events import (
    Announced,
    Described,
    MediaPacket,
)
from restream.domain.rtsp.failure import Stage
from tests.unit.scripted_rtsp import (
    HANG_UP,
    OK,
    PROBE,
    SDP,
    Answer,
    Talk,
    asked_in,
    described,
    playing,
    says,
    setup_ok,
)
from tests.unit.test_rtsp_messages import frame


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad Request", Cause.REQUEST_REFUSED),
        ("404 Stream Not Found", Cause.NOT_FOUND),
        ("406 Not Acceptable", Cause.REQUEST_REFUSED),
        ("453 Not Enough Bandwidth", Cause.BUSY),
        ("454 Session Not Found", Cause.REQUEST_REFUSED),
        ("461 Unsupported Transport", Cause.TRANSPORT_REFUSED),
        ("400 Max number of sessions reached", Cause.BUSY),
        ("500 Too many clients", Cause.BUSY),
        ("500 Internal Server Error", Cause.CAMERA_ERROR),
        ("503 Service Unavailable", Cause.BUSY),
        ("551 Option not supported", Cause.CAMERA_ERROR),
        ("304 Not Modified", Cause.REQUEST_REFUSED),
    ],
)
@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY"])
def test_each_refusal_is_told_with_its_stage_and_the_camera_s_words(method: str, status: str, kind: Cause) -> None:
    talk = Talk(**{method: says(status)})
    assert (talk.failure.cause, talk.failure.stage.value) == (kind, method.lower())
    assert talk.failure.words == f"RTSP/1.0 {status}"
    assert talk.failure.status == int(status[:3])
    # A session that was opened is given back.
    assert (talk.methods[-1] == "TEARDOWN") == (method == "PLAY")


def test_a_probe_asks_for_options_where_it_must() -> None:
    talk = Talk(PROBE, DESCRIBE=[says("455 Method Not Valid in This State"), described(SDP)])
    assert talk.methods == ["DESCRIBE", "OPTIONS", "DESCRIBE"]
    talk.the(Described)
    assert Talk(PROBE, DESCRIBE=says("455 No")).failure.cause is Cause.REQUEST_REFUSED


@pytest.mark.parametrize(
    "transport", ["RTP/AVP;unicast;client_port=0-1;server_port=6000-6001", "RTP/AVP/UDP;unicast", "RTP/AVP;multicast"]
)
def test_another_transport_than_asked_is_a_refusal(transport: str) -> None:
    talk = Talk(SETUP=says("200 OK", f"Transport: {transport}", "Session: 7"))
    assert (talk.failure.cause, talk.failure.stage) == (Cause.TRANSPORT_REFUSED, Stage.SETUP)
    assert transport.partition(";")[0] in talk.failure.words
    assert (talk.methods[-1], talk.asked[-1].header("Session")) == ("TEARDOWN", "7")


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
        ("", Cause.CAMERA_ERROR, "without a session description"),
        ("<html>\x1b[2Jno</html>", Cause.CAMERA_ERROR, "<html> [2Jno</html>"),
        ("v=0\r\ns=x\r\n", Cause.NO_MEDIA, "no media"),
        ("v=0\r\nm=audio 0 RTP/AVP 0\r\n", Cause.NO_MEDIA, "track 0 (audio PCMU) is taken"),
        ("m=video 0 RTP/AVP 99\r\na=rtpmap:99 X-OWN/90000\r\n", Cause.NO_MEDIA, "encoding is not known"),
    ],
)
def test_descriptions_that_tell_nothing(body: str, kind: Cause, words: str) -> None:
    talk = Talk(PROBE, DESCRIBE=described(body))
    if not body:  # might be to come
        talk.wait(1.0)
    assert talk.failure.cause is kind
    assert words in talk.failure.words


def test_options_of_the_row_reach_the_dialogue() -> None:
    assert len(playing(Talk(Conversation(allowed=frozenset({"video"})))).tracks) == 1
    assert len(playing(Talk(Conversation(carries=lambda codec: codec == "aac"))).tracks) == 1


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
    assert talk.failure.cause is Cause.SOURCE_ENDED


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
        (b"\x15\x03\x01\x00\x02\x02\x46\xff", "the port speaks TLS"),
        (b"RTSP/1.0 200 OK\r\nX: " + b"x" * 20_000, "a header of more than"),
    ],
)
def test_who_is_no_rtsp_server(said: bytes, words: str) -> None:
    talk = Talk(OPTIONS=lambda asked: said)
    if len(said) < 20:  # it may still become a message
        talk.client.lost("end of file", talk.now)
        talk.go_on()
    assert talk.failure.cause is Cause.NOT_RTSP
    assert words in talk.failure.words


def test_who_carries_the_bytes_gives_up() -> None:
    talk = Talk(DESCRIBE=None)
    talk.client.abandon(Cause.CAMERA_ERROR, "too much", talk.now)
    talk.client.abandon(Cause.TIMEOUT, "told once", talk.now)
    talk.go_on()
    assert (talk.failure.cause, talk.failure.stage) == (Cause.CAMERA_ERROR, Stage.DESCRIBE)
    assert talk.client.said.exchanges[-1].method == "DESCRIBE" and not talk.client.said.exchanges[-1].answer


@pytest.mark.parametrize("end", ["timeout", "loss"])
def test_a_few_bytes_that_are_no_rtsp_are_told_at_the_end(end: str) -> None:
    talk = Talk(OPTIONS=lambda asked: b"SSH-2.0-OpenSSH_9.2p1\r\nmore\r\n")
    if end == "timeout":
        talk.wait(10)
    else:
        talk.client.lost("end of file", talk.now)
        talk.go_on()
    assert talk.failure.cause is Cause.NOT_RTSP
    assert "SSH-2.0" in talk.failure.words


def test_nobody_sees_the_password() -> None:
    leak = f"400 no {' '.join(['sEcret@1', 'sEcret%401'])} \x1b[31m{'x' * 500}"
    talk = Talk(PROBE, DESCRIBE=says(leak, "Server: sEcret@1"))
    assert talk.failure.words.startswith("RTSP/1.0 400 no *** *** [31mxxx")
    assert talk.client.said.server == "***"
    assert asked_in(b"") == []
