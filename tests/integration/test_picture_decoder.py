"""Key frames become pictures in a process of their own, which may die of them."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio

from restream.adapters.pictures.decoder import DecodeError, KeyFrame, PictureDecoder
from restream.domain.pictures.mask import parse_mask
from tests.support.eventually import eventually

pytest.importorskip("av")

import numpy as np
from PIL import Image

pytestmark = pytest.mark.program("ffmpeg")

ENCODERS = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg"}


def key_frame(codec: str = "h264", source: str = "testsrc2=s=1280x720") -> KeyFrame:
    words = ("-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", "-c:v")
    quiet = ("-x265-params", "log-level=error") if codec == "hevc" else ()
    argv = ("ffmpeg", *words, ENCODERS[codec], *quiet, "-pix_fmt", "yuv420p", "-f", codec, "pipe:1")
    run = subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=60)
    return KeyFrame(codec, run.stdout, 1_800_000_000.0)


@pytest_asyncio.fixture
async def decoder() -> AsyncIterator[PictureDecoder]:
    decoder = PictureDecoder()
    yield decoder
    pid = decoder.pid
    await decoder.close()
    assert pid is None or not psutil.pid_exists(pid)


@pytest.mark.parametrize("codec", ENCODERS)
async def test_each_codec(decoder: PictureDecoder, codec: str) -> None:
    picture = await decoder.decode(key_frame(codec))
    measure = picture.measure
    assert (measure.width, measure.height, measure.taken_at) == (1280, 720, 1_800_000_000.0)
    assert 0.4 < measure.brightness < 0.6 and measure.contrast > 0.7 and measure.colourfulness > 0.5
    assert picture.jpeg.startswith(b"\xff\xd8") and len(picture.jpeg) < 50_000


async def test_what_a_mask_hides_is_black_and_not_judged(decoder: PictureDecoder) -> None:
    half = parse_mask([[0, 0, 0.5, 1]])
    masked = await decoder.decode(key_frame(), half)
    shown = np.asarray(Image.open(io.BytesIO(masked.jpeg)).convert("L"))
    assert shown.shape == (360, 640)
    # A JPEG bleeds a little, at the border alone.
    assert shown[:, :310].max() < 16 and shown[:, 330:].mean() > 60
    assert masked.measure.brightness > 0.3
    with pytest.raises(DecodeError, match="hides the whole picture"):
        await decoder.decode(key_frame(), parse_mask([[0, 0, 1, 1]]))


async def test_one_process_for_all_and_another_size(decoder: PictureDecoder) -> None:
    await decoder.decode(key_frame())
    first = decoder.pid
    tall = await decoder.decode(key_frame(source="color=c=black:s=360x640"))
    assert decoder.pid == first
    assert (tall.measure.width, tall.measure.height) == (360, 640)
    assert tall.measure.brightness < 0.01 and tall.measure.flat == 1.0


async def test_what_is_no_picture(decoder: PictureDecoder) -> None:
    whole = key_frame().data
    for codec, data in (
        ("h264", b"x"),
        ("h264", os.urandom(5000)),
        ("h264", whole[: len(whole) // 4]),
        ("hevc", whole),
        ("mjpeg", whole),
        ("vp9", whole),
        ("h264", b""),
        ("h264", bytes(9 << 20)),
    ):
        with pytest.raises(DecodeError) as error:
            await decoder.decode(KeyFrame(codec, data, 1.0))
        assert str(error.value).isprintable()
    assert (await decoder.decode(KeyFrame("h264", whole, 1.0))).jpeg


async def test_a_picture_that_kills_the_worker_costs_itself_alone(decoder: PictureDecoder) -> None:
    frame = key_frame()
    await decoder.decode(frame)
    assert decoder.pid is not None
    first = decoder.pid
    os.kill(first, signal.SIGSTOP)
    waiting = asyncio.create_task(decoder.decode(frame))
    behind = asyncio.create_task(decoder.decode(frame))
    await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(DecodeError, match="the picture worker ended"):
        await waiting
    assert (await behind).measure.width == 1280
    assert decoder.pid != first
    await eventually(lambda: not psutil.pid_exists(first), timeout_s=5)


async def test_a_worker_that_hangs_is_replaced() -> None:
    frame, decoder = key_frame(), PictureDecoder(limit_s=1.0)
    try:
        await decoder.decode(frame)
        assert decoder.pid is not None
        os.kill(decoder.pid, signal.SIGSTOP)
        with pytest.raises(DecodeError, match="within 1 s"):
            await decoder.decode(frame)
        assert (await decoder.decode(frame)).jpeg
    finally:
        await decoder.close()
    with pytest.raises(DecodeError, match="closed"):
        await decoder.decode(frame)
