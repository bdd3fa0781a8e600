"""What cameras that are down have in common, and when that must be the reason. Sizes are those of the whole fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from restream.domain.news.incident import Bond, IncidentScope

FEWEST = 3
"""Cameras of one host, site or server that make one incident; fewer are incidents of their own."""
_FEWEST_OF_FLEET = 10
_SHARE = 0.5

# The server or the node is away, as one: however few cameras it has.
_SERVER_AWAY = frozenset({"server_down", "server_silent", "stale"})
_NODE_LOST = frozenset({"no_node", "node_silent"})
# What cameras behind a lost switch, link or recorder say; which of them is a matter of the moment.
_NO_CONTACT = frozenset({"unreachable", "dns", "refused", "timeout", "stalled", "source_ended", "no_media"})
CONTACT = "contact"
"""Kind of a bond: no contact, whichever way it shows."""


@dataclass(frozen=True, slots=True)
class IncidentSubject:
    """A camera as incidents see it."""

    id: str
    site: str = ""
    host: str = ""
    server: str = ""
    node: str = ""
    """The node that has it, or had it last."""
    health: str = "unknown"
    side: str = "none"
    cause: str = ""
    parents: tuple[str, ...] = ()
    """Switches, recorders, links that it hangs on, the widest first."""


@dataclass(frozen=True, slots=True)
class FleetSizes:
    """How large everything is, without disabled cameras."""

    cameras: int = 0
    sites: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By site: cameras, hosts."""
    hosts: Mapping[str, int] = field(default_factory=dict)
    """By host: cameras."""
    parents: Mapping[str, int] = field(default_factory=dict)
    """By switch, recorder or link: cameras that hang on it, also on others in between."""
    away: Collection[str] = ()
    """Switches, recorders and links that do not answer themselves."""


def is_down(subject: IncidentSubject) -> bool:
    """Also when nobody knows better because a server or a node does not answer."""
    silent = subject.health == "unknown" and subject.cause in _SERVER_AWAY | _NODE_LOST
    return subject.health == "down" or silent


def bonds(subject: IncidentSubject) -> Iterator[Bond]:
    """What it may share with others that are down, the widest first."""
    cause = subject.cause
    if cause in _SERVER_AWAY:
        yield Bond(IncidentScope.SERVER, subject.server)
        return
    if cause in _NODE_LOST:
        yield Bond(IncidentScope.NODE, subject.node)
        return
    if subject.side == "media_server":
        yield Bond(IncidentScope.SERVER, subject.server, cause)
    elif cause in _NO_CONTACT:
        yield Bond(IncidentScope.FLEET, "", CONTACT)
        for parent in subject.parents:
            yield Bond(IncidentScope.PARENT, parent, CONTACT)
        if subject.site:
            yield Bond(IncidentScope.SITE, subject.site, CONTACT)
    if subject.host and subject.side != "media_server":
        if cause in _NO_CONTACT:
            yield Bond(IncidentScope.HOST, subject.host, CONTACT)
        yield Bond(IncidentScope.HOST, subject.host, cause)
    yield Bond(IncidentScope.CAMERA, subject.id)


def width(bond: Bond) -> int:
    """The smaller, the wider."""
    return 2 * _ORDER[bond.scope] + (bond.kind not in ("", CONTACT))


_ORDER = {scope: number for number, scope in enumerate(IncidentScope)}


def enough(bond: Bond, ripe: Sequence[IncidentSubject], sizes: FleetSizes) -> bool:
    """Whether these are so many that what they have in common must be the reason."""
    match bond.scope:
        case IncidentScope.FLEET:
            return _enough_of_fleet(ripe, sizes) and not _one_parents_matter(ripe, sizes)
        case IncidentScope.PARENT:
            return bond.place in sizes.away or _enough_of_parent(bond.place, ripe, sizes)
        case IncidentScope.SITE:
            return len(ripe) >= FEWEST and _half_of_site(ripe, sizes.sites.get(bond.place, (0, 0)), sizes.hosts)
        case IncidentScope.HOST:
            # Several causes may be several matters, unless they are of most that the host has.
            most = bond.kind != CONTACT or len(ripe) >= _SHARE * sizes.hosts.get(bond.place, 0)
            return len(ripe) >= FEWEST and most
        case IncidentScope.SERVER:
            return len(ripe) >= (FEWEST if bond.kind else 1)
    return True


def _enough_of_parent(name: str, ripe: Sequence[IncidentSubject], sizes: FleetSizes) -> bool:
    """Half of its cameras, behind several of what hangs on it: else it is a matter of that one."""
    whole = sizes.parents.get(name, 0)
    if len(ripe) < FEWEST or len(ripe) < _SHARE * whole:
        return False
    found = Counter(_next(each, name) for each in ripe)
    sized = {next_: sizes.parents.get(next_, 1) for next_ in found}
    hit = [next_ for next_, count in found.items() if count >= _SHARE * sized[next_]]
    return len(hit) >= 2 or (len(hit) == 1 and sized[hit[0]] == whole)


def _next(subject: IncidentSubject, name: str) -> str:
    """What comes after a parent on the way to a camera; the camera itself where nothing does."""
    after = subject.parents[subject.parents.index(name) + 1 :]
    return after[0] if after else f"\0{subject.id}"


def _one_parents_matter(ripe: Sequence[IncidentSubject], sizes: FleetSizes) -> bool:
    common = frozenset(ripe[0].parents).intersection(*(each.parents for each in ripe))
    return any(name in sizes.away or _enough_of_parent(name, ripe, sizes) for name in common)


def _half_of_site(ripe: Sequence[IncidentSubject], size: tuple[int, int], per_host: Mapping[str, int]) -> bool:
    """Half of its cameras, and half of its hosts with half of theirs, several: else it is a host's matter."""
    cameras, hosts = size
    # A camera without a host is on its own.
    found = Counter(each.host or f"\0{each.id}" for each in ripe)
    hit = sum(count >= _SHARE * per_host.get(host, 1) for host, count in found.items())
    return hit >= 2 and len(ripe) >= _SHARE * cameras and hit >= _SHARE * hosts


def _enough_of_fleet(ripe: Sequence[IncidentSubject], sizes: FleetSizes) -> bool:
    if len(ripe) < _FEWEST_OF_FLEET or len(ripe) < _SHARE * sizes.cameras:
        return False
    if len(sizes.sites) < 2:
        # One site is that site's matter; cameras without one have no other common place than the fleet.
        return "" in sizes.sites and _half_of_site(ripe, sizes.sites[""], sizes.hosts)
    by_site: dict[str, list[IncidentSubject]] = {}
    for each in ripe:
        by_site.setdefault(each.site, []).append(each)
    hit = sum(len(found) >= _SHARE * sizes.sites.get(site, (0, 0))[0] for site, found in by_site.items())
    return hit >= 2 and hit >= _SHARE * len(sizes.sites)
