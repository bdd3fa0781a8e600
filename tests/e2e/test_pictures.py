"""Cameras that send and show nothing: found in sampled pictures, told everywhere, accepted, remembered."""

from __future__ import annotations

import contextlib
import json
import signal
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from restream.demo.behaviours.frozen import FreezesPicture
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import RunningService, running_service
from tests.support.webhooks import receiver

pytest.importorskip("av")

# What does not stir is frozen: nobody waits for what a camera learns in days.
QUICK_EYES = {
    "RESTREAM_PICTURES__ENABLED": "true",
    "RESTREAM_PICTURES__INTERVAL_S": "1",
    "RESTREAM_PICTURES__SUSPECT_INTERVAL_S": "1",
    "RESTREAM_PICTURES__THRESHOLDS": '{"apart_s": 0.5, "blind_s": 0}',
    "RESTREAM_ALERTS__DOWN_AFTER_S": "0",
}
FREEZES = (FreezesPicture(moving_loops=1, frozen_loops=60),)


async def pictures(service: RunningService, camera_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await service.get(f"/api/cameras/{camera_id}/pictures")
    return found


async def fetched(service: RunningService, path: str, method: str = "GET") -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.request(method, service.base_url + path) as response:
        return response.status, await response.read()


@pytest.mark.parametrize("engine", ["ffmpeg", "relay"])
async def test_a_frozen_picture_is_found_while_packets_move(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer, engine: str
) -> None:
    await add_camera(1, "h264_aac")
    await add_camera(2, "h264_aac", behaviours=FREEZES)
    await add_camera(3, "h265", options='{"pictures": false}')
    async with receiver() as hook:
        overrides = {"PG_DSN": dsn, "RESTREAM_CAMERAS__ENGINE": engine, **QUICK_EYES}
        overrides["RESTREAM_ALERTS__WEBHOOKS"] = json.dumps([hook.url])
        async with running_service(tmp_path, server=media_server, overrides=overrides) as service:
            await service.reach({"1": "healthy", "2": "degraded", "3": "healthy"}, 60)
            frozen = (await service.cameras())["2"]["verdict"]
            reason = frozen["reasons"][0]
            assert (frozen["fault"], reason["code"]) == ("camera", "picture_frozen")
            assert reason["since"] and reason["measured"]["stir"] < 0.6
            found = await pictures(service, "2")
            assert [each["flaw"] for each in found["findings"]] == ["frozen"]
            # Three pictures of the frozen one, the last of which proved it.
            same = [each for each in found["pictures"] if each["at"] >= reason["since"]]
            first_found = next(each for each in found["pictures"] if each["kind"] == "after")
            assert same.index(first_found) <= 2
            for each in found["pictures"]:
                status, jpeg = await fetched(service, f"/api/cameras/2/pictures/{each['picture']}.jpg")
                assert (status, jpeg[:2]) == (200, b"\xff\xd8")
            assert (await pictures(service, "1"))["findings"] == []
            assert (await pictures(service, "3"))["pictures"] == []
            metrics = (await fetched(service, "/metrics"))[1].decode()
            assert 'restream_camera_picture_finding{camera="2",name="Camera 2",flaw="frozen"} 1' in metrics
            assert 'restream_camera_picture_finding{camera="1",name="Camera 1",flaw="frozen"} 0' in metrics
            events = await service.get("/api/events?camera=2&kind=health")
            assert (events[-1]["after"], events[-1]["cause"]) == ("degraded", "picture_frozen")
            await eventually(lambda: any(b"picture_frozen" in body for _, body in hook.received), 30, "an alert")
            # A reader that looks is none.
            assert (await service.camera("1"))["readers"] == 0


async def test_what_was_accepted_and_learnt_outlives_the_service(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer, redis_url: str
) -> None:
    await add_camera(1, "h264", behaviours=FREEZES)
    folder = tmp_path / "pictures"
    overrides = {"PG_DSN": dsn, **QUICK_EYES, "RESTREAM_REDIS__URL": redis_url}
    overrides["RESTREAM_PICTURES__KEEP__FOLDER"] = str(folder)
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        assert (await fetched(service, "/api/cameras/9/pictures/accept", "POST"))[0] == 404
        await service.reach({"1": "degraded"}, 60)
        status, body = await fetched(service, "/api/cameras/1/pictures/accept", "POST")
        assert status == 200
        accepted = json.loads(body)
        assert accepted["findings"] == [] and accepted["accepted_at"]
        assert [each["kind"] for each in accepted["pictures"]].count("reference") == 1
        assert "camera 1: its picture was accepted as it is, by" in service.log
        (entry,) = await service.get("/api/audit?action=cameras/pictures/accept&target=1")
        assert (entry["result"], entry["address"]) == ("done", "127.0.0.1")
        assert (await fetched(service, "/api/cameras/1/pictures/1234567890123.jpg"))[0] == 404
        assert await service.stop() == 0
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:

        async def recalled() -> bool:
            known = await pictures(service, "1")
            # The table is not read yet, or its first picture is not taken.
            kinds = [each["kind"] for each in known.get("pictures", ())]
            return known.get("accepted_at") == accepted["accepted_at"] and "reference" in kinds

        await eventually(recalled, 40, "what was accepted is known")


async def test_an_upgrade_leaves_no_process_that_decodes_behind(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1, "h264")

    def decoders(service: RunningService) -> set[psutil.Process]:
        found = set()
        for each in service.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "restream.adapters.pictures.worker" in each.cmdline():
                    found.add(each)
        return found

    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn, **QUICK_EYES}) as service:
        await eventually(lambda: decoders(service), 60, "a picture is taken")
        (before,) = decoders(service)
        service.process.send_signal(signal.SIGUSR2)
        await eventually(lambda: decoders(service) - {before}, 60, "the next version takes pictures")
        (after,) = decoders(service)
        assert not before.is_running()
        assert await service.stop() == 0
        assert not after.is_running()
