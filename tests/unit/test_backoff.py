"""How long to wait before the next try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.life.backoff import RestartPolicy

POLICY = RestartPolicy()
MIDDLE = 0.5


@pytest.mark.parametrize(
    ("failures", "delay_s"),
    [(0, 0.5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (8, 300), (100_000, 300)],
)
def test_the_ladder(failures: int, delay_s: float) -> None:
    assert POLICY.delay_s(failures, MIDDLE) == pytest.approx(delay_s)


@pytest.mark.parametrize(("failures", "delay_s"), [(0, 0.5), (1, 80), (2, 160), (3, 300), (4, 300)])
def test_slow_causes_begin_further_up(failures: int, delay_s: float) -> None:
    assert POLICY.delay_s(failures, MIDDLE, slow=True) == pytest.approx(delay_s)


def test_jitter_comes_after_the_cap() -> None:
    assert POLICY.delay_s(50, 0.0) == pytest.approx(240)
    assert POLICY.delay_s(50, 1.0) == pytest.approx(360)
    assert POLICY.held_delay_s(0.0) == pytest.approx(720)
    assert POLICY.held_delay_s(1.0) == pytest.approx(1080)


def test_a_factor_of_one_is_a_constant_delay() -> None:
    policy = RestartPolicy(base_s=7, factor=1, jitter=0)
    assert {policy.delay_s(failures, 0.3) for failures in range(1, 20)} == {7}


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True), st.booleans())
def test_every_delay_is_within_its_limits(failures: int, draw: float, slow: bool) -> None:
    delay_s = POLICY.delay_s(failures, draw, slow=slow)
    assert 0 < delay_s <= POLICY.max_s * (1 + POLICY.jitter)
    middle_s = POLICY.delay_s(failures, MIDDLE, slow=slow)
    assert middle_s * 0.8 - 1e-9 <= delay_s <= middle_s * 1.2 + 1e-9


@given(st.integers(0, 1000), st.booleans())
def test_more_failures_never_wait_shorter(failures: int, slow: bool) -> None:
    assert POLICY.delay_s(failures, MIDDLE, slow=slow) <= POLICY.delay_s(failures + 1, MIDDLE, slow=slow)
