"""Keeps the log of messages in a store, where there is one: beyond restarts, and for all nodes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.deliveries import AlertDelivery, newest
from restream.ports.deliveries import DeliveryStore
from restream.ports.outlets import SinkError
from restream.supervisor.outlets.delivery_log import DeliveryLog
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

_RETRY = RestartPolicy(base_s=2.0, factor=2.0, max_s=60.0)
_PRUNE_EVERY_S = 3600.0
_LOOK_AGAIN_S = 300.0
_DAY_S = 86400.0


class DeliveryKeeper:
    """An outlet. A store that is away gets what it missed, as far as the log still has it."""

    name = "deliveries"

    def __init__(self, log: DeliveryLog, store: DeliveryStore, keep_days: Callable[[], int]) -> None:
        self._log, self._store, self._keep_days = log, store, keep_days
        self._there: bool | None = None
        """None: nobody has looked yet."""

    @property
    def kept(self) -> bool:
        """Whether messages outlive the service."""
        return bool(self._there)

    async def latest(self, limit: int) -> Sequence[AlertDelivery]:
        """The newest of all nodes, newest first; without a store those of this life of the service."""
        own = self._log.latest
        if not self._there:
            return own[:limit]
        try:
            return newest(own, await self._store.latest(limit))[:limit]
        except SinkError as error:
            logger.warning("messages: what %s has is not shown: %s", self._store.name, error)
            return own[:limit]

    def publish(self, _: object) -> None:
        """Nothing of a cycle is kept."""

    async def run(self) -> NoReturn:
        """Keep them until cancelled."""
        retry, failing, prune_at = Retry(_RETRY), False, 0.0
        try:
            while True:
                try:
                    await self._look()
                    if self._there:
                        await self._keep()
                        if time.monotonic() >= prune_at:
                            await self._store.prune(self._keep_days() * _DAY_S)
                            prune_at = time.monotonic() + _PRUNE_EVERY_S
                except SinkError as error:
                    level, failing = logging.DEBUG if failing else logging.WARNING, True
                    logger.log(level, "messages are not kept for now: %s", error)
                    await retry.pause()
                    continue
                failing = False
                retry.reset()
                await self._next()
        finally:
            await self._store.close()

    async def _look(self) -> None:
        if self._there:
            return
        before, self._there = self._there, await self._store.exists()
        if before is None and not self._there:
            logger.info("messages are kept in memory: `restream init-db --deliveries` creates a table for them")

    async def _keep(self) -> None:
        changed = self._log.take_changed()
        if not changed:
            return
        try:
            await self._store.save(changed)
        except SinkError:
            self._log.give_back(changed)
            raise

    async def _next(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_AGAIN_S):
                # Without a store nobody takes what has changed.
                await (self._log.changed.wait() if self._there else asyncio.Event().wait())
        except TimeoutError:
            return
