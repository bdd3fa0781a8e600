"""The sampler in virtual time: whose picture is looked at, what is made of it, and what becomes of what fails."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from restream.domain.camera.camera import Camera
from restream.domain.judgement.sight import Sight
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import NOT_JUDGED, Health, judge
from restream.domain.life.cause import Side
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.component import ComponentState
from restream.domain.pictures.album import PictureKind, PictureStamp
from restream.domain.pictures.finding import PictureFinding, PictureFlaw
from restream.domain.pictures.mask import Mask, mask_name, parse_mask
from restream.domain.pictures.schedule import SamplePace
from restream.domain.pictures.seen import Seen
from restream.domain.pictures.thresholds import PictureThresholds
from restream.domain.server.flow import Flow, ServerPicture, Stream
from restream.domain.server.mediamtx import PathObservation
from restream.interfaces.documents.pictures import pictures_document
from restream.interfaces.metrics.families import CameraFamilies
from restream.ports.outlets import SinkError
from restream.ports.pictures import DecodedPicture, DecodeError, KeyFrame, NoKeyFrameError, PictureStoreError
from restream.supervisor.components import Components
from restream.supervisor.sampling.albums import Albums, AlbumsLimits
from restream.supervisor.sampling.recollections import Recollections
from restream.supervisor.sampling.sampler import COMPONENT, Sampler, SamplingSettings
from tests.unit.fakes import camera, now, virtual
from tests.unit.test_pictures import ScriptedCamera

WALL = 1_767_000_000.0
_JPEG = b"\xff\xd8 a picture"


class Site:
    """Cameras that are looked at, and everything around the sampler."""

    def __init__(self, *cameras: str, keep: int = 24, **changes: Any) -> None:
        self.scripted = {key: ScriptedCamera(number) for number, key in enumerate(cameras)}
        self.frozen: set[str] = set()
        self.taken: list[tuple[str, float]] = []
        self.trouble: dict[str, Exception | None] = {}
        self.reports = {key: report(camera(key)) for key in cameras}
        self.hidden: dict[str, Mask] = {}
        self.memories = Memories()
        self.store = Store()
        self.components = Components()
        self.busy: float | None = None
        self.limits = PictureThresholds(apart_s=0.5, blind_s=1.0)
        pace = SamplePace(10.0, 5.0, 100.0)
        settings = SamplingSettings(pace, lambda _: self.limits, lambda each: changes.get(each.id))
        self.recollections = Recollections(self.memories, every_s=60.0)
        self.albums = Albums(self.store, AlbumsLimits(keep, 1.0, 1 << 20))
        self.sampler = Sampler(settings, self, self, self.snapshot, self.albums, self.recollections, self.components)

    def snapshot(self) -> Snapshot:
        moved = {key: arriving(each, now()) for key, each in self.reports.items()}
        return Snapshot(1, WALL + now(), now(), moved, table_read=True)

    async def latest(self, of: Camera) -> KeyFrame | None:
        self.taken.append((of.id, now()))
        if (error := self.trouble.get(of.id)) is not None:
            raise error
        return None if of.id in self.trouble else KeyFrame("h264", of.id.encode(), WALL + now())

    async def decode(self, frame: KeyFrame, mask: Mask = ()) -> DecodedPicture:
        await asyncio.sleep(0.01)
        self.hidden[frame.data.decode()] = mask
        key = frame.data.decode()
        found = self.scripted[key].take(frame.taken_at)
        if key in self.frozen:
            found = replace(found, points=bytes(len(found.points)))
        return DecodedPicture(found, _JPEG)

    async def close(self) -> None:
        return

    async def run(self, seconds: float) -> None:
        tasks = [asyncio.create_task(each()) for each in (self.sampler.run, self.recollections.run)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Memories:
    """What was written, by camera; `fails` while it cannot be had."""

    def __init__(self) -> None:
        self.documents: dict[str, Mapping[str, object]] = {}
        self.fails = False

    async def load(self, camera_id: str) -> object:
        if self.fails:
            raise SinkError("away")
        return self.documents.get(camera_id)

    async def save(self, documents: Mapping[str, Mapping[str, object]]) -> None:
        if self.fails:
            raise SinkError("away")
        self.documents.update(documents)

    async def close(self) -> None:
        return


class Store:
    """Pictures, until it fails."""

    def __init__(self) -> None:
        self.pictures: dict[tuple[str, float], bytes] = {}
        self.fails = False

    async def stamps(self, camera_id: str) -> Sequence[PictureStamp]:
        return ()

    async def put(self, camera_id: str, stamp: PictureStamp, jpeg: bytes) -> None:
        if self.fails:
            raise PictureStoreError("the disk is full")
        self.pictures[camera_id, stamp.taken_at] = jpeg

    async def get(self, camera_id: str, stamp: PictureStamp) -> bytes | None:
        return self.pictures.get((camera_id, stamp.taken_at))

    async def settle(self, camera_id: str, gone: Collection[float], marked: Sequence[PictureStamp]) -> None:
        for taken_at in gone:
            del self.pictures[camera_id, taken_at]

    async def forget(self, camera_id: str) -> None:
        self.pictures = {key: jpeg for key, jpeg in self.pictures.items() if key[0] != camera_id}


def arriving(before: Report, at: float) -> Report:
    """The same with what has arrived by then."""
    assert before.stream is not None
    path = before.stream.path._replace(inbound_bytes=int(1000 * at))
    return before._replace(stream=before.stream._replace(path=path))


def report(of: Camera, phase: Phase = Phase.RUNNING, **path: Any) -> Report:
    observed = PathObservation(**{"name": of.path, "available": True, "source_type": "rtspSession", **path})
    stream = Stream(observed, Flow(1000, 0.0, 0.0))
    return Report(CameraStatus(of, State(phase, 0.0), None, None), NOT_JUDGED, 0.0, stream)


@virtual
async def test_every_camera_has_its_turn_and_what_is_seen_is_told() -> None:
    site = Site("1", "2", "3")
    await site.run(100)
    times = [[at for key, at in site.taken if key == camera_id] for camera_id in "123"]
    assert all(9 <= len(each) <= 10 for each in times)
    assert all(9.5 <= b - a <= 11 for each in times for a, b in pairwise(each))
    seen = site.sampler.seen["1"]
    assert (seen.findings, seen.trouble, seen.width, seen.samples) == ((), "", 1280, len(times[0]))
    assert site.components.state(COMPONENT) is ComponentState.UP
    document = pictures_document("1", seen, await site.albums.of("1"))
    assert [each.kind for each in document.pictures] == [PictureKind.SAMPLE] * len(document.pictures)
    assert await site.albums.picture("1", document.pictures[-1].picture) == _JPEG
    assert await site.albums.picture("1", 7) is None
    assert site.sampler.counts["pictures"]["decoded"] == sum(map(len, times))


@virtual
async def test_a_frozen_picture_is_found_soon_told_with_proofs_and_can_be_accepted() -> None:
    site = Site("1", "2")
    await site.run(60)
    site.frozen.add("1")
    await site.run(60)
    (found,) = site.sampler.seen["1"].findings
    assert found.flaw is PictureFlaw.FROZEN
    assert site.sampler.seen["2"].findings == ()
    kinds = [each.kind for each in await site.albums.of("1")]
    assert kinds.count(PictureKind.BEFORE) == kinds.count(PictureKind.AFTER) == 1
    samples = len(site.taken)
    assert await site.sampler.accept("1", "anna") == ""
    assert site.sampler.seen["1"].findings == ()
    assert PictureKind.REFERENCE in {each.kind for each in await site.albums.of("1")}
    assert await site.sampler.accept("9", "anna") is None
    assert len(site.taken) == samples


@virtual
async def test_behind_another_mask_all_begins_anew_and_what_was_seen_without_goes() -> None:
    site = Site("1")
    await site.run(60)
    before = await site.albums.of("1")
    site.limits = replace(site.limits, mask=parse_mask([[0, 0, 0.5, 1]]))
    mask = mask_name(site.limits.mask)
    # Not even until the next picture.
    assert before and not await site.albums.of("1", mask)
    assert await site.albums.picture("1", before[0].milliseconds, mask) is None
    await site.run(10.5)
    assert site.hidden["1"] == site.limits.mask
    (only,) = await site.albums.of("1", mask)
    assert (only.mask, set(site.store.pictures)) == (mask, {("1", only.taken_at)})
    assert site.sampler.seen["1"].findings == ()


@virtual
async def test_what_was_learnt_outlives_the_service() -> None:
    site = Site("1")
    await site.run(100)
    again = Site("1")
    again.memories.documents = site.memories.documents
    await again.run(15)
    assert again.memories.documents["1"]["hours"] != Site("1").sampler.seen
    assert again.memories.documents["1"]["views"]
    without = Site("1")
    without.memories.fails = True
    await without.run(30)
    assert without.sampler.seen["1"].samples >= 2


@virtual
async def test_nobody_is_woken_and_nobody_sampled_that_does_not_run() -> None:
    site = Site("1", "2", "3", "4", "5", **{"5": 0.0})
    site.reports["2"] = report(camera("2"), Phase.BACKOFF)
    site.reports["3"] = report(camera("3"), available=False)
    site.reports["4"] = report(camera("4"), Phase.IDLE, source_type="rtspSource")
    await site.run(50)
    assert {key for key, _ in site.taken} == {"1"}
    site.reports["4"] = report(camera("4"), source_type="rtspSource")
    await site.run(50)
    assert {key for key, _ in site.taken} == {"1", "4"}


@virtual
async def test_what_fails_is_told_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    site = Site("1", "2", "3", "4")
    site.trouble = {"1": NoKeyFrameError("no key\nframe"), "2": DecodeError("damaged"), "3": None}
    site.scripted["4"].take = lambda moment: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    await site.run(200)
    seen = site.sampler.seen
    assert (seen["1"].trouble, seen["2"].trouble) == ("no key frame", "damaged")
    assert "codec" in seen["3"].trouble
    assert seen["4"].samples == 0
    assert caplog.text.count("camera 4: its picture cannot be looked at") == 1
    assert site.components.state(COMPONENT) is ComponentState.DOWN
    # Ever more rarely: 10, 20, 30 … seconds apart.
    assert 4 <= sum(key == "1" for key, _ in site.taken) <= 7
    site.trouble, site.store.fails = {}, True
    await site.run(200)
    assert site.sampler.seen["1"].samples > 0
    assert site.components.state(COMPONENT) is ComponentState.UP
    assert caplog.text.count("pictures are not kept: the disk is full") == 1


@virtual
async def test_cameras_that_go_are_forgotten_and_what_was_found_long_ago_is_not_told() -> None:
    site = Site("1", "2")
    site.frozen.add("1")
    await site.run(60)
    assert site.sampler.seen["1"].findings
    site.trouble = {"1": NoKeyFrameError("away")}
    del site.reports["2"]
    await site.run(700)
    assert site.sampler.seen["1"].findings == ()
    assert site.sampler.seen.keys() == {"1"}
    assert {camera_id for camera_id, _ in site.store.pictures} == {"1"}


def test_a_finding_degrades_the_camera_and_comes_first() -> None:
    findings = (PictureFinding(PictureFlaw.COVERED, WALL, {"texture": 0.01}),)
    status = report(camera("1")).subject
    assert isinstance(status, CameraStatus)
    path = PathObservation("cam1", True, "rtspSession")
    server = ServerPicture({"cam1": Stream(path, Flow(9, 0.0, 0.0))}, observed_at=1.0, fresh_since=1.0)
    verdict = judge(Sight(status, server, seen=Seen(WALL, findings=findings)))
    assert (verdict.health, verdict.fault) == (Health.DEGRADED, Side.CAMERA)
    (reason,) = verdict.reasons
    assert (reason.code, reason.since, reason.measured) == ("picture_covered", WALL, (("texture", 0.01),))
    assert "accept" in verdict.hint


def test_every_flaw_has_words_and_a_series() -> None:
    families = CameraFamilies(None, WALL + 30)
    findings = tuple(PictureFinding(flaw, WALL, {}) for flaw in PictureFlaw)
    families.add("1", report(camera("1"))._replace(seen=Seen(WALL, 0.5, findings=findings, samples=3)))
    text = "\n".join(line for family in families for line in family.lines)
    for flaw in PictureFlaw:
        assert f'restream_camera_picture_finding{{camera="1",name="camera 1",flaw="{flaw}"}} 1' in text
    assert 'restream_camera_picture_age_seconds{camera="1",name="camera 1"} 30' in text
