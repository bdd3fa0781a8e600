"""The queue of starts: limits, order, windows that find their size, and nobody left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.admission.outcome import StartOutcome
from restream.domain.admission.pressure import Strain
from restream.domain.admission.queue import StartFigures, StartLimits, StartQueue
from restream.domain.admission.window import FORGOTTEN_AFTER_S

BUSY, SUCCEEDED, UNTOLD = StartOutcome.HOST_BUSY, StartOutcome.SUCCEEDED, StartOutcome.UNTOLD


class Desk:
    """A queue with a clock, and a memory of who was admitted."""

    def __init__(
        self, first: int, most_per_host: int | None = None, *, most: int | None = None, spacing_s: float = 0.0
    ) -> None:
        most = most or first
        self.queue = StartQueue(StartLimits(first, most, most_per_host or most, spacing_s))
        self.now = 100.0
        self.granted: list[str] = []
        self.hosts: dict[str, str] = {}
        self.retries: dict[str, bool] = {}

    def request(self, *names: str, host: str = "", priority: int = 0, retry: bool = False) -> None:
        for name in names:
            self.hosts[name] = host or name
            self.retries[name] = retry
            self.withdraw(name)
            self.queue.request(name, self.hosts[name], priority=priority, retry=retry, now=self.now)
            self.admit()

    def withdraw(self, name: str) -> None:
        if name in self.granted:
            self.granted.remove(name)

    def release(self, *names: str, outcome: StartOutcome = UNTOLD) -> None:
        for name in names:
            self.withdraw(name)
            self.queue.release(name, outcome, self.now)
            self.admit()

    def admit(self) -> None:
        self.granted += self.queue.admit(self.now)

    def pass_s(self, seconds: float) -> None:
        self.now += seconds
        self.admit()

    @property
    def figures(self) -> StartFigures:
        return self.queue.figures


def test_up_to_the_limit_at_once_and_then_one_by_one() -> None:
    desk = Desk(2)
    desk.request("a", "b", "c", "d")
    assert desk.granted == ["a", "b"]
    assert desk.figures.waiting == 2
    desk.release("a")
    assert desk.granted == ["b", "c"]
    desk.release("b", "c")
    assert desk.granted == ["d"]
    assert desk.figures.waiting == 0


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
    assert desk.figures.waiting == 2
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
    assert desk.figures.waiting == 0


def test_other_limits_count_at_once() -> None:
    desk = Desk(1, 1)
    desk.request(*"abc", host="nvr", retry=True)
    desk.queue.resize(StartLimits(8, 8, 3))
    desk.admit()
    assert desk.granted == ["a", "b"]
    desk.queue.resize(StartLimits(8, 8, 8))
    desk.admit()
    assert desk.granted == ["a", "b", "c"]


def test_a_smaller_budget_takes_nothing_away() -> None:
    desk = Desk(3)
    desk.request(*"abcde")
    desk.queue.resize(StartLimits(1, 1, 1))
    desk.admit()
    assert desk.granted == ["a", "b", "c"]
    desk.release("a", "b")
    assert desk.granted == ["c"]
    desk.release("c")
    assert desk.granted == ["d"]


def test_the_same_limits_again_forget_nothing() -> None:
    desk = Desk(8, most=100)
    desk.request(*"abcd", host="nvr")
    desk.release(*"abcd", outcome=BUSY)
    desk.queue.resize(StartLimits(8, 100, 100))
    assert desk.figures.slowed_hosts == 1


# -- windows -----------------------------------------------------------------------------------------------------------


def release_round(desk: Desk, outcome: StartOutcome) -> int:
    """Everybody who starts is over at once; how many start then."""
    over, desk.granted = desk.granted, []
    for name in over:
        desk.queue.release(name, outcome, desk.now)
    desk.pass_s(1)
    return len(desk.granted)


def numbered(count: int, prefix: str = "camera ") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def test_a_host_that_bears_it_gets_twice_as_many_each_round() -> None:
    desk = Desk(8, most=64)
    desk.request(*numbered(100), host="nvr")
    assert len(desk.granted) == 4
    assert [release_round(desk, SUCCEEDED) for _ in range(4)] == [8, 16, 32, 40]


def test_a_host_that_refuses_everything_is_asked_by_one_at_a_time() -> None:
    desk = Desk(8, most=64)
    desk.request(*numbered(20), host="nvr")
    assert [release_round(desk, BUSY) for _ in range(6)] == [2, 1, 1, 1, 1, 1]
    assert desk.figures.slowed_hosts == 1
    desk.request("elsewhere")
    assert "elsewhere" in desk.granted


def test_what_says_nothing_about_load_changes_no_window() -> None:
    desk = Desk(8, most=64)
    desk.request(*numbered(12), host="nvr")
    assert [release_round(desk, UNTOLD) for _ in range(2)] == [4, 4]
    assert desk.figures == StartFigures(waiting=0, starting=4, window=8)


def test_the_window_of_all_grows_over_many_hosts() -> None:
    desk = Desk(8, most=20)
    desk.request(*numbered(100))
    assert [release_round(desk, SUCCEEDED) for _ in range(3)] == [16, 20, 20]


@pytest.mark.parametrize(
    ("strain", "window"), [(Strain.CALM, 16), (Strain.BUSY, 9), (Strain.PRESSED, 8), (Strain.OVERLOADED, 4)]
)
def test_pressure_slows_or_stops_growth_or_halves(strain: Strain, window: int) -> None:
    desk = Desk(8, most=64)
    desk.request(*numbered(100))
    desk.queue.press(strain, desk.now)
    for _ in range(2 if strain is Strain.BUSY else 1):
        starting = release_round(desk, SUCCEEDED)
    assert starting == desk.figures.window == window


def test_the_media_server_that_breaks_down_slows_all() -> None:
    desk = Desk(8, most=64)
    desk.request(*numbered(100))
    assert release_round(desk, StartOutcome.WE_BUSY) == 4
    assert desk.figures.slowed_hosts == 0


def test_starts_are_spaced() -> None:
    desk = Desk(3, spacing_s=0.5)
    desk.request(*"abcd")
    assert desk.granted == ["a"]
    assert desk.queue.deadline == desk.now + 0.5
    desk.pass_s(0.4)
    assert desk.granted == ["a"]
    desk.pass_s(0.1)
    assert desk.granted == ["a", "b"]
    desk.pass_s(9)
    assert desk.granted == ["a", "b", "c"]


def test_cameras_that_hang_keep_only_their_host_waiting() -> None:
    desk = Desk(4, 4, most=6)
    desk.request("d1", "d2", "d3", "d4", "d5", host="dead")
    desk.request("a", "b", "c")
    assert desk.granted == ["d1", "d2", "d3", "d4"]
    assert desk.queue.deadline == desk.now + 5
    desk.pass_s(5)
    # As many in all as the limit allows; none more of the host that hangs.
    assert desk.granted == ["d1", "d2", "d3", "d4", "a", "b"]
    desk.release("a")
    assert desk.granted == ["d1", "d2", "d3", "d4", "b", "c"]
    desk.release("d1")
    assert desk.granted == ["d2", "d3", "d4", "b", "c", "d5"]


def test_what_is_slow_since_the_machine_is_busy_keeps_its_place() -> None:
    desk = Desk(2, most=6)
    desk.queue.press(Strain.BUSY, desk.now)
    desk.request(*"abc")
    desk.pass_s(60)
    assert desk.granted == ["a", "b"]
    assert desk.queue.deadline is None


def test_hosts_are_forgotten() -> None:
    desk = Desk(8, most=64)
    desk.request("lone", host="camera")
    desk.release("lone", outcome=BUSY)
    assert desk.queue.window_of("camera") is None
    desk.request(*"abcd", host="nvr")
    release_round(desk, BUSY)
    assert desk.queue.window_of("nvr") is not None
    desk.pass_s(FORGOTTEN_AFTER_S)
    desk.request("somebody")
    assert desk.queue.window_of("nvr") is None


def test_a_host_that_is_back_in_time_is_remembered() -> None:
    desk = Desk(8, most=64)
    desk.request(*"abcd", host="nvr")
    release_round(desk, BUSY)
    desk.pass_s(FORGOTTEN_AFTER_S - 10)
    desk.request(*"abcd", host="nvr")
    assert len(desk.granted) == 2


def test_a_host_that_is_back_is_not_forgotten_while_it_starts() -> None:
    desk = Desk(8, most=64)
    desk.request(*"abcd", host="nvr")
    release_round(desk, BUSY)
    desk.request(*"ab", host="nvr")
    desk.pass_s(2 * FORGOTTEN_AFTER_S)
    desk.request("somebody")
    assert desk.queue.window_of("nvr") is not None
    desk.release(*"ab")
    assert desk.figures == StartFigures(starting=1, window=8, slowed_hosts=1)


def test_a_window_that_has_rested_begins_small_again() -> None:
    desk = Desk(8, most=64)
    desk.request(*numbered(28), host="nvr")
    assert [release_round(desk, SUCCEEDED) for _ in range(3)] == [8, 16, 0]
    desk.pass_s(250)
    desk.request(*numbered(40), host="nvr")
    assert len(desk.granted) == 4
    desk.request(*numbered(40, "elsewhere "))
    assert len(desk.granted) == 8


REQUESTS = st.tuples(
    st.just("request"), st.integers(0, 11), st.integers(0, 2), st.sampled_from([-1, 0, 1]), st.booleans()
)
RELEASES = st.tuples(st.just("release"), st.integers(0, 11), st.integers(0, 3), st.just(0), st.just(False))
PRESSES = st.tuples(st.just("press"), st.integers(0, 3), st.just(0), st.just(0), st.just(False))
OUTCOMES = list(StartOutcome)


@given(
    st.integers(1, 9),
    st.integers(1, 12),
    st.none() | st.integers(1, 5),
    st.lists(st.tuples(REQUESTS | RELEASES | PRESSES, st.sampled_from([0.0, 0.0, 1.0, 6.0, 70.0, 700.0])), max_size=80),
)
def test_limits_hold_and_everybody_gets_a_turn(
    first: int, most: int, per_host: int | None, steps: list[tuple[tuple[str, int, int, int, bool], float]]
) -> None:
    desk = Desk(first, per_host, most=most)
    wanted: set[str] = set()

    def check() -> None:
        assert len(desk.granted) == len(set(desk.granted)) <= most
        for host in set(desk.hosts.values()):
            mine = [name for name in desk.granted if desk.hosts[name] == host]
            assert per_host is None or len(mine) <= per_host
        assert set(desk.granted) <= wanted
        assert 1 <= desk.figures.window <= most
        assert (desk.figures.waiting, desk.figures.starting) == (len(wanted) - len(desk.granted), len(desk.granted))
        assert all(desk.queue.holds(name) is (name in desk.granted) for name in wanted)
        # Work goes on: nobody waits in front of a desk that is empty.
        assert desk.granted or not wanted
        assert desk.queue.idle is not bool(wanted)

    for (action, number, other, priority, retry), passed_s in steps:
        desk.pass_s(passed_s)
        name = f"camera {number}"
        match action:
            case "request":
                wanted.add(name)
                desk.request(name, host=f"host {other}", priority=priority, retry=retry)
            case "release":
                wanted.discard(name)
                desk.release(name, outcome=OUTCOMES[other])
            case "press":
                desk.queue.press(Strain(number), desk.now)
                desk.admit()
        check()
    while wanted:
        served = desk.granted[0]
        wanted.discard(served)
        desk.release(served)
        check()
    desk.pass_s(FORGOTTEN_AFTER_S)
    desk.request("last")
    assert all(desk.queue.window_of(f"host {number}") is None for number in range(3))


@given(st.lists(st.tuples(st.integers(-2, 2), st.booleans(), st.integers(0, 3)), min_size=1, max_size=30))
def test_one_after_the_other_in_order_over_all_hosts(cameras: list[tuple[int, bool, int]]) -> None:
    desk = Desk(1)
    desk.request("first")
    ranks = {}
    for number, (priority, retry, host) in enumerate(cameras):
        name = f"camera {number}"
        ranks[name] = (-priority, retry, number)
        desk.request(name, host=f"host {host}", priority=priority, retry=retry)
    order = []
    desk.release("first")
    while desk.granted:
        order += desk.granted
        desk.release(*list(desk.granted))
    assert order == sorted(ranks, key=ranks.__getitem__)


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=8), max_size=30), st.integers(1, 40))
def test_no_host_gets_more_than_its_window_nor_one_that_refuses_more_than_one(
    bears: list[list[bool]], cameras: int
) -> None:
    """Whatever it bore before, after six rounds of refusals one is asked at a time."""
    desk = Desk(8, most=32)
    desk.request(*numbered(cameras), host="nvr")
    again = 0
    for bore in [*bears, *([[False]] * 6)]:
        window = desk.queue.window_of("nvr")
        assert window is not None
        assert len(desk.granted) <= window.places
        over, desk.granted = desk.granted, []
        for number, name in enumerate(over):
            desk.queue.release(name, SUCCEEDED if bore[number % len(bore)] else BUSY, desk.now)
            again += 1
            desk.queue.request(f"again {again}", "nvr", priority=0, retry=True, now=desk.now)
        desk.pass_s(1)
    assert len(desk.granted) == 1
