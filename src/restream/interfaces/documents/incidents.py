"""Incidents as documents, and the fleet as they see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import Unowned
from restream.domain.life.cause import Side
from restream.domain.news.incident import LONGEST_NAME, LONGEST_TEXT, Deed, Entry, Incident, IncidentScope
from restream.domain.news.incident_bonds import FleetSizes, IncidentSubject
from restream.domain.news.parents import NO_PARENTS, Parents
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.values import Document, Moment, Whole, about, encode, timestamp

_NO_MATTER = frozenset({"healthy", "degraded", "disabled"})


class IncidentEntryDocument(Document):
    """Something that was done about an incident."""

    at: Moment
    who: Annotated[str, about("As he signed; empty: nobody has.", "Ann")]
    deed: Annotated[Deed, about("", "acknowledge")]
    text: Annotated[str, about("", "a switch in cabinet 3, technician is on the way")]
    until: Annotated[Moment | None, about("Of `snooze`; in the past: it is awake again.")]


class IncidentDocument(Document):
    """Cameras that went down together, from the first one until the last is back."""

    id: Annotated[str, about("", "4f1d20c77a3e")]
    scope: Annotated[IncidentScope, about("What its cameras have in common.", "site")]
    place: Annotated[
        str, about("Name of the site, parent, host, server or node, id of the camera; empty for the fleet.", "North")
    ]
    cause: Annotated[str, about("The commonest code of its cameras.", "unreachable")]
    fault: Annotated[Side, about("Where it broke.", "network")]
    began: Annotated[Moment, about("When the first camera went down.")]
    ended: Annotated[Moment | None, about("When the last one was back; null: it is open.")]
    total: Annotated[Whole, about("Cameras that belong to it now.", 40)]
    most: Annotated[Whole, about("At most so many at one time.", 40)]
    affected: Annotated[Whole, about("So many in all.", 41)]
    times: Annotated[Whole, about("How often it began: what comes back within 10 min is the same incident.", 1)]
    cameras: Annotated[
        tuple[Annotated[str, about("", "7")], ...],
        about("Ids of those that belong to it now; of one that ended, of all that did."),
    ]
    merged_into: Annotated[str | None, about("Id of the wider incident that it turned out to be part of.")]
    acknowledged: Annotated[IncidentEntryDocument | None, about("Who has it in hand; null: nobody.")]
    snoozed_until: Annotated[Moment | None, about("Nobody is reminded of it until then.")]
    entries: Annotated[tuple[IncidentEntryDocument, ...], about("What was done about it, oldest first.")]
    link: Annotated[
        str, about("Of the page; relative where it is not known how that is reached.", "#incident=4f1d20c77a3e")
    ]


class IncidentsDocument(Document):
    """Incidents of a time, oldest first."""

    incidents: tuple[IncidentDocument, ...]


def incident_document(incident: Incident, page: str = "") -> IncidentDocument:
    """One of them; `page`: where the page is, as operators reach it."""
    ended, snoozed = incident.ended, incident.snoozed_until
    acknowledged = incident.acknowledged
    return IncidentDocument(
        id=incident.id,
        scope=incident.bond.scope,
        place=incident.bond.place,
        cause=incident.cause,
        fault=_side(incident.side),
        began=timestamp(incident.began),
        ended=timestamp(ended) if ended is not None else None,
        total=len(incident.members) if ended is None else 0,
        most=incident.most,
        affected=len(incident.affected),
        times=incident.times,
        cameras=tuple(sorted(incident.members if ended is None else incident.affected)),
        merged_into=incident.merged_into or None,
        acknowledged=_entry(acknowledged) if acknowledged is not None else None,
        snoozed_until=timestamp(snoozed) if snoozed else None,
        entries=tuple(map(_entry, incident.entries)),
        link=f"{page.rstrip('/')}/#incident={incident.id}" if page else f"#incident={incident.id}",
    )


class EncodedIncidents:
    """JSON of the open incidents, encoded once as long as nothing about them changes."""

    def __init__(self, version: Callable[[], int], found: Callable[[], Mapping[str, Incident]], page: str) -> None:
        self._version = version
        self._found = found
        self._page = page
        self._encoded: tuple[int, bytes] = (-1, b"[]")

    def __call__(self, seen: Callable[[Incident], Incident | None] | None = None) -> bytes:
        """The same object as long as it is the same; with `seen`, each as that makes it, or not at all."""
        if seen is not None:
            return self._encode(filter(None, map(seen, self._found().values())))
        if self._encoded[0] != (version := self._version()):
            self._encoded = version, self._encode(self._found().values())
        return self._encoded[1]

    def _encode(self, incidents: Iterable[Incident]) -> bytes:
        return encode([incident_document(each, self._page) for each in incidents])


def subjects_of(
    cameras: Iterable[CameraDocument],
    snapshot: Snapshot,
    parents: Parents = NO_PARENTS,
    away: Collection[str] = (),
) -> tuple[Mapping[str, IncidentSubject], FleetSizes]:
    """The cameras of all nodes, as incidents see them: those that are not well, and how large everything is. `away`:
    parents that do not answer.
    """
    subjects: dict[str, IncidentSubject] = {}
    sites: dict[str, tuple[int, set[str]]] = {}
    per_host: Counter[str] = Counter()
    nearest: Counter[str] = Counter()
    total = 0
    for camera in cameras:
        health = camera.verdict.health
        if health == "disabled":
            continue
        total += 1
        per_host[camera.host] += 1
        if camera.parent:
            nearest[camera.parent] += 1
        count, hosts = sites.get(camera.site) or (0, set())
        # A camera without a host is on its own.
        hosts.add(camera.host or f"\0{camera.id}")
        sites[camera.site] = count + 1, hosts
        if health not in _NO_MATTER:
            subjects[camera.id] = _subject(camera, snapshot, parents)
    hanging: Counter[str] = Counter()
    for name, count in nearest.items():
        for each in parents.chain(name):
            hanging[each] += count
    sized = {site: (count, len(hosts)) for site, (count, hosts) in sites.items()}
    return subjects, FleetSizes(total, sized, per_host, hanging, away)


def _subject(camera: CameraDocument, snapshot: Snapshot, parents: Parents) -> IncidentSubject:
    verdict, report = camera.verdict, snapshot.reports.get(camera.id)
    had = report.subject.owner if report is not None and isinstance(report.subject, Unowned) else ""
    return IncidentSubject(
        camera.id,
        camera.site,
        camera.host,
        camera.media_server or "",
        camera.node or had,
        verdict.health,
        verdict.fault,
        verdict.reasons[0].code if verdict.reasons else "",
        parents.chain(camera.parent) if camera.parent else (),
    )


def _entry(entry: Entry) -> IncidentEntryDocument:
    until = timestamp(entry.until) if entry.until else None
    return IncidentEntryDocument(timestamp(entry.at), entry.who, entry.deed, entry.text, until)


def _side(side: str) -> Side:
    return _SIDES.get(side, Side.NONE)


_SIDES = {str(each): each for each in Side}


class DeedDocument(Document, forbid_unknown_fields=True):
    """The body of what is done about an incident."""

    who: Annotated[str, about("Who does it; who is signed in is told instead.", "Ann", maxLength=LONGEST_NAME)] = ""
    text: Annotated[str, about("A remark; `note` needs one.", "technician is on the way", maxLength=LONGEST_TEXT)] = ""
    until: Annotated[Moment | None, about("Of `snooze`: within 31 days; in the past: it is awake again.")] = None
