"""One actor under changes of settings, odd timings, and trouble that must not stick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from restream.domain.admission.queue import StartLimits
from restream.domain.engine import Advance
from restream.domain.ffmpeg.plan import FfmpegPlan, FfmpegSettings
from restream.domain.life.lifecycle import Phase
from restream.supervisor.cameras.settings import StreamSettings
from tests.unit.fakes import FakePublication, Stage, camera, settle, virtual


# A stall timeout is part of the command: the source's network timeout, in µs.
def slower(stage: Stage) -> StreamSettings:
    stage.publisher.settings = FfmpegSettings(stall_timeout_s=20)
    return replace(stage.settings, stall_timeout_s=20)


def _adopted(stage: Stage) -> list[bool]:
    scripts = [publication.plan.invocation.stdin for publication in stage.publisher.live]
    return ["20000000" in script.reveal() for script in scripts if script is not None]


async def _running(*ids: int) -> Stage:
    stage = Stage()
    stage.want(*(camera(camera_id) for camera_id in ids))
    await asyncio.sleep(5)
    return stage


@virtual
async def test_new_settings_reach_everybody_while_one_camera_restarts_for_its_row() -> None:
    stage = await _running(1, 2, 3)
    stage.want(camera(1, login="other"), camera(2), camera(3))
    await settle()
    assert stage.phase(1) is Phase.STOPPING
    stage.supervisor.adopt(slower(stage), StartLimits(8, 8, 8))
    await asyncio.sleep(30)
    assert _adopted(stage) == [True, True, True]


@virtual
async def test_new_settings_reach_a_publisher_that_is_being_spawned() -> None:
    stage = Stage()
    stage.publisher.takes_s = 1.0
    stage.want(camera(1))
    await asyncio.sleep(1.0)
    assert stage.phase(1) is Phase.STARTING
    assert stage.supervisor.statuses["1"].pid is None
    stage.supervisor.adopt(slower(stage), StartLimits(8, 8, 8))
    await asyncio.sleep(30)
    assert _adopted(stage) == [True]


@virtual
async def test_one_hiccup_at_a_start_does_not_cost_the_audio_for_good() -> None:
    stage = Stage()
    stage.publisher.frozen = True
    stage.want(camera(1))
    await asyncio.sleep(10)
    stage.publisher.frozen = False
    await asyncio.sleep(60)
    stage.publisher.of("1").end()
    await asyncio.sleep(60)
    plan = stage.supervisor.statuses["1"].plan
    assert plan is not None
    assert plan.audio != "none"


@virtual
async def test_first_progress_may_come_before_the_start_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    start = stage.publisher.start

    async def early(plan: FfmpegPlan, on_progress: Callable[[Advance], None]) -> FakePublication:
        publication = await start(plan, on_progress)
        on_progress(Advance(moved=True, frame=3))
        await asyncio.sleep(0.5)
        return publication

    monkeypatch.setattr(stage.publisher, "start", early)
    stage.want(camera(1))
    await asyncio.sleep(5)
    assert stage.publisher.starts_of("1") == 1
    assert stage.publisher.of("1").stops_total == 0


@virtual
async def test_a_server_that_restarts_again_and_again_does_not_grow_the_backoff() -> None:
    stage = await _running(1)
    for _ in range(8):
        for publication in list(stage.publisher.live):
            publication.end("[error] av_interleaved_write_frame(): Broken pipe", exit_code=1)
        await asyncio.sleep(12)
    delays_s = [each.retry_in_s for each in stage.transitions if each.after is Phase.BACKOFF]
    assert max(delay_s for delay_s in delays_s if delay_s is not None) <= 10
