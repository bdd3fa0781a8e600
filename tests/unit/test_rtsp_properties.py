"""What holds for every conversation, whatever the camera answers."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import Failed, Finished, MediaPacket, Playing
from restream.domain.rtsp.failure import Stage
from restream.domain.rtsp.route import MAX_RECONNECTS, MAX_REDIRECTS
from tests.unit.scripted_rtsp import OK, PASSWORD, SDP, Answer, Asked, Talk, says, then_hangs_up
from tests.unit.test_rtsp_messages import frame
from tests.unit.test_rtsp_udp import TCP, UDP, ports

CHALLENGES = st.sampled_from(
    [
        'WWW-Authenticate: Digest realm="r", nonce="{}"',
        'WWW-Authenticate: Digest realm="r", nonce="{}", stale=true',
        'WWW-Authenticate: Basic realm="r"',
        'WWW-Authenticate: Digest realm="r", nonce="{}", algorithm=SHA-256, qop="auth"',
        "X: none",
    ]
)
STATUSES = st.sampled_from(
    [
        *("200 OK", "200", "100 Continue", "302 Found", "400 Bad Request", "403 Forbidden", "404 Not Found"),
        *("453 Busy", "454 Session Not Found", "455 Not Now", "457 Invalid Range", "461 Unsupported Transport"),
        "500 Oops",
    ]
)
LOCATIONS = st.sampled_from(["rtsp://10.0.0.1/other", "rtsps://10.0.0.1/", "rtsp://10.0.0.2/", "/x", "http://x/", ""])
TRANSPORTS = st.sampled_from(["RTP/AVP/TCP;interleaved=0-1", "RTP/AVP;client_port=1-2", "RTP/AVP/TCP", "x"])


def between_frames(answer: Callable[[Asked], bytes], channel: int) -> Callable[[Asked], bytes]:
    return lambda asked: frame(0) + answer(asked) + frame(channel)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """One answer of a camera: in order, out of order, or none."""
    kind = draw(st.sampled_from(["ok", "ok", "ok", "status", "status", "401", "silence", "closes", "garbage"]))
    if kind == "silence":
        return None
    if kind == "garbage":
        garbage = draw(st.binary(max_size=40))
        return lambda _: garbage
    number = draw(st.sampled_from([None, None, None, "", "1", "99"]))
    nonce = draw(st.integers(1, 3))
    headers = [f"Location: {draw(LOCATIONS)}", f"Transport: {draw(TRANSPORTS)}", "Session: 1;timeout=20"]
    headers += ["Connection: close"] * draw(st.booleans())
    if kind == "401":
        return says("401 Unauthorized", draw(CHALLENGES).format(nonce), *headers[3:], number=number)
    body = draw(st.sampled_from([SDP, SDP, "", "v=0\r\n", "\0"]))
    answer = says("200 OK" if kind == "ok" else draw(STATUSES), *headers, body=body, number=number)
    assert answer is not None
    if draw(st.booleans()):
        answer = between_frames(answer, draw(st.integers(0, 3)))
    return then_hangs_up(answer) if kind == "closes" else answer


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, list[Answer]]:
    queues = st.lists(answers(), min_size=1, max_size=4)
    return {method: draw(queues) for method in OK if draw(st.booleans())}


WISHES = st.one_of(
    st.sampled_from(Goal).map(Conversation),
    st.sampled_from([(UDP,), (TCP, UDP)]).map(lambda order: Conversation(transports=order, ports=ports)),
)


@given(scripts(), WISHES, st.integers(0, 8))
@settings(deadline=None)
def test_every_conversation_comes_to_an_end(script: dict[str, list[Answer]], wanted: Conversation, rounds: int) -> None:
    talk = Talk(wanted, **script)
    goal = wanted.goal
    for _ in range(rounds):
        deadline = talk.client.deadline
        if deadline is not None:
            talk.wait(max(0.0, deadline - talk.now))
    talk.close()
    talk.wait(2.0)
    ended = [event for event in talk.events if isinstance(event, Failed | Finished)]
    assert len(ended) == 1 and talk.client.stage is Stage.CLOSED and talk.client.deadline is None
    # Over UDP one more for each keep-alive.
    assert len(talk.addresses) <= 1 + MAX_REDIRECTS + MAX_RECONNECTS + (rounds + 1) * (UDP in wanted.transports)
    assert len(talk.asked) <= 60
    seen = repr(talk.events) + repr(talk.client.said) + repr(talk.client.__dict__)
    assert PASSWORD not in seen
    playing = [event for event in talk.events if isinstance(event, Playing)]
    assert goal is not Goal.DESCRIBE or not playing
    for event in talk.events:
        if isinstance(event, MediaPacket):
            assert event.track < len(playing[-1].tracks)


@given(scripts())
@settings(deadline=None)
def test_the_password_is_tried_at_most_twice_for_each_request_and_address(script: dict[str, list[Answer]]) -> None:
    talk = Talk(**script)
    tries: dict[tuple[str, str], int] = {}
    for asked in talk.asked:
        if asked.header("Authorization"):
            assert not asked.target.startswith("rtsp://10.0.0.2")
            key = (asked.method, asked.target)
            tries[key] = tries.get(key, 0) + 1
    # Once, once more for a new nonce; and again where the camera closed the connection, or redirected to itself.
    assert all(count <= 2 * len(talk.addresses) for count in tries.values())


@given(st.binary(max_size=300))
def test_who_does_not_know_the_order_of_calls_harms_nothing(data: bytes) -> None:
    talk = Talk(DESCRIBE=None)
    client = RtspClient(talk.client._route.url, None, Conversation(), lambda: "c")
    client.receive(data, 1.0)
    client.lost("never was", 1.0)
    client.due(1.0)
    client.connected(1.0)
    client.encrypting(1.0)
    assert client.data_to_send() == b"" and list(client.events()) == []
    client.close(1.0)
    client.close(1.0)
    assert list(client.events()) == [Finished()]
