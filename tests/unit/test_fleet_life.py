"""A life of ten nodes and 300 cameras in virtual time; `python -m bench fleet_life` is the large one."""

from __future__ import annotations

import pytest
from bench.fleet_life import CHAPTERS, live

from restream.domain.fleet.fencing import Fence


@pytest.mark.parametrize("fence", list(Fence))
def test_no_camera_has_two_publishers_and_all_come_back(fence: Fence) -> None:
    chapters = {each["chapter"]: each for each in live(10, 300, fence, 1, lambda _: None)["chapters"]}
    assert chapters.keys() == {name for name, _, _ in CHAPTERS}
    for name, chapter in chapters.items():
        # What no fence can prevent: a service that is frozen ends nothing (docs/nodes.md).
        frozen = fence is Fence.TIME and name == "nodes frozen for 40 s"
        assert bool(chapter["collisions"]) == frozen, chapter
        assert all(kind.startswith("frozen owner") for kind in chapter["collisions"]), chapter
        assert not chapter["still_down"], chapter
    assert chapters["hosts die"]["down_s"]["host lost"]["max"] < 30
    away = chapters["database away for 300 s"]["down_s"]
    assert ("lease ran out" in away) == (fence is Fence.TIME), "a database that is away stops no stream"
