"""The conversation in which a media server is given a stream, without I/O: ANNOUNCE, SETUP of each track, RECORD.

It has the verbs of `RtspClient`, and is carried like it. After `Recording` whoever carries it writes interleaved
frames to the connection, whole ones; what the server says goes on to come here. Nothing here raises.

The session needs no keep-alive: over TCP MediaMTX v1.20.1 times out on what it reads, media or request (gortsplib
v5.6.4, `server_conn_reader.go`), so that a keep-alive would only hold a stream for which no media come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from restream.domain.life.cause import Cause
from restream.domain.rtsp.announcement import control
from restream.domain.rtsp.authentication import Authenticator, Cnonce
from restream.domain.rtsp.events import ConnectionWanted, Failed, Finished, Interleaved
from restream.domain.rtsp.failure import Failure, Stage
from restream.domain.rtsp.media_session import MediaSession, parse_transport
from restream.domain.rtsp.message_reader import MessageReader
from restream.domain.rtsp.messages import InterleavedFrame, Response, ServerRequest, Unreadable
from restream.domain.rtsp.requester import USER_AGENT, Question, Requester, Said
from restream.domain.rtsp.route import Route
from restream.domain.rtsp.url import Credentials, RtspUrl, control_url
from restream.domain.rtsp.words import no_rtsp, readable

TEARDOWN_S = 2.0
"""How long a farewell may take."""
# How MediaMTX v1.20.1 says that a path is taken (tests/data/rtsp/publishing/taken.json).
_REFUSALS = {(Stage.RECORD, 400): Cause.SERVER_CONFLICT}


@dataclass(frozen=True, slots=True)
class Recording:
    """The server takes media now."""

    channels: tuple[Interleaved, ...]
    """Of each track, as the server has it."""


PublisherEvent = ConnectionWanted | Recording | Failed | Finished
"""Everything that is told."""


def usual_channels(tracks: int) -> tuple[Interleaved, ...]:
    """0-1, 2-3 …: what every server takes."""
    return tuple(Interleaved(2 * place, 2 * place + 1) for place in range(tracks))


class RtspPublisher:
    """One stream to one media server. `channels` are those to ask for, one pair for each track of `sdp`, in order."""

    def __init__(
        self,
        url: RtspUrl,
        credentials: Credentials | None,
        sdp: bytes,
        channels: Sequence[Interleaved],
        cnonce: Cnonce,
        *,
        answer_timeout_s: float = 10.0,
        connect_timeout_s: float = 5.0,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._cnonce = cnonce
        self._sdp = sdp
        self._wanted = tuple(channels)
        self._answer_timeout_s = answer_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._route = Route(url, credentials)
        self._requests = Requester(Authenticator(credentials, cnonce), USER_AGENT)
        self._reader = MessageReader()
        self._session = MediaSession()
        self._channels: list[Interleaved] = []
        """Of the tracks that are set up, as the server answered."""
        self._events: deque[PublisherEvent] = deque()
        self.stage = Stage.CONNECT
        """How far it has come."""
        self.deadline: float | None = None
        """When `due` is to be called; None: never."""
        self._since = 0.0
        """Moment from which is waited for what comes next."""
        self._is_connecting = self._is_connected = False
        self._repeated = False
        """The request under way repeats one that was answered 401."""

    @property
    def said(self) -> Said:
        """What the server has said of itself and to each request so far, masked."""
        return self._requests.said(self._route.secrets, self._route.reconnects)

    def data_to_send(self) -> bytes:
        """Bytes for the connection, once: whole messages."""
        return self._requests.data_to_send()

    def events(self) -> Iterator[PublisherEvent]:
        """What has happened, each once."""
        while self._events:
            yield self._events.popleft()

    def start(self, now: float) -> None:
        """Begin: a connection is wanted."""
        self._connect("the conversation begins", now)

    def encrypting(self, now: float) -> None:
        """The host has taken the connection; TLS comes next."""
        if self.stage is Stage.CONNECT:
            self._wait(Stage.TLS, self._connect_timeout_s, now)

    def connected(self, now: float) -> None:
        """The connection that was wanted is there."""
        if self._is_connecting:
            self._is_connecting, self._is_connected = False, True
            self._reader, self._session, self._channels = MessageReader(), MediaSession(), []
            description = (("Content-Type", "application/sdp"),)
            self._ask(Question(Stage.ANNOUNCE, "ANNOUNCE", self._url, description, body=self._sdp), now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes have come."""
        if self._is_connected:
            self._reader.receive(data)
        while self._is_connected and (message := self._reader.next_message()) is not None:
            # Reports on how the media arrive (RTCP), of which MediaMTX sends none.
            if not isinstance(message, InterleavedFrame):
                self._take(message, now)

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone, or did not come about; `reason` as the system says it."""
        if not (self._is_connected or self._is_connecting):
            return
        what = "the connection ended" if self._is_connected else "no connection"
        question, self._is_connected, self._is_connecting = self._requests.question, False, False
        self._requests.give_up(now)
        if self.stage is Stage.TEARDOWN:
            self._end(Finished())
        elif question and self._repeated:
            self._reconnect("the server closed the connection after it had asked for a login", now)
        elif not self._ask_for_usual_channels(question, "the server closed the connection", now):
            self._fail(Cause.SERVER_GONE, f"{what} ({self.stage}): {reason}", now)

    def due(self, now: float) -> None:
        """The deadline has come."""
        if self.deadline is None or now < self.deadline:
            return
        question, waited_s = self._requests.question, now - self._since
        self._requests.give_up(now)
        if self.stage is Stage.TEARDOWN:
            self._end(Finished())
        else:
            what = f"no answer to {question.method}" if question else f"no connection ({self.stage})"
            self._fail(Cause.SERVER_GONE, f"{what} within {waited_s:.1f} s", now, waited_s=waited_s)

    def close(self, now: float) -> None:
        """End it; where there is a session, the server is told."""
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

    def _take(self, message: Response | ServerRequest | Unreadable, now: float) -> None:
        if isinstance(message, Response):
            self._take_response(message, now)
        elif isinstance(message, ServerRequest):
            self._requests.answer(message)
            if message.method == "TEARDOWN" and self.stage is not Stage.TEARDOWN:
                self._fail(Cause.SERVER_GONE, "the server ended the session", now)
        else:
            self._fail(Cause.SERVER_REFUSED, no_rtsp(message.problem, message.begin, self._route.secrets), now)

    def _take_response(self, response: Response, now: float) -> None:
        if response.protocol.startswith("HTTP"):
            self._fail(Cause.SERVER_REFUSED, f"a web server answers: {response.status_line}", now)
            return
        question = self._requests.take(response, now) if response.status >= 200 else None
        if question is None:
            return
        if self.stage is Stage.TEARDOWN:
            self._end(Finished())
        elif response.status == 401:
            self._log_in(question, response, now)
        elif response.status >= 300:
            if not self._ask_for_usual_channels(question, response.status_line, now):
                self._fail(
                    _REFUSALS.get((question.stage, response.status), Cause.SERVER_REFUSED),
                    response.status_line,
                    now,
                    response,
                )
        else:
            self._repeated = False
            self._requests.login.accepted()
            self._accepted(question, response, now)

    def _log_in(self, question: Question, response: Response, now: float) -> None:
        login, tried = self._requests.login, self._requests.authorised
        if login.refused(response) is None:
            self._repeated = True
            self._ask(question, now)
        elif self._credentials is None:
            self._fail(
                Cause.SERVER_REFUSED, f"{response.status_line} (no user is configured for publishing)", now, response
            )
        else:
            why = "user or password are wrong, or may not publish here" if tried else login.trouble
            self._fail(Cause.SERVER_REFUSED, f"{response.status_line} ({why})", now, response)

    def _accepted(self, question: Question, response: Response, now: float) -> None:
        self._session.heard(response.headers.get("session"))
        if question.stage is Stage.RECORD:
            told = [channel for pair in self._channels for channel in pair]
            # Who answers each SETUP with the same channels means those that were asked for.
            clear = len(set(told)) == len(told)
            self._events.append(Recording(tuple(self._channels) if clear else self._wanted))
            self.stage, self.deadline = Stage.RECORDING, None
            return
        if question.stage is Stage.SETUP:
            asked = self._wanted[len(self._channels)]
            transport = response.headers.get("transport")
            channels = parse_transport(transport, asked)
            if channels is None:
                words = f"SETUP for TCP is answered {response.status} with Transport: {transport}"
                self._fail(Cause.SERVER_REFUSED, words, now, response)
                return
            self._channels.append(channels)
        self._ask(self._next(), now)

    def _next(self) -> Question:
        place = len(self._channels)
        if place == len(self._wanted):
            return Question(Stage.RECORD, "RECORD", self._url)
        rtp, rtcp = self._wanted[place]
        transport = f"RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp};mode=record"
        return Question(Stage.SETUP, "SETUP", control_url(self._url, control(place)), (("Transport", transport),))

    def _ask_for_usual_channels(self, question: Question | None, refused: str, now: float) -> bool:
        """Begin anew, where the channels may be what is refused: gortsplib takes only rtcp = rtp + 1, none twice."""
        usual = usual_channels(len(self._wanted))
        if question is None or question.stage is not Stage.SETUP or self._wanted == usual:
            return False
        self._wanted = usual
        # MediaMTX has a nonce for each connection, and closes it where an answer is to another one.
        self._requests.login = Authenticator(self._credentials, self._cnonce)
        self._reconnect(f"channels that are not the usual ones are refused: {refused}", now)
        return True

    def _wait(self, stage: Stage, seconds: float, now: float) -> None:
        self.stage, self._since, self.deadline = stage, now, now + seconds

    def _ask(self, question: Question, now: float) -> None:
        self._requests.ask(question, self._session.id, now)
        self._wait(question.stage, self._answer_timeout_s, now)

    def _connect(self, reason: str, now: float) -> None:
        self._requests.discard()
        self._is_connected, self._is_connecting, self._repeated = False, True, False
        self._wait(Stage.CONNECT, self._connect_timeout_s, now)
        self._events.append(ConnectionWanted(self._url, readable(reason, self._route.secrets)))

    def _reconnect(self, reason: str, now: float) -> None:
        if self._route.may_reconnect():
            self._requests.login.reconnected()
            self._connect(reason, now)
        else:
            self._fail(Cause.SERVER_GONE, f"again and again {reason}", now)

    def _fail(
        self, cause: Cause, words: str, now: float, answer: Response | None = None, waited_s: float | None = None
    ) -> None:
        status = answer.status if answer else None
        offered = self._requests.login.offered if status == 401 else ()
        failure = Failure(cause, self.stage, readable(words, self._route.secrets), status, offered, waited_s)
        self._say_farewell(now)
        self._end(Failed(failure))

    def _say_farewell(self, now: float) -> bool:
        told = self._is_connected and bool(self._session.id)
        if told:
            self._requests.ask(Question(Stage.TEARDOWN, "TEARDOWN", self._url), self._session.id, now)
        return told

    def _end(self, event: Failed | Finished) -> None:
        self.stage, self.deadline = Stage.CLOSED, None
        self._is_connected = self._is_connecting = False
        self._events.append(event)
