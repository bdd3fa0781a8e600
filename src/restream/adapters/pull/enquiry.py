"""Why a media server lost a camera, or could not begin with it: it does not say, so it and the camera are asked."""

from __future__ import annotations

import asyncio

from restream.adapters.pull.media_server import FetchingServer, Hold
from restream.adapters.rtsp.addresses import Resolver
from restream.domain.engine import Ending, ProbeFailure
from restream.domain.life.cause import Cause
from restream.domain.pull.plan import PullPlan
from restream.domain.rtsp.events import Failed
from restream.domain.rtsp.failure import Failure
from restream.domain.rtsp.url import source_parts
from restream.ports.cameras import Prober

_SETUP_S = 5.0
_ITS_LOG = "the camera answers us, but the media server could not begin; its log says why, under the path's name"
_LOST = "the media server lost the camera, which answers us"


class Enquiry:
    """Made once, when nobody holds a session at the camera any more. `looks` bounds how many are asked at once."""

    def __init__(self, plan: PullPlan, server: FetchingServer, prober: Prober, looks: asyncio.Semaphore) -> None:
        self._plan = plan
        self._server = server
        self._prober = prober
        self._looks = looks

    async def lost(self, failure: Failure | None, held_s: float) -> Ending:
        """What flowed has ended; `failure` is that of the session that held it, for so long."""
        # When a media server ends, no camera is asked why.
        if not await self._server.answers():
            return Ending(Cause.SERVER_GONE, words_of(failure))
        age_s = await self._server.age_s()
        if age_s is not None and age_s < held_s:
            return Ending(Cause.SERVER_GONE, f"the media server was started again {age_s:.0f} s ago")
        return await self._look() or Ending(Cause.SOURCE_ENDED, _LOST)

    async def not_begun(self, failure: Failure | None) -> Ending:
        """The media server was sent to the camera, and came back without."""
        if failure is not None and failure.status is None and not await self._server.answers():
            return Ending(Cause.SERVER_GONE, words_of(failure))
        return await self._look() or await self._set_up() or Ending(Cause.UNCLEAR, _ITS_LOG)

    async def _look(self) -> Ending | None:
        """The camera's own words; None: it describes itself."""
        async with self._looks:
            look = await self._prober.probe(self._plan.source, self._plan.options)
        found = look.outcome
        return Ending(found.cause, found.detail) if isinstance(found, ProbeFailure) else None

    async def _set_up(self) -> Ending | None:
        """A camera that describes itself may have no session free, or not send over TCP: it is asked for one."""
        parts = source_parts(self._plan.source)
        if parts is None:
            return None
        hold = Hold(*parts, Resolver(), answer_timeout_s=_SETUP_S)
        running = asyncio.create_task(hold.run())
        opened = asyncio.create_task(hold.opened.wait())
        try:
            async with self._looks:
                await asyncio.wait({running, opened}, timeout=_SETUP_S, return_when=asyncio.FIRST_COMPLETED)
            end = running.result() if running.done() else None
        finally:
            for task in (running, opened):
                task.cancel()
            await asyncio.wait({running, opened})
        return Ending(end.failure.cause, end.failure.words) if isinstance(end, Failed) else None


def words_of(failure: Failure | None) -> str:
    """How a session ended that the media server had let us hold."""
    return failure.words if failure is not None else "the media server ended the session"
