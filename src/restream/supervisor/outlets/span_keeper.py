"""Keeps what each camera was like, beyond the life of the service; a database that is away delays nobody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import NoReturn

from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.history.span import SpanMark, mark_of
from restream.domain.history.span_log import LONGEST_GAP_S, SpanLog
from restream.domain.judgement.snapshot import Report
from restream.domain.judgement.status import Subject
from restream.domain.judgement.verdict import Verdict
from restream.domain.life.backoff import RestartPolicy
from restream.ports.history import SpanStore
from restream.ports.outlets import Rendered, SinkError
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

_RETRY = RestartPolicy(base_s=2.0, factor=2.0, max_s=30.0)
_BATCH = 2_000
_EVERY_S = 5.0
_SEEN_EVERY_S = 20.0
_LOOK_AGAIN_S = 300.0
_PRUNE_EVERY_S = 3_600.0
# What the end of the service may wait for the database.
_LAST_WORDS_S = 3.0
_DAY_S = 86_400.0
_MISSED_CYCLES = 5


class SpanKeeper:
    """Writes spans in batches. Rows that no node supervises are told by the one that `leads`; `planned` tells of a
    camera and its report whether work on it was announced. Cycles come every `interval_s`."""

    def __init__(
        self,
        store: SpanStore,
        *,
        keep_days: float,
        interval_s: float = 0.0,
        leads: Callable[[], bool] = lambda: True,
        planned: Callable[[str, Report], bool] = lambda camera_id, report: False,
        every_s: float = _EVERY_S,
        look_again_s: float = _LOOK_AGAIN_S,
    ) -> None:
        self._store = store
        self._keep_s = keep_days * _DAY_S
        self._leads = leads
        self._planned = planned
        self._every_s = every_s
        self._look_again_s = look_again_s
        self._log = SpanLog(longest_gap_s=max(LONGEST_GAP_S, _MISSED_CYCLES * interval_s))
        self._marks: dict[str, tuple[Verdict, Subject, SpanMark]] = {}
        self._resumed = False
        self._absent = False
        self._told_absent = False
        self._seen_at: float | None = None
        """Until when the store knows that we watch."""
        self.written_total = 0
        """Spans that the store has taken; one that ends counts again."""

    @property
    def name(self) -> str:
        """That of the store."""
        return self._store.name

    @property
    def dropped_total(self) -> int:
        """Spans that were lost, since too many waited."""
        return self._log.dropped_total

    def publish(self, cycle: Rendered) -> None:
        """A cycle is complete."""
        snapshot = cycle.snapshot
        if not self._absent and snapshot.table_read:
            self._log.follow(self._looked_at(snapshot.reports), snapshot.taken_at)

    async def run(self) -> NoReturn:
        """Write until cancelled, and then what is left, as far as that takes no time."""
        try:
            await self._keep()
        finally:
            with contextlib.suppress(SinkError, TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    if self._resumed:
                        await self._save(last=True)
            await self._store.close()

    async def _keep(self) -> NoReturn:
        retry, loop = Retry(_RETRY), asyncio.get_running_loop()
        prune_at, failing = loop.time(), False
        while True:
            await asyncio.sleep(self._every_s)
            try:
                if not await self._ready():
                    await asyncio.sleep(self._look_again_s)
                    continue
                await self._save()
                if loop.time() >= prune_at:
                    prune_at = loop.time() + _PRUNE_EVERY_S
                    if gone := await self._store.prune(self._keep_s):
                        logger.info("%s: %d spans were older than history.keep_days", self.name, gone)
            except SinkError as error:
                level, failing = logging.DEBUG if failing else logging.WARNING, True
                logger.log(level, "%s: what happens is written later: %s", self.name, error)
                await retry.pause()
            else:
                if failing:
                    logger.info("%s: everything is written again", self.name)
                failing = False
                retry.reset()

    async def _ready(self) -> bool:
        """Whether there is a store, and all that an earlier life has left is settled."""
        if self._resumed:
            return True
        last_id = await self._store.resume()
        if last_id is None:
            self._missing()
            return False
        if self._absent:
            logger.info("%s: there now, what cameras are like is kept from here on", self.name)
        self._absent, self._resumed = False, True
        self._log.number_after(last_id)
        return True

    def _missing(self) -> None:
        if not self._told_absent:
            logger.info("no history is kept, so there are no reports: `restream init-db --history` makes its tables")
        self._told_absent, self._absent, self._resumed = True, True, False
        self._log.forget()

    async def _save(self, *, last: bool = False) -> None:
        """All that waits; and from time to time, and at the `last`, that we still watch. Raises SinkError."""
        while True:
            seen_at, batch = self._log.seen_at, self._log.take(_BATCH)
            whole = len(batch) == self._log.waiting
            age_s = None if seen_at is None or self._seen_at is None else abs(seen_at - self._seen_at)
            if not batch and not last and age_s is not None and age_s < _SEEN_EVERY_S:
                return
            if not await self._store.save(batch, seen_at if whole else None):
                self._missing()
                return
            self._log.written(batch)
            self.written_total += len(batch)
            if whole:
                self._seen_at = seen_at
                return

    def _looked_at(self, reports: Mapping[str, Report]) -> dict[str, SpanMark]:
        leads = self._leads()
        marks: dict[str, SpanMark] = {}
        known, self._marks = self._marks, {}
        for camera_id, report in reports.items():
            verdict, subject = report.verdict, report.subject
            if not leads and isinstance(subject, Camera | RejectedRow):
                continue
            planned = self._planned(camera_id, report)
            last = known.get(camera_id)
            if last is None or last[0] is not verdict or last[1] is not subject or last[2].planned is not planned:
                last = (verdict, subject, mark_of(report, planned=planned))
            self._marks[camera_id] = last
            marks[camera_id] = last[2]
        return marks
