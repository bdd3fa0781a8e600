"""Follows the cycles, and keeps the incidents: which are open, what was done about them, which there were."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, NoReturn, TypeVar

from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.event import IncidentChange
from restream.domain.news.incident import Bond, Entry, Incident
from restream.domain.news.incident_bonds import FleetSizes, IncidentSubject
from restream.domain.news.incident_rules import IncidentRules, IncidentState, step
from restream.ports.incidents import AddedEntry, IncidentStore
from restream.ports.outlets import SinkError
from restream.supervisor.retry import Retry

logger = logging.getLogger(__name__)

_RETRY = RestartPolicy(base_s=2.0, factor=2.0, max_s=30.0)
# What was kept is waited for so long; after that incidents begin anew, and find the old ones later.
_PATIENCE_S = 20.0
_READ_AGAIN_S = 3.0
_KEPT_S = 24 * 3600.0
_MOST_PAST = 1000
_MOST_UNSAVED = 5000

CycleT = TypeVar("CycleT")


@dataclass(frozen=True, slots=True)
class FleetSight:
    """The whole fleet at one moment (`now` monotonic, `wall` Unix time, s), as incidents see it."""

    subjects: Mapping[str, IncidentSubject]
    """Cameras that are neither healthy nor degraded nor disabled."""
    sizes: FleetSizes
    now: float
    wall: float
    complete: bool
    """Whoever is missing in `subjects` is well, or gone."""


class IncidentWatch(Generic[CycleT]):
    """An outlet. `stores`: the first that exists keeps them. `leads`: whether this node has the duty; None: it is
    alone. A node without the duty shows what the store has; where there is none, each goes by what it sees itself.
    """

    name = "incidents"

    def __init__(
        self,
        look: Callable[[CycleT], FleetSight],
        stores: Sequence[IncidentStore] = (),
        leads: Callable[[], bool | None] = lambda: None,
        rules: IncidentRules = IncidentRules(),
        retry: RestartPolicy = _RETRY,
        happened: Callable[[IncidentChange], None] = lambda _: None,
    ) -> None:
        """`happened` hears what begins, ends, and is done about it, on the node that sees to it."""
        self._happened = happened
        self._look = look
        self._stores = list(stores)
        self._leads = leads
        self._rules = rules
        self._retry = retry
        self._state = IncidentState()
        self._store: IncidentStore | None = None
        self._loaded = not stores
        self._waits_until: float | None = None
        self._read_at = 0.0
        self._past: dict[str, Incident] = {}
        self._unsaved: dict[str, Incident] = {}
        self._entries: list[AddedEntry] = []
        self._homes: dict[str, str] = {}
        self._due = asyncio.Event()
        self.version = 0
        """Rises with every change of what is open."""

    @property
    def open(self) -> Mapping[str, Incident]:
        """By id, oldest first."""
        return self._state.open

    def find(self, incident_id: str) -> Incident | None:
        """One that is open, or ended within the last day."""
        return self._state.open.get(incident_id) or self._past.get(incident_id)

    def of_camera(self, camera_id: str) -> Incident | None:
        """The open one that a camera belongs to."""
        return self._state.open.get(self._homes.get(camera_id, ""))

    def of_bond(self, bond: Bond) -> Incident | None:
        """The open one of what cameras share."""
        return next((each for each in self._state.open.values() if each.bond == bond), None)

    def publish(self, cycle: CycleT) -> None:
        """A cycle is complete."""
        self._due.set()
        sight = self._look(cycle)
        if self._waits_until is None:
            self._waits_until = sight.now + _PATIENCE_S
        if not (self._loaded or sight.now > self._waits_until) or not self._on_duty:
            return
        state, changed = step(
            self._state,
            sight.subjects,
            sight.sizes,
            sight.now,
            sight.wall,
            rules=self._rules,
            new_id=lambda: secrets.token_hex(6),
            complete=sight.complete,
        )
        before, self._state = self._state, state
        for each in changed:
            self._tell(before.open.get(each.id), each)
            if change := IncidentChange.between(before.open.get(each.id), each, at=sight.wall):
                self._happened(change)
            if each.ended is not None:
                self._remember(each)
            else:
                self._past.pop(each.id, None)
            self._unsaved[each.id] = each
        if changed:
            self._renewed()

    def record(self, incident_id: str, entry: Entry) -> Incident | None:
        """Somebody did something about an incident; None: there is none of this id (any more)."""
        incident = self.find(incident_id)
        if incident is None:
            return None
        changed = incident.with_entries((entry,))
        self._put(changed)
        self._entries.append(AddedEntry(incident_id, entry))
        del self._entries[:-_MOST_UNSAVED]
        self._happened(IncidentChange.done(changed, entry))
        self._due.set()
        return changed

    async def between(self, since: float, until: float, limit: int) -> Sequence[Incident]:
        """Of the incidents that were open between two moments (Unix time, s), the newest so many, oldest first."""
        kept: Iterable[Incident] = ()
        if self._store is not None:
            try:
                kept = await self._store.between(since, until, limit)
            except SinkError as error:
                logger.warning("incidents: what %s has is not shown: %s", self._store.name, error)
        own = (each for each in (*self._past.values(), *self._state.open.values()))
        known = {each.id: each for each in own if each.began <= until and (each.ended or until) >= since}
        # What is not written yet is newer than what is kept.
        found = {each.id: each for each in kept} | known
        return sorted(found.values(), key=lambda each: (each.began, each.id))[-limit:]

    async def run(self) -> NoReturn:
        """Keep them until cancelled."""
        retry, failing = Retry(self._retry), False
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                try:
                    await self._keep()
                except SinkError as error:
                    level, failing = logging.DEBUG if failing else logging.WARNING, True
                    logger.log(level, "incidents are not kept for now: %s", error)
                    await retry.pause()
                    self._due.set()
                else:
                    failing = False
                    retry.reset()
        finally:
            for store in self._stores:
                await store.close()

    @property
    def _on_duty(self) -> bool:
        return self._leads() is not False or (self._loaded and self._store is None)

    def _put(self, incident: Incident) -> None:
        if incident.id in self._state.open:
            self._state = replace(self._state, open={**self._state.open, incident.id: incident})
            self._renewed()
        else:
            self._past[incident.id] = incident

    def _renewed(self) -> None:
        self._homes = {camera: key for key, each in self._state.open.items() for camera in each.members}
        self.version += 1

    def _remember(self, incident: Incident) -> None:
        self._past[incident.id] = incident
        while len(self._past) > _MOST_PAST:
            del self._past[next(iter(self._past))]

    async def _keep(self) -> None:
        if not self._loaded:
            self._store = await self._choose()
            if self._store is not None:
                await self._read(self._store)
            self._loaded = True
        store = self._store
        if store is None:
            self._unsaved.clear()
            self._entries.clear()
            return
        if not self._on_duty:
            self._unsaved.clear()
        incidents, entries = dict(self._unsaved), list(self._entries)
        if incidents or entries:
            await store.save(incidents.values(), entries)
            for key, each in incidents.items():
                if self._unsaved.get(key) is each:
                    del self._unsaved[key]
            del self._entries[: len(entries)]
        now = asyncio.get_running_loop().time()
        if self._leads() is not None and now >= self._read_at:
            await self._read(store)

    async def _choose(self) -> IncidentStore | None:
        for store in self._stores:
            if await store.exists():
                logger.info("incidents are kept: %s", store.name)
                return store
        logger.info("incidents are not kept over restarts: `restream init-db --records` creates the tables for them")
        return None

    async def _read(self, store: IncidentStore) -> None:
        """Take over what another life, or another node, has written."""
        loop = asyncio.get_running_loop()
        self._read_at = loop.time() + _READ_AGAIN_S
        found = {each.id: each for each in await store.load(time.time() - _KEPT_S)}
        if self._loaded and self._on_duty:
            for key, each in found.items():
                known = self.find(key)
                if known is not None and (merged := known.with_entries(each.entries)) is not known:
                    self._put(merged)
            return
        kept = {key: self._with_unsaved(each) for key, each in found.items()}
        self._past = {key: each for key, each in kept.items() if each.ended is not None}
        opened = {key: each for key, each in kept.items() if each.ended is None}
        if opened != self._state.open:
            recent = tuple(each for each in self._past.values() if not each.merged_into)
            self._state = replace(self._state, open=opened, quiet_since={}, recent=recent)
            self._renewed()
        # What began before the old ones were found goes on in them.
        self._unsaved.clear()

    def _with_unsaved(self, incident: Incident) -> Incident:
        return incident.with_entries(tuple(each.entry for each in self._entries if each.incident == incident.id))

    def _tell(self, before: Incident | None, now: Incident) -> None:
        what = f"{now.bond.scope} {now.bond.place}".strip()
        if before is None:
            logger.warning("incident %s: %s, %d cameras: %s", now.id, what, len(now.members), now.cause)
        elif now.merged_into:
            logger.info("incident %s (%s) is part of incident %s", now.id, what, now.merged_into)
        elif now.ended is not None:
            logger.info("incident %s (%s) is over: at most %d cameras", now.id, what, now.most)
