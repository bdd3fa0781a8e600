"""Alerts as letters, with the last pictures of their cameras where those are cheap."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from restream.config.settings import Settings
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.news.alert import Alert, AlertKind, Telling
from restream.interfaces.messages.alert_letter import LastPicture, LetterStyle, alert_text
from restream.ports.cameras import StillError
from restream.ports.mail import Attachment, Letter
from restream.service.from_settings import still_of
from restream.supervisor.picture.still_queue import StillQueue

MOST_PICTURES = 3
_MOST_BYTES = 1 << 20
_TAKEN_WITHIN_S = 8.0

Pictures = Callable[[Alert], Awaitable[Sequence[LastPicture]]]
"""Of the cameras of an alert; some, or none."""


async def no_pictures(_: Alert) -> Sequence[LastPicture]:
    """For who has none."""
    return ()


async def _nothing(_: str) -> tuple[float, bytes] | None:
    return None


class LetterParts(NamedTuple):
    """What letters are made of, beside the alert."""

    pictures: Pictures = no_pictures


@dataclass(frozen=True, slots=True)
class LetterWriter:
    """Makes a letter of an alert."""

    style: LetterStyle
    pictures: Pictures = no_pictures

    def short(self, alert: Alert) -> tuple[str, str]:
        """Title and text, for who takes no letters."""
        told = alert_text(alert, self.style)
        return told.subject, told.text

    async def write(self, alert: Alert, delivery: str) -> Letter:
        """`delivery` is the letter's id, unless it begins an outage: then the others refer to it."""
        found = await self.pictures(alert)
        told = alert_text(alert, self.style, found)
        begins = alert.kind in (AlertKind.DOWN, AlertKind.COMPONENT_DOWN) and alert.telling is Telling.NEWS
        return Letter(
            told.subject,
            told.text,
            told.html,
            tuple(Attachment(f"{each.id}.jpg", "image/jpeg", each.jpeg, each.id) for each in found),
            alert.threads[0] if begins and len(alert.threads) == 1 else delivery,
            alert.threads,
            urgent=alert.telling is Telling.ESCALATION,
        )


@dataclass(frozen=True, slots=True)
class AlertPictures:
    """What was shown or sampled of a camera last; of one that is back a new picture, from the media server."""

    stills: StillQueue
    latest: Callable[[], Snapshot]
    sampled: Callable[[str], Awaitable[tuple[float, bytes] | None]] = _nothing
    """The last picture of a camera by `pictures.enabled`, and when it was taken (Unix time, s)."""

    def by(self, settings: Settings) -> LetterParts:
        """As these settings say where the media servers are."""

        async def of(alert: Alert) -> Sequence[LastPicture]:
            # Of many cameras a few pictures tell nothing.
            some = alert.cameras if alert.total <= MOST_PICTURES else ()
            found = await asyncio.gather(*(self._of(settings, each.subject.id, alert) for each in some))
            return [replace(each, id=f"picture{index}") for index, each in enumerate(found) if each is not None]

        return LetterParts(of)

    async def _of(self, settings: Settings, camera_id: str, alert: Alert) -> LastPicture | None:
        report = self.latest().reports.get(camera_id)
        if report is None or not isinstance(report.subject, CameraStatus):
            return None
        camera, live = report.subject.camera, report.stream is not None and report.stream.path.live
        if alert.kind is AlertKind.RECOVERED and live:
            try:
                async with asyncio.timeout(_TAKEN_WITHIN_S):
                    await self.stills.take(*still_of(settings, camera))
            except (StillError, TimeoutError):
                return None
        shown = self._shown(still_of(settings, camera)[0])
        found = [each for each in (shown, await self.sampled(camera.id)) if each is not None]
        taken_at, picture = max(found, default=(0.0, b""))
        if not picture or len(picture) > _MOST_BYTES:
            return None
        return LastPicture("", camera.name or camera.id, picture, taken_at)

    def _shown(self, key: str) -> tuple[float, bytes] | None:
        kept = self.stills.kept(key)
        if kept is None:
            return None
        return time.time() - (asyncio.get_running_loop().time() - kept.taken_at), kept.picture
