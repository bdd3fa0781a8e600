"""Media over UDP: what is asked for, what cameras make of it, and which transport comes after which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.options import RtspTransport
from restream.domain.life.cause import Cause
from restream.domain.rtsp.dialogue import Conversation
from restream.domain.rtsp.events import Failed, Interleaved, Origin, PortPair, SetUpOverUdp
from restream.domain.rtsp.failure import Stage
from restream.domain.rtsp.udp_transport import offer_over_udp, parse_over_udp
from tests.unit.scripted_rtsp import Answer, Asked, Talk, playing, says, setup_ok, then_hangs_up

TCP, UDP = RtspTransport.TCP, RtspTransport.UDP


def ports(place: int) -> PortPair | str:
    return PortPair(30_000 + 2 * place, 30_001 + 2 * place)


OVER_UDP = Conversation(transports=(UDP,), ports=ports)
EITHER = Conversation(transports=(TCP, UDP), ports=ports)
REFUSED = says("461 Unsupported Transport")


def only(transport: RtspTransport, otherwise: Answer = REFUSED) -> Answer:
    """SETUP as a camera answers it that sends over one transport."""

    def answer(asked: Asked) -> bytes:
        over = TCP if "/TCP" in asked.header("Transport") else UDP
        if over is transport:
            return setup_ok(asked)
        assert otherwise is not None
        return otherwise(asked)

    return answer


def over(talk: Talk) -> list[RtspTransport]:
    """Transports that were asked for."""
    offers = [each.header("Transport") for each in talk.asked if each.method == "SETUP"]
    return [TCP if "/TCP" in offer else UDP for offer in offers]


def test_what_is_asked_for() -> None:
    talk = Talk(OVER_UDP, SETUP=setup_ok)
    assert [each.header("Transport") for each in talk.asked if each.method == "SETUP"] == [
        "RTP/AVP;unicast;client_port=30000-30001",
        "RTP/AVP;unicast;client_port=30002-30003",
    ]
    assert [event for event in talk.events if isinstance(event, SetUpOverUdp)] == [
        SetUpOverUdp(0, Origin()),
        SetUpOverUdp(1, Origin()),
    ]
    # Names under which the packets may be framed.
    assert playing(talk).channels == (Interleaved(0, 1), Interleaved(2, 3))


def test_tcp_first_and_udp_where_the_camera_refuses_it() -> None:
    talk = Talk(EITHER, SETUP=only(UDP))
    assert (over(talk), len(talk.addresses)) == ([TCP, UDP, UDP], 1)
    assert talk.methods == ["OPTIONS", "DESCRIBE", "SETUP", "SETUP", "SETUP", "PLAY"]
    assert playing(talk).reasons[-1] == "received over UDP, since over TCP: RTSP/1.0 461 Unsupported Transport"


def test_a_camera_that_takes_tcp_is_asked_for_nothing_else() -> None:
    talk = Talk(EITHER)
    assert over(talk) == [TCP, TCP]
    assert not [event for event in talk.events if isinstance(event, SetUpOverUdp)]


@pytest.mark.parametrize("status", ["400 Bad Request", "501 Not Implemented", "504 Gateway Timeout", "551 Option"])
def test_other_words_for_a_transport_that_is_not_there(status: str) -> None:
    assert over(Talk(EITHER, SETUP=only(UDP, says(status)))) == [TCP, UDP, UDP]


@pytest.mark.parametrize("status", ["453 Not Enough Bandwidth", "404 Not Found", "403 Forbidden", "503 Busy"])
def test_other_refusals_are_no_matter_of_the_transport(status: str) -> None:
    talk = Talk(EITHER, SETUP=says(status))
    assert over(talk) == [TCP]
    assert talk.failure.words == f"RTSP/1.0 {status}"


def test_an_answer_with_another_transport_is_a_session_to_be_ended() -> None:
    wrong = says("200 OK", "Transport: RTP/AVP;unicast;client_port=1-2", "Session: 77")
    talk = Talk(EITHER, SETUP=only(UDP, wrong))
    assert talk.methods == ["OPTIONS", "DESCRIBE", "SETUP", "TEARDOWN", "SETUP", "SETUP", "PLAY"]
    assert [each.header("Session") for each in talk.asked[3:5]] == ["77", ""]
    assert playing(talk).session_timeout_s == 30


@pytest.mark.parametrize("teardown", [then_hangs_up(), then_hangs_up(says("200 OK")), says("454 Session Not Found")])
def test_whatever_is_answered_to_that(teardown: Answer) -> None:
    wrong = says("200 OK", "Transport: RTP/AVP;unicast;client_port=1-2", "Session: 77")
    talk = Talk(EITHER, SETUP=only(UDP, wrong), TEARDOWN=teardown)
    assert over(talk) == [TCP, UDP, UDP] or over(talk) == [TCP, UDP, UDP, UDP]
    assert playing(talk)


def test_both_refused_is_one_failure_with_both_answers() -> None:
    answers = [says("461 Unsupported Transport"), says("400 No UDP here")]
    failure = Talk(EITHER, SETUP=answers).failure
    assert (failure.cause, failure.stage, failure.status) == (Cause.TRANSPORT_REFUSED, Stage.SETUP, 400)
    assert failure.words == "over TCP: RTSP/1.0 461 Unsupported Transport; over UDP: RTSP/1.0 400 No UDP here"


def test_busy_over_the_other_one_is_busy() -> None:
    failure = Talk(EITHER, SETUP=only(UDP) and [REFUSED, says("453 Not Enough Bandwidth")]).failure
    assert failure.cause is Cause.BUSY
    assert failure.words.endswith("over UDP: RTSP/1.0 453 Not Enough Bandwidth")


@pytest.mark.parametrize(
    "transport",
    [
        "RTP/AVP/TCP;unicast;interleaved=0-1",
        "RTP/AVP;multicast;destination=239.0.0.1;port=5000-5001",
        "RTP/AVP/UDP;destination=239.0.0.1;port=1234-1235;ttl=1;mode=play",
        "RTP/SAVP;unicast;client_port=30000-30001",
        "nonsense",
    ],
)
def test_udp_that_is_answered_with_something_else(transport: str) -> None:
    talk = Talk(OVER_UDP, SETUP=says("200 OK", f"Transport: {transport}", "Session: 1"))
    assert talk.failure.cause is Cause.TRANSPORT_REFUSED
    assert talk.failure.words == f"SETUP for UDP is answered with Transport: {transport}"
    assert talk.methods[-1] == "TEARDOWN"


def test_udp_alone_is_never_asked_for_tcp() -> None:
    talk = Talk(OVER_UDP, SETUP=only(TCP))
    assert (over(talk), talk.failure.cause) == ([UDP], Cause.TRANSPORT_REFUSED)
    assert talk.failure.words == "RTSP/1.0 461 Unsupported Transport"


def test_sound_before_the_video_is_asked_for_again_over_the_other_transport() -> None:
    sdp = "m=audio 0 RTP/AVP 0\r\na=control:a\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:v\r\n"
    described = says("200 OK", "Content-Type: application/sdp", body="v=0\r\ns=x\r\n" + sdp)
    talk = Talk(EITHER, DESCRIBE=described, SETUP=only(UDP))
    assert over(talk) == [TCP, TCP, UDP, UDP]
    assert [track.media.kind for track in playing(talk).tracks] == ["audio", "video"]
    assert not [reason for reason in playing(talk).reasons if "left out" in reason]


def test_sound_that_is_refused_over_udp_is_left_out() -> None:
    talk = Talk(OVER_UDP, SETUP=[setup_ok, says("500 Oops")])
    assert [track.media.kind for track in playing(talk).tracks] == ["video"]


@pytest.mark.parametrize("closes", [then_hangs_up(), then_hangs_up(says("461 No")), None])
def test_a_camera_that_closes_or_is_silent_when_asked_for_tcp(closes: Answer) -> None:
    talk = Talk(EITHER, SETUP=[closes, setup_ok])
    talk.wait(10)
    assert over(talk) == [TCP, UDP, UDP]
    assert len(talk.addresses) == 2
    assert playing(talk)


def test_rtsps_is_never_asked_for_udp() -> None:
    talk = Talk(OVER_UDP, url="rtsps://10.0.0.1/live")
    assert over(talk) == [TCP, TCP]


def test_without_ports_it_fails_as_ours() -> None:
    talk = Talk(Conversation(transports=(UDP,), ports=lambda place: "Too many open files"))
    assert talk.failure.cause is Cause.INTERNAL
    assert talk.failure.words == "no ports to receive on over UDP: Too many open files"
    assert "SETUP" not in talk.methods


class TestWhileMediaCome:
    """The connection has only keep-alives left to carry."""

    def test_its_end_is_not_the_end_of_the_stream(self) -> None:
        talk = Talk(OVER_UDP)
        talk.client.lost("end of file", talk.now)
        talk.go_on()
        assert (len(talk.addresses), talk.methods[-1]) == (2, "GET_PARAMETER")
        assert talk.asked[-1].header("Session") == "12345678"
        assert playing(talk)

    def test_a_camera_that_closes_each_is_asked_as_rarely_as_always(self) -> None:
        talk = Talk(OVER_UDP, GET_PARAMETER=then_hangs_up(says("200 OK")))
        talk.client.lost("end of file", talk.now)
        talk.go_on()
        for _ in range(10):
            talk.wait(15)
        assert talk.methods.count("GET_PARAMETER") == 11
        assert talk.client.stage is Stage.PLAYING

    def test_a_session_that_is_forgotten_ends_it(self) -> None:
        talk = Talk(OVER_UDP, GET_PARAMETER=says("454 Session Not Found"))
        talk.client.lost("end of file", talk.now)
        talk.go_on()
        assert talk.failure.cause is Cause.SOURCE_ENDED

    def test_a_camera_that_is_gone_ends_it(self) -> None:
        talk = Talk(OVER_UDP)
        talk.client.lost("end of file", talk.now)
        talk.client.lost("Connection refused", talk.now)
        talk.go_on()
        assert [event.failure.stage for event in talk.events if isinstance(event, Failed)] == [Stage.CONNECT]

    def test_over_tcp_it_is_the_end_of_the_stream(self) -> None:
        talk = Talk(EITHER)
        talk.client.lost("end of file", talk.now)
        talk.go_on()
        assert talk.failure.cause is Cause.SOURCE_ENDED


@pytest.mark.parametrize(
    ("header", "origin"),
    [
        ("", Origin()),
        ("RTP/AVP;unicast;client_port=1-2;server_port=6970-6971", Origin(PortPair(6970, 6971))),
        ("RTP/AVP/UDP; unicast; client_port=1-2", Origin()),
        ("rtp/avp;unicast;SERVER_PORT = 6970 - 6971 ;ssrc=6B8B4567", Origin(PortPair(6970, 6971))),
        ("RTP/AVP;unicast;server_port=6970", Origin(PortPair(6970, 6971))),
        ("RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=47487-52573", Origin(PortPair(47487, 52573))),
        ("RTP/AVP;unicast;server_port=0-0", Origin()),
        ("RTP/AVP;unicast;server_port=65535", Origin()),
        ("RTP/AVP;unicast;server_port=99999-1", Origin()),
        ("RTP/AVP;unicast;source=10.0.0.9;server_port=1-2", Origin(PortPair(1, 2), "10.0.0.9")),
        ('RTP/AVP;unicast;source="10.0.0.9"', Origin(None, "10.0.0.9")),
        ("RTP/AVP;unicast;source=camera.lan;destination=10.0.0.1", Origin()),
        ("RTP/AVP;unicast;source=239.0.0.1", Origin()),
        ("RTP/AVP;unicast;source=0.0.0.0", Origin()),
        ("RTP/AVP;unicast;source=fe80::1", Origin(None, "fe80::1")),
        ("RTP/AVP;unicast;server_port=1-2,RTP/AVP/TCP;interleaved=0-1", Origin(PortPair(1, 2))),
        ("RTP/AVP/TCP;unicast;interleaved=0-1", None),
        ("RTP/AVP;interleaved=0-1", None),
        ("RTP/AVP;multicast;port=1-2", None),
        ("x", None),
    ],
)
def test_what_cameras_answer(header: str, origin: Origin | None) -> None:
    assert parse_over_udp(header) == origin


PORTS = st.builds(PortPair, st.integers(1, 65535), st.integers(1, 65535))
ADDRESSES = st.one_of(st.just(""), st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))
NOISE = st.lists(st.sampled_from(["unicast", "mode=play", "ssrc=DEADBEEF", "client_port=1-2", "x", "", "ttl=1"]))


@given(PORTS, ADDRESSES, NOISE, st.randoms(use_true_random=False))
def test_ports_and_source_are_found_wherever_they_stand(pair: PortPair, address: str, noise: list[str], rng) -> None:
    parts = [f"server_port={pair.rtp}-{pair.rtcp}", *noise, *([f"source={address}"] if address else [])]
    rng.shuffle(parts)
    found = parse_over_udp(";".join(["RTP/AVP", *parts]))
    assert found is not None and found.ports == pair
    assert found.address in ("", address)


@given(st.text(max_size=200))
def test_any_header_gives_ports_that_there_are_or_none(header: str) -> None:
    found = parse_over_udp(header)
    assert found is None or found.ports is None or all(0 < port <= 65535 for port in found.ports)


@given(PORTS)
def test_a_camera_that_repeats_what_it_was_asked_has_agreed(pair: PortPair) -> None:
    assert parse_over_udp(offer_over_udp(pair)) == Origin()
