"""Behaviours of sessions: how many there may be, how long they live after their end or without a sign of life."""

import re
from dataclasses import dataclass

from restream.demo.behaviours.behaviour import Behaviour, CameraReply, ConnectionRecord, Visit
from restream.demo.rtsp import Request


@dataclass(frozen=True, slots=True)
class LimitsSessions(Behaviour):
    """So many sessions at one time; each is freed `freed_after_s` after its TEARDOWN or the end of its connection.

    Whoever comes too early is answered `status` at `at`; `most_connections` of the camera tells who came at all.
    """

    at_once: int = 1
    freed_after_s: float = 0.0
    at: tuple[str, ...] = ("SETUP",)
    status: int = 453

    def answer(self, request: Request, visit: Visit) -> CameraReply | None:
        """The status while others hold all sessions."""
        if request.method not in self.at:
            return None
        others = (record for record in visit.camera.connections if record is not visit.record)
        held = sum(self._holds(record, visit.now_s) for record in others)
        return CameraReply(self.status) if held >= self.at_once else None

    def _holds(self, record: ConnectionRecord, now_s: float) -> bool:
        ended_at_s = record.session_ended_at_s
        return record.set_up_at_s is not None and (ended_at_s is None or now_s < ended_at_s + self.freed_after_s)


@dataclass(frozen=True, slots=True)
class ExpiresSessions(Behaviour):
    """Announces a session timeout, in whole seconds, and ends what makes no request for so long."""

    after_s: int = 10

    def edit(self, request: Request, reply: CameraReply) -> CameraReply:
        """The Session header with this timeout."""
        session = dict(reply.headers).get("Session")
        if session is None:
            return reply
        return reply.with_header("Session", re.sub(r";timeout=\d+", "", session) + f";timeout={self.after_s}")

    def gives_up(self, idle_s: float) -> bool:
        """Whether the time is over."""
        return idle_s > self.after_s
