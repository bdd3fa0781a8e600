"""Engines side by side: chosen by name, judged by whoever can see media move."""

import asyncio
from dataclasses import replace

import pytest

from restream.domain.camera.camera import RejectedRow, RowReader
from restream.domain.engine import Evidence, Media, VideoStream
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase
from restream.domain.life.remedy import Remedy
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation
from restream.ports.cameras import PublisherError
from restream.ports.servers import ServerStatus
from restream.supervisor.cameras.fleet import Fleet
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops
from restream.supervisor.picture.observer import Observer
from tests.support.scripted_engine import ScriptedEngine
from tests.unit.fakes import FakeServer, Listener, Stage, camera, row, types, virtual


class Server(FakeServer):
    """Sees what both engines publish."""

    def __init__(self, stage: Stage, scripted: ScriptedEngine) -> None:
        super().__init__(stage.publisher)
        self._scripted = scripted
        self.takes_s = 0.0
        """How long an answer is under way."""

    async def observe(self) -> ServerStatus:
        status = await self._now()
        await asyncio.sleep(self.takes_s)
        return status

    async def _now(self) -> ServerStatus:
        status = await super().observe()
        if status.view is None:
            return status
        paths = dict(status.view.paths)
        for each in self._scripted.live:
            if each.plan.path not in self.deaf_to:
                each.advance()
            paths[each.plan.path] = PathObservation(
                each.plan.path, available=True, source_type="rtspSession", inbound_bytes=each.received_bytes
            )
        return replace(status, view=replace(status.view, paths=paths))


class Scene:
    """A stage with a second engine, and a server that is watched."""

    def __init__(self, evidence: Evidence, *, conversing: str = "") -> None:
        self.stage = Stage()
        self.scripted = ScriptedEngine(evidence)
        engines = {**self.stage.settings.engines, "scripted": self.scripted}
        self.stage.settings = replace(self.stage.settings, engines=engines, conversing=conversing)
        self.stage.supervisor = Fleet(
            self.stage.settings, admission=self.stage.admission, servers=self.stage, listener=self.stage
        )
        self.server = Server(self.stage, self.scripted)
        self.stage.observer = Observer(
            DEFAULT_SERVER, self.server, Components(), (self.stage.supervisor,), Listener(), interval_s=2
        )

    def scripted_camera(self, camera_id: int):
        return camera(camera_id, options={"engine": "scripted"})

    async def settle(self, loops: Loops, seconds: float = 30) -> None:
        assert self.stage.observer is not None
        loops.start("observer", self.stage.observer.run)
        self.stage.want(camera(1), self.scripted_camera(2))
        await asyncio.sleep(seconds)


EVIDENCE = pytest.mark.parametrize("evidence", list(Evidence))


@EVIDENCE
@virtual
async def test_a_fleet_of_both_kinds_runs_side_by_side(evidence: Evidence) -> None:
    scene = Scene(evidence)
    async with Loops() as loops:
        await scene.settle(loops)
        assert [scene.stage.phase(1), scene.stage.phase(2)] == [Phase.RUNNING] * 2
        assert {plan.camera_id for plan in scene.stage.publisher.starts} == {"1"}
        assert {plan.camera_id for plan in scene.scripted.starts} == {"2"}
        scene.scripted.of("2").end()
        await asyncio.sleep(20)
        assert scene.stage.phase(2) is Phase.RUNNING
        assert (len(scene.scripted.starts), len(scene.stage.publisher.starts)) == (2, 1)


@EVIDENCE
@virtual
async def test_what_does_not_arrive_is_restarted_whatever_the_engine(evidence: Evidence) -> None:
    scene = Scene(evidence)
    async with Loops() as loops:
        await scene.settle(loops, 60)
        scene.server.deaf_to = {"cam2"}
        await asyncio.sleep(14)
        causes = [each.cause for each in scene.stage.transitions if each.camera_id == "2"]
        assert Cause.STALLED in causes
        assert scene.stage.publisher.starts_of("1") == 1


