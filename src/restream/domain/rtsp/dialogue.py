"""What is asked of a camera, and what follows from each answer: OPTIONS, DESCRIBE, SETUP, PLAY, and keeping alive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from restream.domain.camera.options import RtspTransport
from restream.domain.life.cause import Cause
from restream.domain.rtsp.description import read_description
from restream.domain.rtsp.events import Described, Playing, SetUpOverUdp
from restream.domain.rtsp.failure import Stage, cause_of
from restream.domain.rtsp.media_session import MediaSession
from restream.domain.rtsp.messages import Response
from restream.domain.rtsp.requester import Question
from restream.domain.rtsp.tracks import KINDS, Carries, Choice, Track, choose_tracks
from restream.domain.rtsp.transports import PortSource, TransportTries, no_ports
from restream.domain.rtsp.url import RtspUrl, base_url
from restream.domain.rtsp.words import readable

_LIVE = (("Range", "npt=0.000-"),)
_FORGOTTEN = 454
_INVALID_RANGE = 457
_NOT_NOW = 455
# 461 is the word for it; servers that do not know it say these (rtsp-streaming-server pull request 41 ended a 504).
_REFUSES_TRANSPORT = frozenset({400, 461, 501, 504, 551})


class Goal(StrEnum):
    """How far a conversation goes."""

    DESCRIBE = "describe"
    """To know what the camera sends: no session is opened."""
    HOLD = "hold"
    """To keep it flowing at a media server that fetches it on demand: a session is opened, and nothing received."""
    PLAY = "play"
    """To receive it."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is wanted of a camera; times in seconds."""

    goal: Goal = Goal.PLAY
    allowed: frozenset[str] = KINDS
    """`video`, `audio`: see `tracks.allowed_kinds`."""
    carries: Carries = lambda codec: True
    connect_timeout_s: float = 5.0
    """For the connection, and for TLS."""
    answer_timeout_s: float = 10.0
    """For each answer."""
    user_agent: str = ""
    """What we call ourselves; empty: the product's name."""
    transports: tuple[RtspTransport, ...] = (RtspTransport.TCP,)
    """One after the other until the camera takes one. RTSPS is TCP: over UDP its media would come in clear."""
    ports: PortSource = no_ports


class Setback(NamedTuple):
    """An answer with which it cannot go on, as a failure will tell it."""

    cause: Cause
    words: str
    status: int | None = None


class Step(NamedTuple):
    """What follows from an answer. With neither a question nor a setback all that was wanted is done."""

    event: Described | SetUpOverUdp | Playing | None = None
    question: Question | None = None
    setback: Setback | None = None


