"""What simulated cameras answer: statuses at each stage, sessions, transports, bytes where they do not belong."""

import re
import struct
from dataclasses import dataclass, field, replace

import pytest

from restream.demo.behaviours.answers import (
    AnswersRaw,
    AnswersWith,
    KnowsOnly,
    Redirects,
    RefusesTransport,
    SetsHeader,
)
from restream.demo.behaviours.behaviour import METHODS, Behaviour, ConnectionRecord
from restream.demo.behaviours.sessions import ExpiresSessions, LimitsSessions
from restream.demo.behaviours.wire import (
    AnswerPlace,
    InterleavesAnswers,
    RenumbersChannels,
    SendsStrayBytes,
    SwitchesToUdp,
)
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.credentials import IssuedNonces
from restream.demo.rtsp import REASONS, Frame, Parser, Request
from tests.support.camera_dialogue import URI, Dialogue

UDP = "RTP/AVP;unicast;client_port=5000-5001"


def camera(*behaviours: Behaviour, clip: str = "h264_aac") -> SimulatedCamera:
    return SimulatedCamera(Clip.load(clip), behaviours=behaviours)


def opened(*behaviours: Behaviour) -> Dialogue:
    """After DESCRIBE and SETUP of both tracks."""
    dialogue = Dialogue(camera(*behaviours))
    assert dialogue.ask("DESCRIBE").status == 200
    for track in (0, 1):
        channels = f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"
        assert dialogue.ask("SETUP", track, Transport=channels).status == 200
    return dialogue


def frames(data: bytes) -> list[Frame]:
    return [item for item in Parser().feed(data) if isinstance(item, Frame)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("status", "reason"), [(503, ""), (500, "Oh \u00fc"), (453, ""), (551, ""), (299, "Odd")])
async def test_any_status_at_any_stage(method: str, status: int, reason: str) -> None:
    dialogue = Dialogue(camera(AnswersWith(status, at=(method,), reason=reason)))
    others = [each for each in METHODS if each not in (method, "PLAY", "SETUP", "TEARDOWN")]
    assert [dialogue.ask(each).status for each in others] == [200] * len(others)
    answered = dialogue.ask(method, 0 if method == "SETUP" else None)
    assert (answered.status, answered.reason) == (status, reason or REASONS[status])
    assert not answered.closed


async def test_a_status_of_one_track_only_and_one_that_closes() -> None:
    dialogue = Dialogue(camera(AnswersWith(500, at=("SETUP",), track=1)))
    assert [dialogue.ask("SETUP", track).status for track in (0, 1, 2)] == [200, 500, 404]
    assert Dialogue(camera(AnswersWith(400, at=("DESCRIBE",), closes=True))).ask("DESCRIBE").closed


async def test_the_first_behaviour_with_an_answer_decides() -> None:
    answers = AnswersWith(500, at=("DESCRIBE",)), AnswersWith(404)
    dialogue = Dialogue(camera(*answers))
    assert (dialogue.ask("DESCRIBE").status, dialogue.ask("OPTIONS").status) == (500, 404)


async def test_a_fault_comes_before_the_behaviours_of_the_camera_itself() -> None:
    it = camera(AnswersWith(400, at=("DESCRIBE",)))
    it.fault = Fault.SERVER_ERROR
    assert Dialogue(it).ask("DESCRIBE").status == 503
    it.fault = Fault.NONE
    assert Dialogue(it).ask("DESCRIBE").status == 400
    it.behaviours = ()
    assert Dialogue(it).ask("DESCRIBE").status == 200


async def test_no_answer_and_bytes_that_are_none() -> None:
    assert Dialogue(camera(AnswersRaw(at=("DESCRIBE",)))).raw("DESCRIBE") == b""
    assert Dialogue(camera(AnswersRaw(b"\0?"))).raw("OPTIONS") == b"\0?"


async def test_redirects() -> None:
    moved = Dialogue(camera(Redirects("rtsps://elsewhere/x", 301))).ask("DESCRIBE")
    assert (moved.status, moved.reason, moved.header("Location")) == (301, "Moved Permanently", "rtsps://elsewhere/x")
    assert Dialogue(camera(Redirects("{uri}"))).ask("DESCRIBE").header("Location") == URI
    assert Dialogue(camera(Redirects("{uri}", at=("SETUP",)))).ask("SETUP", 0).status == 302


async def test_transports_that_are_refused() -> None:
    over_tcp, over_udp = Dialogue(camera(RefusesTransport("tcp"))), Dialogue(camera(RefusesTransport("udp")))
    assert over_tcp.ask("SETUP", 0).status == 461
    assert over_udp.ask("SETUP", 0, Transport=UDP).status == 461
    assert over_udp.ask("SETUP", 0).status == 200


async def test_tcp_is_answered_with_ports_of_udp() -> None:
    dialogue = Dialogue(camera(SwitchesToUdp((6000, 6001))))
    answered = dialogue.ask("SETUP", 0)
    assert (
        answered.status,
        (answered.header("Transport") or "").startswith("RTP/AVP/UDP;unicast;client_port=6000"),
    ) == (*(200, True),)
    assert not frames(dialogue.raw("PLAY").partition(b"\r\n\r\n")[2])
    dialogue.leave()


async def test_channels_are_renumbered_in_answer_and_media() -> None:
    dialogue = Dialogue(camera(RenumbersChannels(by=20), clip="h264"))
    assert dialogue.ask("SETUP", 0).header("Transport") == "RTP/AVP/TCP;unicast;interleaved=20-21"
    media = dialogue.raw("PLAY").partition(b"\r\n\r\n")[2]
    assert {frame.channel for frame in frames(media)} == {20, 21}
    dialogue.leave()


