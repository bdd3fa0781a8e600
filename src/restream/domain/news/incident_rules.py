"""Which cameras that are down make which incidents. Pure: `now` is monotonic, `wall` Unix time.

    camera now                       member of an incident         member of none
    down for what binds it to one    stays                         joins one that is open, else waits
    down for something else          leaves                        likewise
    unknown                          stays, clocks stand still     clock of down stands still
    healthy, degraded, disabled      leaves                        clock of down cleared
    not there                        stays until all were read     forgotten

A wider incident takes over the cameras of narrower ones, which then end as part of it: a switch that fails is one
incident, however many cameras were known to be down before it was understood. Sizes are those of the whole fleet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from restream.domain.news.incident import Bond, Incident, IncidentScope
from restream.domain.news.incident_bonds import FleetSizes, IncidentSubject, bonds, enough, is_down, width


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """How long (s) cameras must be down to make an incident, and up to end it."""

    group_after_s: float = 10.0
    single_after_s: float = 30.0
    """Longer than that of a group: most of a switch's cameras are known to be down by then."""
    close_after_s: float = 30.0
    again_s: float = 600.0
    """What comes back so soon is the same incident."""


@dataclass(frozen=True, slots=True)
class IncidentState:
    """What is remembered between cycles."""

    at: float | None = None
    down_since: Mapping[str, float] = field(default_factory=dict)
    """Monotonic, by camera that is down."""
    open: Mapping[str, Incident] = field(default_factory=dict)
    """By id."""
    quiet_since: Mapping[str, float] = field(default_factory=dict)
    """Monotonic, by incident that no camera belongs to just now."""
    recent: tuple[Incident, ...] = ()
    """Ended, and may come back."""


def step(
    state: IncidentState,
    subjects: Mapping[str, IncidentSubject],
    sizes: FleetSizes,
    now: float,
    wall: float,
    *,
    rules: IncidentRules,
    new_id: Callable[[], str],
    complete: bool = True,
) -> tuple[IncidentState, tuple[Incident, ...]]:
    """One cycle; also tells the incidents that changed. `subjects` are all cameras that are neither healthy nor
    degraded nor disabled; `complete`: whoever is missing is one of those, or gone.
    """
    elapsed_s = now - state.at if state.at is not None else 0.0
    down = {key: each for key, each in subjects.items() if is_down(each)}
    since = {key: state.down_since.get(key, now) for key in down}
    for key, began in state.down_since.items():
        if key in subjects and key not in down:
            # Not known now: this time counts neither way.
            since[key] = began + elapsed_s
    places = {key: tuple(bonds(each)) for key, each in down.items()}
    here = _Floor(state, places, subjects, complete=complete)
    here.join()
    here.group(down, since, sizes, now, wall, rules, new_id)
    return here.settled(down, since, now, wall, rules)