class Dialogue:
    """The questions to one URL of a camera."""

    def __init__(self, url: RtspUrl, wanted: Conversation, secrets: tuple[str, ...]) -> None:
        self._url = url
        self._wanted = wanted
        self._secrets = secrets
        self._base = url
        """What PLAY, keep-alives and TEARDOWN name."""
        self._options_answered = False
        self._has_get_parameter = False
        self._choice = Choice()
        self._waiting: list[Track] = []
        """Still to be set up."""
        self._left_out: set[int] = set()
        """Places in the description of tracks that cannot be set up."""
        self._reasons: list[str] = []
        order = (RtspTransport.TCP,) if url.secure else wanted.transports
        self._transports = TransportTries(order, wanted.ports)
        self._changed = False
        """The transport was changed within this connection."""
        self.session = MediaSession()

    def opening(self) -> Question:
        """The first one. A probe needs no OPTIONS; to play, they tell how a session is kept alive."""
        self.session = MediaSession()
        return self._describe() if self._wanted.goal is Goal.DESCRIBE else self._options()

    def answered(self, question: Question, response: Response, *, logged_in: bool) -> Step:
        """What follows from an answer that is neither 401 nor a redirect."""
        if response.status < 300 and (session := response.headers.get("session")):
            self.session.heard(session)
        if question.track is not None:
            return self._set_up(question.track, response, logged_in)
        if question.method == "TEARDOWN":
            return Step(question=self.anew())
        if question.method == "OPTIONS":
            # Whatever it says: many cameras that refuse OPTIONS describe themselves all the same.
            self._heard_options(response)
            return Step(question=self._describe())
        if question.method == "DESCRIBE":
            return self._described(response, logged_in)
        if response.status == _INVALID_RANGE and question.headers:
            return Step(question=self._play(with_range=False))
        if response.status >= 300:
            return Step(setback=refusal(response, logged_in=logged_in))
        return Step(self.playing())

    def _options(self) -> Question:
        return Question(Stage.OPTIONS, "OPTIONS", self._url)

    def _heard_options(self, response: Response) -> None:
        self._options_answered = True
        public = ",".join((*response.headers.all("public"), *response.headers.all("allow"))).upper()
        self._has_get_parameter = "GET_PARAMETER" in {method.strip() for method in public.split(",")}

    def _describe(self) -> Question:
        return Question(Stage.DESCRIBE, "DESCRIBE", self._url, (("Accept", "application/sdp"),))

    def _described(self, response: Response, logged_in: bool) -> Step:
        if response.status == _NOT_NOW and not self._options_answered:
            return Step(question=self._options())
        if response.status >= 300:
            return Step(setback=refusal(response, logged_in=logged_in))
        description = read_description(response.body)
        if description is None:
            words = f"{response.status_line}, without a session description: {response.body[:100].decode('latin-1')}"
            return _setback(Cause.CAMERA_ERROR, words, response)
        headers = response.headers
        self._base = base_url(
            self._url, description.control, headers.get("content-base"), headers.get("content-location")
        )
        self._choice = choose_tracks(description, self._base, self._wanted.allowed, self._wanted.carries)
        event = Described(self._choice, description)
        if self._choice.video is None:
            words = "; ".join(self._choice.reasons) or "the session description has no media"
            return Step(event, setback=Setback(Cause.NO_MEDIA, words, response.status))
        self._reasons = list(self._choice.reasons)
        if self._wanted.goal is Goal.DESCRIBE:
            return Step(event)
        trouble = self._transports.prepare(len(self._choice.tracks))
        return Step(event, self._first_setup()) if trouble is None else Step(event, setback=_internal(trouble))

    def _first_setup(self) -> Question:
        self._waiting = [track for track in self._choice.tracks if track.index not in self._left_out]
        return self._next()

    def _next(self) -> Question:
        """SETUP of the next track; PLAY when there is none left."""
        if not self._waiting:
            return self._play()
        track = self._waiting.pop(0)
        transport = self._transports.offer(self.session)
        return Question(Stage.SETUP, "SETUP", track.url, (("Transport", transport),), track)

    def _set_up(self, track: Track, response: Response, logged_in: bool) -> Step:
        if response.status >= 300:
            setback = refusal(response, logged_in=logged_in)
        else:
            event = self._transports.add(track, response.headers.get("transport"), self.session)
            if not isinstance(event, str):
                return Step(self.playing()) if self._wanted.goal is Goal.HOLD else Step(event, self._next())
            setback = Setback(Cause.TRANSPORT_REFUSED, event, response.status)
        if track.is_video:
            return self._video_refused(setback)
        self._leave_out(track, setback.words)
        return Step(question=self._next())

    def _video_refused(self, setback: Setback) -> Step:
        """Over this transport at least, where its answer may mean that."""
        of_transport = setback.cause is Cause.TRANSPORT_REFUSED or setback.status in _REFUSES_TRANSPORT
        if not of_transport or self._transports.is_last:
            cause = Cause.TRANSPORT_REFUSED if of_transport and self._transports.refused else setback.cause
            words = self._transports.all_refusals(setback.words)
            return Step(setback=setback._replace(cause=cause, words=words))
        if trouble := self._change_transport(setback.words):
            return Step(setback=_internal(trouble))
        # What it has answered with another transport is a session, of which cameras have few.
        farewell = self.farewell()
        return Step(question=self.anew() if farewell is None else replace(farewell, stage=Stage.SETUP))

    def _change_transport(self, words: str) -> str | None:
        """The next one, for all tracks; why that cannot be."""
        told = self._transports.change(words)
        self._changed = True
        self._left_out.clear()
        self._reasons = [*self._choice.reasons, readable(told, self._secrets)]
        return self._transports.prepare(len(self._choice.tracks))

    def _leave_out(self, track: Track, why: str) -> None:
        """A track that is not the video cannot be set up: it goes on without."""
        self._left_out.add(track.index)
        self._reasons.append(f"track {track.index} is left out: {readable(why, self._secrets)}")

    def renewed(self, question: Question, why: str) -> Question | None:
        """A question has brought no answer, and perhaps the end of the connection: how to begin anew over another one.

        Without the track that it was about; or over another transport; None: there is no other way.
        """
        changed, self._changed = self._changed, False
        if changed and question.stage is Stage.SETUP:
            return self.anew()
        if track := question.dispensable:
            self._leave_out(track, why)
        elif question.track is None or self._transports.is_last or self._change_transport(why):
            return None
        self._changed = False
        return self.anew()

    def anew(self) -> Question:
        """The first SETUP, of a session that is to be opened anew."""
        self.session = MediaSession()
        return self._first_setup()

    def _play(self, *, with_range: bool = True) -> Question:
        return Question(Stage.PLAY, "PLAY", self._base, _LIVE if with_range else ())

    def playing(self) -> Playing:
        """PLAY is answered, or as good as; of a session that is only held, the first SETUP."""
        session = self.session
        tracks, channels = tuple(session.tracks), tuple(session.channels)
        return Playing(tracks, tuple(self._reasons), session.timeout_s, channels, session.over_udp)

    def add_reason(self, reason: str) -> None:
        """Something that the operator should know of this camera."""
        self._reasons.append(reason)

    def keep_alive(self) -> Question:
        """What is asked at half of the session's timeout."""
        return Question(Stage.PLAYING, "GET_PARAMETER" if self._has_get_parameter else "OPTIONS", self._base)

    def kept_alive(self, question: Question, response: Response) -> Setback | None:
        """A keep-alive is answered. Cameras refuse GET_PARAMETER that they name in OPTIONS."""
        if response.status == _FORGOTTEN:
            return Setback(Cause.SOURCE_ENDED, f"forgot the session: {response.status_line}", response.status)
        if response.status >= 300 and question.method == "GET_PARAMETER":
            self._has_get_parameter = False
        return None

    def farewell(self) -> Question | None:
        """TEARDOWN, where there is anything to tear down."""
        return Question(Stage.TEARDOWN, "TEARDOWN", self._base) if self.session.id or self.session.tracks else None


def _internal(words: str) -> Setback:
    return Setback(Cause.INTERNAL, words)


def refusal(response: Response, *, logged_in: bool) -> Setback:
    """An answer that is no success."""
    cause = cause_of(response.status, response.reason, logged_in=logged_in)
    return Setback(cause, response.status_line, response.status)


def _setback(cause: Cause, words: str, response: Response) -> Step:
    return Step(setback=Setback(cause, words, response.status))
