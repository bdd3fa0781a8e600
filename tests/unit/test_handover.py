"""One life of the service after another: what is left, what of it goes on, and what a next version is given."""

import asyncio
import os
import sys
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.adapters.processes.child_process import LeftChild
from restream.adapters.relay.channel import LeftChannel
from restream.adapters.relay.worker_process import LeftWorker
from restream.domain.camera.secret import Secret
from restream.domain.fleet.lease import KeptShare, OwnLease
from restream.domain.life.kept import KeptCamera, stream_digest
from restream.domain.life.lifecycle import Phase
from restream.domain.server.target import Target
from restream.service import handover
from restream.service.handover import HandoverError, Manifest
from restream.service.listening_port import LeftPort
from restream.supervisor.cameras.fleet import Fleet
from tests.support.scripted_engine import ScriptedEngine
from tests.unit.fakes import WITH_AUDIO, Stage, camera, virtual


def kept(camera_id: str = "1", pid: int | None = 7) -> KeptCamera:
    return KeptCamera(camera_id, "default", f"cam{camera_id}", "d", "ffmpeg", b"w", pid, WITH_AUDIO, 1.0, 2.0)  # type: ignore[arg-type]


class Lives:
    """Two lives of a fleet with an engine of which publications outlast the first."""

    def __init__(self) -> None:
        self.stage, self.scripted = Stage(), ScriptedEngine()
        engines = {"scripted": self.scripted, **self.stage.settings.engines}
        self.stage.settings = replace(self.stage.settings, engines=engines, engine="scripted")
        self.first = self.fleet()

    def fleet(self) -> Fleet:
        return Fleet(self.stage.settings, admission=self.stage.admission, servers=self.stage, listener=self.stage)

    async def replaced(self, *wanted: object) -> Fleet:
        """The second life, once it has read the table."""
        left = await self.first.leave()
        assert not self.first.statuses or all(
            status.state.phase is Phase.FINISHED for status in self.first.statuses.values()
        )
        second = self.fleet()
        second.resume(left)
        second.want(list(wanted))  # type: ignore[arg-type]
        await asyncio.sleep(1)
        return second

    async def play(self, *wanted: object) -> None:
        self.first.want(list(wanted))  # type: ignore[arg-type]
        for _ in range(5):
            await asyncio.sleep(1)
            for each in self.scripted.live:
                each.advance()


@virtual
async def test_what_flows_goes_on_in_the_next_life() -> None:
    lives = Lives()
    await lives.play(camera(1), camera(2))
    before = lives.first.statuses["1"].state
    second = await lives.replaced(camera(1), camera(2))
    after = second.statuses["1"].state
    assert (after.phase, after.since, after.running_since) == (Phase.RUNNING, before.since, before.running_since)
    assert after.media == before.media and after.restarts == 0 and len(lives.scripted.starts) == 2
    # And is supervised: silence ends it.
    await asyncio.sleep(60)
    assert len(lives.scripted.starts) > 2
    await second.drain()


@virtual
@pytest.mark.parametrize("change", [{"rtsp_url": "rtsp://10.0.0.9/other"}, {"options": {"path": "elsewhere"}}])
async def test_another_stream_begins_when_the_one_that_was_left_is_over(change: dict[str, object]) -> None:
    lives = Lives()
    await lives.play(camera(1))
    (left,) = lives.scripted.live
    second = await lives.replaced(camera(1, **change))
    assert left not in lives.scripted.live
    await asyncio.sleep(5)
    assert len(lives.scripted.live) == 1 and len(lives.scripted.starts) == 2
    await second.drain()


@virtual
async def test_a_row_that_is_gone_ends_what_was_left_and_its_place_is_free() -> None:
    lives = Lives()
    await lives.play(camera(1))
    second = await lives.replaced(camera(2, options={"path": "cam1"}))
    await asyncio.sleep(5)
    assert [each.plan.camera_id for each in lives.scripted.live] == ["2"]
    await second.drain()


@virtual
async def test_what_does_not_flow_is_ended_before_anything_is_left() -> None:
    lives = Lives()
    await lives.play(camera(1))
    lives.first.want([camera(1), camera(2)])
    await asyncio.sleep(0.01)
    left = await lives.first.leave()
    await asyncio.sleep(0)
    assert [each.camera_id for each in left] == ["1"]
    assert [each.plan.camera_id for each in lives.scripted.live] == ["1"]


def test_a_digest_knows_what_makes_a_stream() -> None:
    target = Target()
    same = [camera(1), replace(camera(1), name="other", site="other")]
    assert len({stream_digest(each, target) for each in same}) == 1
    assert stream_digest(camera(1), replace(target, user="u", password=Secret("p"))) == stream_digest(camera(1), target)
    others = [
        camera(1, rtsp_url="rtsp://admin:another@10.0.0.1/stream"),
        camera(1, options={"audio": "none"}),
        camera(1, options={"path": "other"}),
    ]
    digests = {stream_digest(each, target) for each in others} | {stream_digest(camera(1), target)}
    digests.add(stream_digest(camera(1), replace(target, rtsp_url="rtsp://10.0.0.2:8554")))
    assert len(digests) == 5


def test_a_manifest_is_read_as_it_was_written() -> None:
    worker = LeftWorker(LeftChild(9, "env", 3, None, (b"l",), ("s",)), LeftChannel(4, b"x"), (1, 2))
    share = KeptShare("i", frozenset({"1"}), OwnLease(30.0, 5.0, 1.0))
    given = Manifest(
        rows=[{"id": 1, "options": {"audio": "none"}}],
        cameras=[kept(), kept("2", None)],
        workers=[worker],
        ports={"http.port": LeftPort("127.0.0.1", 8080, (5,))},
        share=share,
    )
    descriptor = handover.write(given)
    assert os.get_inheritable(descriptor)
    found = handover.read(descriptor)
    assert found == given and found.children() == {7, 9}
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)


def _written(content: bytes) -> int:
    descriptor = os.memfd_create("test", 0)
    os.write(descriptor, content)
    return descriptor


def test_a_manifest_of_another_version_is_not_read() -> None:
    with pytest.raises(HandoverError, match="version 99"):
        handover.read(_written(msgspec.msgpack.encode({"version": 99, "cameras": "of another kind"})))


@given(
    st.binary(max_size=200)
    | st.builds(lambda cut: msgspec.msgpack.encode(Manifest(cameras=[kept()]))[:cut], st.integers(0, 200))
)
def test_what_is_no_manifest_is_told_in_one_line(content: bytes) -> None:
    try:
        handover.read(_written(content))
    except HandoverError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("given_words", "kept_words"),
    [
        (["x.py", "run"], ["x.py", "run"]),
        (["-m", "r", "--adopt", "7"], ["-m", "r"]),
        (["x", "--adopt", "7", "--plain"], ["x", "--plain"]),
    ],
)
def test_the_next_program_is_called_like_this_one(
    monkeypatch: pytest.MonkeyPatch, given_words: list[str], kept_words: list[str]
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", *given_words])
    assert handover.Program.of_this_process().words == (sys.executable, *kept_words)
