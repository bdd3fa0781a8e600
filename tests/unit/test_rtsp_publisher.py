"""A stream given to a media server: as it should go, and what the server may answer instead."""

from __future__ import annotations

import pytest

from restream.domain.life.cause import Cause
from restream.domain.rtsp.events import ConnectionWanted, Finished
from restream.domain.rtsp.failure import Stage
from restream.domain.rtsp.media_session import Interleaved
from restream.domain.rtsp.publisher import Recording, RtspPublisher
from restream.domain.rtsp.requester import Exchange
from tests.unit.scripted_rtsp import Answer, Asked, says, setup_ok, then_hangs_up
from tests.unit.scripted_server import Publication
from tests.unit.test_rtsp_messages import frame

USUAL = (Interleaved(0, 1), Interleaved(2, 3))
BASIC = says("401 Unauthorized", 'WWW-Authenticate: Basic realm="ipcam"')
NEGOTIATE = says("401 Unauthorized", "WWW-Authenticate: Negotiate")
WRONG = "user or password are wrong, or may not publish here"


def nonce(number: int) -> Answer:
    challenge = f'WWW-Authenticate: Digest realm="ipcam", nonce="{number}", algorithm="SHA-256"'
    return says("401 Unauthorized", challenge)


SHA_256 = nonce(7)


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_a_stream_is_given(cut: int) -> None:
    it = Publication(cut=cut)
    wanted, recording = it.events
    assert isinstance(wanted, ConnectionWanted) and wanted.url.address == ("10.0.0.2", 8554)
    assert recording == Recording(USUAL)
    assert it.publisher.stage is Stage.RECORDING
    assert [(each.method, each.target) for each in it.asked] == [
        ("ANNOUNCE", "rtsp://10.0.0.2:8554/cam1"),
        ("SETUP", "rtsp://10.0.0.2:8554/cam1/trackID=0"),
        ("SETUP", "rtsp://10.0.0.2:8554/cam1/trackID=1"),
        ("RECORD", "rtsp://10.0.0.2:8554/cam1"),
    ]
    announce, first, second, _ = it.asked
    assert announce.header("Content-Type") == "application/sdp" and announce.body.startswith(b"v=0\r\n")
    assert len(announce.body) == int(announce.header("Content-Length"))
    assert first.header("Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"
    assert second.header("Transport") == "RTP/AVP/TCP;unicast;interleaved=2-3;mode=record"
    assert [each.header("Session") for each in it.asked] == ["", "", "12345678", "12345678"]
    assert it.publisher.said.exchanges[-1] == Exchange(Stage.RECORD, "RECORD", "RTSP/1.0 200 OK", 0.0)
    assert it.publisher.said.server == "gortsplib"


def test_the_channels_of_the_camera_are_asked_for() -> None:
    it = Publication(channels=(Interleaved(4, 5), Interleaved(0, 1)))
    assert it.events[-1] == Recording((Interleaved(4, 5), Interleaved(0, 1)))


@pytest.mark.parametrize(
    ("transports", "channels"),
    [
        (
            ["RTP/AVP/TCP;unicast;interleaved=6-7", "RTP/AVP/TCP;interleaved=8-9"],
            (Interleaved(6, 7), Interleaved(8, 9)),
        ),
        (["RTP/AVP/TCP;unicast;interleaved=6-7"], USUAL),  # the same for both: those that were asked for are meant
        (["RTP/AVP/TCP;unicast;interleaved=2-3"], USUAL),
        (["RTP/AVP/TCP;unicast"], USUAL),
    ],
)
def test_what_the_server_answers_counts(transports: list[str], channels: tuple[Interleaved, ...]) -> None:
    it = Publication(SETUP=[says("200 OK", f"Transport: {each}", "Session: 1") for each in transports])
    assert it.events[-1] == Recording(channels)


@pytest.mark.parametrize("ends", [then_hangs_up, lambda answer: answer, lambda answer: then_hangs_up()])
@pytest.mark.parametrize("channels", [(Interleaved(0, 2), Interleaved(4, 5)), (Interleaved(0, 1), Interleaved(1, 2))])
def test_channels_that_are_refused_are_replaced_by_usual_ones(channels: tuple[Interleaved, ...], ends: Answer) -> None:
    def setup(asked: Asked) -> bytes:
        taken = asked.header("Transport").partition("=")[2].partition(";")[0]
        if taken in ("0-1", "2-3"):
            return setup_ok(asked)
        answer = ends(says("400 Bad Request"))  # type: ignore[misc, arg-type]
        return answer(asked)  # type: ignore[no-any-return]

    it = Publication(channels=channels, SETUP=setup)
    assert it.events[-1] == Recording(USUAL)
    assert it.connections == 2 and it.methods.count("ANNOUNCE") == 2


def test_channels_that_are_refused_twice() -> None:
    it = Publication(channels=(Interleaved(4, 5), Interleaved(6, 7)), SETUP=says("400 Bad Request"))
    assert (it.failure.cause, it.failure.stage, it.connections) == (Cause.SERVER_REFUSED, Stage.SETUP, 2)


@pytest.mark.parametrize(("challenge", "begin"), [(BASIC, "Basic "), (SHA_256, "Digest ")])
def test_to_log_in(challenge: Answer, begin: str) -> None:
    it = Publication(ANNOUNCE=[challenge, says("200 OK")])
    assert it.methods == ["ANNOUNCE", "ANNOUNCE", "SETUP", "SETUP", "RECORD"]
    assert it.asked[0].header("Authorization") == "" and it.asked[1].body == it.asked[0].body
    assert all(each.header("Authorization").startswith(begin) for each in it.asked[1:])


def test_usual_channels_after_a_login_begin_without_the_nonce_of_the_connection_before() -> None:
    it = Publication(
        channels=(Interleaved(4, 6), Interleaved(0, 1)),
        ANNOUNCE=[SHA_256, says("200 OK")] * 2,
        SETUP=[then_hangs_up(says("400 Bad Request")), setup_ok],
    )
    assert isinstance(it.events[-1], Recording)
    announced = [each.header("Authorization") for each in it.asked if each.method == "ANNOUNCE"]
    assert [bool(each) for each in announced] == [False, True, False, True]


@pytest.mark.parametrize(
    ("answers", "login", "words", "offered"),
    [
        ([BASIC, then_hangs_up(says("401 Unauthorized"))], "camera", WRONG, ()),
        ([BASIC, BASIC], "camera", WRONG, ("Basic",)),
        ([NEGOTIATE], "camera", "it offers negotiate", ("negotiate",)),
        ([BASIC], None, "no user is configured for publishing", ("Basic",)),
    ],
)
def test_a_login_that_is_refused(
    answers: list[Answer], login: str | None, words: str, offered: tuple[str, ...]
) -> None:
    it = Publication(login=login, ANNOUNCE=answers)
    assert (it.failure.cause, it.failure.stage, it.failure.status) == (Cause.SERVER_REFUSED, Stage.ANNOUNCE, 401)
    assert it.failure.words == f"RTSP/1.0 401 Unauthorized ({words})"
    assert it.failure.offered == offered and it.connections == 1


@pytest.mark.parametrize("answers", [[then_hangs_up(nonce(7)), nonce(8)], [nonce(7)]])
def test_a_new_nonce_is_answered(answers: list[Answer]) -> None:
    it = Publication(ANNOUNCE=[*answers, says("200 OK")], SETUP=[nonce(9), setup_ok])
    assert isinstance(it.events[-1], Recording)
    assert 'nonce="9"' in it.asked[-1].header("Authorization")


def test_a_server_that_closes_the_connection_for_another_reason_than_a_login() -> None:
    it = Publication(ANNOUNCE=[BASIC, says("200 OK")], SETUP=then_hangs_up())
    assert (it.failure.cause, it.connections) == (Cause.SERVER_GONE, 1)
    it = Publication(ANNOUNCE=[then_hangs_up(BASIC), then_hangs_up()])
    assert (it.failure.words, it.connections) == ("the connection ended (announce): end of file", 2)


def test_what_was_to_be_sent_is_not_sent_over_another_connection() -> None:
    it = Publication(channels=(Interleaved(0, 2), Interleaved(4, 5)), ANNOUNCE=None)
    it.hear(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
    it.publisher.lost("end of file", it.now)
    it.publisher.connected(it.now)
    assert it.publisher.data_to_send().startswith(b"ANNOUNCE ")


def test_an_answer_that_is_none_yet() -> None:
    it = Publication(ANNOUNCE=says("100 Continue"))
    assert (it.publisher.stage, it.methods) == (Stage.ANNOUNCE, ["ANNOUNCE"])
    it.hear(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
    it.go_on()
    assert it.methods == ["ANNOUNCE", "SETUP", "SETUP", "RECORD"] and it.events[-1] == Recording(USUAL)


def test_a_server_that_closes_after_each_401_is_asked_over_another_connection() -> None:
    it = Publication(ANNOUNCE=[then_hangs_up(BASIC), says("200 OK")])
    assert isinstance(it.events[-1], Recording) and it.connections == 2


@pytest.mark.parametrize(
    ("method", "status", "cause"),
    [
        ("ANNOUNCE", "400 Bad Request", Cause.SERVER_REFUSED),
        ("ANNOUNCE", "415 Unsupported Media Type", Cause.SERVER_REFUSED),
        ("ANNOUNCE", "503 Service Unavailable", Cause.SERVER_REFUSED),
        ("ANNOUNCE", "302 Found", Cause.SERVER_REFUSED),
        ("SETUP", "461 Unsupported Transport", Cause.SERVER_REFUSED),
        ("RECORD", "400 Bad Request", Cause.SERVER_CONFLICT),
        ("RECORD", "500 Internal Server Error", Cause.SERVER_REFUSED),
    ],
)
def test_refusals(method: str, status: str, cause: Cause) -> None:
    it = Publication(**{method: then_hangs_up(says(status))})
    assert (it.failure.cause, it.failure.stage, it.failure.words) == (cause, method.lower(), f"RTSP/1.0 {status}")
    assert it.failure.status == int(status[:3])


def test_udp_only() -> None:
    it = Publication(SETUP=says("200 OK", "Transport: RTP/AVP;unicast;server_port=1-2", "Session: 1"))
    assert it.failure.cause is Cause.SERVER_REFUSED and "RTP/AVP;unicast" in it.failure.words


def test_what_is_no_rtsp_server() -> None:
    web = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
    for said, words in ((web, "a web server answers"), (b"SSH-2.0-x\r\n" * 1000, "bytes that are no RTSP")):
        it = Publication(ANNOUNCE=lambda asked, said=said: said)  # type: ignore[misc]
        assert it.failure.cause is Cause.SERVER_REFUSED and words in it.failure.words


@pytest.mark.parametrize("method", ["ANNOUNCE", "SETUP", "RECORD"])
def test_a_server_that_goes_away_or_is_silent(method: str) -> None:
    gone = Publication(**{method: then_hangs_up()})
    assert (gone.failure.cause, gone.failure.stage) == (Cause.SERVER_GONE, method.lower())
    silent = Publication(**{method: None})
    silent.wait(10.0)
    assert (silent.failure.cause, silent.failure.stage, silent.failure.waited_s) == (
        Cause.SERVER_GONE,
        method.lower(),
        10.0,
    )
    assert silent.failure.words == f"no answer to {method} within 10.0 s"


def test_no_connection() -> None:
    it = Publication()
    it.publisher = RtspPublisher(it.publisher._url, None, b"", (), lambda: "")
    it.publisher.start(0.0)
    assert it.publisher.deadline == 5.0
    it.publisher.encrypting(4.0)
    assert (it.publisher.stage, it.publisher.deadline) == (Stage.TLS, 9.0)
    it.publisher.lost("Connection refused", 5.0)
    it.events = list(it.publisher.events())
    assert it.failure.words == "no connection (tls): Connection refused"
    assert it.failure.cause is Cause.SERVER_GONE


def test_what_comes_while_it_records_costs_no_event() -> None:
    it = Publication()
    before = list(it.events)
    it.hear(frame(1, b"\x80\xc9\0\1" + bytes(4)) * 100 + b"OPTIONS * RTSP/1.0\r\nCSeq: 3\r\n\r\n")
    assert it.publisher.data_to_send().startswith(b"RTSP/1.0 200 OK\r\nCSeq: 3\r\n")
    it.go_on()
    assert it.events == before and it.publisher.stage is Stage.RECORDING


def test_nothing_is_due_while_it_records() -> None:
    it = Publication()
    assert it.publisher.deadline is None
    it.wait(600.0)
    assert it.publisher.stage is Stage.RECORDING and it.methods[4:] == []


def test_the_server_ends_it() -> None:
    it = Publication()
    it.hear(b"TEARDOWN rtsp://10.0.0.2/cam1 RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    it.go_on()
    assert (it.failure.cause, it.failure.stage) == (Cause.SERVER_GONE, Stage.RECORDING)
    it = Publication()
    it.publisher.lost("the media server closed it", it.now)
    it.go_on()
    assert it.failure.words == "the connection ended (recording): the media server closed it"


def test_to_end_it() -> None:
    it = Publication()
    it.close()
    assert it.methods[-1] == "TEARDOWN" and it.asked[-1].header("Session") == "12345678"
    assert it.events[-1] == Finished() and it.publisher.stage is Stage.CLOSED
    it.close()
    assert it.events.count(Finished()) == 1
    it = Publication(TEARDOWN=None)
    it.close()
    it.wait(2.0)
    assert it.events[-1] == Finished()


def test_the_owner_gives_it_up() -> None:
    it = Publication()
    it.publisher.abandon(Cause.SERVER_GONE, f"it takes nothing, {it.publisher._url}", it.now)
    it.go_on()
    assert (it.failure.cause, it.methods[-1]) == (Cause.SERVER_GONE, "TEARDOWN")
