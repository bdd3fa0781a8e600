"""Simulated cameras against real ffprobe and ffmpeg: every clip, every fault."""

import asyncio
import json
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import pytest

from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import CLIPS, Clip
from restream.demo.recording import record
from tests.support.eventually import eventually

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg") or not shutil.which("ffprobe"), reason="ffmpeg not on PATH")

CODECS = {
    "h264_aac": {"video": "h264", "audio": "aac"},
    "h264": {"video": "h264"},
    "h264_small": {"video": "h264"},
    "h264_pcma": {"video": "h264", "audio": "pcm_alaw"},
    "h265": {"video": "hevc"},
}
TIMEOUT_S = 30.0
NOTHING_BACK = ["-f", "null", "-"]


@dataclass(frozen=True)
class Ending:
    exit_code: int
    stderr: str
    took_s: float
    output: dict[str, Any]

    @property
    def last_line(self) -> str:
        return (self.stderr.strip().splitlines() or [""])[-1]


async def together(*cases: Coroutine[Any, Any, None]) -> None:
    """Run independent cases at once: they mostly wait for media to play in real time."""
    async with asyncio.TaskGroup() as group:
        for case in cases:
            group.create_task(case)


async def ffprobe(url: str, *, transport: str = "tcp", timeout_s: float = 2.0, analyze_s: float = 3.0) -> Ending:
    timeout_us, analyze_us = str(int(timeout_s * 1e6)), str(int(analyze_s * 1e6))
    process = await asyncio.create_subprocess_exec(
        *("ffprobe", "-v", "level+error", "-rtsp_transport", transport, "-timeout", timeout_us),
        *("-analyzeduration", analyze_us, "-fpsprobesize", "0", "-show_error", "-show_streams", "-of", "json", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    started = time.monotonic()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ending(process.returncode or 0, err.decode(), time.monotonic() - started, json.loads(out or b"{}"))


class Relay:
    """A running ffmpeg -c copy with its progress."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out_time_us = 0
        self.advanced_at_s = time.monotonic()
        self.stderr = ""
        self._reading = [asyncio.create_task(each()) for each in (self._read_progress, self._read_stderr)]

    async def _read_progress(self) -> None:
        assert self.process.stdout
        while line := await self.process.stdout.readline():
            found = re.match(rb"out_time_us=(\d+)", line)
            if found and int(found[1]) > self.out_time_us:
                self.out_time_us = int(found[1])
                self.advanced_at_s = time.monotonic()

    async def _read_stderr(self) -> None:
        assert self.process.stderr
        while chunk := await self.process.stderr.read(4096):
            self.stderr += chunk.decode(errors="replace")

    async def ended(self, timeout_s: float = 10.0) -> int:
        """Exit code, once all that ffmpeg said has been read."""
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*self._reading)
            return await self.process.wait()

    async def advances(self, by_us: int = 500_000, timeout_s: float = 15.0) -> None:
        target_us = self.out_time_us + by_us
        await eventually(
            lambda: self.out_time_us >= target_us or self.process.returncode is not None, timeout_s, "media advances"
        )
        assert self.process.returncode is None, self.stderr


@asynccontextmanager
async def relay(
    source: str, sink: list[str] = NOTHING_BACK, *, transport: str = "tcp", timeout_s: float = 2.0
) -> AsyncIterator[Relay]:
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "level+warning", "-nostats", "-progress", "pipe:1"),
        *("-stats_period", "0.2", "-rtsp_transport", transport, "-timeout", str(int(timeout_s * 1e6))),
        *("-analyzeduration", "3000000", "-fpsprobesize", "0", "-i", source, "-map", "0:v:0", "-map", "0:a:0?"),
        *("-c", "copy", "-max_interleave_delta", "500000", *sink),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Relay(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()


def codecs(ending: Ending) -> dict[str, str]:
    return {stream["codec_type"]: stream["codec_name"] for stream in ending.output.get("streams", [])}


async def test_every_clip_is_recognised() -> None:
    async def case(name: str, transport: str) -> None:
        async with SimulatedCamera(Clip.load(name)) as camera:
            ending = await ffprobe(camera.url(), transport=transport)
            assert ending.exit_code == 0 and codecs(ending) == CODECS[name], (name, transport, ending)
            assert (ending.output["streams"][0]["width"], ending.output["streams"][0]["height"]) == (320, 180)
            await eventually(lambda: camera.open_connections == 0, 10)
            assert (camera.connections_total, camera.describes_total, camera.auth_failures_total) == (1, 1, 0)

    await together(*(case(name, transport) for name in CLIPS for transport in ("tcp", "udp")))


async def test_loops_join_without_a_warning() -> None:
    clip = Clip.load("h264_aac")

    async def case(transport: str) -> None:
        async with SimulatedCamera(clip) as camera, relay(camera.url(), transport=transport) as running:
            await running.advances(clip.duration_us + 500_000, 20)
            assert running.stderr == ""

    await together(case("tcp"), case("udp"))


async def test_credentials() -> None:
    async def case(auth: Literal["digest", "basic"], transport: str) -> None:
        async with SimulatedCamera(Clip.load("h264"), login="ad min", password="p@:/?ß", auth=auth) as camera:
            ending = await ffprobe(camera.url(path="cam/realmonitor?channel=1&subtype=0"), transport=transport)
            assert ending.exit_code == 0 and codecs(ending) == {"video": "h264"}, (auth, transport, ending)
            assert camera.auth_failures_total == 0
            for url in (camera.url(with_credentials=False), camera.url().replace("@", "x@")):
                ending = await ffprobe(url)
                assert ending.exit_code == 1 and "401 Unauthorized" in ending.last_line
                assert ending.output["error"]["code"] == -825242872
            assert camera.auth_failures_total == 1
            in_path = f"user=ad%20min&password={quote('p@:/?ß', safe='')}&channel=1&stream=0.sdp?"
            ending = await ffprobe(camera.url(with_credentials=False, path=in_path))
            assert ending.exit_code == 0, "credentials in the path, as some cameras take them"

    await together(case("digest", "tcp"), case("digest", "udp"), case("basic", "tcp"), case("basic", "udp"))


INVALID = r"Invalid data found when processing input$"


async def test_what_ffprobe_says_of_a_fault() -> None:
    async def case(fault: Fault, exit_code: int, last_line: str, code: int | None, waits: bool | None) -> None:
        async with SimulatedCamera(Clip.load("h264")) as camera:
            await camera.set_fault(fault)
            ending = await ffprobe(camera.url(), timeout_s=2)
            assert ending.exit_code == exit_code and re.search(last_line, ending.last_line), (fault, ending)
            # How quick the others are, the machine decides.
            assert not waits or ending.took_s >= 1.9, (fault, ending)
            if code is not None:
                assert ending.output["error"]["code"] == code, fault
            if fault is Fault.NO_PACKETS:
                assert all(not stream.get("width") for stream in ending.output["streams"])
            await camera.set_fault(Fault.NONE)
            assert (await ffprobe(camera.url())).exit_code == 0, fault

    await together(
        case(Fault.REFUSE, 1, r"Connection refused$", -111, False),
        case(Fault.SILENT, 1, INVALID, -1094995529, True),
        case(Fault.FREEZE, 1, INVALID, -1094995529, True),
        case(Fault.UNAUTHORIZED, 1, r"Server returned 401 Unauthorized \(authorization failed\)$", -825242872, False),
        case(Fault.NOT_FOUND, 1, r"Server returned 404 Not Found$", -875574520, False),
        case(Fault.UDP_ONLY, 1, r"Protocol not supported$", -93, False),
        case(Fault.SERVER_ERROR, 1, r"Server returned 5XX Server Error reply$", None, False),
        case(Fault.HANG_DESCRIBE, 1, INVALID, -1094995529, True),
        case(Fault.HANG_SETUP, 1, INVALID, -1094995529, True),
        case(Fault.HANG_PLAY, 1, r"Operation not permitted$", None, True),
        case(Fault.GARBAGE, 1, INVALID, -1094995529, None),
        case(Fault.NO_PACKETS, 0, r"^$", None, True),
    )


async def test_announced_but_silent_audio() -> None:
    async with SimulatedCamera(Clip.load("h264_aac")) as camera:
        camera.fault = Fault.SILENT_AUDIO
        ending = await ffprobe(camera.url(), analyze_s=1.5)
        assert ending.exit_code == 0 and codecs(ending) == CODECS["h264_aac"]
        assert ending.took_s > 1.4, "it waits for the audio until analyzeduration is over"


async def test_a_freeze_ends_the_relay_after_twice_the_timeout_with_exit_0() -> None:
    async def case(fault: Fault) -> None:
        async with SimulatedCamera(Clip.load("h264")) as camera, relay(camera.url(), timeout_s=1) as running:
            await running.advances()
            frozen_at = time.monotonic()
            camera.fault = fault
            assert await running.ended() == 0, fault
            assert 1.5 < time.monotonic() - frozen_at < 4, fault

    await together(case(Fault.FREEZE), case(Fault.SILENT), case(Fault.NO_PACKETS))


async def test_media_goes_on_after_a_freeze() -> None:
    async with SimulatedCamera(Clip.load("h264_aac")) as camera, relay(camera.url(), timeout_s=5) as running:
        await running.advances()
        camera.fault = Fault.FREEZE
        await eventually(lambda: time.monotonic() - running.advanced_at_s > 0.8, 5, "media stands still")
        camera.fault = Fault.NONE
        await running.advances(1_500_000)


async def test_a_dropped_session_ends_the_relay_silently_with_exit_0() -> None:
    async def case(fault: Fault) -> None:
        async with SimulatedCamera(Clip.load("h264")) as camera, relay(camera.url()) as running:
            await running.advances()
            camera.fault = fault
            assert await running.ended(2) == 0, fault
            lines = running.stderr.splitlines()
            assert not [line for line in lines if "[warning] Failed reading RTSP data" not in line], fault
            assert camera.open_connections == 0
            one_shot = fault in (Fault.DROP, Fault.RESET)
            assert camera.fault is (Fault.NONE if one_shot else fault)
            assert ((await ffprobe(camera.url())).exit_code == 0) == one_shot, fault

    await together(*map(case, (Fault.DROP, Fault.RESET, Fault.REFUSE, Fault.UNAUTHORIZED, Fault.NOT_FOUND)))


async def test_the_codec_changes_in_mid_stream() -> None:
    async with SimulatedCamera(Clip.load("h264_aac")) as camera, relay(camera.url()) as running:
        await running.advances()
        camera.fault = Fault.CODEC_CHANGE
        await running.advances()
        assert codecs(await ffprobe(camera.url())) == {"video": "hevc", "audio": "aac"}
        camera.fault = Fault.NONE
        await running.advances()
        assert codecs(await ffprobe(camera.url())) == CODECS["h264_aac"]


async def test_the_port_is_kept_across_faults_and_restarts() -> None:
    camera = SimulatedCamera(Clip.load("h264"))
    await camera.start()
    port = camera.port
    for fault in (Fault.REFUSE, Fault.NONE, Fault.REFUSE, Fault.REFUSE):
        camera.fault = fault
    await camera.stop()
    await camera.start()
    with pytest.raises(OSError):
        await asyncio.open_connection(camera.host, port)
    await camera.set_fault(Fault.NONE)
    _, writer = await asyncio.open_connection(camera.host, port)
    await eventually(lambda: camera.open_connections == 1, 10)
    await camera.stop()
    writer.close()
    assert camera.open_connections == 0 and asyncio.all_tasks() == {asyncio.current_task()}


async def test_garbage_from_a_client_closes_its_connection_only() -> None:
    async with SimulatedCamera(Clip.load("h264")) as camera:
        reader, writer = await asyncio.open_connection(camera.host, camera.port)
        writer.write(b"\x16\x03\x01 tls?")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        assert (await ffprobe(camera.url())).exit_code == 0


async def test_the_command_line_serves_until_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "restream.demo.cameras", "--count", "3", "--clip", "h265"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(10):
            word, _, urls = (await process.stdout.readline()).partition(b" ")
        assert word == b"READY" and len(set(json.loads(urls))) == 3
        assert codecs(await ffprobe(json.loads(urls)[2])) == {"video": "hevc"}
        process.terminate()
        async with asyncio.timeout(5):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_two_hundred_cameras_in_one_loop() -> None:
    clip = Clip.load("h264_aac")
    cameras = [SimulatedCamera(clip) for _ in range(200)]
    async with AsyncExitStack() as stack:
        for camera in cameras:
            await stack.enter_async_context(camera)
        received = [0] * len(cameras)

        async def read(index: int) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", cameras[index].port)
            for line in ("SETUP {}/streamid=0", "PLAY {}"):
                text = line.format(cameras[index].url()) + " RTSP/1.0\r\nCSeq: 1\r\n"
                writer.write((text + "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n").encode())
            while received[index] < 20_000:
                received[index] += len(await reader.read(65536))
            writer.close()

        async with asyncio.timeout(20):
            await asyncio.gather(*(read(index) for index in range(len(cameras))))
        await eventually(lambda: not any(camera.open_connections for camera in cameras), 10)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_recording_fits_the_loop() -> None:
    encoders = await asyncio.create_subprocess_exec(
        "ffmpeg", "-v", "quiet", "-encoders", stdout=asyncio.subprocess.PIPE
    )
    if b"libx264 " not in (await encoders.communicate())[0]:
        pytest.skip("this ffmpeg has no libx264")
    clip = Clip.from_bytes("new", await record("h264_pcma"))
    committed = Clip.load("h264_pcma")
    assert clip.duration_us == committed.duration_us
    for track in (0, 1):
        new, old = ({each.ticks for each in one.packets if each.track == track} for one in (clip, committed))
        assert new == old
