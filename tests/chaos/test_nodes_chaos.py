"""Whatever befalls several nodes over one table, each camera has one of them. See docs/chaos.md."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import aiohttp
import pytest

from restream.demo.embedded import postgres_binaries, redis_binary
from restream.demo.mediamtx import find_mediamtx
from tests.chaos.nodes_faults import NODE_FAULTS
from tests.chaos.nodes_onlooker import FleetOnlooker
from tests.chaos.nodes_run import SHORT_OUTAGE_S, Loss, NodesRun
from tests.chaos.nodes_world import NodesWorld
from tests.chaos.schedule import rounds
from tests.conftest import needs

pytestmark = [pytest.mark.usefixtures("ffmpeg"), pytest.mark.timeout(0)]

# For the start, what is measured first, and the round that has begun when time is up.
_SPARE_S = 720.0
# What a night's maintenance of a database takes, where there is time to wait for it.
_LONG_OUTAGE_S = 300.0
_LONG_MINUTES = 5.0
_ANSWER_S = 3.0
_SHOWN_LINES = 60


@pytest.mark.parametrize("server", ["stand-in", "mediamtx"])
async def test_every_camera_has_one_node(
    request: pytest.FixtureRequest, tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    needs(request.config, postgres_binaries(), "PostgreSQL")
    needs(request.config, redis_binary(), "Redis")
    if server == "mediamtx" and find_mediamtx() is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    given = request.config.getoption("--seed")
    seed = random.SystemRandom().getrandbits(32) if given is None else int(given)
    minutes = float(request.config.getoption("--minutes"))
    with capsys.disabled():
        print(f"\nchaos over nodes on {server}: --seed {seed} --minutes {minutes:g}")
    async with (
        asyncio.timeout(minutes * 60 + _SPARE_S),
        NodesWorld(tmp_path, server).open() as world,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S)) as session,
    ):
        # A host that is suspended takes half a minute to be missed, and as long to be whole again.
        losses = (Loss.KILLED,) if minutes < 1 else tuple(Loss)
        outage_s = _LONG_OUTAGE_S if minutes >= _LONG_MINUTES else SHORT_OUTAGE_S
        run = NodesRun(world, FleetOnlooker(world, session), losses, outage_s)
        await run.through(rounds(seed, NODE_FAULTS), minutes * 60)
    if run.found:
        diary = "\n".join(run.diary[-_SHOWN_LINES:])
        report = f"{run.contradictions}\n\n{diary}\n\n{run.summary}"
        pytest.fail(f"{report}; repeat with --seed {seed}; logs in {tmp_path}", pytrace=False)
    with capsys.disabled():
        print(run.summary)
