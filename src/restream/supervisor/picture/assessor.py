"""Judges every row once a cycle, and remembers of each camera what a judgement needs from before."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from restream.domain.camera.camera import Camera
from restream.domain.judgement.availability import Timeline
from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.quality import Window
from restream.domain.judgement.series import Habits
from restream.domain.judgement.sight import AT_WORK, ServiceStanding, Sight
from restream.domain.judgement.snapshot import Report
from restream.domain.judgement.status import CameraStatus, Subject, row_of
from restream.domain.judgement.stream_quality import PacketWindow
from restream.domain.judgement.verdict import NOT_JUDGED, Health, Verdict, judge, judge_row
from restream.domain.life.cause import Cause, Side
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.event import HealthChange
from restream.domain.news.mishaps import Mishaps
from restream.domain.pictures.seen import Seen
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER, ServerId
from restream.supervisor.journeys import EventListener

logger = logging.getLogger(__name__)

_HOUR_S = 3600.0
_NEVER_SEEN = ServerPicture()
NOTHING_SEEN: Mapping[str, Seen] = {}
"""Where no pictures are taken."""
_NOT_SEEN = Seen()
_SETTLED = frozenset({Health.HEALTHY, Health.DEGRADED, Health.DOWN})


@dataclass(slots=True)
class _Memory:
    habits: Habits
    window: Window = field(default_factory=Window)
    packets: PacketWindow = field(default_factory=PacketWindow)
    timeline: Timeline = field(default_factory=Timeline)
    verdict: Verdict | None = None
    judged_since: float = 0.0
    settled: Health | None = None
    """The last health that was neither unknown nor disabled."""
    restarts_seen: int = 0
    restarts: tuple[tuple[Cause, int], ...] = ()
    own_source_id: str | None = None
    had_audio: bool = False
    report: Report | None = None
    """The last one that could be made."""


class Plans(Protocol):
    """Who knows what is planned."""

    def excused(self, camera: Camera, verdict: Verdict) -> Verdict:
        """The verdict as it is to be told."""


class Assessor:
    """`listener` hears when a camera is judged differently. Monotonic times in `now`, Unix times in `wall`.

    A camera whose judgement fails keeps its last report, with the verdict that it could not be judged.

    Without a reason it is not asked again for up to `longest_s` seconds. What is planned has the last word on a
    verdict.
    """

    def __init__(
        self,
        thresholds: Thresholds,
        listener: EventListener,
        *,
        longest_s: float = 0.0,
        plans: Callable[[], Plans | None] = lambda: None,
    ) -> None:
        self._thresholds = thresholds
        self._longest_s = longest_s
        self._listener = listener
        self._plans = plans
        self._memories: dict[str, _Memory] = {}
        self._earlier: dict[str, Timeline] = {}
        self._watched_until = 0.0
        self._mishaps = Mishaps()

    def adopt(self, thresholds: Thresholds) -> None:
        """New thresholds, from the next cycle on."""
        self._thresholds = thresholds

    def assess(
        self,
        subjects: Mapping[str, Subject],
        servers: Mapping[ServerId, ServerPicture],
        now: float,
        wall: float,
        *,
        standing: ServiceStanding = AT_WORK,
        seen: Mapping[str, Seen] = NOTHING_SEEN,
    ) -> Iterator[tuple[str, Report]]:
        """One report after the other; cameras that are no longer among the subjects are forgotten at the end.

        `standing` is that of this service; `seen` is what pictures have shown.
        """
        for camera_id, subject in subjects.items():
            try:
                shown = seen.get(camera_id, _NOT_SEEN)
                report = self._assess(camera_id, subject, servers, now, wall, standing=standing, seen=shown)
            except Exception as error:
                if told := self._mishaps.news(camera_id, error):
                    logger.error("camera %s cannot be judged: %s", camera_id, told)
                report = self._not_judged(camera_id, subject, now, wall)
            else:
                self._mishaps.over(camera_id)
                self._memories[camera_id].report = report
            yield camera_id, report
        self._mishaps.keep(subjects)
        for camera_id in self._memories.keys() - subjects.keys():
            del self._memories[camera_id]

    def _assess(
        self,
        camera_id: str,
        subject: Subject,
        servers: Mapping[ServerId, ServerPicture],
        now: float,
        wall: float,
        *,
        standing: ServiceStanding,
        seen: Seen,
    ) -> Report:
        memory = self._memories.get(camera_id)
        if memory is None:
            memory = self._memories[camera_id] = _Memory(Habits(self._longest_s))
            self._take_up(camera_id, memory)
        if isinstance(subject, CameraStatus):
            server = servers.get(subject.camera.server, _NEVER_SEEN)
            return self._assess_supervised(memory, subject, server, now, wall, standing=standing, seen=seen)
        memory.window.clear()
        memory.packets.clear()
        memory.restarts_seen = 0
        row = row_of(subject)
        verdict = judge_row(subject)
        if isinstance(row, Camera) and row.enabled:
            verdict = self._excused(row, verdict)
        self._note(memory, camera_id, row_of(subject).name, _server_of(subject), verdict, now, wall)
        # Who is switched on again goes on with the history that it had.
        return Report(subject, memory.verdict or verdict, memory.judged_since, timeline=memory.timeline)

    def _not_judged(self, camera_id: str, subject: Subject, now: float, wall: float) -> Report:
        memory = self._memories[camera_id]
        self._note(memory, camera_id, "", _server_of(subject), NOT_JUDGED, now, wall)
        last = memory.report or Report(subject, NOT_JUDGED, now)
        return last._replace(
            subject=subject, verdict=NOT_JUDGED, judged_since=memory.judged_since, timeline=memory.timeline
        )

    def habits(self, camera_id: str) -> Habits | None:
        """The series of a camera; not part of the snapshot, since few ever ask."""
        memory = self._memories.get(camera_id)
        return memory.habits if memory else None

    def restore(self, timelines: Mapping[str, Timeline], until: float) -> None:
        """Timelines of an earlier life of the service, which watched until then (Unix time, s)."""
        self._earlier, self._watched_until = dict(timelines), until
        for camera_id, memory in self._memories.items():
            self._take_up(camera_id, memory)

    def forget_earlier(self) -> None:
        """The whole table has been assessed: what is left of an earlier life is of cameras that are not in it."""
        self._earlier.clear()

    def _take_up(self, camera_id: str, memory: _Memory) -> None:
        earlier = self._earlier.pop(camera_id, None)
        if earlier is not None:
            memory.timeline = memory.timeline.after(earlier, self._watched_until)

    def _assess_supervised(
        self,
        memory: _Memory,
        status: CameraStatus,
        server: ServerPicture,
        now: float,
        wall: float,
        *,
        standing: ServiceStanding,
        seen: Seen,
    ) -> Report:
        state, camera = status.state, status.camera
        stream = server.streams.get(camera.path)
        if state.restarts != memory.restarts_seen:
            self._count_restarts(memory, state, wall)
        if server.fresh_since is not None:
            memory.window.follow(stream)
        quality = memory.window.measure(
            stream,
            usual_bitrate_bps=memory.habits.bitrate_bps.usual,
            restarts=memory.timeline.restarts_since(wall - _HOUR_S),
        )
        told = status.packets
        memory.packets.follow(told, now)
        packets = memory.packets.measure(told, now)
        memory.habits.record(stream, quality, now, packets)
        if state.phase is Phase.RUNNING and stream is not None and stream.path.live:
            memory.own_source_id = stream.path.source_id
        memory.had_audio = memory.had_audio or (state.media is not None and state.media.audio is not None)
        sight = Sight(
            status,
            server,
            quality,
            memory.own_source_id,
            had_audio=memory.had_audio,
            thresholds=self._thresholds,
            packets=packets,
            held=[reason.code for reason in memory.verdict.reasons] if memory.verdict else (),
            standing=standing,
            seen=seen,
        )
        verdict = self._excused(camera, judge(sight))
        proven = not _awaits_a_look(state, server)
        self._note(memory, camera.id, camera.name, camera.server, verdict, now, wall, proven=proven)
        return Report(
            status, verdict, memory.judged_since, stream, quality, memory.timeline, memory.restarts, packets, seen
        )

    def _excused(self, camera: Camera, verdict: Verdict) -> Verdict:
        plans = self._plans()
        return verdict if plans is None else plans.excused(camera, verdict)

    def _count_restarts(self, memory: _Memory, state: State, wall: float) -> None:
        """A camera that left the table and came back begins at 0 again."""
        times = state.restarts - memory.restarts_seen if state.restarts > memory.restarts_seen else state.restarts
        memory.restarts_seen = state.restarts
        cause = state.last_cause or Cause.STOPPED
        counts = dict(memory.restarts)
        counts[cause] = counts.get(cause, 0) + times
        memory.restarts = tuple(counts.items())
        if cause is not Cause.STOPPED and cause.facts.side is not Side.MEDIA_SERVER:
            memory.timeline = memory.timeline.restarted(times, wall)

    def _note(
        self,
        memory: _Memory,
        camera_id: str,
        name: str,
        server: ServerId,
        verdict: Verdict,
        now: float,
        wall: float,
        *,
        proven: bool = True,
    ) -> None:
        before, memory.verdict = memory.verdict, verdict
        if before is None or not (verdict is before or verdict.means(before)):
            memory.judged_since = now
        memory.timeline = memory.timeline.followed(verdict.health, wall)
        if proven and verdict.health in _SETTLED:
            if memory.settled not in (None, verdict.health):
                before_it = memory.settled or Health.UNKNOWN
                self._listener.happened(HealthChange(wall, camera_id, name, before_it, verdict, server))
            memory.settled = verdict.health


def _awaits_a_look(state: State, server: ServerPicture) -> bool:
    """Whether a publisher has blamed its media server, and no sweep has shown since that this is there: an outage is
    one event of the server, and none of each of its cameras."""
    blames = state.phase is Phase.BACKOFF and state.cause is not None and state.cause.facts.side is Side.MEDIA_SERVER
    seen = server.trouble is not None or (server.fresh_since is not None and server.asked_at >= state.since)
    return blames and not seen


def _server_of(subject: Subject) -> ServerId:
    row = row_of(subject)
    return row.server if isinstance(row, Camera) else DEFAULT_SERVER
