"""The table of behaviours: every name makes a camera that can be talked to."""

import re

import pytest

from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.camera_faults import BEHAVIOURS_OF_FAULTS, Fault
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import CLIPS, Clip
from tests.support.camera_dialogue import Dialogue


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_a_named_behaviour_differs_from_an_ordinary_camera(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_]+", name)
    ordinary = Behaviour()
    for behaviour in BEHAVIOURS[name]:
        hooks = [hook for hook in vars(Behaviour) if not hook.startswith("_")]
        assert any(getattr(type(behaviour), hook) is not getattr(type(ordinary), hook) for hook in hooks)
        assert isinstance(hash(behaviour), int), "a value"


@pytest.mark.parametrize("name", BEHAVIOURS)
@pytest.mark.parametrize("clip", CLIPS)
async def test_a_whole_dialogue_is_answered(name: str, clip: str) -> None:
    talk = Dialogue(SimulatedCamera(Clip.load(clip), behaviours=BEHAVIOURS[name]))
    for method in ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN"):
        assert b"RTSP/1.0 " in talk.raw(method, 0 if method == "SETUP" and name != "no_controls" else None)
        if talk.closed:
            break
    talk.leave()
    assert talk.session.playback is None


def test_every_fault_is_made_of_behaviours_or_befalls_connections() -> None:
    assert set(Fault) - BEHAVIOURS_OF_FAULTS.keys() == {Fault.NONE, Fault.REFUSE, Fault.DROP, Fault.RESET}
