"""Cameras as they are in the field that give no video: told as what they are, in their own words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.mjpeg_camera import MjpegCamera, make_jpegs
from tests.e2e.conftest import AddCamera
from tests.support.servers import TestServer
from tests.support.service import running_service
from tests.support.verdicts import PATIENT, Told, tells

pytestmark = pytest.mark.usefixtures("ffmpeg")


class Refusal(NamedTuple):
    """What is told of a camera, what its detail and its hint must say, and how many connections a try may take."""

    told: Told
    detail: str
    hint: str
    connections: int = 1


_LOGIN = ("down", "config", "auth_unsupported")
_BUSY = ("down", "camera", "busy")
_OWN_TROUBLE = ("down", "camera", "camera_error")
_REFUSED = ("down", "config", "request_refused")
# tests/integration/test_relay_cameras.py holds that it gets on with them.
_RELAY = "set options.engine of this row to relay"

# Behaviours of the simulated cameras, by their names.
REFUSALS = {
    "sha256_only": Refusal(_LOGIN, r"login by SHA-256; ffmpeg knows Basic and MD5 only", _RELAY),
    "md5_then_sha256": Refusal(_LOGIN, r"MD5, SHA-256, in this order; ffmpeg tries the last one only", _RELAY),
    "closes_after_401": Refusal(_LOGIN, r"closes the connection after it has asked for a login", _RELAY, 2),
    "new_nonce_at_setup": Refusal(_LOGIN, r"method SETUP failed: 401 Unauthorized", _RELAY, 2),
    "options_501": Refusal(_OWN_TROUBLE, r"method OPTIONS failed: 501 Not Implemented", _RELAY, 2),
    "describe_503": Refusal(_BUSY, r"^RTSP/1\.0 503 Service Unavailable$", "other clients"),
    "describe_500": Refusal(_OWN_TROUBLE, r"^RTSP/1\.0 500 Internal Server Error$", "firmware"),
    "describe_551": Refusal(_OWN_TROUBLE, r"^RTSP/1\.0 551 ", "firmware"),
    "describe_400": Refusal(_REFUSED, r"^RTSP/1\.0 400 Bad Request$", "path"),
    "describe_400_closes": Refusal(_REFUSED, r"^RTSP/1\.0 400 Bad Request$", "path"),
    "setup_453": Refusal(_BUSY, r"method SETUP failed: 453 Not Enough Bandwidth", "other clients", 2),
    "tcp_answered_as_udp": Refusal(
        ("down", "config", "transport_refused"), r"Nonmatching transport in server reply", "options.rtsp_transport", 2
    ),
    "redirect_loop": Refusal(_OWN_TROUBLE, r"redirected 4 times: .*302 Moved Temporarily, to rtsp:", "its own page", 4),
    "second_rtpmap_first": Refusal(
        ("down", "config", "engine_unable"), r"names hevc, h264 for one video.*take h264 for hevc", "options.engine"
    ),
    "locks_account": Refusal(("down", "config", "auth_failed"), r"^RTSP/1\.0 401 Unauthorized", "lock the account"),
}
_WRONG_PASSWORD = "locks_account"


async def test_what_cameras_refuse_is_told_in_their_own_words(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    cameras = {
        name: await add_camera(
            number,
            "h264_aac",
            behaviours=BEHAVIOURS[name],
            **({"password": "wrong"} if name == _WRONG_PASSWORD else {}),
        )
        for number, name in enumerate(REFUSALS, 1)
    }
    overrides = {"PG_DSN": dsn, **PATIENT, "RESTREAM_ADMISSION__MAX_STARTING_PER_HOST": ""}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        await tells(service, {str(number): refusal.told for number, refusal in enumerate(REFUSALS.values(), 1)}, 30)
        for number, (name, refusal) in enumerate(REFUSALS.items(), 1):
            found = await service.camera(str(number))
            assert re.search(refusal.detail, found["detail"]), (name, found["detail"])
            hint = found["verdict"]["hint"].lower()
            assert refusal.hint.lower() in hint, (name, hint)
            assert ("relay" in hint) == (refusal.hint == _RELAY), (name, hint)
            # One try each: at most the probe and, where that found video, the publisher, one after the other.
            camera = cameras[name]
            assert camera.connections_total == refusal.connections, name
            assert camera.most_connections == 1, name
            assert camera.auth_failures_total == (name == _WRONG_PASSWORD), name
            assert found["failures"] == 1 and found["phase"] in ("backoff", "held"), name


async def test_what_a_camera_sends_is_known_although_the_engine_cannot_log_in(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1, "h264_aac", behaviours=BEHAVIOURS["sha256_only"])
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn, **PATIENT}) as service:
        await tells(service, {"1": _LOGIN})
        found = await service.camera("1")
        assert found["probe"]["cause"] is None
        media = found["media"]
        assert (media["video"]["codec"], media["video"]["width"], media["audio"]["codec"]) == ("h264", 320, "aac")


async def test_jpeg_that_rtp_cannot_carry_is_never_called_healthy(
    tmp_path: Path, dsn: str, database: Any, mediamtx: TestServer
) -> None:
    async with MjpegCamera(await make_jpegs(standard_tables=False)) as camera:
        await database.execute("INSERT INTO cameras (id, rtsp_url) VALUES (1, $1)", camera.url())
        async with running_service(tmp_path, server=mediamtx, overrides={"PG_DSN": dsn, **PATIENT}) as service:
            told = {"1": ("down", "config", "codec_unsupported")}
            await tells(service, told)
            asked = camera.requests_total
            await service.cycles(10)
            await tells(service, told, 1)
            found = await service.camera("1")
            assert "RFC 2435 requires standard Huffman tables" in found["detail"]
            assert "H.264" in found["verdict"]["hint"]
            assert {span["health"] for span in found["timeline"]} <= {"unknown", "down"}
            assert (camera.requests_total, found["restarts"]) == (asked, 0), "it is tried rarely"
