"""Pictures through a real encoder and the decoder that the service has: what they cost, and what they change."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
import psutil
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from PIL import Image

from bench.machine import weigh
from bench.pictures.kinds import KINDS
from bench.pictures.scene import Scene, Shown
from restream.adapters.pictures.decoder import PictureDecoder
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.measure import PictureMeasure
from restream.domain.pictures.memory import PictureMemory
from restream.ports.pictures import KeyFrame

WIDTH, HEIGHT = 1280, 720
_BETWEEN = 7
"""Pictures between two key frames: enough for the encoder to get used to what it sees."""
_NOISE = np.random.default_rng(4).normal(0, 1, 1 << 22).astype(np.float32)
_CHANCE = np.random.default_rng(5)


def encoded(shown: Iterator[tuple[Shown, float]], bitrate_bps: int) -> Iterator[KeyFrame]:
    """A key frame of each, as an encoder makes it that runs all the time. With each picture goes its noise, levels."""
    context = cast(VideoCodecContext, VideoCodecContext.create("libx264", "w"))
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.bit_rate, context.gop_size = Fraction(1, 15), bitrate_bps, 10_000
    # Each key frame carries its parameter sets, as those that are sampled do.
    context.options = {"preset": "veryfast", "tune": "zerolatency", "forced-idr": "1", "threads": "1"}
    at = 0
    for each, noise in shown:
        planes = [
            _large(each.small.grey, WIDTH, HEIGHT),
            *(_large(plane, WIDTH // 2, HEIGHT // 2) for plane in (each.small.blue, each.small.red)),
        ]
        for turn in range(_BETWEEN + 1):
            frame = _frame(planes, noise)
            frame.pts, at = at, at + 1
            frame.pict_type = PictureType.I if turn == _BETWEEN else PictureType.NONE
            for packet in context.encode(frame):
                if turn == _BETWEEN:
                    yield KeyFrame("h264", bytes(packet), each.taken_at)


def _large(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC), np.float32)


def _frame(planes: list[np.ndarray], noise: float) -> av.VideoFrame:
    """In the limited range, with noise of its own."""
    grey = planes[0]
    if noise:
        at = int(_CHANCE.integers(0, _NOISE.size - grey.size))
        grey = grey + np.float32(noise) * _NOISE[at : at + grey.size].reshape(grey.shape)
    limited = [16 + grey * (219 / 255), *(128 + (each - 128) * (224 / 255) for each in planes[1:])]
    rows = np.concatenate([np.clip(each, 0, 255).astype(np.uint8).reshape(-1, WIDTH) for each in limited])
    return av.VideoFrame.from_ndarray(rows, format="yuv420p")


async def cost(cameras: int, seconds: float) -> dict[str, Any]:
    """Each camera once in so many seconds: decoded, measured, judged against days of its own past."""
    frames = [
        next(encoded(iter([(Scene(kind, 1, 2).show(720 + 7 * at), kind.noise)]), 2_000_000))
        for at, kind in enumerate(KINDS)
    ]
    base = weigh([psutil.Process()])
    learnt = json.dumps(_learnt().to_mapping())
    memories = [PictureMemory.from_mapping(json.loads(learnt)) for _ in range(cameras)]
    decoder = PictureDecoder()
    try:
        await decoder.decode(frames[0])
        ours, worker = psutil.Process(), psutil.Process(decoder.pid)
        begin, before, before_worker = time.monotonic(), weigh([ours]), weigh([worker])
        late = 0.0
        for at in range(cameras):
            due = begin + seconds * at / cameras
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            frame = frames[at % len(frames)]
            picture = await decoder.decode(KeyFrame(frame.codec, frame.data, 2e9 + at))
            memories[at] = memories[at].observe(picture.measure, moving_bytes=True)
            late = max(late, time.monotonic() - due)
        took, after, after_worker = time.monotonic() - begin, weigh([ours]), weigh([worker])
    finally:
        await decoder.close()
    found = {
        "cameras": cameras,
        "seconds": round(took, 1),
        "key_frame_kib": round(sum(len(each.data) for each in frames) / len(frames) / 1024, 1),
        "worker_cpu_percent": round(100 * (after_worker.cpu_s - before_worker.cpu_s) / took, 2),
        "service_cpu_percent": round(100 * (after.cpu_s - before.cpu_s) / took, 2),
        "worker_mib": round(after_worker.rss_mib, 1),
        "memories_mib": round(after.rss_mib - base.rss_mib, 1),
        "slowest_s": round(late, 3),
    }
    sys.stdout.write(", ".join(f"{name} {value}" for name, value in found.items()) + "\n")
    return found


def _learnt() -> PictureMemory:
    """Of some days."""
    scene, memory = Scene(KINDS[1], 2, 4), PictureMemory()
    for minute in range(0, 4 * 1440, 10):
        memory = memory.observe(scene.show(minute).measure, moving_bytes=True)
    return memory


async def agreement(numbers: Sequence[int], samples: int = 12, bitrate_bps: int = 1_000_000) -> dict[str, Any]:
    """Whether what is measured of a simulated picture is what is measured of it behind encoder and decoder."""
    decoder, table = PictureDecoder(), {}
    try:
        for number in numbers:
            kind = KINDS[number]
            scene = Scene(kind, number + 1, 2)
            for name, minute in (("day", 720), ("night", 120)):
                table[f"{kind.name}, {name}"] = await _agree(decoder, scene, minute, samples, bitrate_bps)
                line = ", ".join(f"{key} {value}" for key, value in table[f"{kind.name}, {name}"].items())
                sys.stdout.write(f"{kind.name}, {name}: {line}\n")
    finally:
        await decoder.close()
    return table


async def _agree(decoder: PictureDecoder, scene: Scene, begin: int, samples: int, bitrate_bps: int) -> dict[str, Any]:
    shown = [scene.show(begin + step) for step in range(samples)]
    stuck = [scene.show(begin + step, PictureFlaw.FROZEN, stuck=shown[0]) for step in range(samples)]
    live = [(each, scene.kind.noise) for each in shown]
    decoded = [(await decoder.decode(each)).measure for each in encoded(iter(live), bitrate_bps)]
    # One picture, encoded again and again under its clock.
    frozen = [(await decoder.decode(each)).measure for each in encoded(((e, 0.0) for e in stuck), bitrate_bps)]
    direct = [each.measure for each in shown]
    return {
        "stir": round(min(_stirs(direct)), 2),
        "stir_encoded": round(min(_stirs(decoded)[2:]), 2),
        "stir_frozen": round(max(_stirs(frozen)[2:]), 2),
        "brightness": _apart("brightness", direct, decoded),
        "contrast": _apart("contrast", direct, decoded),
        "sharpness": _apart("sharpness", direct, decoded),
        "colourfulness": _apart("colourfulness", direct, decoded),
    }


def _stirs(measures: list[PictureMeasure]) -> list[float]:
    memory, found = PictureMemory(), []
    for each in measures:
        memory = memory.observe(each, moving_bytes=True)
        found.append(memory.recent[-1].stir)
    return found[1:]


def _apart(name: str, direct: list[PictureMeasure], decoded: list[PictureMeasure]) -> float:
    """The largest difference."""
    pairs = zip(direct, decoded, strict=True)
    return round(max(abs(float(getattr(a, name)) - float(getattr(b, name))) for a, b in pairs), 3)
