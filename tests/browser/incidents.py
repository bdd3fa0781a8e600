"""Incidents of the simulated fleet, as the service makes them, but at once."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from restream.domain.news.incident import Entry, Incident
from restream.domain.news.incident_bonds import FleetSizes, IncidentSubject
from restream.domain.news.incident_rules import IncidentRules, IncidentState, step
from restream.interfaces.documents.incidents import incident_document
from restream.interfaces.documents.values import encode
from tests.browser.fleet import Document

_AT_ONCE = IncidentRules(group_after_s=0.0, single_after_s=0.0, close_after_s=0.0)


class IncidentMemory:
    """Everything is public: tests read and change it."""

    def __init__(self, cameras: Callable[[], Mapping[str, Document]]) -> None:
        self.cameras = cameras
        self.state = IncidentState()
        self.past: dict[str, Incident] = {}
        self.numbers = count(1)

    @property
    def open(self) -> Mapping[str, Incident]:
        """After a look at the fleet."""
        found = [_subject(each) for each in self.cameras().values()]
        counted = [each for each in found if each.health != "disabled"]
        sites: dict[str, list[IncidentSubject]] = {}
        for each in counted:
            sites.setdefault(each.site, []).append(each)
        sizes = FleetSizes(
            len(counted),
            {site: (len(all_), len({each.host or each.id for each in all_})) for site, all_ in sites.items()},
            Counter(each.host for each in counted),
        )
        self.state, changed = step(
            self.state,
            {each.id: each for each in counted if each.health in ("down", "unknown")},
            sizes,
            time.monotonic(),
            time.time(),
            rules=_AT_ONCE,
            new_id=lambda: f"incident-{next(self.numbers)}",
        )
        self.past |= {each.id: each for each in changed if each.ended is not None}
        return self.state.open

    def find(self, incident_id: str) -> Incident | None:
        return self.open.get(incident_id) or self.past.get(incident_id)

    async def between(self, since: float, until: float, limit: int) -> Sequence[Incident]:
        return list(({**self.past, **self.open}).values())[-limit:]

    def record(self, incident_id: str, entry: Entry) -> Incident | None:
        known = self.find(incident_id)
        if known is None:
            return None
        changed = known.with_entries((entry,))
        if incident_id in self.state.open:
            self.state = replace(self.state, open={**self.state.open, incident_id: changed})
        else:
            self.past[incident_id] = changed
        return changed

    def documents(self) -> list[Document]:
        """Those that are open, as messages have them."""
        found: list[Document] = json.loads(encode([incident_document(each) for each in self.open.values()]))
        return found


def _subject(camera: Document) -> IncidentSubject:
    verdict = camera["verdict"]
    return IncidentSubject(
        camera["id"],
        camera["site"],
        camera["host"],
        camera["media_server"] or "",
        camera["node"],
        verdict["health"],
        verdict["fault"],
        verdict["reasons"][0]["code"] if verdict["reasons"] else "",
    )
