"""What a new reading of the table means for the cameras that are supervised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.camera import Camera
from restream.domain.camera.reconcile import Changes, reconcile
from tests.unit.fakes import camera


def by_id(*cameras: Camera) -> dict[str, Camera]:
    return {each.id: each for each in cameras}


@pytest.mark.parametrize(
    ("current", "wanted", "changes"),
    [
        ([], [], Changes()),
        ([], [camera(1)], Changes(started=(camera(1),))),
        ([], [camera(1, enabled=False)], Changes()),
        ([camera(1)], [], Changes(stopped=("1",))),
        ([camera(1)], [camera(1, enabled=False)], Changes(stopped=("1",))),
        ([camera(1)], [camera(1)], Changes()),
        ([camera(1)], [camera(1, link="10.9.9.9")], Changes(restarted=(camera(1, link="10.9.9.9"),))),
        ([camera(1)], [camera(1, name="New")], Changes(updated=(camera(1, name="New"),))),
        (
            [camera(1)],
            [camera(1, name="New", password="new")],
            Changes(restarted=(camera(1, name="New", password="new"),)),
        ),
        ([camera(1)], [camera(2)], Changes(started=(camera(2),), stopped=("1",))),
    ],
)
def test_changes(current: list[Camera], wanted: list[Camera], changes: Changes) -> None:
    assert reconcile(by_id(*current), wanted) == changes
    assert bool(changes) is (changes != Changes())


CAMERAS = st.lists(
    st.builds(camera, st.integers(1, 6), channel=st.integers(0, 2), name=st.sampled_from("ab"), enabled=st.booleans()),
    unique_by=lambda each: each.id,
)


@given(CAMERAS, CAMERAS)
def test_following_the_changes_leads_to_what_is_wanted(before: list[Camera], wanted: list[Camera]) -> None:
    current = by_id(*before)
    changes = reconcile(current, wanted)
    for camera_id in changes.stopped:
        del current[camera_id]
    for each in changes.started:
        assert each.id not in current
        current[each.id] = each
    for each in (*changes.restarted, *changes.updated):
        assert each.id in current
        current[each.id] = each
    assert current == by_id(*(each for each in wanted if each.enabled))
    assert not reconcile(current, wanted)
