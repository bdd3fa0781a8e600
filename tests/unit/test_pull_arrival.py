"""When the media server has bytes of a camera that it fetches: by a counter that moves, and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from restream.adapters.pull.arrival import seen_moving
from restream.adapters.pull.media_server import ServerCallError
from restream.domain.server.mediamtx import PathObservation


def path(count: int, *, source: str | None = "rtspSource", key: str | None = None) -> PathObservation:
    live = source is not None
    return PathObservation("cam1", live, source, key, inbound_bytes=count, online=live)


ABSENT = None
WAITING = path(0)._replace(available=False)


class ScriptedPaths:
    """What is answered, one after the other."""

    def __init__(self, answers: Sequence[PathObservation | ServerCallError | None]) -> None:
        self.answers = list(answers)

    async def path(self, name: str) -> PathObservation | None:
        answer = self.answers.pop(0)
        if isinstance(answer, ServerCallError):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("answers", "moves"),
    [
        ([path(0), path(900)], True),
        ([path(500), path(900)], True),
        ([ABSENT, WAITING, path(0), path(0), path(1)], True),
        # The counter of a path with `alwaysAvailable` is of others, too.
        ([path(500), path(500), path(500)], False),
        ([path(500, source=None), path(900, source=None)], False),
        ([path(500, source=None), path(900), path(900)], False),
        # Somebody else's, or a new life of it.
        ([path(500, key="a"), path(900, key="b")], False),
        ([path(900), path(500)], False),
        ([path(900), ABSENT, path(950)], False),
        ([path(500), WAITING, path(900)], False),
        ([path(500), ServerCallError("HTTP 500"), path(900)], False),
        ([ABSENT, ABSENT], False),
    ],
)
async def test_only_a_counter_that_moves_is_an_arrival(
    answers: list[PathObservation | ServerCallError | None], moves: bool
) -> None:
    server = ScriptedPaths(answers)
    assert await seen_moving(server, "cam1", [0.0] * len(answers)) is moves


async def test_nobody_is_asked_once_it_is_known() -> None:
    server = ScriptedPaths([path(1), path(2), path(3)])
    assert await seen_moving(server, "cam1", [0.0] * 3)
    assert len(server.answers) == 1
