"""One camera that a media server fetches: woken, held, let go; and why it ended, as far as anybody tells."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from restream.adapters.pull.arrival import seen_moving
from restream.adapters.pull.enquiry import Enquiry, words_of
from restream.adapters.pull.listener import DirectoryListener
from restream.adapters.pull.media_server import FetchingServer, Hold, ServerCallError
from restream.domain.camera.secret import Secret
from restream.domain.engine import Advance, Ending
from restream.domain.life.cause import Cause
from restream.domain.pull.plan import PullPlan
from restream.domain.rtsp.events import Failed, Finished
from restream.domain.rtsp.failure import AUTHENTICATION, Failure, Stage

_MOST_LINES = 20
_LETTING_GO_S = 3.0
_AT_ONCE_S = 2.0
# The first may be of a path that was being fetched already, for whoever had asked before: their time was over.
_REFUSALS_UNASKED = 2
_NOT_ASKED = "the media server does not ask the directory for this path; "
_NO_HOLD = "the media server does not let us hold the path: "
_NOT_OURS = "somebody publishes on this path; "


class PullPublication:
    """Begins by itself; `enquiry` is made when it ends by itself."""

    pid = None

    def __init__(
        self,
        plan: PullPlan,
        listener: DirectoryListener,
        server: FetchingServer,
        enquiry: Enquiry,
        on_advance: Callable[[Advance], None],
        idle_s: float,
        *,
        inherited: bool = False,
    ) -> None:
        self._plan = plan
        self._directory = listener.directory
        self._audience = listener.audience
        self._on_advance = on_advance
        self._idle_s = idle_s
        self._inherited = inherited
        """It flows already: the media server need not ask."""
        self._watched_at: float | None = None
        """When somebody last did; None: the media server does not have the camera."""
        self._unwatched = asyncio.Event()
        """On demand: nobody has watched for so long."""
        self._asked_first = asyncio.Event()
        self._server = server
        self._enquiry = enquiry
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._questions = 0
        """How often the media server asked for the place since it was opened."""
        self._refusals = 0
        """How often it refused the path in a row without having asked."""
        self._asked_again = asyncio.Event()
        """A second time: what it was given led to nothing, or it has lost it."""
        self._stop_wanted = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"pull {plan.path}")

    @property
    def log(self) -> tuple[str, ...]:
        """What happened between us and the media server."""
        return tuple(self._lines)

    def excuse(self) -> Cause | None:
        """Nothing of ours could be the reason of a silence."""
        return None

    async def ended(self) -> Ending:
        """Wait until the media server has lost it, or could not begin; its ending, classified."""
        return await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Close the place, and have the media server let go of the camera."""
        self._stop_wanted.set()
        await asyncio.wait({self._task})

    def leave(self) -> bytes | None:
        """Who held it goes; the media server goes on until its sourceOnDemandCloseAfter is over (10 s)."""
        if self._task.done():
            return None
        self._task.cancel()
        return b""

    async def _run(self) -> Ending:
        fetching = asyncio.create_task(self._fetch(), name=f"fetch {self._plan.path}")
        stop = asyncio.create_task(self._stop_wanted.wait())
        self._audience[self._plan.place] = self._watched_by
        try:
            await asyncio.wait({fetching, stop}, return_when=asyncio.FIRST_COMPLETED)
            if fetching.done():
                return replace(await fetching, log=self.log)
        finally:
            self._directory.close(self._plan.place)
            self._audience.pop(self._plan.place, None)
            fetching.cancel()
            stop.cancel()
            await asyncio.wait({fetching, stop})
        await self._let_go()
        return Ending(Cause.STOPPED, "stopped on request", self.log)

    async def _let_go(self) -> None:
        """Where the API does not help, the path's sourceOnDemandCloseAfter does, once nobody reads it."""
        try:
            async with asyncio.timeout(_LETTING_GO_S):
                await self._server.let_go(self._plan.path)
        except (ServerCallError, TimeoutError) as error:
            self._lines.append(f"not let go at once: {error}")

    # -- until it ends by itself ---------------------------------------------------------------------------------------

    async def _fetch(self) -> Ending:
        remnant_ended = False
        if self._plan.on_demand and not self._inherited and (ending := await self._not_led_to_us()):
            return ending
        while True:
            self._open(self._plan.source.url)
            if self._plan.on_demand and not self._inherited:
                await self._wanted()
            began = asyncio.get_running_loop().time()
            hold = self._server.hold(self._plan.path)
            end = await self._held(hold)
            ours = self._questions > 0 or self._inherited
            self._inherited = False
            if self._unwatched.is_set():
                self._directory.close(self._plan.place)
                await self._let_go()
            elif hold.opened.is_set() and not ours:
                if ending := await self._not_ours(remnant_ended=remnant_ended):
                    return ending
                remnant_ended = True
            elif hold.opened.is_set():
                self._lines.append("the media server has lost the camera")
                self._directory.close(self._plan.place)
                return await self._enquiry.lost(_failure(end), asyncio.get_running_loop().time() - began)
            elif self._questions:
                self._directory.close(self._plan.place)
                return await self._not_begun(_failure(end))
            elif ending := self._refused(end):
                return ending

    async def _not_led_to_us(self) -> Ending | None:
        """On demand nobody would ask for long: that the media server will is found out without the camera."""
        while True:
            # What an earlier life left would be watched without our knowing.
            await self._let_go()
            self._open(None)
            running = asyncio.create_task(self._server.hold(self._plan.path).run())
            asked = asyncio.create_task(self._asked_first.wait())
            try:
                await asyncio.wait({running, asked}, timeout=_AT_ONCE_S, return_when=asyncio.FIRST_COMPLETED)
                unasked = running.done() and not self._questions
                if unasked and (ending := self._refused(running.result())):
                    return ending
            finally:
                running.cancel()
                asked.cancel()
                await asyncio.wait({running, asked})
            if not unasked:
                # It would ask again by itself.
                await self._let_go()
                return None

    def _open(self, url: Secret | None) -> None:
        self._questions = 0
        self._asked_again.clear()
        self._asked_first.clear()
        self._directory.open(self._plan.place, url, self._asked)

    async def _wanted(self) -> None:
        """Until somebody watches, and the media server asks for the camera by itself."""
        self._lines.append(f"nobody watches {self._plan.path}")
        self._watched_at = None
        self._on_advance(Advance(moved=False, idle=True))
        await self._asked_first.wait()
        self._on_advance(Advance(moved=False))
        self._unwatched.clear()

    def _watched_by(self, readers: int) -> None:
        now = asyncio.get_running_loop().time()
        if readers and self._watched_at is not None:
            self._watched_at = now
        elif self._plan.on_demand and self._watched_at is not None and now - self._watched_at >= self._idle_s:
            self._unwatched.set()

    def _asked(self) -> None:
        self._questions += 1
        self._refusals = 0
        first = self._questions == 1
        self._lines.append("the media server asks where the camera is" if first else "it asks again")
        (self._asked_first if first else self._asked_again).set()

    async def _held(self, hold: Hold) -> Failed | Finished | None:
        """Until the session ends, or is of no use: the path came from elsewhere, or what was begun has failed."""
        running = asyncio.create_task(hold.run(), name=f"hold {self._plan.path}")
        again = asyncio.create_task(self._asked_again.wait())
        opened = asyncio.create_task(hold.opened.wait())
        alone = asyncio.create_task(self._unwatched.wait())
        tasks: set[asyncio.Task[Any]] = {running, again, opened, alone}
        try:
            await asyncio.wait({running, again, opened, alone}, return_when=asyncio.FIRST_COMPLETED)
            if hold.opened.is_set() and (self._questions or self._inherited):
                self._lines.append("the media server has the camera")
                self._watched_at = asyncio.get_running_loop().time()
                tasks.add(asyncio.create_task(self._tell_arrival(), name=f"arrival {self._plan.path}"))
                await asyncio.wait({running, again, alone}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done() and again.done() and hold.opened.is_set():
                # Somebody else's question; the session that is held knows best.
                await asyncio.wait({running}, timeout=_AT_ONCE_S)
            return running.result() if running.done() else None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _tell_arrival(self) -> None:
        """The first bytes end a start, whose place others wait for; from then on the sweeps tell."""
        if await seen_moving(self._server, self._plan.path):
            self._on_advance(Advance(moved=True))

    async def _not_ours(self, *, remnant_ended: bool) -> Ending | None:
        """The path is there although nobody asked us: a remnant that the server fetches is ended; None: once more."""
        try:
            path = await self._server.path(self._plan.path)
            if path is not None and path.source_type is not None and not path.pulled:
                words = f"{_NOT_OURS}{self._plan.entry.advice(self._plan.path)}"
                return Ending(Cause.SERVER_CONFLICT, words)
            if remnant_ended:
                return Ending(Cause.SERVER_REFUSED, _NOT_ASKED + self._plan.entry.advice(self._plan.path))
            self._lines.append("it was there already: let go first")
            await self._server.let_go(self._plan.path)
        except ServerCallError as error:
            return Ending(Cause.SERVER_REFUSED, str(error))
        return None

    def _refused(self, end: Failed | Finished | None) -> Ending | None:
        """The media server did not ask for the camera. None: it may have been busy with an earlier question."""
        failure = _failure(end)
        if failure is None or failure.status is None:
            return Ending(Cause.SERVER_GONE, words_of(failure))
        if failure.cause in AUTHENTICATION:
            words = f"reading needs a user (mediamtx.read_user, read_password): {failure.words}"
            return Ending(Cause.SERVER_REFUSED, words)
        self._lines.append(failure.words)
        self._refusals += 1
        if self._refusals < _REFUSALS_UNASKED:
            return None
        return Ending(Cause.SERVER_REFUSED, _NOT_ASKED + self._plan.entry.advice(self._plan.path))

    async def _not_begun(self, failure: Failure | None) -> Ending:
        if failure is not None and failure.status is not None and failure.stage is Stage.SETUP:
            # It has the camera: one that is asked why would see a second session.
            await self._let_go()
            return Ending(Cause.SERVER_REFUSED, f"{_NO_HOLD}{failure.words}")
        return await self._enquiry.not_begun(failure)


def _failure(end: Failed | Finished | None) -> Failure | None:
    return end.failure if isinstance(end, Failed) else None
