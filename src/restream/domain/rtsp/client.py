"""The conversation with one camera, without I/O: bytes and moments in; bytes, events and one deadline out.

Whoever carries the bytes calls `start`, and at each ConnectionWanted connects and calls `connected`; hands over what
comes (`receive`), sends `data_to_send`, calls `due` at `deadline`, and takes the events after each of these calls.
Moments are seconds of any clock that never goes back. Nothing here raises, whatever a camera sends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from restream.domain.life.cause import Cause
from restream.domain.rtsp.authentication import Authenticator, Cnonce
from restream.domain.rtsp.description import read_description
from restream.domain.rtsp.dialogue import Conversation, Dialogue, Step
from restream.domain.rtsp.events import Announced, ConnectionWanted, Failed, Finished, Playing, RtspEvent
from restream.domain.rtsp.failure import AUTHENTICATION, Failure, Stage
from restream.domain.rtsp.message_reader import FrameTaker, MessageReader
from restream.domain.rtsp.messages import InterleavedFrame, Message, Response, ServerRequest
from restream.domain.rtsp.requester import USER_AGENT, Question, Requester, Said
from restream.domain.rtsp.route import REDIRECTIONS, Route
from restream.domain.rtsp.url import Credentials, RtspUrl
from restream.domain.rtsp.words import no_rtsp, readable

OPEN_BODY_QUIET_S = 1.0
"""A description whose length the camera does not tell is whole when nothing follows for so long."""
_CLOSED = "the camera closed the connection when asked for it"
TEARDOWN_S = 2.0
"""How long a farewell may take."""


class RtspClient:
    """One conversation with one camera."""

    def __init__(self, url: RtspUrl, credentials: Credentials | None, wanted: Conversation, cnonce: Cnonce) -> None:
        self._wanted = wanted
        self._cnonce = cnonce
        self._route = Route(url, credentials)
        self.deadline: float | None = None
        """When `due` is to be called; None: never."""
        self._since = 0.0
        self._events: deque[RtspEvent] = deque()
        self.frames: FrameTaker | None = None
        """Who takes whole frames unread, for one to set once media play; such frames are no events then."""
        self.stage = Stage.CONNECT
        """How far it has come."""
        self._is_connected = self._repeated = self._closes = False
        self._next: Question | None = None
        self._returns_at = 0.0
        """Not before, a connection that is lost while media come over UDP is made again."""
        self._understood = False
        self._reader = MessageReader()
        self._requests = Requester(Authenticator(credentials, cnonce), wanted.user_agent or USER_AGENT)
        self._dialogue = Dialogue(url, wanted, self._route.secrets)

    @property
    def said(self) -> Said:
        """What the camera has said of itself and to each request so far, masked."""
        return self._requests.said(self._route.secrets, self._route.reconnects)

    def data_to_send(self) -> bytes:
        """Bytes for the connection, once."""
        return self._requests.data_to_send()

    def events(self) -> Iterator[RtspEvent]:
        """What has happened, each once."""
        while self._events:
            yield self._events.popleft()

    def start(self, now: float) -> None:
        """Begin: a connection is wanted."""
        self._connect(self._dialogue.opening(), "the conversation begins", now)

    def encrypting(self, now: float) -> None:
        """The host has taken the connection; TLS comes next."""
        if self.stage is Stage.CONNECT:
            self._wait(Stage.TLS, self._wanted.connect_timeout_s, now)

    def connected(self, now: float) -> None:
        """The connection that was wanted is there."""
        question, self._next = self._next, None
        if question is not None:
            self._reader, self._is_connected, self._closes = MessageReader(), True, False
            self._ask(question, now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes have come."""
        if self._is_connected:
            self._reader.receive(data)
        while self._is_connected and (message := self._reader.next_message(self.frames, now)) is not None:
            self._take(message, now)
        if self._is_connected and self._reader.has_open_body:
            limit = self._since + self._wanted.answer_timeout_s
            self.deadline = min(limit, now + OPEN_BODY_QUIET_S)

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone, or did not come about; `reason` as the system says it."""
        if self._is_connected and (message := self._reader.finish()):
            self._closes = True
            self._take(message, now)
            if not self._is_connected:  # over, or to go on over another connection
                return
        if not (self._is_connected or self._next):
            return
        what = "the connection ended" if self._is_connected else "no connection"
        question, self._is_connected, self._next = self._requests.question, False, None
        self._requests.give_up(now)
        if self.stage is Stage.TEARDOWN:
            self._end(Finished())
        elif question and self._repeated and question.stage is not Stage.PLAYING:
            self._reconnect(question, "the camera closed the connection after it had asked for a login", now)
        elif question and (anew := self._dialogue.renewed(question, _CLOSED)):
            self._reconnect(anew, f"{_CLOSED} ({question.method})", now)
        elif self.stage is Stage.PLAYING and self._dialogue.session.over_udp:
            self._keep_alive(now)
        else:
            self._fail(Cause.SOURCE_ENDED, f"{what} ({self.stage}): {reason}", now)

    def due(self, now: float) -> None:
        """The deadline has come."""
        if self.deadline is None or now < self.deadline:
            return
        if self._is_connected and (message := self._reader.finish()):
            self.deadline = self._since + self._wanted.answer_timeout_s
            self._take(message, now)
        elif self.stage is Stage.TEARDOWN:
            self._end(Finished())
        elif self.stage is Stage.PLAYING:
            # Many cameras do not answer; whether media still comes is judged by those who receive it.
            self._requests.give_up(now)
            self._keep_alive(now)
        elif self.stage is Stage.PLAY and self._dialogue.session.has_early_media:
            self._requests.give_up(now)
            self._dialogue.add_reason("the camera sends media and does not answer PLAY")
            self._follow(Step(self._dialogue.playing()), now)
        else:
            question, waited_s = self._requests.question, now - self._since
            self._requests.give_up(now)
            why = f"no answer to SETUP within {waited_s:.1f} s"
            if question and (anew := self._dialogue.renewed(question, why)):
                self._reconnect(anew, why, now)
                return
            what = f"no answer to {question.method}" if question else f"no connection ({self.stage})"
            self._fail(Cause.TIMEOUT, f"{what} within {waited_s:.1f} s", now, waited_s=waited_s)

    def close(self, now: float) -> None:
        """End it; where there is a session, the camera is told."""
        if self._say_farewell(now):
            self._wait(Stage.TEARDOWN, TEARDOWN_S, now)
        elif self.stage is not Stage.CLOSED:
            self._end(Finished())

    def abandon(self, cause: Cause, words: str, now: float) -> None:
        """Whoever carries the bytes will not go on, and says why."""
        self._requests.give_up(now)
        if self.stage is Stage.TEARDOWN:
            self._end(Finished())
        elif self.stage is not Stage.CLOSED:
            self._fail(cause, words, now)

    def _take(self, message: Message, now: float) -> None:
        if isinstance(message, InterleavedFrame):
            if packet := self._dialogue.session.packet(message, playing=self.stage is Stage.PLAYING):
                self._events.append(packet)
            return
        self._understood = True
        if isinstance(message, Response):
            self._take_response(message, now)
        elif isinstance(message, ServerRequest):
            self._take_request(message, now)
        else:
            self._fail(Cause.NOT_RTSP, no_rtsp(message.problem, message.begin, self._route.secrets), now)

    def _take_response(self, response: Response, now: float) -> None:
        if response.protocol.startswith("HTTP"):
            self._fail(Cause.NOT_RTSP, f"a web server answers: {response.status_line}", now)
            return
        question = self._requests.take(response, now) if response.status >= 200 else None
        if question is None:
            return
        self._closes = self._closes or response.headers.get("connection").lower() == "close"
        if self.stage is Stage.TEARDOWN:
            self._end(Finished())
            return
        if response.status == 401 and self._is_refused(question, response, now):
            return
        self._repeated = False
        self._requests.login.accepted()
        if question.stage is Stage.PLAYING:
            if setback := self._dialogue.kept_alive(question, response):
                self._follow(Step(setback=setback), now)
        elif response.status in REDIRECTIONS:
            self._redirect(response.headers.get("location"), response.status_line, response.status, now)
        else:
            logged_in = self._requests.authorised
            self._follow(self._dialogue.answered(question, response, logged_in=logged_in), now)

    def _is_refused(self, question: Question, response: Response, now: float) -> bool:
        """Log in and ask again, or fail; False: it goes on without."""
        cause = self._requests.login.refused(response)
        if cause is None:
            self._repeated = True
            self._ask(question, now)
        elif question.stage is Stage.PLAYING or (question.stage is Stage.OPTIONS and not self._requests.login.offered):
            return False
        else:
            self._fail(cause, f"{response.status_line} ({self._requests.login.trouble})", now, response.status)
        return True

    def _take_request(self, request: ServerRequest, now: float) -> None:
        self._requests.answer(request)
        if self.stage is Stage.TEARDOWN:
            return
        if request.method == "REDIRECT":
            self._redirect(request.headers.get("location"), "REDIRECT", None, now)
        elif request.method == "ANNOUNCE":
            self._events.append(Announced(read_description(request.body)))
        elif request.method == "TEARDOWN":
            self._fail(Cause.SOURCE_ENDED, "the camera ended the session", now)

    def _wait(self, stage: Stage, seconds: float, now: float) -> None:
        self.stage, self._since, self.deadline = stage, now, now + seconds

    def _ask(self, question: Question, now: float) -> None:
        playing = question.stage is Stage.PLAYING
        if self._closes and not playing:
            self._reconnect(question, "the camera closes the connection after its answer", now)
            return
        session = self._dialogue.session
        self._requests.ask(question, session.id, now)
        self._wait(question.stage, session.timeout_s / 2 if playing else self._wanted.answer_timeout_s, now)

    def _follow(self, step: Step, now: float) -> None:
        if step.event is not None:
            self._events.append(step.event)
        if step.setback is not None:
            self._fail(step.setback.cause, step.setback.words, now, step.setback.status)
        elif step.question is not None:
            self._ask(step.question, now)
        elif isinstance(step.event, Playing):
            self._events.extend(self._dialogue.session.early())
            self._wait(Stage.PLAYING, step.event.session_timeout_s / 2, now)
        else:
            self._end(Finished())

    def _connect(self, question: Question, reason: str, now: float) -> None:
        self._requests.discard()
        self._is_connected, self._next, self._repeated = False, question, False
        self._wait(Stage.CONNECT, self._wanted.connect_timeout_s, now)
        self._events.append(ConnectionWanted(self._route.url, reason))

    def _reconnect(self, question: Question, reason: str, now: float) -> None:
        """The same conversation over another connection, to which a session and its channels do not go along."""
        if not self._route.may_reconnect():
            self._fail(Cause.SOURCE_ENDED, f"again and again {reason}", now)
            return
        self._requests.login.reconnected()
        self._connect(self._dialogue.anew() if self._dialogue.session.tracks else question, reason, now)

    def _keep_alive(self, now: float) -> None:
        """A session over UDP outlives its connection (RFC 2326 §1.1): another one is made at once, then rarely."""
        if self._is_connected:
            self._ask(self._dialogue.keep_alive(), now)
        elif now >= self._returns_at:
            self._returns_at = now + self._dialogue.session.timeout_s / 2
            self._connect(self._dialogue.keep_alive(), "the camera closed it, and sends over UDP", now)
        else:
            self.deadline = self._returns_at

    def _redirect(self, location: str, words: str, status: int | None, now: float) -> None:
        told = f"{words}, to {location}"
        if cause := self._route.redirect(location):
            self._fail(cause, self._route.trouble + told, now, status)
            return
        self._requests.login = Authenticator(self._route.credentials, self._cnonce)
        self._dialogue = Dialogue(self._route.url, self._wanted, self._route.secrets)
        self._connect(self._dialogue.opening(), readable(told, self._route.secrets), now)

    def _fail(
        self, cause: Cause, words: str, now: float, status: int | None = None, waited_s: float | None = None
    ) -> None:
        if status is None and not self._understood and self._reader.garbage:
            cause, words = Cause.NOT_RTSP, no_rtsp("bytes that are no RTSP", self._reader.garbage)
        offered = self._requests.login.offered if cause in AUTHENTICATION else ()
        failure = Failure(cause, self.stage, readable(words, self._route.secrets), status, offered, waited_s)
        # Cameras keep the sessions of those who go without a word, and have few.
        self._say_farewell(now)
        self._end(Failed(failure))

    def _say_farewell(self, now: float) -> bool:
        farewell = self._dialogue.farewell() if self._is_connected else None
        if farewell is not None:
            self._requests.ask(farewell, self._dialogue.session.id, now)
        return farewell is not None

    def _end(self, event: Failed | Finished) -> None:
        self.stage, self.deadline, self._is_connected, self._next = Stage.CLOSED, None, False, None
        self._events.append(event)
