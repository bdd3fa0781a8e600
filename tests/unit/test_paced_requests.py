"""One request to many cameras: as many at once as admission would start, in virtual time."""

import asyncio

from restream.domain.life.lifecycle import HoldAsked, Phase, ProbeAsked, Released, RestartAsked
from restream.supervisor.cameras.paced_requests import PacedRequests
from tests.unit.fakes import Stage, camera, settle, virtual

NUMBERS = range(1, 21)


async def running() -> tuple[Stage, PacedRequests]:
    stage = Stage(max_starting=4)
    stage.want(*map(camera, NUMBERS))
    await asyncio.sleep(60)
    assert {stage.phase(number) for number in NUMBERS} == {Phase.RUNNING}
    stage.forget()
    return stage, PacedRequests(stage.supervisor)


@virtual
async def test_restarts_stop_no_more_cameras_than_may_start() -> None:
    stage, paced = await running()
    assert [paced.ask(str(number), RestartAsked()) for number in NUMBERS] == [""] * 20
    least = 20
    while paced.waiting or least == 20:
        await asyncio.sleep(0.1)
        least = min(least, sum(stage.phase(number) is Phase.RUNNING for number in NUMBERS))
    assert least >= 16
    await asyncio.sleep(30)
    assert [stage.phases_of(number)[-1] for number in NUMBERS] == [Phase.RUNNING] * 20


@virtual
async def test_a_hold_waits_for_nobody_and_takes_a_waiting_restart_away() -> None:
    stage, paced = await running()
    for number in NUMBERS:
        paced.ask(str(number), RestartAsked())
    assert paced.ask("20", HoldAsked()) == ""
    await settle()
    await asyncio.sleep(5)
    assert stage.phase(20) is Phase.HELD
    await asyncio.sleep(60)
    assert stage.phase(20) is Phase.HELD
    assert paced.ask("20", RestartAsked()) == "it is on hold: release it first"
    assert paced.ask("20", Released()) == ""


@virtual
async def test_what_makes_no_sense_any_more_is_left_out() -> None:
    stage, paced = await running()
    for number in NUMBERS:
        paced.ask(str(number), ProbeAsked())
    stage.want(*map(camera, range(1, 11)))
    assert paced.ask("99", ProbeAsked()) is None
    await asyncio.sleep(30)
    assert paced.waiting == 0
    assert {each.camera.id for each in stage.supervisor.statuses.values()} == {str(number) for number in range(1, 11)}
