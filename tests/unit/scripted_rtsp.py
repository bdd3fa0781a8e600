"""A camera that is a table of answers, and a conversation with it that needs no socket."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from restream.domain.camera.secret import Secret
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import ConnectionWanted, Failed, Playing, RtspEvent
from restream.domain.rtsp.failure import Failure, Stage
from restream.domain.rtsp.url import Credentials, parse_url

URL = "rtsp://10.0.0.1/live"
PASSWORD = "sEcret@1"
SDP = (
    "v=0\r\ns=x\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"
    "m=audio 0 RTP/AVP 0\r\na=control:trackID=2\r\n"
)


@dataclass(frozen=True)
class Asked:
    """One request of ours."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")


PLAY = Conversation()
Answer = Callable[[Asked], bytes] | None
"""None: silence."""


def says(status: str, *headers: str, body: str = "", number: str | None = None) -> Answer:
    """An answer; `number` other than asked, empty for none."""

    def answer(asked: Asked) -> bytes:
        cseq = asked.header("CSeq") if number is None else number
        lines = [f"RTSP/1.0 {status}", *([f"CSeq: {cseq}"] if cseq else []), *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join([*lines, "", ""]) + body).encode("latin-1")

    return answer


def setup_ok(asked: Asked) -> bytes:
    answer = says("200 OK", f"Transport: {asked.header('Transport')}", "Session: 12345678;timeout=30")
    assert answer is not None
    return answer(asked)


OK: dict[str, Answer] = {
    "OPTIONS": says("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER", "Server: Camera 1.0"),
    "DESCRIBE": says("200 OK", "Content-Base: rtsp://10.0.0.1/live/", "Content-Type: application/sdp", body=SDP),
    "SETUP": setup_ok,
    "PLAY": says("200 OK", "Session: 12345678"),
    "GET_PARAMETER": says("200 OK"),
    "TEARDOWN": says("200 OK"),
}


def asked_in(data: bytes) -> list[Asked]:
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        if first.startswith("RTSP/"):
            continue
        method, target, protocol = first.split(" ")
        assert protocol == "RTSP/1.0"
        pairs = (line.partition(": ") for line in lines)
        headers = {name.lower(): value for name, _, value in pairs}
        length = int(headers.get("content-length", "0"))
        found.append(Asked(method, target, headers, data[:length]))
        data = data[length:]
    return found


class Talk:
    """One conversation: `answers` by method, a list for one after the other (the last one stays)."""

    def __init__(
        self,
        wanted: Conversation = PLAY,
        *,
        url: str = URL,
        login: str | None = "admin",
        cut: int = 0,
        **answers: Answer | Sequence[Answer],
    ) -> None:
        parsed = parse_url(url)
        assert parsed is not None
        credentials = None if login is None else Credentials(login, Secret(PASSWORD))
        self.client = RtspClient(parsed[0], credentials, wanted, lambda: "0a4f113b")
        self.answers = {name: [*each] if isinstance(each, Sequence) else [each] for name, each in OK.items()}
        self.answers |= {name: [*each] if isinstance(each, Sequence) else [each] for name, each in answers.items()}
        self.cut = cut
        self.now = 100.0
        self.asked: list[Asked] = []
        self.events: list[RtspEvent] = []
        self.addresses: list[tuple[str, int]] = []
        self.client.start(self.now)
        self.go_on()

    def go_on(self) -> None:
        """Until nobody has anything more to say."""
        while True:
            events = list(self.client.events())
            self.events += events
            for event in events:
                if isinstance(event, ConnectionWanted):
                    self.addresses.append(event.url.address)
                    self.client.connected(self.now)
            asked = asked_in(self.client.data_to_send())
            self.asked += asked
            for each in asked:
                self._answer(each)
            if not asked and not events:
                return

    def _answer(self, asked: Asked) -> None:
        queue = self.answers[asked.method]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if answer is None:
            return
        data = answer(asked)
        if data == HANG_UP:
            self.client.lost("end of file", self.now)
        elif data.endswith(HANG_UP):
            self.client.receive(data.removesuffix(HANG_UP), self.now)
            self.client.lost("end of file", self.now)
        else:
            self.hear(data)

    def hear(self, data: bytes) -> None:
        """Bytes of the camera's own accord, cut as was asked for."""
        step = self.cut or max(1, len(data))
        for at in range(0, len(data), step):
            self.client.receive(data[at : at + step], self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.client.due(self.now)
        self.go_on()

    def close(self) -> None:
        self.client.close(self.now)
        self.go_on()

    @property
    def methods(self) -> list[str]:
        return [each.method for each in self.asked]

    @property
    def failure(self) -> Failure:
        found = [event.failure for event in self.events if isinstance(event, Failed)]
        assert len(found) == 1, self.events
        assert self.client.deadline is None
        text = repr(self.events) + repr(self.client.said)
        assert not re.search(PASSWORD, text)
        assert found[0].words.isprintable() and len(found[0].words) <= 200
        return found[0]

    def the(self, kind: type[RtspEvent]) -> RtspEvent:
        found = [event for event in self.events if isinstance(event, kind)]
        assert len(found) == 1, self.events
        return found[0]


HANG_UP = b"<hang up>"


def then_hangs_up(answer: Answer = None) -> Answer:
    """An answer, and the end of the connection."""
    return lambda asked: (answer(asked) if answer else b"") + HANG_UP


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
