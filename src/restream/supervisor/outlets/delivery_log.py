"""The last messages to receivers, and what became of each."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace

from restream.domain.news.alert import Alert
from restream.domain.news.deliveries import AlertDelivery, DeliveryState

MOST_KEPT = 500
MOST_UNSAVED = 5000


class DeliveryLog:
    """In memory, as long as the service runs; `sent_at` is when each receiver last took a message (Unix time)."""

    def __init__(
        self, describe: Callable[[Alert], str], clock: Callable[[], float] = time.time, node: str = ""
    ) -> None:
        self._describe, self._clock, self._node = describe, clock, node
        self._changed: dict[tuple[str, str], AlertDelivery] = {}
        self.changed = asyncio.Event()
        """Something is new since `take_changed`."""
        self._kept: OrderedDict[tuple[str, str], AlertDelivery] = OrderedDict()
        self.sent_at: dict[str, float] = {}

    @property
    def latest(self) -> list[AlertDelivery]:
        """Newest first."""
        return list(reversed(self._kept.values()))

    def begin(self, receiver: str, id_: str, alert: Alert, route: str) -> None:
        """A message was put on its way."""
        delivery = AlertDelivery(
            id_,
            receiver,
            route,
            alert.kind,
            alert.telling,
            alert.scope,
            alert.total,
            self._describe(alert),
            self._clock(),
            node=self._node,
            incident=alert.incident,
        )
        self._put(delivery)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def tried(self, receiver: str, id_: str, error: str) -> None:
        """Once more in vain."""
        if (known := self._kept.get((receiver, id_))) is not None:
            self._put(replace(known, tries=known.tries + 1, error=error))

    def end(self, receiver: str, id_: str, state: DeliveryState, error: str = "") -> None:
        """It was taken, given up or dropped."""
        now = self._clock()
        if state is DeliveryState.SENT:
            self.sent_at[receiver] = now
        if (known := self._kept.get((receiver, id_))) is not None:
            tries = known.tries + (state is DeliveryState.SENT)
            self._put(replace(known, state=state, error=error, tries=tries, done_at=now))

    def take_changed(self) -> list[AlertDelivery]:
        """What is new since this was asked last, or was given back; the newest state of each."""
        changed, self._changed = list(self._changed.values()), {}
        self.changed.clear()
        return changed

    def give_back(self, deliveries: Iterable[AlertDelivery]) -> None:
        """They could not be kept."""
        self._changed = {(each.receiver, each.id): each for each in deliveries} | self._changed
        self.changed.set()

    def _put(self, delivery: AlertDelivery) -> None:
        key = delivery.receiver, delivery.id
        self._kept[key] = self._changed[key] = delivery
        while len(self._changed) > MOST_UNSAVED:
            del self._changed[next(iter(self._changed))]
        self.changed.set()
