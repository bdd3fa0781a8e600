"""Which cameras that are down make which incidents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from restream.domain.news.incident import Deed, Entry, Incident, IncidentScope
from restream.domain.news.incident_bonds import FleetSizes, IncidentSubject
from restream.domain.news.incident_rules import IncidentRules, IncidentState, step

RULES = IncidentRules()


class Night:
    """A fleet, and the moments it goes through."""

    def __init__(self, *cameras: IncidentSubject) -> None:
        self.cameras = {each.id: each for each in cameras}
        self.state = IncidentState()
        self.now, self.ids = 1000.0, count(1)
        self.told: list[Incident] = []
        self.complete = True

    def set(
        self, ids: Iterable[object], health: str = "down", cause: str = "unreachable", side: str = "network"
    ) -> None:
        for each in map(str, ids):
            known = self.cameras[each]
            self.cameras[each] = IncidentSubject(
                each, known.site, known.host, known.server, known.node, health, side, cause
            )

    def well(self, ids: Iterable[object]) -> None:
        self.set(ids, "healthy", "", "none")

    def after(self, seconds: float) -> list[Incident]:
        """Every second one cycle; what is open then."""
        for _ in range(max(1, round(seconds))):
            self.now += 1.0
            hosts: dict[str, set[str]] = {}
            for each in self.cameras.values():
                hosts.setdefault(each.site, set()).add(each.host or each.id)
            counts = Counter(each.site for each in self.cameras.values())
            sizes = FleetSizes(
                len(self.cameras),
                {site: (counts[site], len(each)) for site, each in hosts.items()},
                Counter(each.host for each in self.cameras.values()),
            )
            bad = {key: each for key, each in self.cameras.items() if each.health in ("down", "unknown")}
            self.state, told = step(
                self.state,
                bad,
                sizes,
                self.now,
                1e9 + self.now,
                rules=RULES,
                new_id=lambda: str(next(self.ids)),
                complete=self.complete,
            )
            self.told += told
        return list(self.state.open.values())


def fleet(sites: int = 4, each: int = 10, per_host: int = 1) -> list[IncidentSubject]:
    """Sites of so many cameras; on each host so many."""
    return [
        IncidentSubject(str(number), f"site{number // each}", f"host{number // per_host}", "default", "a", "healthy")
        for number in range(sites * each)
    ]


def shown(incidents: Iterable[Incident]) -> list[tuple[str, str, int]]:
    return sorted((each.bond.scope, each.bond.place, len(each.members)) for each in incidents)


def test_a_switch_that_fails_is_one_incident_of_its_site() -> None:
    night = Night(*fleet())
    for number in range(10):
        # They are known to be down one after the other.
        night.set([number], cause=("stalled", "timeout", "unreachable")[number % 3], side="camera")
        night.after(2)
    found = night.after(5)
    assert shown(found) == [("site", "site0", 10)]
    assert found[0].began == 1e9 + 1001, "it began with the first camera"
    night.well(range(10))
    assert night.after(31) == []
    last = night.told[-1]
    assert (last.id, last.most, len(last.affected), last.ended) == (found[0].id, 10, 10, 1e9 + night.now - 30)
    assert len({each.id for each in night.told}) == 1


def test_one_camera_is_an_incident_after_a_while() -> None:
    night = Night(*fleet())
    night.set([3])
    assert night.after(30) == []
    assert shown(night.after(2)) == [("camera", "3", 1)]


def test_a_short_failure_is_no_incident() -> None:
    night = Night(*fleet(per_host=10))
    night.set(range(5))
    assert night.after(9) == []
    night.well(range(5))
    assert night.after(60) == [] and night.told == []


def test_a_recorder_is_the_hosts_matter_also_where_it_is_most_of_its_site() -> None:
    night = Night(*fleet(per_host=10))
    night.set(range(10), cause="refused", side="camera")
    assert shown(night.after(15)) == [("host", "host0", 10)]


def test_a_few_of_a_recorder_that_fail_in_several_ways_are_several_matters() -> None:
    night = Night(*fleet(per_host=10))
    for number, cause in enumerate(("refused", "stalled", "timeout")):
        night.set([number], cause=cause, side="camera")
    assert shown(night.after(32)) == [("camera", "0", 1), ("camera", "1", 1), ("camera", "2", 1)]
    night.set(range(3, 6), cause="stalled", side="camera")
    assert shown(night.after(12)) == [("host", "host0", 6)], "most of it"


def test_a_site_with_one_large_recorder() -> None:
    recorder = [IncidentSubject(f"r{each}", "site", "nvr", health="healthy") for each in range(30)]
    others = [IncidentSubject(f"c{each}", "site", f"h{each}", health="healthy") for each in range(10)]
    night = Night(*recorder, *others)
    night.set([each.id for each in (*recorder, others[0])])
    assert shown(night.after(32)) == [("camera", "c0", 1), ("host", "nvr", 30)]
    night.set([each.id for each in others])
    assert shown(night.after(12)) == [("site", "site", 40)]


def test_wrong_passwords_on_one_recorder_are_another_matter_than_its_network() -> None:
    night = Night(*fleet(per_host=10))
    night.set(range(3), cause="auth_failed", side="config")
    night.set(range(3, 8))
    found = night.after(15)
    assert shown(found) == [("host", "host0", 3), ("host", "host0", 5)]
    assert {each.cause for each in found} == {"auth_failed", "unreachable"}


def test_a_wider_incident_takes_over_the_narrower_ones() -> None:
    night = Night(*fleet())
    night.set([0])
    (single,) = night.after(40)
    night.set(range(8))
    (site,) = night.after(12)
    assert site.bond.scope is IncidentScope.SITE and site.began == single.began
    ended = next(each for each in night.told if each.id == single.id and each.ended is not None)
    assert ended.merged_into == site.id


def test_the_fleet_is_one_incident_when_most_sites_are_away() -> None:
    night = Night(*fleet())
    night.set(range(30))
    assert shown(night.after(12)) == [("fleet", "", 30)]


def test_a_media_server_or_a_node_is_one_incident_however_few_cameras_it_has() -> None:
    night = Night(*fleet())
    night.set([1, 2], cause="server_down", side="media_server")
    night.set([5], "unknown", "node_silent", "publisher")
    assert shown(night.after(12)) == [("node", "a", 1), ("server", "default", 2)]
    night.set([7], cause="server_conflict", side="media_server")
    assert ("camera", "7", 1) in shown(night.after(32))


def test_what_comes_back_soon_is_the_same_incident() -> None:
    night = Night(*fleet())
    night.set([3])
    (first,) = night.after(32)
    night.well([3])
    assert night.after(60) == []
    night.set([3])
    (again,) = night.after(32)
    assert (again.id, again.times, again.began, again.ended) == (first.id, 2, first.began, None)
    night.well([3])
    night.after(700)
    night.set([3])
    assert night.after(32)[0].id != first.id


def test_what_is_not_known_neither_opens_nor_ends_an_incident() -> None:
    night = Night(*fleet())
    night.set([3])
    night.after(20)
    night.set([3], "unknown", "starting", "none")
    assert night.after(60) == []
    night.set([3])
    assert shown(night.after(12)) == [("camera", "3", 1)]
    night.set([3], "unknown", "starting", "none")
    assert shown(night.after(300)) == [("camera", "3", 1)]


def test_an_incident_of_an_earlier_life_goes_on() -> None:
    night = Night(*fleet())
    night.set(range(10))
    (site,) = night.after(12)
    night.state = IncidentState(open=night.state.open)
    # The table was not read yet: nobody is there.
    cameras, night.cameras, night.complete = night.cameras, {}, False
    assert night.after(60)[0].members == site.members
    night.cameras, night.complete = cameras, True
    assert [each.id for each in night.after(60)] == [site.id]
    night.cameras = {key: each for key, each in cameras.items() if each.site != "site0"}
    assert night.after(31) == [], "removed rows are no incident"


def test_what_was_done_follows_from_the_entries() -> None:
    night = Night(*fleet())
    night.set([3])
    (incident,) = night.after(32)
    taken = incident.with_entries(
        (Entry("1", 10.0, "Ann", Deed.ACKNOWLEDGE), Entry("2", 5.0, "Bob", Deed.NOTE, "why?"))
    )
    assert [each.id for each in taken.entries] == ["2", "1"]
    assert taken.acknowledged is not None and taken.acknowledged.who == "Ann" and taken.quiet(0)
    assert taken.with_entries(taken.entries) is taken
    back = taken.with_entries((Entry("3", 11.0, "Ann", Deed.WITHDRAW),))
    assert back.acknowledged is None and not back.quiet(0)
    resting = back.with_entries((Entry("4", 12.0, "Ann", Deed.SNOOZE, until=100.0),))
    assert resting.quiet(99) and not resting.quiet(101)


CAUSES = st.sampled_from(
    [
        ("down", "unreachable", "network"),
        ("down", "auth_failed", "config"),
        ("down", "server_down", "media_server"),
        ("unknown", "node_silent", "publisher"),
        ("unknown", "starting", "none"),
        ("healthy", "", "none"),
    ]
)


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 23), max_size=24), CAUSES, st.integers(1, 40)), max_size=12),
    st.integers(1, 6),
)
def test_each_camera_belongs_to_one_incident_at_most_and_all_end(
    story: list[tuple[list[int], tuple[str, str, str], int]], per_host: int
) -> None:
    night = Night(*fleet(3, 8, per_host))
    for ids, (health, cause, side), seconds in story:
        night.set(ids, health, cause, side)
        incidents = night.after(seconds)
        homes = Counter(camera for each in incidents for camera in each.members)
        assert all(number == 1 for number in homes.values())
        for each in incidents:
            assert each.members <= each.affected and len(each.members) <= each.most <= len(each.affected)
            assert each.ended is None and each.began <= 1e9 + night.now
            assert all(night.cameras[camera].health in ("down", "unknown") for camera in each.members)
        assert len({each.bond for each in incidents}) == len(incidents)
        long_down = {key for key, since in night.state.down_since.items() if night.now - since > 31}
        assert {key for key in long_down if night.cameras[key].health == "down"} <= homes.keys()
    night.well(range(24))
    assert night.after(31) == []
    # Whatever is told of as over was told of as open before; what was part of another is part of one that was told.
    for each in night.told:
        assert each.ended is None or each.ended >= each.began
        assert not each.merged_into or each.merged_into in {other.id for other in night.told}
