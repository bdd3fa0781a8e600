"""Asks a server one thing at a time: numbers and authorises requests, knows their answers, and keeps the times."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from restream.domain.rtsp.authentication import Authenticator
from restream.domain.rtsp.failure import Stage
from restream.domain.rtsp.messages import Response, ServerRequest
from restream.domain.rtsp.request import encode_answer, encode_request
from restream.domain.rtsp.tracks import Track
from restream.domain.rtsp.url import RtspUrl
from restream.domain.rtsp.words import readable

USER_AGENT = "restream"
"""There are cameras that refuse requests without one (go2rtc issue 235)."""
MAX_EXCHANGES = 64
"""Of the last ones."""
MAX_UNSENT_BYTES = 256 * 1024
"""A camera that asks more than it reads is not answered."""
_ANSWERED_WITH_200 = ("OPTIONS", "ANNOUNCE", "GET_PARAMETER", "SET_PARAMETER", "REDIRECT", "TEARDOWN")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and of which track."""

    stage: Stage
    method: str
    url: RtspUrl
    headers: tuple[tuple[str, str], ...] = ()
    track: Track | None = None
    body: bytes = b""
    """Its `Content-Type` is among the headers."""

    @property
    def dispensable(self) -> Track | None:
        """The track that it is about, where it can be done without."""
        return self.track if self.track and not self.track.is_video else None


class Exchange(NamedTuple):
    """One request and its answer, for the operator."""

    stage: Stage
    method: str
    answer: str
    """The camera's status line, as it came; empty: it has not answered."""
    seconds: float
    """From the request to the answer."""


class Said(NamedTuple):
    """What a camera has said, printable and masked."""

    exchanges: tuple[Exchange, ...]
    """Requests and answers, the oldest first; of many the last ones."""
    offered: tuple[str, ...]
    """Ways to log in that it offered last: `Basic`, `MD5`, `SHA-256` …"""
    server: str
    """What it calls itself; empty: it does not."""
    date: str
    """Its clock in its last answer that told it, as it wrote it."""
    dated_at: float
    """When that answer came."""
    reconnects: int
    """Connections to the same place after the first one: it closes them, and has to be asked again."""


class Requester:
    """The requests of one conversation, over as many connections as it takes."""

    def __init__(self, login: Authenticator, user_agent: str) -> None:
        self.login = login
        self._user_agent = user_agent
        self.question: Question | None = None
        """What is not answered yet."""
        self.asked_at = 0.0
        self.authorised = False
        """The request that is under way has credentials with it."""
        self._exchanges: deque[Exchange] = deque(maxlen=MAX_EXCHANGES)
        self._server = self._date = ""
        self._dated_at = 0.0
        self._number = 0
        self._numbers = False
        """The camera numbers its answers: one with an old number answers an old request."""
        self._previous: Response | None = None
        self._out = bytearray()

    def ask(self, question: Question, session: str, now: float) -> None:
        """Send a request; the one before it is not waited for any longer."""
        self._number += 1
        self.question, self.asked_at = question, now
        target = question.url.reveal()
        authorization = self.login.authorize(question.method, target)
        self.authorised = authorization is not None
        headers = [("CSeq", str(self._number)), ("User-Agent", self._user_agent)]
        if authorization is not None:
            headers.append(("Authorization", authorization))
        if session:
            headers.append(("Session", session))
        self._out += encode_request(question.method, target, (*headers, *question.headers), question.body)

    def take(self, response: Response, now: float) -> Question | None:
        """What a response answers, which is then no longer waited for; None: nothing, or nothing any more."""
        question = self.question
        if question is None or not self._is_answer(response):
            return None
        self._previous = response
        self.question = None
        self._server = response.headers.get("server", self._server)
        if date := response.headers.get("date"):
            self._date, self._dated_at = date, now
        self._note(question, response.status_line, now)
        return question

    def _note(self, question: Question, answer: str, now: float) -> None:
        # Of keep-alives the last one tells enough, and the others would push out how it began.
        if self._exchanges and question.stage is Stage.PLAYING is self._exchanges[-1].stage:
            self._exchanges.pop()
        self._exchanges.append(Exchange(question.stage, question.method, answer, now - self.asked_at))

    def _is_answer(self, response: Response) -> bool:
        """Cameras answer twice, with another number than asked, or with none."""
        text = response.headers.get("cseq").strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
        if number == self._number:
            self._numbers = self._numbers or number > 1
            return True
        if number is None or number > self._number:
            return True
        return not self._numbers and response != self._previous

    def give_up(self, now: float) -> None:
        """There will be no answer."""
        if self.question is not None:
            self._note(self.question, "", now)
            self.question = None

    def answer(self, request: ServerRequest) -> None:
        """Answer a request of the camera."""
        if len(self._out) < MAX_UNSENT_BYTES:
            status, reason = (200, "OK") if request.method in _ANSWERED_WITH_200 else (501, "Not Implemented")
            headers = (("CSeq", request.headers.get("cseq", "0")[:32]), ("User-Agent", self._user_agent))
            self._out += encode_answer(status, reason, (*headers, ("Public", ", ".join(_ANSWERED_WITH_200))))

    def said(self, secrets: tuple[str, ...], reconnects: int) -> Said:
        """What the camera has said so far, over so many connections more than one."""
        exchanges = tuple(each._replace(answer=readable(each.answer, secrets)) for each in self._exchanges)
        server, date = readable(self._server, secrets), readable(self._date, secrets)
        return Said(exchanges, self.login.offered, server, date, self._dated_at, reconnects)

    def discard(self) -> None:
        """The connection is gone: nothing is left to be sent over it."""
        self._out.clear()

    def data_to_send(self) -> bytes:
        """Bytes for the connection, once."""
        data = bytes(self._out)
        self._out.clear()
        return data
