"""What all tests share. Real servers are started once a run; each test has a database of its own."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from restream.config.places import ROOT
from restream.demo.embedded import embedded_redis, postgres_binaries, redis_binary
from restream.demo.mediamtx import find_mediamtx
from tests.support.servers import RealMediamtx, StandIn, TestServer
from tests.support.service import QUICK

# Property tests: the same on a slow and on a busy machine, with other examples each time; what fails is remembered.
# `--hypothesis-profile thorough` looks longer.
for _profile, _examples in (("quick", 25), ("usual", 100), ("thorough", 1000)):
    settings.register_profile(
        _profile, max_examples=_examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("quick")

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-services", action="store_true", help="fail, not skip, when PostgreSQL or ffmpeg is missing"
    )
    parser.addoption(
        "--every-installation", action="store_true", help="wheel and checkout on each Debian, not on one of them"
    )
    parser.addoption("--ffmpeg", metavar="PATH", help="run the service with this build instead of the one on PATH")
    parser.addoption("--ffprobe", metavar="PATH", help="likewise")
    parser.addoption("--engine", metavar="NAME", help="run the service with this engine instead of its default")
    parser.addoption(
        "--outage", type=float, default=4.0, metavar="SECONDS", help="how long the outages of the fault matrix last"
    )
    parser.addoption("--seed", type=int, metavar="N", help="repeat the chaos of an earlier run")
    parser.addoption("--minutes", type=float, default=0.5, metavar="M", help="how long chaos reigns, per media server")


def pytest_configure(config: pytest.Config) -> None:
    for option, key in (("--ffmpeg", "BINARY"), ("--ffprobe", "PROBE_BINARY")):
        if config.getoption(option):
            QUICK[f"RESTREAM_FFMPEG__{key}"] = config.getoption(option)
    if config.getoption("--engine"):
        QUICK["RESTREAM_CAMERAS__ENGINE"] = config.getoption("--engine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Outages last as long as they were asked to."""
    for item in items:
        if "outage_s" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(90 + 8 * config.getoption("--outage")))


def needs(config: pytest.Config, present: object, what: str) -> None:
    """Skip, or fail where services are required, without it."""
    if present:
        return
    if config.getoption("--require-services"):
        pytest.fail(f"{what} is missing, and --require-services is given")
    pytest.skip(f"{what} is not installed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("program"):
        for name in mark.args:
            needs(item.config, shutil.which(name), name)


@pytest.fixture(autouse=True)
def _child_watcher() -> Iterator[None]:
    """What a command of the program sets for its own process does not outlast its test."""
    if sys.version_info >= (3, 12):
        yield
        return
    before = asyncio.get_child_watcher()
    yield
    if asyncio.get_child_watcher() is not before:
        asyncio.set_child_watcher(before)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """DSN of a real PostgreSQL, in a process of its own for the whole run."""
    needs(request.config, postgres_binaries(), "PostgreSQL")
    arguments = [sys.executable, "-m", "restream.demo.embedded"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        dsn = process.stdout.readline().strip()
        assert dsn, "PostgreSQL does not start"
        yield dsn
        process.terminate()
        assert process.wait(20) == 0


@pytest.fixture
def outage_s(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--outage"))


@pytest.fixture
def ffmpeg(request: pytest.FixtureRequest) -> str:
    needs(request.config, shutil.which("ffmpeg") and shutil.which("ffprobe"), "ffmpeg")
    return "ffmpeg"


@pytest.fixture
async def dsn(postgres: str) -> AsyncIterator[str]:
    """DSN of an empty database, dropped afterwards."""
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(postgres)
    await admin.execute(f"CREATE DATABASE {name}")
    yield postgres.rpartition("/")[0] + f"/{name}"
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection to a database with the full schema."""
    connection = await asyncpg.connect(dsn)
    await connection.execute((ROOT / "etc" / "schema.sql").read_text(encoding="utf-8"))
    yield connection
    await connection.close()


@pytest.fixture
async def redis_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """URL of an empty Redis."""
    needs(request.config, redis_binary(), "Redis")
    async with embedded_redis() as url:
        yield url


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    server = StandIn()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def mediamtx() -> AsyncIterator[RealMediamtx]:
    if find_mediamtx() is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    server = RealMediamtx()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=["stand-in", "mediamtx"])
def media_server(request: pytest.FixtureRequest) -> TestServer:
    """Both media servers, one after the other."""
    return request.getfixturevalue("stand_in" if request.param == "stand-in" else "mediamtx")
