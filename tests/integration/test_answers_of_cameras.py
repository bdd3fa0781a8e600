"""What ffmpeg makes of a camera's answers, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from restream.adapters.ffmpeg.ffprobe import FfprobeProber
from restream.demo.certificates import self_signed
from restream.domain.camera.options import CameraOptions, parse_options
from restream.domain.camera.urls import parse_source
from restream.domain.engine import Media, ProbeFailure
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.life.cause import Cause
from tests.support.answering_camera import Answer, AnsweringCamera

pytestmark = pytest.mark.usefixtures("ffmpeg")
SETTINGS = FfmpegSettings(probe_timeout_s=2)


async def probed(camera: AnsweringCamera, options: CameraOptions | None = None) -> Media | ProbeFailure:
    look = await FfprobeProber(SETTINGS).probe(parse_source(camera.url()), options or CameraOptions())
    return look.outcome


@pytest.mark.program("openssl")
async def test_a_redirect_to_the_encrypted_stream_is_followed() -> None:
    async with AnsweringCamera({"DESCRIBE": Answer("404 Not Found")}, self_signed()) as encrypted:
        there = Answer("301 Moved Permanently", f"Location: {encrypted.url()}\r\n")
        async with AnsweringCamera({"DESCRIBE": there}) as camera:
            found = await probed(camera)
        assert encrypted.asked == ["OPTIONS", "DESCRIBE"]
        assert isinstance(found, ProbeFailure)
        assert found.cause is Cause.NOT_FOUND


@pytest.mark.parametrize("options", [{"audio": "none"}, {"input": {"allowed_media_types": "video"}}])
async def test_a_camera_that_cannot_set_up_its_sound_is_not_asked_for_it(options: object) -> None:
    async with AnsweringCamera({"SETUP audio": Answer("400 Bad Request")}) as camera:
        assert isinstance(await probed(camera), ProbeFailure)
        assert "SETUP audio" in camera.asked
        camera.asked.clear()
        await probed(camera, parse_options(options))
        assert [asked for asked in camera.asked if asked.startswith("SETUP")] == ["SETUP video"]
        assert "PLAY" in camera.asked


async def test_a_redirect_to_a_file_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the content of a file")
    async with AnsweringCamera({"DESCRIBE": Answer("301 Moved", f"Location: file://{secret}\r\n")}) as camera:
        found = await probed(camera)
    assert isinstance(found, ProbeFailure)
    assert "content" not in found.detail


@pytest.mark.parametrize(
    ("method", "answer", "cause", "shown"),
    [
        ("DESCRIBE", Answer("503 Service Unavailable"), Cause.BUSY, "503"),
        ("SETUP", Answer("453 Not Enough Bandwidth"), Cause.BUSY, "453"),
        ("DESCRIBE", Answer("500 Could not write header: Connection refused"), Cause.CAMERA_ERROR, "500"),
        ("DESCRIBE", Answer("400 Bad Request"), Cause.REQUEST_REFUSED, "400"),
        ("SETUP", Answer("451 Parameter Not Understood"), Cause.REQUEST_REFUSED, "451"),
        (
            "SETUP",
            Answer(headers="Transport: RTP/AVP;client_port=5000-5001\r\n"),
            Cause.TRANSPORT_REFUSED,
            "Nonmatching transport",
        ),
    ],
)
async def test_what_a_camera_answers_is_told(method: str, answer: Answer, cause: Cause, shown: str) -> None:
    async with AnsweringCamera({method: answer}) as camera:
        look = await FfprobeProber(SETTINGS).probe(parse_source(camera.url(path="refused/461/404")), CameraOptions())
        found = look.outcome
    assert isinstance(found, ProbeFailure)
    assert found.cause is cause
    assert shown in found.detail
