"""Delivers alerts: an outbox a receiver, so that none waits for another."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.alert import Alert, AlertError
from restream.domain.news.component import ComponentState
from restream.domain.news.deliveries import DeliveryState, ReceiverStatus
from restream.ports.outlets import AlertReceiver
from restream.supervisor.components import Components
from restream.supervisor.outlets.delivery_log import DeliveryLog
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

_QUEUE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a message is tried, and for how long (s): what is over first ends it. None: no bound."""

    pauses: RestartPolicy
    tries: int | None = None
    give_up_s: float | None = None


@dataclass(slots=True, eq=False)
class _Letter:
    """A message on its way to one receiver; its id is the same in all tries. `put_at` is monotonic."""

    id: str
    alert: Alert
    route: str
    put_at: float


@dataclass(slots=True)
class _Outbox:
    """What waits for one receiver."""

    receiver: AlertReceiver
    waiting: deque[_Letter] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, letter: _Letter) -> bool:
        """False when too many wait already."""
        if len(self.waiting) >= _QUEUE_LENGTH:
            return False
        self.waiting.append(letter)
        self.filled.set()
        return True

    def done(self) -> None:
        """The first one was delivered, or given up."""
        self.waiting.popleft()
        if not self.waiting:
            self.filled.clear()


class _AdoptedError(Exception):
    """There are other receivers now."""


class AlertPost:
    """`put` messages to it and `run` it; a receiver that takes none is seen in `component`."""

    def __init__(
        self,
        component: str,
        receivers: Mapping[str, AlertReceiver],
        components: Components,
        patience: Patience,
        outcomes: Counter[str],
        log: DeliveryLog,
    ) -> None:
        self._component, self._components = component, components
        self._patience, self._outcomes, self._log = patience, outcomes, log
        self._receivers = receivers
        self._outboxes = {key: _Outbox(receiver) for key, receiver in receivers.items()}
        self._failing: dict[str, str] = {}
        self._adopted = asyncio.Event()

    def adopt(self, receivers: Mapping[str, AlertReceiver]) -> None:
        """Others from now on; they also get what still waits."""
        self._receivers = receivers
        self._adopted.set()

    def put(self, keys: Iterable[str], delivery: str, alert: Alert, route: str = "") -> None:
        """A message for these receivers. Never waits; what a receiver has no room for is counted and logged."""
        letter = _Letter(delivery, alert, route, time.monotonic())
        for key in keys:
            outbox = self._outboxes.get(key)
            if outbox is not None:
                self._put(key, outbox, letter)

    def put_to_all(self, delivery: str, alert: Alert) -> None:
        """A message for every receiver."""
        self.put(self._outboxes, delivery, alert)

    @property
    def receivers(self) -> list[ReceiverStatus]:
        """Who is told, and how it goes."""
        return [
            ReceiverStatus(
                key,
                outbox.receiver.name,
                waiting=len(outbox.waiting),
                error=self._failing.get(key, "").partition(": ")[2],
                sent_at=self._log.sent_at.get(key),
            )
            for key, outbox in self._outboxes.items()
        ]

    async def test(self, alert: Alert, only: str | None = None) -> dict[str, str]:
        """One try at each receiver, or at one, past what waits; what went wrong, empty where it was taken."""
        asked = {key: outbox for key, outbox in self._outboxes.items() if only in (None, key)}
        outcomes = await asyncio.gather(*(self._once(key, outbox.receiver, alert) for key, outbox in asked.items()))
        return dict(zip(asked, outcomes, strict=True))

    async def _once(self, key: str, receiver: AlertReceiver, alert: Alert) -> str:
        delivery, error = str(uuid.uuid4()), ""
        self._log.begin(key, delivery, alert, "")
        try:
            await receiver.send(alert, delivery)
        except AlertError as problem:
            error = str(problem)
            self._log.tried(key, delivery, error)
        self._log.end(key, delivery, DeliveryState.FAILED if error else DeliveryState.SENT, error)
        return error

    def _put(self, key: str, outbox: _Outbox, letter: _Letter) -> None:
        self._log.begin(key, letter.id, letter.alert, letter.route)
        if not outbox.put(letter):
            self._log.end(key, letter.id, DeliveryState.DROPPED, "too many wait already")
            self._outcomes["dropped"] += 1
            logger.warning("alert for %s dropped: %d wait already", outbox.receiver.name, len(outbox.waiting))

    async def run(self) -> NoReturn:
        """Deliver until cancelled."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    for key, outbox in self._outboxes.items():
                        group.create_task(self._deliver(key, outbox))
                    await self._adopted.wait()
                    raise _AdoptedError
            except* _AdoptedError:
                self._change()

    def _change(self) -> None:
        self._adopted.clear()
        before = self._outboxes
        self._outboxes = {key: _Outbox(receiver) for key, receiver in self._receivers.items()}
        for letter in {letter.id: letter for outbox in before.values() for letter in outbox.waiting}.values():
            for key, outbox in self._outboxes.items():
                # Where names mean something, each keeps what was for it.
                if not letter.route or (key in before and letter in before[key].waiting):
                    self._put(key, outbox, letter)
        if self._failing:
            self._failing.clear()
            self._components.report(self._component, ComponentState.UP, "")

    async def _deliver(self, key: str, outbox: _Outbox) -> NoReturn:
        receiver = outbox.receiver
        try:
            while True:
                await outbox.filled.wait()
                letter = outbox.waiting[0]
                try:
                    error = await self._try(key, receiver, letter)
                except Exception:
                    # A defect in one delivery must not come back with every restart of this loop.
                    outbox.done()
                    raise
                outbox.done()
                self._outcomes["failed" if error else "sent"] += 1
                self._log.end(key, letter.id, DeliveryState.FAILED if error else DeliveryState.SENT, error)
                if error:
                    logger.warning("alert for %s given up: %s", receiver.name, error)
                self._tell(key, receiver, error)
        finally:
            await receiver.close()

    async def _try(self, key: str, receiver: AlertReceiver, letter: _Letter) -> str:
        """What went wrong last; empty when it was taken."""
        retry, patience, tried = Retry(self._patience.pauses), self._patience, 0
        while True:
            tried += 1
            try:
                await receiver.send(letter.alert, letter.id)
                return ""
            except AlertError as error:
                self._log.tried(key, letter.id, str(error))
                over = tried == patience.tries or (
                    patience.give_up_s is not None and time.monotonic() - letter.put_at >= patience.give_up_s
                )
                if over or not error.passing:
                    return str(error)
                if patience.tries is None:
                    # It may go on for hours: that is seen at once.
                    self._tell(key, receiver, str(error))
            await retry.pause()

    def _tell(self, key: str, receiver: AlertReceiver, error: str) -> None:
        if error:
            self._failing[key] = f"{receiver.name}: {error}"
        else:
            self._failing.pop(key, None)
        state = ComponentState.DOWN if self._failing else ComponentState.UP
        self._components.report(self._component, state, "; ".join(self._failing.values()))
