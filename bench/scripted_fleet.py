"""Cameras by script: subjects of the service as its supervisor would have them, without one process."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NoReturn

from restream.config.settings import Settings, load_camera_types
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.options import Transport
from restream.domain.engine import Advance, AudioStream, Media, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings, build_plan
from restream.domain.judgement.availability import Span, Timeline
from restream.domain.judgement.series import Habits
from restream.domain.judgement.status import CameraStatus, Subject
from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.event import Transition
from restream.domain.server.target import Target
from restream.supervisor.journeys import EventListener

_MEDIA = Media(VideoStream("h264", 1920, 1080, 25.0, "Main"), AudioStream("aac", 16000, 1))
_DOWN_SHARE, _DISABLED_SHARE = 0.03, 0.01
_HOUR_OF_STEPS = 360


class ScriptedFleet:
    """All run, but for 3 % that are in backoff and 1 % disabled. With each `advance` a share of the others fails,
    and those that failed the time before run again: `changing` counts both (a share of one)."""

    def __init__(self, cameras: int, changing: float, listener: EventListener) -> None:
        self._listener = listener
        self._random = random.Random(cameras)
        now = time.monotonic()
        reader = RowReader(load_camera_types(Settings()))
        self.subjects: dict[str, Subject] = {}
        for number in range(1, cameras + 1):
            away = number > cameras * (1 - _DOWN_SHARE)
            camera = _camera(reader, number, away=away, enabled=number % round(1 / _DISABLED_SHARE) != 0)
            self.subjects[camera.id] = _failed(_running(camera, now), now) if away else _running(camera, now)
            if not camera.enabled:
                self.subjects[camera.id] = camera
        steady = cameras * (1 - _DOWN_SHARE)
        self._steady = [key for key, each in self.subjects.items() if int(key) <= steady and _supervised(each)]
        self._fall = max(1, round(cameras * changing / 2))
        self._fallen: list[str] = []

    def advance(self) -> None:
        """One interval goes by."""
        now = time.monotonic()
        for camera_id in self._fallen:
            self._change(camera_id, now, lambda status: _running(status.camera, now, status.state.restarts + 1))
        self._fallen = self._random.sample(self._steady, self._fall)
        for camera_id in self._fallen:
            self._change(camera_id, now, lambda status: _failed(status, now))

    async def progress(self, interval_s: float) -> NoReturn:
        """Let media move on everywhere once in an interval, a few cameras at a time."""
        groups = max(1, len(self._steady) // 50)
        while True:
            for group in range(groups):
                self.progress_of(self._steady[group::groups])
                await asyncio.sleep(interval_s / groups)

    def progress_of(self, camera_ids: Iterable[str]) -> None:
        """Media has moved on, as ffmpeg reports it."""
        for camera_id in camera_ids:
            self._progress(camera_id)

    def _progress(self, camera_id: str) -> None:
        status = self.subjects[camera_id]
        assert isinstance(status, CameraStatus)
        before = status.state.advance or Advance(True)
        frame, out_time_us = (before.frame or 0) + 50, (before.out_time_us or 0) + 2_000_000
        advance = Advance(True, frame, out_time_us, (before.total_size_bytes or 0) + 250_000, 25.0, 1.0)
        self.subjects[camera_id] = replace(status, state=status.state._replace(advance=advance))

    def _change(self, camera_id: str, now: float, change: Callable[[CameraStatus], CameraStatus]) -> None:
        before = self.subjects[camera_id]
        assert isinstance(before, CameraStatus)
        after = self.subjects[camera_id] = change(before)
        self._listener.happened(Transition.between(after.camera, before.state, after.state, at=time.time(), now=now))

    def timelines(self) -> Mapping[str, Timeline]:
        """A day with two short outages, and a restart in each."""
        now = time.time()
        healths = (Health.HEALTHY, Health.DOWN) * 2 + (Health.HEALTHY,)
        spans = tuple(Span(now - 86_400 + 7_200 * index, health) for index, health in enumerate(healths))
        return {key: Timeline(spans, (now - 70_000, now - 60_000)) for key in self.subjects}

    def remember(self, habits: Callable[[str], Habits | None]) -> None:
        """Fill every camera's last hour: medians are taken of it."""
        for key in self._steady:
            known = habits(key)
            assert known is not None
            for step in range(_HOUR_OF_STEPS):
                known.bitrate_bps.append(1e6 + 1000 * (step % 50))
                known.readers.append(step % 3)


def _camera(reader: RowReader, number: int, *, away: bool, enabled: bool) -> Camera:
    row = {
        "id": number,
        "name": f"Camera {number}, north gate",
        "site": f"Site {number % 40}",
        "rtsp_url": f"rtsp://viewer:secret{number}@10.{number >> 8}.{number & 255}.7:554/Streaming/Channels/101",
        "enabled": enabled,
        "options": {"path": f"away{number}"} if away else None,
    }
    camera = reader.read(row)
    assert isinstance(camera, Camera), camera.problem
    return camera


def _running(camera: Camera, now: float, restarts: int = 0) -> CameraStatus:
    plan = build_plan(camera, _MEDIA, Target(publish=Transport.SRT), FfmpegSettings())
    state = State(
        Phase.RUNNING,
        now,
        media=_MEDIA,
        advance=Advance(True, 9_000, 360_000_000, 45_000_000, 25.0, 1.0),
        running_since=now,
        restarts=restarts,
        last_cause=Cause.STALLED if restarts else None,
        started=True,
    )
    return CameraStatus(camera, state, plan, 1_000 + int(camera.id))


def _failed(status: CameraStatus, now: float) -> CameraStatus:
    state = status.state._replace(
        phase=Phase.BACKOFF,
        since=now,
        deadline=now + 5.0,
        failures=1,
        cause=Cause.STALLED,
        last_cause=Cause.STALLED,
        detail="no frame for 10 s",
        running_since=None,
        unpublished_since=now,
    )
    return replace(status, state=state, pid=None)


def _supervised(subject: Subject) -> bool:
    return isinstance(subject, CameraStatus)