async def test_stray_bytes_before_each_frame() -> None:
    dialogue = opened(SendsStrayBytes(b"\0\0"))
    media = dialogue.raw("PLAY").partition(b"\r\n\r\n")[2]
    assert media.startswith(b"\0\0$")
    dialogue.leave()
    media = opened().raw("PLAY").partition(b"\r\n\r\n")[2]
    assert media.startswith(b"$") and len(frames(media)) > 3


FRAME = b"$\x01\x00\x08" + struct.pack(">BBHI", 0x80, 201, 1, 1)


@pytest.mark.parametrize(
    ("place", "before", "after"),
    [
        (AnswerPlace.BEFORE, b"", b"RTSP/1.0 200"),
        (AnswerPlace.AFTER_STATUS, b"RTSP/1.0 200 OK\r\n", b"CSeq: 7"),
        (AnswerPlace.BEFORE_BODY, b"\r\n\r\n", b"v=0"),
        (AnswerPlace.WITHIN_BODY, b"", b""),
    ],
)
async def test_a_frame_in_the_midst_of_an_answer(place: AnswerPlace, before: bytes, after: bytes) -> None:
    dialogue = Dialogue(camera(InterleavesAnswers(place)))
    plain = dialogue.raw("DESCRIBE")
    assert FRAME not in plain and plain, "not before SETUP"
    assert FRAME in dialogue.raw("SETUP", 0)
    first, frame, rest = dialogue.raw("DESCRIBE").partition(FRAME)
    assert frame and first + rest == plain and first.endswith(before) and rest.startswith(after)
    if place is AnswerPlace.WITHIN_BODY:
        assert b"v=0" in first and b"m=audio" in rest


async def test_headers_are_replaced_and_removed() -> None:
    it = camera(SetsHeader("content-base", "cam/", ("DESCRIBE",)), SetsHeader("Content-Type", None))
    described = Dialogue(it).ask("DESCRIBE")
    assert (described.header("Content-Base"), described.header("Content-Type")) == ("cam/", None)
    refused = Dialogue(camera(AnswersWith(404), SetsHeader("Content-Base", "cam/"))).ask("DESCRIBE")
    assert refused.header("Content-Base") is None


async def test_options_offers_what_is_understood_and_no_more() -> None:
    dialogue = Dialogue(camera(KnowsOnly(METHODS[:-1])))
    assert dialogue.ask("OPTIONS").header("Public") == "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"
    assert dialogue.ask("GET_PARAMETER").status == 501
    assert Dialogue(camera()).ask("GET_PARAMETER").status == 200


@dataclass
class Now:
    """A visit at a time of our choice, to a camera that remembers these connections."""

    record: ConnectionRecord
    connections: list[ConnectionRecord] = field(default_factory=list)
    now_s: float = 0.0
    login: str | None = None
    password: str | None = None
    auth_failures_total: int = 0
    nonces: IssuedNonces = field(default_factory=IssuedNonces)

    @property
    def camera(self) -> "Now":
        return self


SETUP = Request("SETUP", f"{URI}/streamid=0", {})


def test_a_session_is_free_again_some_time_after_its_end() -> None:
    one = LimitsSessions(1, freed_after_s=4)
    holder, mine = ConnectionRecord(0.0), ConnectionRecord(1.0)
    now = Now(mine, [holder, mine], 2.0)
    assert one.answer(SETUP, now) is None, "a connection is no session yet"
    holder.set_up_at_s = 1.5
    refused = one.answer(SETUP, now)
    assert refused and refused.status == 453
    assert one.answer(replace(SETUP, method="DESCRIBE"), now) is None
    assert LimitsSessions(2).answer(SETUP, now) is None
    holder.torn_down_at_s, holder.closed_at_s = 3.0, 9.0
    assert [one.answer(SETUP, replace(now, now_s=each)) is None for each in (6.9, 7.0)] == [False, True]
    holder.torn_down_at_s = None
    assert [one.answer(SETUP, replace(now, now_s=each)) is None for each in (12.9, 13.0)] == [False, True]
    mine.set_up_at_s = 13.0
    assert one.answer(SETUP, replace(now, now_s=14.0)) is None, "the second track of the same session"


async def test_sessions_are_limited_in_the_dialogue_and_connections_remembered() -> None:
    it = camera(LimitsSessions(1, at=("SETUP", "DESCRIBE")))
    first, second = Dialogue(it), Dialogue(it)
    assert first.ask("SETUP", 0).status == 200
    assert (second.ask("DESCRIBE").status, second.ask("SETUP", 0).status) == (453, 453)
    assert first.ask("TEARDOWN").closed
    assert second.ask("SETUP", 0).status == 200
    first.leave()
    third = Dialogue(it)
    assert third.ask("SETUP", 0).status == 453
    second.leave()
    assert third.ask("SETUP", 0).status == 200
    assert (it.most_connections, it.connections_total, it.open_connections) == (2, 3, 1)
    one, two, _ = it.connections
    assert one.methods == ["SETUP", "TEARDOWN"]
    assert one.closed_at_s and one.torn_down_at_s and one.torn_down_at_s <= one.closed_at_s
    assert two.torn_down_at_s is None and two.session_ended_at_s == two.closed_at_s


async def test_the_session_timeout_is_announced_and_kept() -> None:
    short = ExpiresSessions(10)
    assert re.fullmatch(r"[0-9a-f]+;timeout=10", opened(short).ask("GET_PARAMETER").header("Session") or "")
    assert (opened().ask("GET_PARAMETER").header("Session") or "").endswith(";timeout=60")
    assert not short.gives_up(10.0) and short.gives_up(10.1)
    assert not Behaviour().gives_up(1e9)
