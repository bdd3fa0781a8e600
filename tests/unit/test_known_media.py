"""What cameras send outlives the service, and spares them the next probe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping

from restream.domain.engine import Media
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.known_media import KnownMedia, asked_for
from restream.domain.life.cause import Side
from restream.domain.life.lifecycle import Phase, State
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.status import ServiceFacts, status
from restream.ports.outlets import SinkError
from restream.supervisor.loops import Loops
from restream.supervisor.outlets.media_keeper import MediaKeeper
from tests.unit.fakes import VIDEO, WITH_AUDIO, Stage, camera, virtual


class Memory:
    """Keeps what it is given, unless it is away."""

    name = "memory"

    def __init__(self) -> None:
        self.kept: dict[str, KnownMedia] = {}
        self.away = self.hangs = False
        self.saves = 0

    async def load(self) -> Mapping[str, KnownMedia]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.away:
            raise SinkError("connection refused")
        return dict(self.kept)

    async def save(self, changed: Mapping[str, KnownMedia], removed: Collection[str]) -> None:
        if self.away:
            raise SinkError("connection refused")
        self.saves += 1
        self.kept.update(changed)
        for each in removed:
            del self.kept[each]

    async def close(self) -> None:
        pass


def rendering(*statuses: CameraStatus, table_read: bool = True) -> Rendering:
    healthy = Verdict(Health.HEALTHY, Side.NONE)
    reports = {each.camera.id: Report(each, healthy, 0.0) for each in statuses}
    snapshot = Snapshot(1, time.time(), 0.0, reports, table_read=table_read)
    return Rendering(snapshot, status(ServiceFacts("n", "1", "0", 0.0, 2.0), snapshot, ()))


def running(number: int, phase: Phase = Phase.RUNNING) -> CameraStatus:
    return CameraStatus(camera(number), State(phase, 0.0, media=WITH_AUDIO), None, None)


@virtual
async def test_a_restart_of_the_service_probes_nobody_whose_row_asks_for_the_same() -> None:
    stage = Stage()
    rows = [camera(number) for number in (1, 2, 3)]
    known = {row.id: KnownMedia(WITH_AUDIO, asked_for(row)) for row in rows[:2]}
    stage.supervisor.know({**known, "2": known["2"]._replace(asked="something else")})
    stage.want(*rows)
    await asyncio.sleep(5)
    assert [stage.phase(number) for number in (1, 2, 3)] == [Phase.RUNNING] * 3
    assert stage.prober.probes == {"10.0.0.2": 1, "10.0.0.3": 1}


@virtual
async def test_what_is_known_and_brings_nothing_is_probed_anew() -> None:
    stage = Stage()
    row = camera(1)
    stage.supervisor.know({"1": KnownMedia(Media(VIDEO), asked_for(row))})
    stage.publisher.frozen = True
    stage.want(row)
    await asyncio.sleep(120)
    assert stage.prober.probes["10.0.0.1"] >= 1


def test_a_new_password_asks_for_the_same_and_another_stream_does_not() -> None:
    row = camera(1)
    assert asked_for(camera(1, password="another")) == asked_for(row)
    for other in (camera(1, channel=7), camera(1, options={"audio": "none"}), camera(1, link="10.9.9.9")):
        assert asked_for(other) != asked_for(row)


@virtual
async def test_only_what_runs_is_written_and_only_when_it_is_new() -> None:
    memory = Memory()
    keeper = MediaKeeper(memory)
    async with Loops() as loops:
        loops.start("media", keeper.run)
        for _ in range(3):
            keeper.publish(rendering(running(1), running(2, Phase.STARTING)))
            await asyncio.sleep(10)
        assert (set(memory.kept), memory.saves) == ({"1"}, 1)
        keeper.publish(rendering(running(2), table_read=False))
        await asyncio.sleep(10)
        assert set(memory.kept) == {"1", "2"}, "a table that was not read has deleted nobody"
        keeper.publish(rendering(running(2)))
        await asyncio.sleep(10)
        assert set(memory.kept) == {"2"}


@virtual
async def test_a_memory_that_is_away_delays_the_start_for_two_seconds_at_most_and_gets_what_it_missed() -> None:
    memory = Memory()
    keeper = MediaKeeper(memory)
    loop = asyncio.get_running_loop()
    for memory.hangs, memory.away in ((True, False), (False, True)):
        began = loop.time()
        assert await keeper.recall() == {}
        assert loop.time() - began <= 2.0
    async with Loops() as loops:
        loops.start("media", keeper.run)
        keeper.publish(rendering(running(1)))
        await asyncio.sleep(10)
        memory.away = False
        keeper.publish(rendering(running(1)))
        await asyncio.sleep(10)
    assert set(memory.kept) == {"1"}
    assert (await MediaKeeper(memory).recall())["1"].media == WITH_AUDIO
