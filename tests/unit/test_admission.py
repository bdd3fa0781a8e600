"""The budget for starts: limits, order, and nobody left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.supervisor.cameras.admission import Admission


class Desk:
    """Admission with a memory of who was granted a slot."""

    def __init__(self, max_starting: int, max_per_host: int | None = None) -> None:
        self.admission = Admission(max_starting, max_per_host)
        self.granted: list[str] = []
        self.hosts: dict[str, str] = {}
        self.retries: dict[str, bool] = {}

    def request(self, *names: str, host: str = "", priority: int = 0, retry: bool = False) -> None:
        for name in names:
            self.hosts[name] = host or name
            self.retries[name] = retry
            self.withdraw(name)
            self.admission.request(
                name,
                self.hosts[name],
                priority=priority,
                retry=retry,
                grant=lambda name=name: self.granted.append(name),
            )

    def withdraw(self, name: str) -> None:
        if name in self.granted:
            self.granted.remove(name)

    def release(self, *names: str) -> None:
        for name in names:
            self.withdraw(name)
            self.admission.release(name)


def test_up_to_the_limit_at_once_and_then_one_by_one() -> None:
    desk = Desk(2)
    desk.request("a", "b", "c", "d")
    assert desk.granted == ["a", "b"]
    assert desk.admission.queue_length == 2
    desk.release("a")
    assert desk.granted == ["b", "c"]
    desk.release("b", "c")
    assert desk.granted == ["d"]
    assert desk.admission.queue_length == 0


def test_higher_priority_first_then_first_tries_then_order_of_arrival() -> None:
    desk = Desk(1)
    desk.request("first")
    desk.request("late retry", retry=True)
    desk.request("early")
    desk.request("late")
    desk.request("urgent retry", priority=5, retry=True)
    desk.request("unimportant", priority=-5)
    order = []
    while desk.granted:
        order += desk.granted
        desk.release(*desk.granted)
    assert order == ["first", "urgent retry", "early", "late", "late retry", "unimportant"]


def test_a_host_that_is_full_does_not_hold_the_others_up() -> None:
    desk = Desk(8, 2)
    desk.request("a1", "a2", "a3", "a4", host="nvr")
    desk.request("b")
    assert desk.granted == ["a1", "a2", "b"]
    desk.release("b")
    assert desk.granted == ["a1", "a2"]
    desk.release("a1")
    assert desk.granted == ["a2", "a3"]


def test_repeated_tries_cannot_take_the_last_quarter() -> None:
    desk = Desk(8)
    desk.request(*"abcdefgh", retry=True)
    assert desk.granted == list("abcdef")
    desk.request("new", "newer", "newest")
    assert desk.granted == [*"abcdef", "new", "newer"]
    desk.release("a")
    assert desk.granted[-1] == "newest"
    desk.release("new")
    assert desk.granted[-1] == "g"


def test_repeated_tries_cannot_take_the_last_place_of_a_host() -> None:
    desk = Desk(100, 4)
    desk.request(*"abcd", host="nvr", retry=True)
    assert desk.granted == list("abc")
    desk.request("new", host="nvr")
    assert desk.granted == [*"abc", "new"]
    desk.release("a")
    assert desk.granted == [*"bc", "new", "d"]


@pytest.mark.parametrize("limit", [1, 2])
def test_a_small_budget_still_serves_repeated_tries(limit: int) -> None:
    desk = Desk(limit, limit)
    desk.request("a", host="nvr", retry=True)
    assert desk.granted == ["a"]


def test_a_new_request_replaces_the_old_one() -> None:
    desk = Desk(1)
    desk.request("a", "b", "b", "c")
    assert desk.admission.queue_length == 2
    desk.request("a")
    assert desk.granted == ["b"]
    desk.release("b")
    assert desk.granted == ["c"]
    desk.release("c")
    assert desk.granted == ["a"]


def test_a_request_that_is_withdrawn_is_never_granted() -> None:
    desk = Desk(1)
    desk.request("a", "b", "c")
    desk.release("b")
    desk.release("a")
    assert desk.granted == ["c"]
    desk.release("nobody")
    desk.release("c", "c")
    assert desk.admission.queue_length == 0


def test_a_larger_budget_counts_at_once() -> None:
    desk = Desk(1, 1)
    desk.request(*"abc", host="nvr", retry=True)
    desk.admission.resize(8, 3)
    assert desk.granted == ["a", "b"]
    desk.admission.resize(8, None)
    assert desk.granted == ["a", "b", "c"]


def test_a_smaller_budget_takes_nothing_away() -> None:
    desk = Desk(3)
    desk.request(*"abcde")
    desk.admission.resize(1, None)
    assert desk.granted == ["a", "b", "c"]
    desk.release("a", "b")
    assert desk.granted == ["c"]
    desk.release("c")
    assert desk.granted == ["d"]


REQUESTS = st.tuples(
    st.just("request"), st.integers(0, 11), st.integers(0, 2), st.sampled_from([-1, 0, 1]), st.booleans()
)
RELEASES = st.tuples(st.just("release"), st.integers(0, 11), st.just(0), st.just(0), st.just(False))


@given(
    st.integers(1, 9),
    st.none() | st.integers(1, 5),
    st.lists(REQUESTS | RELEASES, max_size=80),
)
def test_limits_hold_and_everybody_gets_a_turn(
    max_starting: int, max_per_host: int | None, actions: list[tuple[str, int, int, int, bool]]
) -> None:
    desk = Desk(max_starting, max_per_host)
    wanted: set[str] = set()

    def check() -> None:
        assert len(desk.granted) == len(set(desk.granted)) <= max_starting
        for host in {desk.hosts[name] for name in desk.granted}:
            mine = [name for name in desk.granted if desk.hosts[name] == host]
            assert max_per_host is None or len(mine) <= max_per_host
        retries = sum(desk.retries[name] for name in desk.granted)
        assert retries <= max(1, max_starting - max(1, max_starting // 4))
        assert set(desk.granted) <= wanted
        assert desk.admission.queue_length == len(wanted) - len(desk.granted)
        # Work goes on: nobody waits in front of a desk that is empty.
        assert desk.granted or not wanted

    for action, number, host, priority, retry in actions:
        name = f"camera {number}"
        if action == "request":
            wanted.add(name)
            desk.request(name, host=f"host {host}", priority=priority, retry=retry)
        else:
            wanted.discard(name)
            desk.release(name)
        check()
    while wanted:
        served = desk.granted[0]
        wanted.discard(served)
        desk.release(served)
        check()
