"""Looks at cameras by one DESCRIBE: no session is opened, and what the camera says is told in its own words."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime

from restream.adapters.rtsp.addresses import Resolver
from restream.adapters.rtsp.connection import camera_tls
from restream.adapters.rtsp.trouble import told
from restream.adapters.rtsp.wire import Wire
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import SourceUrl
from restream.domain.engine import Media, ProbeFailure
from restream.domain.life.cause import Cause
from restream.domain.look import Look, LookStep
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import Described, Failed, RtspEvent
from restream.domain.rtsp.tracks import Choice, allowed_kinds
from restream.domain.rtsp.url import source_parts
from restream.ports.cameras import Prober

_CONNECT_TIMEOUT_S = 5.0
# A camera that answers each question just in time would be asked for ever.
_ANSWERS = 3
# A description is at most some KiB; this holds several answers of the size that is read at all.
_MOST_BYTES = 512 * 1024
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
        self._resolver = Resolver()

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
        client = RtspClient(*parts, wanted, _cnonce)
        look = await self._ask(client, self._limit_s(options))
        if look.outcome != _UNCLEAR:
            return look
        again = await self._other.probe(source, options)
        outcome = _completed(again.outcome, client.said.offered)
        return replace(look, outcome=outcome, by=again.by, took_s=look.took_s + again.took_s)

    async def _ask(self, client: RtspClient, limit_s: float) -> Look:
        choice = Choice()

        def heard(event: RtspEvent) -> None:
            nonlocal choice
            if isinstance(event, Described):
                choice = event.choice

        wire = Wire(client, heard, self._tls, self._resolver)
        now = asyncio.get_running_loop().time
        at, began = time.time(), now()
        end = await wire.run(limit_s, _MOST_BYTES)
        said = client.said
        outcome: Media | ProbeFailure = _UNCLEAR
        if isinstance(end, Failed):
            outcome = ProbeFailure(*told(end.failure, wire.refusal))
        elif choice.media is not None:
            outcome = replace(choice.media, login=said.offered, reconnects=said.reconnects > 0)
        return Look(
            outcome=outcome,
            by="rtsp",
            at=at,
            took_s=now() - began,
            steps=tuple(LookStep(each.stage, each.method, each.answer, each.seconds) for each in said.exchanges),
            choice=choice.reasons,
            software=said.server,
            clock_offset_s=_clock_offset_s(said.date, now() - said.dated_at),
        )


def _cnonce() -> str:
    return secrets.token_hex(8)


def _completed(found: Media | ProbeFailure, offered: tuple[str, ...]) -> Media | ProbeFailure:
    """What somebody else has found at a camera that has just described itself to us: login and password are right."""
    if isinstance(found, Media):
        return replace(found, login=offered)
    return replace(found, cause=Cause.AUTH_UNSUPPORTED) if found.cause is Cause.AUTH_FAILED else found


def _clock_offset_s(said: str, age_s: float) -> float | None:
    """How far a camera's `Date` is ahead of our clock, to a second. One without a zone is of UTC (RFC 2326 §12.18)."""
    try:
        date = parsedate_to_datetime(said)
        told = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return round(told - (time.time() - age_s))
