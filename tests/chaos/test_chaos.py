"""Whatever befalls it, the service tells no lies meanwhile, and every camera is back afterwards. See docs/chaos.md."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import aiohttp
import pytest

from restream.demo.embedded import postgres_binaries, redis_binary
from restream.demo.mediamtx import find_mediamtx
from tests.chaos.faults import FAULTS
from tests.chaos.onlooker import Onlooker
from tests.chaos.run import Run
from tests.chaos.schedule import rounds
from tests.chaos.servers import MediaServer
from tests.chaos.surroundings import may
from tests.chaos.world import World
from tests.conftest import needs

pytestmark = [pytest.mark.usefixtures("ffmpeg"), pytest.mark.timeout(0)]

# For the start, and for the round that has begun when time is up.
_SPARE_S = 240.0
_ANSWER_S = 3.0
_SHOWN_LINES = 60


@pytest.fixture(params=["stand-in", "mediamtx"])
def chaos_server(request: pytest.FixtureRequest) -> MediaServer:
    needs(request.config, postgres_binaries(), "PostgreSQL")
    needs(request.config, redis_binary(), "Redis")
    if request.param == "mediamtx" and find_mediamtx() is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    return MediaServer(request.param)


@pytest.mark.parametrize("what", sorted({fault.needs for fault in FAULTS if fault.needs}))
def test_this_machine_permits(what: str) -> None:
    if not may(what):
        pytest.skip(f"a {what} needs root and namespaces: the chaos below goes without")


async def test_the_service_always_recovers(
    request: pytest.FixtureRequest, tmp_path: Path, chaos_server: MediaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    given = request.config.getoption("--seed")
    seed = random.SystemRandom().getrandbits(32) if given is None else int(given)
    minutes = float(request.config.getoption("--minutes"))
    with capsys.disabled():
        print(f"\nchaos on {chaos_server.server.name}: --seed {seed} --minutes {minutes:g}")
    async with (
        asyncio.timeout(minutes * 60 + _SPARE_S),
        World(tmp_path, chaos_server).open() as world,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S)) as session,
    ):
        run = Run(world, Onlooker(world, session))
        await run.through(rounds(seed, FAULTS), minutes * 60)
    if run.found:
        diary = "\n".join(run.diary[-_SHOWN_LINES:])
        report = f"{run.contradictions}\n\n{diary}\n\n{run.summary}"
        pytest.fail(f"{report}; repeat with --seed {seed}; logs in {tmp_path}", pytrace=False)
    with capsys.disabled():
        print(run.summary)
