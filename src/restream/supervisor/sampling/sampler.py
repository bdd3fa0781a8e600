"""Takes a picture of every camera that can be watched, in turn, and remembers what they have shown."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from restream.domain.camera.camera import Camera
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.life.lifecycle import Phase
from restream.domain.news.component import ComponentState
from restream.domain.news.mishaps import Mishaps
from restream.domain.one_line import one_line
from restream.domain.pictures.album import PictureStamp
from restream.domain.pictures.mask import mask_name
from restream.domain.pictures.memory import PictureMemory
from restream.domain.pictures.schedule import SamplePace, SampleSchedule
from restream.domain.pictures.seen import Seen
from restream.domain.pictures.thresholds import PictureThresholds
from restream.ports.pictures import DecodedPicture, DecodeError, KeyFrame, KeyFrameDecoder, KeyFrames, NoKeyFrameError
from restream.supervisor.components import Components
from restream.supervisor.sampling.albums import Albums
from restream.supervisor.sampling.recollections import Recollections

logger = logging.getLogger(__name__)

COMPONENT = "pictures"
_LOOK_S = 0.5
_MOST_AT_ONCE = 64
"""Each waits for a key frame, which takes as long as they are apart."""
_BUSY_PERCENT, _BUSIEST_PERCENT = 80.0, 95.0
# What was found is told no more when nothing was looked at for so many intervals.
_STALE_INTERVALS, _LEAST_STALE_S = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How pictures are taken."""

    pace: SamplePace
    thresholds: Callable[[Camera], PictureThresholds]
    """Of a camera: its own, its site's, the usual."""
    interval_s: Callable[[Camera], float | None]
    """Of a camera that has its own; 0: no picture of it is taken."""


@dataclass(slots=True)
class _Sampled:
    """One camera."""

    memory: PictureMemory
    seen: Seen = field(default_factory=Seen)
    received: tuple[str, int] | None = None
    """Source of its path and bytes of it, at the last picture."""


