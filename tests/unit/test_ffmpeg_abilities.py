"""What ffmpeg cannot do of what cameras offer: logins, and tracks of several encodings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.adapters.ffmpeg.engine import FfmpegEngine
from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.ffmpeg.encoding import misread_as
from restream.domain.ffmpeg.login import login_trouble
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.life.cause import Cause
from restream.domain.server.target import Target
from tests.unit.fakes import camera

H264 = VideoStream("h264", 640, 360)
CODECS = ("h264", "hevc", "mjpeg", "aac", "pcm_alaw", "pcm_mulaw", "opus")


@pytest.mark.parametrize(
    ("offered", "trouble"),
    [
        ((), ""),
        (("Basic",), ""),
        (("MD5",), ""),
        (("MD5-sess", "Basic"), ""),
        (("SHA-256", "MD5"), ""),
        (("SHA-256", "Basic"), "knows Basic and MD5 only"),
        (("SHA-256",), "knows Basic and MD5 only"),
        (("MD5", "SHA-256"), "tries the last one only"),
        (("MD5", "SHA-256", "Basic"), "tries the last one only"),
    ],
)
def test_logins(offered: Sequence[str], trouble: str) -> None:
    assert trouble in login_trouble(offered) and bool(trouble) == bool(login_trouble(offered))


@pytest.mark.parametrize(
    ("codec", "offered", "wrong"),
    [
        ("h264", (), ""),
        ("h264", ("h264", "hevc"), ""),
        ("h264", ("hevc", "h264"), "hevc"),
        ("pcm_mulaw", ("pcm_mulaw", "pcm_alaw"), "pcm_alaw"),
        ("pcm_mulaw", ("aac", "pcm_mulaw"), ""),
        ("aac", ("aac", "pcm_mulaw"), "pcm_mulaw"),
    ],
)
def test_for_what_a_track_is_taken(codec: str, offered: Sequence[str], wrong: str) -> None:
    assert misread_as(codec, offered) == wrong


@given(st.sampled_from(CODECS), st.lists(st.sampled_from(CODECS), unique=True))
def test_a_track_is_only_taken_for_what_is_offered(codec: str, offered: list[str]) -> None:
    wrong = misread_as(codec, offered)
    assert wrong != codec and wrong in ("", *offered)


@pytest.mark.parametrize(
    ("media", "cause", "words"),
    [
        (Media(H264, login=("SHA-256",)), Cause.AUTH_UNSUPPORTED, "SHA-256"),
        (Media(H264, login=("MD5",), reconnects=True), Cause.AUTH_UNSUPPORTED, "closes the connection"),
        (Media(replace(H264, offered=("hevc", "h264"))), Cause.ENGINE_UNABLE, "would take h264 for hevc"),
    ],
)
def test_what_the_engine_refuses_is_told(media: Media, cause: Cause, words: str) -> None:
    refused = FfmpegEngine(FfmpegSettings()).cannot(camera(1), media)
    assert refused is not None and refused.cause is cause and words in refused.detail


def test_a_sound_that_would_be_taken_for_another_is_left_out() -> None:
    sound = AudioStream("pcm_mulaw", 8000, 1, offered=("pcm_mulaw", "pcm_alaw"))
    for audio, expected in ((sound, "none"), (replace(sound, offered=()), "copy")):
        media, engine = Media(H264, audio), FfmpegEngine(FfmpegSettings())
        assert engine.cannot(camera(1), media) is None
        plan = engine.plan(camera(1), media, Target())
        assert plan.audio == expected
        assert any("would take it for pcm_alaw" in reason for reason in plan.reasons) == (expected == "none")