@virtual
async def test_a_start_whose_bytes_never_reach_the_server_is_no_media() -> None:
    scene = Scene(Evidence.SERVER)
    scene.server.deaf_to = {"cam2"}
    async with Loops() as loops:
        await scene.settle(loops, 20)
        assert scene.stage.phase(1) is Phase.RUNNING
        assert scene.stage.cause(2) is Cause.NO_MEDIA
        assert Phase.RUNNING not in scene.stage.phases_of(2)


@virtual
async def test_nobody_is_blamed_while_the_only_witness_is_silent() -> None:
    scene = Scene(Evidence.SERVER)
    async with Loops() as loops:
        await scene.settle(loops)
        # It is reachable, but its control API tells nothing.
        scene.server.status = ServerStatus(True, "RTSP answers", None)
        await asyncio.sleep(300)
        assert scene.stage.phase(2) is Phase.RUNNING
        assert len(scene.scripted.starts) == 1


@virtual
async def test_a_silence_that_was_over_before_the_witness_was_asked_is_none() -> None:
    scene = Scene(Evidence.SERVER)
    async with Loops() as loops:
        await scene.settle(loops)
        for _ in range(20):
            # Less than the stall timeout by more than a sweep; what ends it is told late.
            scene.server.deaf_to, scene.server.takes_s = {"cam2"}, 1.9
            await asyncio.sleep(7.5)
            scene.server.deaf_to = set()
            await asyncio.sleep(4)
            scene.server.takes_s = 0.0
            await asyncio.sleep(10.3)
        assert len(scene.scripted.starts) == 1


@virtual
async def test_another_engine_in_the_row_restarts_that_camera_alone() -> None:
    scene = Scene(Evidence.ENGINE)
    async with Loops() as loops:
        await scene.settle(loops)
        scene.stage.want(camera(1), camera(2))
        await asyncio.sleep(20)
        assert not scene.scripted.live
        assert scene.stage.publisher.starts_of("2") == 1
        assert scene.stage.publisher.starts_of("1") == 1


@virtual
async def test_an_engine_that_cannot_says_what_to_do_and_is_tried_rarely() -> None:
    scene = Scene(Evidence.ENGINE)
    scene.stage.prober.answers["10.0.0.2"] = Media(VideoStream("mjpeg", 640, 360))
    async with Loops() as loops:
        await scene.settle(loops)
        assert scene.stage.cause(2) is Cause.ENGINE_UNABLE
        assert scene.stage.supervisor.statuses["2"].state.detail == "it does not know mjpeg"
        assert scene.stage.phase(2) is Phase.BACKOFF
        assert not scene.scripted.starts


@virtual
@pytest.mark.parametrize(("codec", "remedy"), [("h264", Remedy.OPTIONS), ("mjpeg", None)])
async def test_an_ending_names_the_other_engine_only_where_that_could_publish(codec: str, remedy: Remedy) -> None:
    scene = Scene(Evidence.ENGINE, conversing="scripted")
    scene.stage.prober.answers["10.0.0.1"] = Media(VideoStream(codec, 640, 360))
    async with Loops() as loops:
        await scene.settle(loops)
        refused = "[rtsp @ 0x55] [error] method OPTIONS failed: 501 Not Implemented"
        scene.stage.publisher.of("1").end(
            refused, "[error] pipe:0: Server returned 5XX Server Error reply", exit_code=1
        )
        await asyncio.sleep(0.1)
        assert scene.stage.supervisor.statuses["1"].state.remedy is remedy


@virtual
async def test_an_engine_that_cannot_start_backs_that_camera_off() -> None:
    scene = Scene(Evidence.ENGINE)
    scene.scripted.error = PublisherError("no descriptors left")
    async with Loops() as loops:
        await scene.settle(loops)
        assert scene.stage.cause(2) is Cause.INTERNAL
        assert scene.stage.phase(1) is Phase.RUNNING


@pytest.mark.parametrize("name", ["", "no such", "relay!", "x" * 65, 7])
def test_an_engine_that_does_not_exist_rejects_the_row(name: object) -> None:
    reader = RowReader(types(), engines=("ffmpeg", "scripted"))
    for value in (name, "another"):
        found = reader.read(row(1, options={"engine": value}))
        assert isinstance(found, RejectedRow)
        assert found.problem.startswith("options: engine: ")
    assert not isinstance(reader.read(row(1, options={"engine": "scripted"})), RejectedRow)
