"""The audit log: the latest entries in memory, all of them in stores that are there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from restream.domain.access.audit import AuditEntry, AuditQuery, AuditResult
from restream.domain.life.backoff import RestartPolicy
from restream.domain.one_line import one_line
from restream.ports.audit import AuditStore
from restream.ports.outlets import SinkError
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

_RETRY = RestartPolicy(base_s=1.0, factor=2.0, max_s=60.0)
_KEPT = 10_000
_MOST_AT_ONCE = 500
_LONGEST = 200


class AuditKeeper:
    """Never makes whoever acts wait: a store that is away gets what it missed, the newest 10,000 at most."""

    name = "audit"

    def __init__(self, stores: Sequence[AuditStore] = (), *, node: str = "") -> None:
        self._stores = stores
        self._node = node
        self._entries: deque[AuditEntry] = deque(maxlen=_KEPT)
        self._last_id = 0
        self._new = asyncio.Event()

    def record(self, entry: AuditEntry) -> None:
        """Keep it: with an id, in one line of printable text each, and in the log."""
        self._last_id = max(self._last_id + 1, int(entry.at * 1000))
        entry = replace(
            entry,
            id=self._last_id,
            node=self._node,
            who=_short(entry.who),
            address=_short(entry.address),
            target=_short(entry.target),
            detail=_short(entry.detail),
        )
        self._entries.append(entry)
        self._new.set()
        said = " ".join(filter(None, [entry.action, entry.target, f"by {entry.who or 'nobody known'}", entry.result]))
        logger.info("audit: %s%s", said, f": {entry.detail}" if entry.detail else "")

    def reloaded(self, problem: str = "") -> None:
        """The configuration was re-read, or why it was not."""
        if problem:
            logger.error("configuration not re-read, the old one stays in force: %s", problem)
        else:
            logger.info("configuration re-read")
        result = AuditResult.FAILED if problem else AuditResult.DONE
        self.record(AuditEntry(time.time(), "reload", result, detail=problem))

    def latest(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """Those of this life of the service, oldest first."""
        found = [entry for entry in self._entries if query.takes(entry)]
        return found[-query.limit :] if query.limit else []

    async def find(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """Those of the first store that can be asked, of all nodes; else those of this life of the service."""
        for store in self._stores:
            try:
                found = await store.find(query)
            except SinkError as error:
                logger.warning("%s: cannot be read: %s", store.name, error)
            else:
                if found is not None:
                    return found
        return self.latest(query)

    def publish(self, _: object) -> None:
        """Nothing of a cycle is kept."""

    async def run(self) -> None:
        """Write until cancelled; each store by itself."""
        if self._stores:
            async with asyncio.TaskGroup() as group:
                for store in self._stores:
                    group.create_task(self._write(store), name=store.name)

    async def _write(self, store: AuditStore) -> None:
        retry, written, failing = Retry(_RETRY), 0, False
        try:
            while True:
                new = [entry for entry in self._entries if entry.id > written][:_MOST_AT_ONCE]
                if not new:
                    self._new.clear()
                    await self._new.wait()
                    continue
                try:
                    await store.save(new)
                except SinkError as error:
                    level, failing = logging.DEBUG if failing else logging.WARNING, True
                    logger.log(level, "%s: what is done is not kept for now: %s", store.name, error)
                    await retry.pause()
                else:
                    written, failing = new[-1].id, False
                    retry.reset()
        finally:
            await store.close()


def _short(text: str) -> str:
    return one_line(text)[:_LONGEST]
