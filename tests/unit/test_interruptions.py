"""What the benchmarks call the end of an interruption."""

from bench.interruptions import Movements, spread
from bench.outside import Arrival


def looks(*arrivals: tuple[float, str, int]) -> Movements:
    movements = Movements(0.5)
    for now, source, count in arrivals:
        movements.see({"cam1": Arrival(source, count)} if source else {}, now)
    return movements


FLOWING = ((0.0, "a", 0), (0.1, "a", 10), (0.2, "a", 20))


def test_pictures_are_back_with_the_first_byte_after_a_pause() -> None:
    movements = looks(*FLOWING, (0.3, "a", 20), (2.0, "a", 20), (2.1, "a", 30))
    assert movements.back_after("cam1", 0.2, 2.2) is None, "it may have been the last one"
    movements.see({"cam1": Arrival("a", 40)}, 2.5)
    movements.see({"cam1": Arrival("a", 50)}, 2.7)
    assert movements.back_after("cam1", 0.2, 2.8) == 2.1 - 0.2


def test_what_a_publisher_sends_as_it_ends_is_no_return() -> None:
    movements = looks(
        *FLOWING, (1.0, "a", 20), (5.0, "a", 30), (6.0, "", 0), *((10 + step / 10, "b", step) for step in range(20))
    )
    assert movements.back_after("cam1", 0.2, 12.0) == 10.1 - 0.2


def test_a_publisher_that_has_come_is_no_picture_yet() -> None:
    movements = looks(*FLOWING, (1.0, "", 0), (2.0, "b", 500), (3.0, "b", 500))
    assert movements.back_after("cam1", 0.2, 3.1) is None
    for step in range(10):
        movements.see({"cam1": Arrival("b", 501 + step)}, 3.5 + step / 10)
    assert movements.back_after("cam1", 0.2, 4.5) == 3.5 - 0.2


def test_who_stands_still_is_not_back() -> None:
    movements = looks(*FLOWING, *((0.3 + step, "a", 20) for step in range(60)))
    assert movements.back_after("cam1", 0.2, 60.0) is None
    assert movements.flowing() == 0


def test_a_pause_that_nobody_notices_took_as_long_as_one_that_somebody_might() -> None:
    movements = looks(*((step / 10, "a", step) for step in range(50)))
    assert movements.back_after("cam1", 1.0, 1.3) is None, "it may still come"
    assert movements.back_after("cam1", 1.0, 4.9) == 0.5
    assert movements.flowing() == 1


def test_a_pause_before_the_fault_is_not_of_it() -> None:
    movements = looks(*FLOWING, (1.0, "a", 20), (1.5, "a", 30), (1.6, "a", 40), (1.7, "a", 40))
    assert movements.back_after("cam1", 1.6, 1.8) is None


def test_a_look_that_comes_late_is_no_pause() -> None:
    movements = looks(*FLOWING, (3.0, "a", 500), *((3 + step / 10, "a", 500 + step) for step in range(1, 50)))
    assert movements.back_after("cam1", 0.25, 7.9) == 0.5
    assert movements.flowing() == 1


def test_those_who_never_come_back_are_counted_apart() -> None:
    assert spread([1.0, 2.0, None, 9.0]) == {"p50": 2.0, "p99": 8.9, "worst": 9.0, "never": 1}
    assert spread([None]) == {"p50": None, "p99": None, "worst": None, "never": 1}
    assert spread([1.0])["p99"] == 1.0


def test_what_is_still_under_way_does_not_stand_still() -> None:
    movements = looks(*((step / 10, "a", step) for step in range(50)))
    assert movements.still_since("cam1", 1.0, 5.0) is None
    assert movements.still_since("cam1", 1.0, 7.0) is None, "it may be a hiccup"
    assert movements.still_since("cam1", 1.0, 8.0) == 4.9
    for now, count in ((5.5, 49), (6.0, 60), (6.5, 60), (10.0, 70)):
        movements.see({"cam1": Arrival("a", count)}, now)
    assert movements.still_since("cam1", 1.0, 10.1) == 6.0, "it did"
    assert movements.still_since("cam1", 6.5, 10.1) is None
