"""Looks at cameras by one DESCRIBE: no session is opened, and what the camera says is told in its own words."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime

from restream.adapters.rtsp.wire import Wire, camera_tls
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import SourceUrl
from restream.domain.engine import Media, ProbeFailure
from restream.domain.life.cause import Cause
from restream.domain.look import Look, LookStep
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import Described, Failed, RtspEvent
from restream.domain.rtsp.failure import Failure, FailureKind, Stage
from restream.domain.rtsp.tracks import Choice, allowed_kinds
from restream.domain.rtsp.url import source_parts
from restream.ports.cameras import Prober

_CONNECT_TIMEOUT_S = 5.0
# A camera that answers each question just in time would be asked for ever.
_ANSWERS = 3
_ERRNO_CAUSES: Mapping[int, Cause] = {
    errno.ECONNREFUSED: Cause.REFUSED,
    errno.EHOSTUNREACH: Cause.UNREACHABLE,
    errno.ENETUNREACH: Cause.UNREACHABLE,
    errno.ETIMEDOUT: Cause.UNREACHABLE,
}
# Where the names differ.
_CAUSES: Mapping[FailureKind, Cause] = {
    FailureKind.NOT_RTSP: Cause.REQUEST_REFUSED,
    FailureKind.DESCRIPTION_UNREADABLE: Cause.CAMERA_ERROR,
    FailureKind.REDIRECT_LOOP: Cause.CAMERA_ERROR,
}
# An MPEG transport stream, or an encoding that only a decoder knows.
_UNCLEAR = ProbeFailure(Cause.UNCLEAR, "the description does not tell what the camera sends")


class RtspProber:
    """Asks cameras that speak RTSP itself; `other` looks at all others, and where a description cannot tell.

    `answer_timeout_s`: how long a camera may take for an answer, where its row does not say.
    """

    def __init__(self, other: Prober, answer_timeout_s: float) -> None:
        self._other = other
        self._answer_timeout_s = answer_timeout_s
        self._tls = camera_tls()

    def limit_s(self, options: CameraOptions) -> float:
        """When a probe has surely ended by itself, in seconds."""
        return self._limit_s(options) + self._other.limit_s(options)

    def _limit_s(self, options: CameraOptions) -> float:
        return _CONNECT_TIMEOUT_S + _ANSWERS * self._patience_s(options)

    def _patience_s(self, options: CameraOptions) -> float:
        own_us = dict(options.input).get("timeout")
        return self._answer_timeout_s if own_us is None else max(1.0, int(own_us) / 1e6)

    async def probe(self, source: SourceUrl, options: CameraOptions) -> Look:
        """What the camera offers, or why it cannot be told. Never raises."""
        parts = source_parts(source)
        if parts is None:
            return await self._other.probe(source, options)
        wanted = Conversation(
            Goal.DESCRIBE,
            allowed_kinds(options),
            connect_timeout_s=_CONNECT_TIMEOUT_S,
            answer_timeout_s=self._patience_s(options),
            user_agent=dict(options.input).get("user_agent", ""),
        )
        look = await self._ask(RtspClient(*parts, wanted, _cnonce), self._limit_s(options))
        if look.outcome != _UNCLEAR:
            return look
        again = await self._other.probe(source, options)
        return replace(look, outcome=again.outcome, by=again.by, took_s=look.took_s + again.took_s)

    async def _ask(self, client: RtspClient, limit_s: float) -> Look:
        choice = Choice()

        def heard(event: RtspEvent) -> None:
            nonlocal choice
            if isinstance(event, Described):
                choice = event.choice

        wire, began = Wire(client, heard, self._tls), time.monotonic()
        try:
            async with asyncio.timeout(limit_s):
                end = await wire.run()
        except TimeoutError:
            words = f"the conversation was not over within {limit_s:g} s ({client.stage})"
            end = Failed(Failure(FailureKind.TIMEOUT, client.stage, words))
        said = client.said
        outcome: Media | ProbeFailure = _UNCLEAR
        if isinstance(end, Failed):
            outcome = _failure(end.failure, wire.refusal)
        elif choice.media is not None:
            outcome = replace(choice.media, login=said.offered)
        return Look(
            outcome=outcome,
            by="rtsp",
            took_s=time.monotonic() - began,
            steps=tuple(LookStep(each.stage, each.method, each.answer, each.seconds) for each in said.exchanges),
            choice=choice.reasons,
            software=said.server,
            clock_offset_s=_clock_offset_s(said.date),
        )


def _cnonce() -> str:
    return secrets.token_hex(8)


def _failure(failure: Failure, refusal: Exception | None) -> ProbeFailure:
    if failure.stage is Stage.CONNECT:
        return ProbeFailure(_connect_cause(failure, refusal), failure.words)
    return ProbeFailure(_CAUSES.get(failure.kind) or Cause(failure.kind.value), failure.words)


def _connect_cause(failure: Failure, refusal: Exception | None) -> Cause:
    """Of a connection that did not come about."""
    if isinstance(refusal, socket.gaierror | UnicodeError):
        return Cause.DNS
    if isinstance(refusal, OSError) and not isinstance(refusal, ssl.SSLError):
        return _ERRNO_CAUSES.get(refusal.errno or 0, Cause.UNREACHABLE)
    return Cause.UNREACHABLE if failure.kind is FailureKind.TIMEOUT else Cause(failure.kind.value)


def _clock_offset_s(date: str) -> float | None:
    """How far a camera's `Date` is ahead of our clock, to a second."""
    try:
        said = parsedate_to_datetime(date)
        return round(said.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):
        return None