class _Floor:
    """One cycle's work: who belongs where."""

    def __init__(
        self,
        state: IncidentState,
        places: Mapping[str, tuple[Bond, ...]],
        subjects: Mapping[str, IncidentSubject],
        *,
        complete: bool,
    ) -> None:
        self._before = state
        self._places = places
        self._open: dict[str, Incident] = dict(state.open)
        self._recent = {each.bond: each for each in state.recent}
        self._by_bond = {each.bond: key for key, each in self._open.items()}
        self._home: dict[str, str] = {}
        for key, incident in self._open.items():
            for member in incident.members:
                down = member in places
                paused = not down and (member in subjects or not complete)
                if paused or (down and incident.bond in places[member]):
                    self._home[member] = key

    def join(self) -> None:
        """Cameras that are down belong to the widest open incident that explains them."""
        for camera, own in self._places.items():
            found = next((self._by_bond[bond] for bond in own if bond in self._by_bond), None)
            if found is not None:
                self._home[camera] = found

    def group(
        self,
        down: Mapping[str, IncidentSubject],
        since: Mapping[str, float],
        sizes: FleetSizes,
        now: float,
        wall: float,
        rules: IncidentRules,
        new_id: Callable[[], str],
    ) -> None:
        """Open what is due, the widest scope first."""
        groups: dict[Bond, list[str]] = {}
        for camera, own in self._places.items():
            for bond in own:
                if bond not in self._by_bond:
                    groups.setdefault(bond, []).append(camera)
        for bond in sorted(groups, key=width):
            cameras = [each for each in groups[bond] if not self._is_in_wider(each, bond)]
            wait_s = rules.single_after_s if bond.scope is IncidentScope.CAMERA else rules.group_after_s
            ripe = [down[each] for each in cameras if now - since[each] >= wait_s]
            if ripe and enough(bond, ripe, sizes):
                first = wall - max(now - since[each] for each in cameras)
                self._begin(bond, cameras, first, new_id)

    def _is_in_wider(self, camera: str, bond: Bond) -> bool:
        home, own = self._home.get(camera), self._places[camera]
        if home is None:
            return False
        held = self._open[home].bond
        return held in own and own.index(held) <= own.index(bond)

    def _begin(self, bond: Bond, cameras: Iterable[str], first: float, new_id: Callable[[], str]) -> None:
        again = self._recent.pop(bond, None)
        if again is None:
            nobody: frozenset[str] = frozenset()
            incident = Incident(new_id(), bond, "", "none", first, nobody, nobody, 0)
        else:
            incident = replace(again, ended=None, times=again.times + 1)
        self._open[incident.id], self._by_bond[bond] = incident, incident.id
        for camera in cameras:
            self._home[camera] = incident.id

    def settled(
        self,
        down: Mapping[str, IncidentSubject],
        since: Mapping[str, float],
        now: float,
        wall: float,
        rules: IncidentRules,
    ) -> tuple[IncidentState, tuple[Incident, ...]]:
        """What is remembered, and what changed."""
        members: dict[str, set[str]] = {key: set() for key in self._open}
        for camera, home in self._home.items():
            members[home].add(camera)
        began = self._began(members)
        quiet: dict[str, float] = {}
        ended: list[Incident] = []
        for key, known in list(self._open.items()):
            counted = _counted(known, frozenset(members[key]), down)
            incident = self._open[key] = replace(counted, began=min(known.began, began.get(key, known.began)))
            if members[key]:
                continue
            quiet[key] = since_s = self._before.quiet_since.get(key, now)
            into = self._taken_into(key)
            if into or now - since_s >= rules.close_after_s:
                ended.append(replace(incident, ended=max(incident.began, wall - (now - since_s)), merged_into=into))
                del self._open[key], quiet[key]
        again = (each for each in chain(self._recent.values(), ended) if not each.merged_into)
        recent = tuple(each for each in again if wall - (each.ended or 0.0) < rules.again_s)
        changed = [each for key, each in self._open.items() if self._before.open.get(key) != each]
        return IncidentState(now, since, self._open, quiet, recent), (*changed, *ended)

    def _taken_into(self, key: str) -> str:
        """The one incident to which all went that this one had when it was last looked at; empty: there is none."""
        before = self._before.open.get(key)
        homes = {self._home.get(each) for each in before.members} if before is not None else set()
        return next(iter(homes)) or "" if len(homes) == 1 else ""

    def _began(self, members: Mapping[str, set[str]]) -> dict[str, float]:
        """A wider incident began with the first of those that are part of it."""
        first: dict[str, float] = {}
        for key in self._open:
            into = self._taken_into(key) if not members[key] else ""
            if into:
                first[into] = min(first.get(into, self._open[key].began), self._open[key].began)
        return first


def _counted(incident: Incident, members: frozenset[str], down: Mapping[str, IncidentSubject]) -> Incident:
    """With these cameras in it; the same object when nothing is new."""
    causes = Counter((down[each].cause, down[each].side) for each in members if each in down)
    cause, side = max(causes, key=lambda each: (causes[each], each)) if causes else (incident.cause, incident.side)
    if (members, cause, side) == (incident.members, incident.cause, incident.side):
        return incident
    return replace(
        incident,
        cause=cause,
        side=side,
        members=members,
        affected=incident.affected | members,
        most=max(incident.most, len(members)),
    )
