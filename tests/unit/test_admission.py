"""Admission in time: who is granted a slot when, how a fleet finds its speed, and what pressure does to it."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from restream.adapters.pressure_stall import ProcPressure
from restream.domain.admission.outcome import StartOutcome
from restream.domain.admission.pressure import Stalls, Strain
from restream.domain.admission.queue import StartLimits
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import SourceUrl
from restream.domain.engine import ProbeFailure
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase
from restream.domain.look import Look
from restream.supervisor.cameras.admission import Admission
from restream.supervisor.cameras.pressure_watch import PressureWatch
from tests.unit.fakes import FakeProber, Stage, camera, now, settle, virtual

FREE = StartLimits(8, 100, 100)


class Fleet:
    """Cameras that ask for slots, and when they got them."""

    def __init__(self, limits: StartLimits) -> None:
        self.admission = Admission(limits)
        self.granted: dict[str, float] = {}

    def request(self, *names: str, host: str = "") -> None:
        for name in names:
            self.admission.request(name, host or name, priority=0, retry=False, grant=lambda n=name: self.got(n))

    def got(self, name: str) -> None:
        self.granted[name] = now()


@virtual
async def test_starts_are_spaced_in_time() -> None:
    fleet = Fleet(StartLimits(8, 8, 8, spacing_s=0.25))
    began = now()
    fleet.request(*"abcd")
    await asyncio.sleep(2)
    assert [at - began for at in fleet.granted.values()] == [0, 0.25, 0.5, 0.75]


@virtual
async def test_who_leaves_before_his_turn_is_not_granted() -> None:
    fleet = Fleet(StartLimits(1, 1, 1))
    fleet.request(*"abc")
    fleet.admission.release("b")
    fleet.admission.release("a", StartOutcome.SUCCEEDED)
    assert list(fleet.granted) == ["a", "c"]
    fleet.admission.release("c")
    assert fleet.admission.idle


@virtual
async def test_who_may_no_longer_start_when_his_turn_comes_waits_outside_of_the_queue() -> None:
    fleet, barred = Fleet(StartLimits(1, 1, 1)), set[str]()
    fleet.admission.permits = lambda name: name not in barred
    fleet.request(*"abc")
    barred.add("b")
    fleet.admission.release("a", StartOutcome.SUCCEEDED)
    assert list(fleet.granted) == ["a", "c"]
    barred.clear()
    fleet.admission.reconsider()
    fleet.admission.release("c", StartOutcome.SUCCEEDED)
    assert list(fleet.granted) == ["a", "c", "b"]


@virtual
async def test_the_place_of_a_camera_that_hangs_is_given_away() -> None:
    fleet = Fleet(StartLimits(1, 8, 8))
    began = now()
    fleet.request(*"ab")
    await asyncio.sleep(20)
    assert {name: at - began for name, at in fleet.granted.items()} == {"a": 0, "b": 5}


@virtual
async def test_more_is_allowed_at_once() -> None:
    fleet = Fleet(StartLimits(1, 1, 1))
    fleet.request(*"abc")
    fleet.admission.resize(StartLimits(2, 2, 2))
    assert list(fleet.granted) == ["a", "b"]


# -- a fleet behind one address ----------------------------------------------------------------------------------------


class Nvr(FakeProber):
    """Looks at up to `bears` channels at once, and refuses the others; channels that are `dead` hang."""

    def __init__(self, bears: int, dead: Iterable[int] = ()) -> None:
        super().__init__()
        self.bears = bears
        self.refused = 0
        self._dead = tuple(f"stream={channel}" for channel in dead)

    async def probe(self, source: SourceUrl, options: CameraOptions) -> Look:
        if str(source).endswith(self._dead):
            await asyncio.Event().wait()
        if self.active < self.bears:
            return await super().probe(source, options)
        self.refused += 1
        return Look(outcome=ProbeFailure(Cause.REFUSED, "Connection refused"), by="fake", at=0.0, took_s=0.0)


def behind_one_address(stage: Stage, nvr: Nvr, count: int) -> None:
    stage.use(nvr)
    stage.want(*(camera(number, link="10.9.9.9", channel=number) for number in range(1, count + 1)))


async def seconds_until_all_run(stage: Stage, count: int, but: Iterable[int] = ()) -> float:
    began, numbers = now(), {*range(1, count + 1)} - {*but}
    while any(stage.phase(number) is not Phase.RUNNING for number in numbers):
        await asyncio.sleep(0.1)
        assert now() - began < 600
    return now() - began


@virtual
async def test_a_host_that_bears_it_is_up_in_few_rounds() -> None:
    stage = Stage(limits=FREE)
    behind_one_address(stage, Nvr(1000), 100)
    # A round takes 1.6 s here: 4, 8, 16, 32, 40. At four at a time it were 25 of them.
    assert await seconds_until_all_run(stage, 100) < 10


@virtual
async def test_a_host_that_bears_little_is_soon_asked_for_no_more() -> None:
    stage, nvr = Stage(limits=FREE), Nvr(3)
    behind_one_address(stage, nvr, 60)
    await seconds_until_all_run(stage, 60)
    assert nvr.most_active <= 3
    assert nvr.refused < 30


@virtual
async def test_channels_that_hang_do_not_slow_their_host() -> None:
    stage, dead = Stage(limits=FREE), range(7, 67, 6)
    behind_one_address(stage, Nvr(1000, dead), 66)
    assert await seconds_until_all_run(stage, 66, dead) < 15
    await asyncio.sleep(300)
    assert stage.admission.figures.slowed_hosts == 0


@virtual
async def test_a_host_that_refuses_everything_is_asked_by_one_at_a_time() -> None:
    stage, nvr = Stage(limits=FREE), Nvr(0)
    behind_one_address(stage, nvr, 40)
    await asyncio.sleep(60)
    assert stage.admission.figures.slowed_hosts == 1
    nvr.bears = 1000
    assert await seconds_until_all_run(stage, 40) < 330


@virtual
async def test_a_wrong_password_slows_nobody() -> None:
    stage = Stage(limits=FREE)
    stage.prober.answers["10.9.9.9"] = ProbeFailure(Cause.AUTH_FAILED, "401")
    stage.want(*(camera(number, link="10.9.9.9", channel=number) for number in range(1, 21)))
    await asyncio.sleep(10)
    assert stage.admission.figures.slowed_hosts == 0
    assert {stage.phase(number) for number in range(1, 21)} == {Phase.HELD}


# -- pressure ----------------------------------------------------------------------------------------------------------


class Gauge:
    """Tells that tasks waited this share of the time."""

    def __init__(self) -> None:
        self.cpu = self.memory = 0.0
        self._at = now()
        self._stalls = Stalls(0, 0)

    def read(self) -> Stalls:
        elapsed_us = 1e6 * (now() - self._at)
        self._at = now()
        before = self._stalls
        assert before.cpu_us is not None
        assert before.memory_us is not None
        cpu, memory = (int(share * elapsed_us) for share in (self.cpu, self.memory))
        self._stalls = Stalls(before.cpu_us + cpu, before.memory_us + memory)
        return self._stalls


class Told:
    """An admission that hears of pressure."""

    def __init__(self) -> None:
        self.idle = False
        self.strains: list[Strain] = []

    def press(self, strain: Strain) -> None:
        self.strains.append(strain)


@virtual
async def test_pressure_is_told_every_second() -> None:
    gauge, told = Gauge(), Told()
    watch = asyncio.create_task(PressureWatch(gauge, told).run())
    await asyncio.sleep(2.05)
    gauge.cpu = 1.0
    await asyncio.sleep(1)
    gauge.memory = 0.5
    told.idle = True
    await asyncio.sleep(1)
    watch.cancel()
    await settle()
    assert told.strains == [Strain.CALM, Strain.CALM, Strain.BUSY, Strain.OVERLOADED]


@virtual
async def test_a_loop_that_comes_late_is_pressure() -> None:
    told = Told()
    loop = asyncio.get_running_loop()
    watch = asyncio.create_task(PressureWatch(Gauge(), told).run())
    await settle()
    # Something holds the loop up for a quarter of a second every time somebody looks.
    for look in range(1, 11):
        loop.call_later(0.3 * look, lambda: setattr(loop._instant, "now", loop.time() + 0.25))
    await asyncio.sleep(5)
    watch.cancel()
    await settle()
    assert Strain.OVERLOADED in told.strains


def test_what_the_kernel_tells(tmp_path: Path) -> None:
    pressure = tmp_path / "pressure"
    pressure.mkdir()
    some = "some avg10=33.94 avg60=76.11 avg300=49.08 total=294153321\n"
    (pressure / "cpu").write_text(f"{some}full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", encoding="utf-8")
    (pressure / "memory").write_text("something else\n" * 1000, encoding="utf-8")
    assert ProcPressure(tmp_path).read() == Stalls(294153321, None)
    assert ProcPressure(tmp_path / "nowhere").read() == Stalls()
    (pressure / "memory").unlink()
    (pressure / "memory").mkdir()
    assert ProcPressure(tmp_path).read() == Stalls(294153321, None)