class Sampler:
    """`snapshot` tells which cameras there are, and how they are; `changed` is called when something else is found."""

    def __init__(
        self,
        settings: SamplingSettings,
        frames: KeyFrames,
        decoder: KeyFrameDecoder,
        snapshot: Callable[[], Snapshot],
        albums: Albums,
        recollections: Recollections,
        components: Components,
    ) -> None:
        self._settings = settings
        self._frames, self._decoder, self._snapshot = frames, decoder, snapshot
        self._albums, self._recollections, self._components = albums, recollections, components
        self._schedule = SampleSchedule(settings.pace, random.random)
        self._cameras: dict[str, _Sampled] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._mishaps = Mishaps()
        self._decoding = asyncio.Lock()
        self._took_s = self._took_in_vain_s = 0.0
        self._decoded = self._failed = 0

    def adopt(self, settings: SamplingSettings) -> None:
        """Other intervals and thresholds, from the next picture on."""
        self._settings = settings
        self._schedule.pace = settings.pace

    @property
    def seen(self) -> Mapping[str, Seen]:
        """What the pictures have shown, by camera id."""
        return {camera_id: sampled.seen for camera_id, sampled in self._cameras.items()}

    @property
    def counts(self) -> Mapping[str, Mapping[str, float]]:
        """Of key frames by what became of them: how many, and how long their decoding took."""
        return {
            "pictures": {"decoded": self._decoded, "failed": self._failed},
            "picture_decode_seconds": {"decoded": self._took_s, "failed": self._took_in_vain_s},
        }

    async def run(self) -> NoReturn:
        """Take pictures until cancelled; nothing is left running then."""
        now = asyncio.get_running_loop().time
        try:
            while True:
                await asyncio.sleep(_LOOK_S)
                snapshot = self._snapshot()
                able = {
                    key: camera for key, report in snapshot.reports.items() if (camera := _able(report)) is not None
                }
                intervals = {key: self._settings.interval_s(camera) for key, camera in able.items()}
                wanted = {key: interval for key, interval in intervals.items() if interval != 0}
                self._schedule.follow(wanted, now())
                await self._forget(snapshot)
                most = _MOST_AT_ONCE - len(self._tasks)
                for camera_id in self._schedule.take(now(), most=most, slowness=_slowness(snapshot)):
                    task = asyncio.create_task(self._sample(able[camera_id]), name=f"picture of {camera_id}")
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._decoder.close()

    async def _forget(self, snapshot: Snapshot) -> None:
        if snapshot.table_read:
            for camera_id in self._cameras.keys() - snapshot.reports.keys():
                del self._cameras[camera_id]
                await self._albums.forget(camera_id)
        for sampled in self._cameras.values():
            taken_at, findings = sampled.seen.taken_at, sampled.seen.findings
            stale_s = max(_LEAST_STALE_S, _STALE_INTERVALS * self._settings.pace.interval_s)
            if findings and taken_at is not None and snapshot.taken_at - taken_at > stale_s:
                sampled.seen = sampled.seen._replace(findings=())

    # -- one picture ---------------------------------------------------------------------------------------------------

    async def _sample(self, camera: Camera) -> None:
        now = asyncio.get_running_loop().time
        suspect = False
        try:
            sampled = await self._of(camera)
            # One value from the decoding to the keeping: a mask may change meanwhile.
            limits = self._settings.thresholds(camera)
            picture = await self._take(camera, sampled, limits)
            if picture is not None:
                suspect = await self._look(camera, sampled, picture, limits)
        except Exception as error:
            if told := self._mishaps.news(camera.id, error):
                logger.error("camera %s: its picture cannot be looked at: %s", camera.id, told)
            picture = None
        else:
            self._mishaps.over(camera.id)
        if picture is None:
            self._schedule.failed(camera.id, now())
        else:
            self._schedule.taken(camera.id, now(), suspect=suspect)

    async def _of(self, camera: Camera) -> _Sampled:
        sampled = self._cameras.get(camera.id)
        if sampled is None:
            memory = await self._recollections.recall(camera.id)
            sampled = self._cameras.setdefault(camera.id, _Sampled(memory, Seen(accepted_at=memory.accepted_at)))
        return sampled

    async def _take(self, camera: Camera, sampled: _Sampled, limits: PictureThresholds) -> DecodedPicture | None:
        try:
            frame = await self._frames.latest(camera)
            if frame is None:
                sampled.seen = sampled.seen.failed("its codec is none of which pictures are taken")
                return None
            picture = await self._decode(frame, limits)
        except (NoKeyFrameError, DecodeError) as error:
            self._failed += 1
            sampled.seen = sampled.seen.failed(one_line(str(error)))
            if isinstance(error, DecodeError) and self._decoded == 0:
                # Nothing at all has been decoded: it is not the camera's.
                self._components.report(COMPONENT, ComponentState.DOWN, one_line(str(error)))
            return None
        self._decoded += 1
        self._components.report(COMPONENT, ComponentState.UP, "")
        return picture

    async def _decode(self, frame: KeyFrame, limits: PictureThresholds) -> DecodedPicture:
        """One after the other, so that what each costs is known. Raises DecodeError."""
        now = asyncio.get_running_loop().time
        async with self._decoding:
            began = now()
            try:
                picture = await self._decoder.decode(frame, limits.mask)
            except DecodeError:
                self._took_in_vain_s += now() - began
                raise
            self._took_s += now() - began
            return picture

    async def _look(
        self, camera: Camera, sampled: _Sampled, picture: DecodedPicture, limits: PictureThresholds
    ) -> bool:
        """Whether the next one is to be taken soon."""
        report = self._snapshot().reports.get(camera.id)
        received = _received(report)
        moving = received is None or received != sampled.received
        sampled.received = received
        before = sampled.seen.findings
        sampled.memory = sampled.memory.observe(picture.measure, limits, moving_bytes=moving)
        findings = sampled.memory.findings
        sampled.seen = sampled.seen.looked_at(picture.measure, findings, sampled.memory.accepted_at)
        known, found = ({each.flaw for each in some} for some in (before, findings))
        if known != found:
            told = ", ".join(found) or "nothing any more"
            logger.info("camera %s (%s): found in its picture: %s", camera.id, camera.name, told)
        since = min((each.since for each in findings if each.flaw not in known), default=None)
        stamp = PictureStamp(
            picture.measure.taken_at,
            len(picture.jpeg),
            flaws=tuple(each.flaw for each in findings),
            mask=mask_name(limits.mask),
        )
        await self._albums.add(camera.id, stamp, picture.jpeg, since=since)
        self._recollections.changed(camera.id, sampled.memory)
        return sampled.memory.suspect

    # -- what people say -----------------------------------------------------------------------------------------------

    async def accept(self, camera_id: str, who: str) -> str | None:
        """The last picture is right, as somebody says. Why that cannot be said; empty: it is noted; None: no picture is
        taken of such a camera.
        """
        sampled = self._cameras.get(camera_id)
        if sampled is None:
            return None
        if sampled.memory.last is None:
            return "there is no picture of it yet"
        sampled.memory = sampled.memory.accept(sampled.memory.last)
        sampled.seen = sampled.seen._replace(findings=(), accepted_at=sampled.memory.accepted_at)
        await self._albums.refer(camera_id, sampled.memory.last.taken_at if sampled.memory.last else 0.0)
        self._recollections.changed(camera_id, sampled.memory, at_once=True)
        logger.info("camera %s: its picture was accepted as it is, by %s", camera_id, one_line(who))
        return ""


def _able(report: Report) -> Camera | None:
    """The camera, if a picture can be taken without waking anybody: one on demand that nobody watches is idle."""
    status, stream = report.subject, report.stream
    if not isinstance(status, CameraStatus) or status.state.phase is not Phase.RUNNING:
        return None
    if stream is None or not stream.path.live:
        return None
    return status.camera


def _received(report: Report | None) -> tuple[str, int] | None:
    if report is None or report.stream is None:
        return None
    path = report.stream.path
    return path.source_id or "", path.inbound_bytes


def _slowness(snapshot: Snapshot) -> float:
    """A machine that is busy has better things to do."""
    busy = snapshot.host.cpu_percent if snapshot.host is not None else 0.0
    return 4.0 if busy >= _BUSIEST_PERCENT else 2.0 if busy >= _BUSY_PERCENT else 1.0
