"""Keeps a broker current: of each camera what is known now, and nothing of cameras that are gone."""

from __future__ import annotations

import asyncio
import logging
from typing import Generic, NoReturn, TypeVar

from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.component import ComponentState
from restream.ports.topics import TopicBroker, TopicError, TopicSession, TopicView, TopicWords
from restream.supervisor.components import Components
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

CycleT = TypeVar("CycleT")

_RETRY = RestartPolicy(base_s=1.0, factor=2.0, max_s=60.0)


class TopicKeeper(Generic[CycleT]):
    """Says what has changed since it was said; all of it after a connection was lost."""

    def __init__(
        self, broker: TopicBroker, words: TopicWords[CycleT], components: Components, retry: RestartPolicy = _RETRY
    ) -> None:
        self._broker, self._words, self._components = broker, words, components
        self._retry = retry
        self._due = asyncio.Event()
        self._view: TopicView | None = None
        self._said: dict[str, tuple[object, dict[str, int]]] = {}
        self._said_of_service: dict[str, int] = {}
        self._left: set[str] = set()

    @property
    def name(self) -> str:
        """That of the broker."""
        return self._broker.name

    def publish(self, cycle: CycleT) -> None:
        """A cycle is complete."""
        view = self._words.view(cycle)
        if view is not None:
            self._view = view
            self._due.set()

    async def run(self) -> NoReturn:
        """Follow until cancelled."""
        retry = Retry(self._retry)
        while True:
            try:
                async with self._broker.session(self._words.availability) as session:
                    self._components.report(self.name, ComponentState.UP, "")
                    retry.reset()
                    await self._until_lost(session)
            except TopicError as error:
                self._components.report(self.name, ComponentState.DOWN, str(error))
            await retry.pause()

    async def _until_lost(self, session: TopicSession) -> None:
        """Raises TopicError."""
        self._said.clear()
        self._said_of_service.clear()
        found = await session.kept(self._words.pattern)
        self._left = {id_ for payload in found.values() if (id_ := self._words.written_by_us(payload)) is not None}
        self._due.set()
        saying = asyncio.create_task(self._say(session))
        lost = asyncio.create_task(session.lost())
        try:
            await asyncio.wait((saying, lost), return_when=asyncio.FIRST_COMPLETED)
            if saying.done():
                saying.result()
            raise lost.result()
        finally:
            for task in (saying, lost):
                task.cancel()
            await asyncio.gather(saying, lost, return_exceptions=True)

    async def _say(self, session: TopicSession) -> NoReturn:
        while True:
            await self._due.wait()
            self._due.clear()
            if (view := self._view) is None:
                continue
            for topic, payload in view.service.items():
                await self._publish(session, self._said_of_service, topic, payload)
            for id_, camera in view.cameras.items():
                before = self._said.get(id_)
                if before is not None and before[0] is camera:
                    continue
                said = before[1] if before is not None else {}
                for topic, payload in self._words.messages(camera).items():
                    await self._publish(session, said, topic, payload)
                self._said[id_] = (camera, said)
                self._left.discard(id_)
            await self._leave(session, view)

    async def _publish(self, session: TopicSession, said: dict[str, int], topic: str, payload: bytes) -> None:
        if said.get(topic) != (known := hash(payload)):
            await session.publish(topic, payload)
            said[topic] = known

    async def _leave(self, session: TopicSession, view: TopicView) -> None:
        """Who is another's now is said by that one; of who is gone nothing is left."""
        away = self._said.keys() - view.cameras.keys()
        gone = {id_ for id_ in away | self._left if id_ not in view.present} if view.complete else set()
        for id_ in gone:
            for topic in self._words.topics(id_):
                await session.publish(topic, b"")
        for id_ in away:
            if view.complete or id_ in view.present:
                del self._said[id_]
        if view.complete:
            self._left.clear()
