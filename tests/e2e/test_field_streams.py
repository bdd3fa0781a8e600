"""Cameras as they are in the field that can be published: their video, and their sound, really arrive."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from restream.demo.behaviours.answers import Redirects
from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import SimulatedCamera
from restream.demo.certificates import self_signed
from restream.demo.clips import Clip
from restream.demo.mpegts import make_mpegts
from tests.e2e.conftest import PASSWORD, AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer, paths
from tests.support.service import RunningService, running_service
from tests.support.verdicts import HEALTHY, Told, tells

pytestmark = pytest.mark.usefixtures("ffmpeg")

_BOTH, _VIDEO = ["H264", "MPEG-4 Audio"], ["H264"]
_WITHOUT_SOUND: Told = ("degraded", "camera", "audio_missing")
_AS_DELIVERED = {"RESTREAM_RESTART__BASE_S": "5", "RESTREAM_RESTART__MAX_S": "300"}
_BESIDE_EACH_OTHER = {"RESTREAM_ADMISSION__MAX_STARTING_PER_HOST": ""}


class Stream(NamedTuple):
    """What a camera does, what is told of it, and which tracks arrive."""

    behaviours: Sequence[Behaviour] = ()
    told: Told = HEALTHY
    tracks: Sequence[str] = _BOTH
    options: Mapping[str, object] | None = None
    clip: str | Clip = "h264_aac"


_SILENT = {"audio": "none", "input": {"allowed_media_types": "video"}}
STREAMS = {
    "sha256_then_md5": Stream(BEHAVIOURS["sha256_then_md5"]),
    "audio_setup_500": Stream(BEHAVIOURS["audio_setup_500"], _WITHOUT_SOUND, _VIDEO),
    "audio_setup_400": Stream(BEHAVIOURS["audio_setup_400"], _WITHOUT_SOUND, _VIDEO),
    "audio_setup_400, no sound wanted": Stream(BEHAVIOURS["audio_setup_400"], HEALTHY, _VIDEO, _SILENT),
    "metadata_and_back_channel": Stream(BEHAVIOURS["metadata_and_back_channel"]),
    "udp_only": Stream(BEHAVIOURS["udp_only"], options={"rtsp_transport": "udp"}),
}


async def added(add_camera: AddCamera, streams: Mapping[str, Stream]) -> list[SimulatedCamera]:
    """Their cameras, in order; the rows are 1, 2, 3 …"""
    return [
        await add_camera(
            number,
            stream.clip,
            behaviours=stream.behaviours,
            options=json.dumps(stream.options) if stream.options else None,
        )
        for number, stream in enumerate(streams.values(), 1)
    ]


async def arrive(
    service: RunningService, server: TestServer, streams: Mapping[str, Stream], timeout_s: float = 40
) -> None:
    """Wait until each is told as it should be, has its tracks at the server, and bytes and pictures move there."""
    await tells(service, {str(number): each.told for number, each in enumerate(streams.values(), 1)}, timeout_s)
    before = await paths(server)

    async def moved() -> bool:
        now = await paths(server)
        for number, (name, stream) in enumerate(streams.items(), 1):
            path = now[f"cam{number}"]
            assert path["tracks"] == stream.tracks, name
            assert path["bytesReceived"] > before[f"cam{number}"]["bytesReceived"] > 0, name
            assert (await service.camera(str(number)))["progress"]["frame"] > 0, name
        return True

    await eventually(moved, timeout_s, "bytes and pictures move")


async def test_what_cameras_send_arrives(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    encrypted = SimulatedCamera(Clip.load("h264_aac"), login="admin", password=PASSWORD, tls=self_signed())
    async with encrypted:
        streams = {
            **STREAMS,
            "redirect to rtsps": Stream((Redirects(encrypted.url(with_credentials=False), 301),)),
            "mpegts": Stream(clip=await make_mpegts()),
        }
        cameras = await added(add_camera, streams)
        async with running_service(
            tmp_path, server=media_server, overrides={"PG_DSN": dsn, **_BESIDE_EACH_OTHER}
        ) as service:
            await arrive(service, media_server, streams)
            found = await service.cameras()
            # ffmpeg asks for the sound, is refused, and is started once more without it.
            restarts = {name: found[str(number)]["restarts"] for number, name in enumerate(streams, 1)}
            assert restarts == {name: int(stream.told == _WITHOUT_SOUND) for name, stream in streams.items()}
            assert all(camera.auth_failures_total == 0 for camera in (*cameras, encrypted))
            assert all(camera.most_connections == 1 for camera in (*cameras, encrypted))
            assert encrypted.open_connections == 1


@pytest.mark.parametrize("behaviour", ["one_session", "one_session_at_describe"])
async def test_one_session_that_is_freed_late_is_waited_for(
    tmp_path: Path, dsn: str, add_camera: AddCamera, database: Any, stand_in: TestServer, behaviour: str
) -> None:
    """The session of the publisher before is held for 4 s: neither probe nor publisher keeps the other locked out."""
    streams = {behaviour: Stream(BEHAVIOURS[behaviour])}
    (camera,) = await added(add_camera, streams)
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn, **_AS_DELIVERED}) as service:
        await arrive(service, stand_in, streams)
        # A change of the row: it is stopped, looked at, and started, all at once.
        await database.execute("""UPDATE cameras SET options = '{"stall_timeout_s": 5}'""")
        await tells(service, {"1": ("down", "camera", "busy")}, 20)
        assert "453 Not Enough Bandwidth" in (await service.camera("1"))["detail"]
        await arrive(service, stand_in, streams, 60)
        assert camera.most_connections == 1


_PATIENCE = {"connect_timeout_s": 60, "stall_timeout_s": 30}
SLOW = {
    # Its sound comes at once: the server has something to receive, and waits for the pictures.
    "key_frame_after_20_s": Stream(BEHAVIOURS["key_frame_after_20_s"], options=_PATIENCE),
    "frame_every_5_s": Stream(BEHAVIOURS["frame_every_5_s"], HEALTHY, _VIDEO, _PATIENCE),
}


async def test_late_and_rare_pictures_arrive(
    tmp_path: Path, dsn: str, add_camera: AddCamera, mediamtx: TestServer
) -> None:
    cameras = await added(add_camera, SLOW)
    async with running_service(tmp_path, server=mediamtx, overrides={"PG_DSN": dsn, **_BESIDE_EACH_OTHER}) as service:
        await arrive(service, mediamtx, SLOW, 60)
        assert all(camera.most_connections == 1 for camera in cameras)
