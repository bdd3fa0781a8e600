"""Record what ffprobe and ffmpeg say when cameras and media servers misbehave.

`python -m tests.record_ffmpeg --ffmpeg PATH --ffprobe PATH --label 5.1` writes one file per case into
`tests/data/ffmpeg/<label>/`. Commands are the product's own; cameras are simulated; the media server is the stand-in
and, when one is on PATH, a real mediamtx. Tests feed the files to the classifiers, so a new version of ffmpeg is
learned by recording it.
"""

import argparse
import asyncio
import contextlib
import json
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restream.adapters.processes.child_process import ChildProcess
from restream.demo.camera_faults import Fault
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.media_server import StandInServer
from restream.demo.sink_faults import SinkFault
from restream.domain.camera.camera import Camera
from restream.domain.camera.options import CameraOptions, Transport
from restream.domain.camera.secret import Secret
from restream.domain.camera.urls import parse_source
from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings, build_plan, build_probe
from restream.domain.ffmpeg.progress import ProgressParser
from restream.domain.server.target import Target
from restream.service.interpreter import install_child_watcher
from tests.support.answering_camera import Answer, AnsweringCamera

DATA = Path(__file__).parent / "data" / "ffmpeg"
LIMIT_S = 60.0
STOP_GRACE_S = 3.0
PARALLEL = 4
MEDIA = Media(VideoStream("h264", 640, 360, 15.0), AudioStream("aac", 16000, 1))
LOGIN, PASSWORD = "admin", "sEcret@1:/"

Record = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """`expected` is the cause, or for a probe that must succeed its codecs (`h264+aac`).

    `source_ended/unclear`: only newer versions say enough to tell the first.
    """

    name: str
    expected: str
    run: Callable[[FfmpegSettings], Awaitable[Record]]


def scrub(text: str) -> str:
    """What differs from run to run or from machine to machine says nothing."""
    # Pointers stay: classifiers must not read anything into them.
    text = re.sub(r"(127\.0\.0\.1|\[::1\]):\d+", r"\1:PORT", text)
    return re.sub(r"\bport \d+", "port PORT", text)


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def run_probe(
    settings: FfmpegSettings, url: str, *, on_start: Callable[[], Awaitable[None]] | None = None
) -> Record:
    output = bytearray()
    command = build_probe(parse_source(url), CameraOptions(), settings).invocation
    began = time.monotonic()
    child = ChildProcess.spawn(command, output.extend)
    acting = asyncio.ensure_future(on_start()) if on_start else None
    exit_code: int | None = None
    number: int | None = None
    try:
        async with asyncio.timeout(settings.probe_limit_s(CameraOptions())):
            ending = await child.ended()
            exit_code, number = ending.exit_code, ending.signal
    except TimeoutError:
        pass
    finally:
        child.kill()
    await child.ended()
    if acting:
        await acting
    elapsed_s = time.monotonic() - began
    text = scrub(output.decode())
    try:
        stdout: Any = json.loads(text) if text.strip() else None
    except ValueError:
        stdout = text
    return {
        "exit_code": exit_code,
        "signal": number,
        "elapsed_s": round(elapsed_s, 1),
        "timeout_s": settings.network_timeout_s(CameraOptions()),
        "stdout": stdout,
        "stderr": [scrub(line) for line in child.stderr_tail],
    }


async def run_relay(
    settings: FfmpegSettings,
    url: str,
    target: Target,
    *,
    path: str = "cam1",
    media: Media = MEDIA,
    act: Callable[[ChildProcess], Awaitable[None]] | None = None,
    asked: str | None = None,
) -> Record:
    """One publisher until it ends; `act` comes once media flows."""
    camera = Camera("1", "camera 1", "", "", True, path, parse_source(url), CameraOptions())
    plan = build_plan(camera, media, target, settings)
    flowing = asyncio.Event()
    parser = ProgressParser()

    def on_progress(chunk: bytes) -> None:
        parser.feed(chunk)
        if parser.media_seen:
            flowing.set()

    began = time.monotonic()
    publication = ChildProcess.spawn(plan.invocation, on_progress)
    try:
        async with asyncio.timeout(LIMIT_S):
            if act:
                await flowing.wait()
                await asyncio.sleep(1.5)
                await act(publication)
            ending = await publication.ended()
    finally:
        await publication.stop(STOP_GRACE_S)
    return {
        "exit_code": ending.exit_code,
        "signal": ending.signal,
        "elapsed_s": round(time.monotonic() - began, 1),
        "timeout_s": settings.stall_timeout_s,
        "media_seen": flowing.is_set(),
        "asked": asked,
        "stderr": [scrub(line) for line in ending.stderr_tail],
    }


@contextlib.asynccontextmanager
async def camera(fault: Fault = Fault.NONE, clip: str = "h264_aac", **settings: Any) -> AsyncIterator[SimulatedCamera]:
    settings.setdefault("login", LOGIN)
    settings.setdefault("password", PASSWORD)
    async with SimulatedCamera(Clip.load(clip), **settings) as simulated:
        await simulated.set_fault(fault)
        yield simulated


@contextlib.contextmanager
def swallowing_host() -> Any:
    """A port whose backlog is full: the kernel drops further SYNs, like a firewall that says nothing."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(listener.getsockname())
        yield f"rtsp://127.0.0.1:{listener.getsockname()[1]}/stream"


@contextlib.asynccontextmanager
async def stand_in(fault: SinkFault = SinkFault.NONE, **settings: Any) -> AsyncIterator[StandInServer]:
    server = StandInServer(**settings)
    await server.start()
    server.fault = fault
    try:
        yield server
    finally:
        await server.stop()


@dataclass
class RealServer:
    process: asyncio.subprocess.Process
    rtsp_url: str
    srt_url: str

    def target(self, publish: Transport = Transport.RTSP, user: str = "pub", password: str = "right") -> Target:
        return Target(self.rtsp_url, self.srt_url, publish, user, Secret(password))

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def mediamtx() -> AsyncIterator[RealServer]:
    rtsp, srt = free_port(), free_port(socket.SOCK_DGRAM)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "mediamtx.yml"
        config.write_text(
            f"logLevel: error\nrtspAddress: 127.0.0.1:{rtsp}\nrtspTransports: [tcp]\nrtmp: no\nhls: no\n"
            "webrtc: no\nmoq: no\n"
            f"srt: yes\nsrtAddress: 127.0.0.1:{srt}\nauthInternalUsers:\n"
            "- {user: pub, pass: right, ips: [], permissions: [{action: publish}, {action: read}]}\n"
            "paths:\n  cam1: {}\n  single: {overridePublisher: no}\n"
        )
        binary = shutil.which("mediamtx") or "mediamtx"
        devnull = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(binary, config.name, cwd=folder, stdout=devnull, stderr=devnull)
        server = RealServer(process, f"rtsp://127.0.0.1:{rtsp}", f"srt://127.0.0.1:{srt}")
        try:
            async with asyncio.timeout(10):
                while True:
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", rtsp)
                    except OSError:
                        await asyncio.sleep(0.05)
                        continue
                    writer.close()
                    break
            yield server
        finally:
            await server.kill()


# -- probes ------------------------------------------------------------------------------------------------------------


def probe_of(fault: Fault, **settings: Any) -> Callable[[FfmpegSettings], Awaitable[Record]]:
    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with camera(fault, **settings) as simulated:
            return await run_probe(ffmpeg, simulated.url())

    return run


def probe_with(user: str, password: str, **settings: Any) -> Callable[[FfmpegSettings], Awaitable[Record]]:
    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with camera(**settings) as simulated:
            credentials = f"{user}:{password}@" if user else ""
            return await run_probe(ffmpeg, f"rtsp://{credentials}127.0.0.1:{simulated.port}/stream")

    return run


def probe_url(url: str) -> Callable[[FfmpegSettings], Awaitable[Record]]:
    return lambda ffmpeg: run_probe(ffmpeg, url)


def probe_answered(method: str, status: str, headers: str = "") -> Callable[[FfmpegSettings], Awaitable[Record]]:
    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with AnsweringCamera({method: Answer(status, headers)}) as answering:
            return await run_probe(ffmpeg, answering.url())

    return run


def http_answered(status: str) -> Callable[[FfmpegSettings], Awaitable[Record]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if status:
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        else:
            await reader.read()
        writer.close()

    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            return await run_probe(ffmpeg, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/video")

    return run


async def probe_srt_refused(ffmpeg: FfmpegSettings) -> Record:
    async with mediamtx() as server:
        return await run_probe(ffmpeg, f"{server.srt_url}?streamid=read:unknown")


async def probe_unreachable(ffmpeg: FfmpegSettings) -> Record:
    with swallowing_host() as url:
        return await run_probe(ffmpeg, url)


async def probe_freeze(ffmpeg: FfmpegSettings) -> Record:
    async with camera() as simulated:

        async def freeze() -> None:
            while not simulated.open_connections:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.4)
            await simulated.set_fault(Fault.FREEZE)

        return await run_probe(ffmpeg, simulated.url(), on_start=freeze)


async def probe_closed(ffmpeg: FfmpegSettings) -> Record:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        return await run_probe(ffmpeg, f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/stream")


PROBES = (
    Case("ok_aac", "h264+aac", probe_of(Fault.NONE)),
    Case("ok_silent_camera", "h264+none", probe_of(Fault.NONE, clip="h264")),
    Case("ok_g711", "h264+pcm_alaw", probe_of(Fault.NONE, clip="h264_pcma")),
    Case("ok_h265", "hevc+none", probe_of(Fault.NONE, clip="h265")),
    Case("ok_silent_audio", "h264+aac", probe_of(Fault.SILENT_AUDIO)),
    Case("ok_then_freeze", "h264+aac", probe_freeze),
    Case("refused", "refused", probe_of(Fault.REFUSE)),
    Case("unreachable", "unreachable", probe_unreachable),
    Case("dns", "dns", probe_url("rtsp://camera.invalid/stream")),
    Case("wrong_password_digest", "auth_failed", probe_with("admin", "wrong")),
    Case("wrong_password_basic", "auth_failed", probe_with("admin", "wrong", auth="basic")),
    Case("no_credentials", "auth_failed", probe_with("", "")),
    Case("not_found", "not_found", probe_of(Fault.NOT_FOUND)),
    Case("server_error", "busy", probe_of(Fault.SERVER_ERROR)),
    Case("silent", "timeout", probe_of(Fault.SILENT)),
    Case("hang_describe", "timeout", probe_of(Fault.HANG_DESCRIBE)),
    Case("hang_setup", "timeout", probe_of(Fault.HANG_SETUP)),
    Case("hang_play", "timeout", probe_of(Fault.HANG_PLAY)),
    Case("no_packets", "no_media", probe_of(Fault.NO_PACKETS)),
    Case("garbage", "source_ended/unclear", probe_of(Fault.GARBAGE)),
    Case("closed", "source_ended/unclear", probe_closed),
    Case("describe_400", "request_refused", probe_answered("DESCRIBE", "400 Bad Request")),
    Case("describe_406", "request_refused", probe_answered("DESCRIBE", "406 Not Acceptable")),
    Case("describe_500", "camera_error", probe_answered("DESCRIBE", "500 Internal Server Error")),
    Case("setup_400", "request_refused", probe_answered("SETUP", "400 Bad Request")),
    Case("setup_453", "busy", probe_answered("SETUP", "453 Not Enough Bandwidth")),
    Case("setup_461", "transport_refused", probe_answered("SETUP", "461 Unsupported Transport")),
    Case("setup_500", "camera_error", probe_answered("SETUP", "500 Internal Server Error")),
    Case("play_453", "busy", probe_answered("PLAY", "453 Not Enough Bandwidth")),
    Case(
        "other_transport",
        "transport_refused",
        probe_answered("SETUP", "200 OK", "Transport: RTP/AVP;client_port=5000-5001\r\n"),
    ),
    Case("no_transport", "unclear", probe_answered("SETUP", "200 OK")),
    Case("http_400", "request_refused", http_answered("400 Bad Request")),
    Case("http_401", "auth_failed", http_answered("401 Unauthorized")),
    Case("http_404", "not_found", http_answered("404 Not Found")),
    Case("http_406", "request_refused", http_answered("406 Not Acceptable")),
    Case("http_500", "camera_error", http_answered("500 Internal Server Error")),
    Case("http_503", "busy", http_answered("503 Service Unavailable")),
    Case("http_silent", "timeout", http_answered("")),
    Case("srt_unreachable", "unreachable", probe_url("srt://127.0.0.1:9")),
    Case("srt_refused", "request_refused", probe_srt_refused),
)


# -- relays: the camera's side -----------------------------------------------------------------------------------------


def relay_of(fault: Fault) -> Callable[[FfmpegSettings], Awaitable[Record]]:
    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with camera(fault) as simulated, stand_in() as server:
            return await run_relay(ffmpeg, simulated.url(), Target(rtsp_url=server.rtsp_url))

    return run


def relay_until(
    fault: Fault, *, asked: str | None = None, after_s: float = 3.0
) -> Callable[[FfmpegSettings], Awaitable[Record]]:
    """The fault comes once media flows; `asked`: then we stop it ourselves."""

    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with camera() as simulated, stand_in() as server:

            async def act(publication: ChildProcess) -> None:
                await simulated.set_fault(fault)
                if asked:
                    await asyncio.sleep(after_s)
                    await publication.stop(STOP_GRACE_S)

            return await run_relay(ffmpeg, simulated.url(), Target(rtsp_url=server.rtsp_url), act=act, asked=asked)

    return run


def relay_signalled(number: signal.Signals) -> Callable[[FfmpegSettings], Awaitable[Record]]:
    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with camera() as simulated, stand_in() as server:

            async def act(publication: ChildProcess) -> None:
                import os

                os.kill(publication.pid, number)

            return await run_relay(ffmpeg, simulated.url(), Target(rtsp_url=server.rtsp_url), act=act)

    return run


def relay_answered(method: str, status: str, headers: str = "") -> Callable[[FfmpegSettings], Awaitable[Record]]:
    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with AnsweringCamera({method: Answer(status, headers)}) as answering, stand_in() as server:
            return await run_relay(ffmpeg, answering.url(), Target(rtsp_url=server.rtsp_url))

    return run


async def relay_wrong_password(ffmpeg: FfmpegSettings) -> Record:
    async with camera() as simulated, stand_in() as server:
        url = f"rtsp://admin:wrong@127.0.0.1:{simulated.port}/stream"
        return await run_relay(ffmpeg, url, Target(rtsp_url=server.rtsp_url))


async def relay_dns(ffmpeg: FfmpegSettings) -> Record:
    async with stand_in() as server:
        return await run_relay(ffmpeg, "rtsp://camera.invalid/stream", Target(rtsp_url=server.rtsp_url))


async def relay_unreachable(ffmpeg: FfmpegSettings) -> Record:
    with swallowing_host() as url:
        async with stand_in() as server:
            return await run_relay(ffmpeg, url, Target(rtsp_url=server.rtsp_url))


# -- relays: the media server's side -----------------------------------------------------------------------------------


def sink_fault(fault: SinkFault, **settings: Any) -> Callable[[FfmpegSettings], Awaitable[Record]]:
    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with camera() as simulated, stand_in(fault, **settings) as server:
            return await run_relay(ffmpeg, simulated.url(), Target(rtsp_url=server.rtsp_url))

    return run


async def sink_hangs(ffmpeg: FfmpegSettings) -> Record:
    async with camera() as simulated, stand_in(SinkFault.HANG_ANNOUNCE) as server:
        plan_target = Target(rtsp_url=server.rtsp_url)
        source = simulated.url()
        item = Camera("1", "camera 1", "", "", True, "cam1", parse_source(source), CameraOptions())
        publication = ChildProcess.spawn(build_plan(item, MEDIA, plan_target, ffmpeg).invocation, lambda _: None)
        began = time.monotonic()
        await asyncio.sleep(6)
        await publication.stop(STOP_GRACE_S)
        ending = await publication.ended()
        return {
            "exit_code": ending.exit_code,
            "signal": ending.signal,
            "elapsed_s": round(time.monotonic() - began, 1),
            "timeout_s": ffmpeg.stall_timeout_s,
            "media_seen": False,
            "asked": "no_media",
            "stderr": [scrub(line) for line in ending.stderr_tail],
        }


async def sink_absent(ffmpeg: FfmpegSettings) -> Record:
    async with camera() as simulated:
        return await run_relay(ffmpeg, simulated.url(), Target(f"rtsp://127.0.0.1:{free_port()}"))


async def sink_dns(ffmpeg: FfmpegSettings) -> Record:
    async with camera() as simulated:
        return await run_relay(ffmpeg, simulated.url(), Target("rtsp://server.invalid:8554"))


async def sink_srt_absent(ffmpeg: FfmpegSettings) -> Record:
    async with camera() as simulated:
        target = Target(srt_url=f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}", publish=Transport.SRT)
        return await run_relay(ffmpeg, simulated.url(), target)


async def sink_killed(ffmpeg: FfmpegSettings) -> Record:
    async with camera() as simulated, stand_in() as server:
        return await run_relay(ffmpeg, simulated.url(), Target(rtsp_url=server.rtsp_url), act=lambda _: server.stop())


async def sink_conflict(ffmpeg: FfmpegSettings) -> Record:
    async with camera() as simulated, stand_in(override_publisher=False) as server:
        return await beside_another(ffmpeg, simulated, Target(rtsp_url=server.rtsp_url), "cam1")


async def sink_taken_over(ffmpeg: FfmpegSettings) -> Record:
    async with camera() as simulated, stand_in() as server:
        return await overtaken(ffmpeg, simulated, Target(rtsp_url=server.rtsp_url))


async def beside_another(ffmpeg: FfmpegSettings, simulated: SimulatedCamera, target: Target, path: str) -> Record:
    """The second publisher of a path, while the first one goes on."""
    second: list[Record] = []

    async def act(publication: ChildProcess) -> None:
        second.append(await run_relay(ffmpeg, simulated.url(), target, path=path))
        await publication.stop(STOP_GRACE_S)

    await run_relay(ffmpeg, simulated.url(), target, path=path, act=act)
    return second[0]


async def overtaken(ffmpeg: FfmpegSettings, simulated: SimulatedCamera, target: Target) -> Record:
    """The first publisher of a path, when a second one throws it out."""
    other: list[asyncio.Task[Record]] = []
    enough = asyncio.Event()

    async def hold(publication: ChildProcess) -> None:
        await enough.wait()
        await publication.stop(STOP_GRACE_S)

    async def act(_: ChildProcess) -> None:
        other.append(asyncio.create_task(run_relay(ffmpeg, simulated.url(), target, act=hold)))

    try:
        return await run_relay(ffmpeg, simulated.url(), target, act=act)
    finally:
        enough.set()
        await asyncio.gather(*other)


def real(
    *,
    transport: Transport = Transport.RTSP,
    password: str = "right",
    path: str = "cam1",
    act: str = "",
) -> Callable[[FfmpegSettings], Awaitable[Record]]:
    """Against mediamtx itself; `act`: what happens once media flows."""

    async def run(ffmpeg: FfmpegSettings) -> Record:
        async with camera() as simulated, mediamtx() as server:
            target = server.target(transport, password=password)
            if act == "conflict":
                return await beside_another(ffmpeg, simulated, target, path)
            if act == "overtake":
                return await overtaken(ffmpeg, simulated, target)
            doing = (lambda _: server.kill()) if act == "kill" else None
            return await run_relay(ffmpeg, simulated.url(), target, path=path, act=doing)

    return run


RELAYS = (
    Case("camera_refused", "refused", relay_of(Fault.REFUSE)),
    Case("camera_unreachable", "unreachable", relay_unreachable),
    Case("camera_dns", "dns", relay_dns),
    Case("camera_unauthorized", "auth_failed", relay_of(Fault.UNAUTHORIZED)),
    Case("camera_wrong_password", "auth_failed", relay_wrong_password),
    Case("camera_not_found", "not_found", relay_of(Fault.NOT_FOUND)),
    Case("camera_server_error", "busy", relay_of(Fault.SERVER_ERROR)),
    Case("camera_busy", "busy", relay_answered("SETUP", "453 Not Enough Bandwidth")),
    Case("camera_refuses_request", "request_refused", relay_answered("DESCRIBE", "400 Bad Request")),
    Case("camera_refuses_options", "camera_error", relay_answered("OPTIONS", "501 Not Implemented")),
    Case("camera_error", "camera_error", relay_answered("SETUP", "500 Internal Server Error")),
    Case(
        "camera_other_transport",
        "transport_refused",
        relay_answered("SETUP", "200 OK", "Transport: RTP/AVP;client_port=5000-5001\r\n"),
    ),
    Case("camera_silent", "timeout", relay_of(Fault.SILENT)),
    Case("camera_hangs_in_describe", "timeout", relay_of(Fault.HANG_DESCRIBE)),
    Case("camera_hangs_in_play", "timeout", relay_of(Fault.HANG_PLAY)),
    Case("camera_no_packets", "no_media", relay_of(Fault.NO_PACKETS)),
    Case("camera_drops", "source_ended", relay_until(Fault.DROP)),
    Case("camera_resets", "source_ended", relay_until(Fault.RESET)),
    Case("camera_freezes", "stalled", relay_until(Fault.FREEZE)),
    Case("stopped_while_frozen", "stalled", relay_until(Fault.FREEZE, asked="stalled")),
    Case("stopped_while_streaming", "stopped", relay_until(Fault.NONE, asked="stopped", after_s=0.5)),
    Case("killed", "killed", relay_signalled(signal.SIGKILL)),
    Case("sink_401", "server_refused", sink_fault(SinkFault.REFUSE_401)),
    Case("sink_400", "server_refused", sink_fault(SinkFault.REFUSE_400)),
    Case("sink_unknown_path", "server_refused", sink_fault(SinkFault.NONE, known_paths=["other"])),
    Case("sink_503", "server_refused", sink_fault(SinkFault.REFUSE_503)),
    Case("sink_hangs", "no_media", sink_hangs),
    Case("sink_absent", "server_gone", sink_absent),
    Case("sink_dns", "server_gone", sink_dns),
    Case("sink_killed", "server_gone", sink_killed),
    Case("sink_conflict", "server_conflict", sink_conflict),
    Case("sink_taken_over", "server_gone", sink_taken_over),
    Case("sink_srt_absent", "server_gone", sink_srt_absent),
)
REAL_RELAYS = (
    Case("mediamtx_401", "server_refused", real(password="wrong")),
    Case("mediamtx_unknown_path", "server_refused", real(path="unknown")),
    Case("mediamtx_conflict", "server_conflict", real(path="single", act="conflict")),
    Case("mediamtx_taken_over", "server_gone", real(act="overtake")),
    Case("mediamtx_killed", "server_gone", real(act="kill")),
    Case("mediamtx_srt_refused", "server_refused", real(transport=Transport.SRT, password="wrong")),
    Case("mediamtx_srt_unknown_path", "server_refused", real(transport=Transport.SRT, path="unknown")),
    # Refused only after the handshake, with the words of a server that goes away.
    Case("mediamtx_srt_conflict", "server_gone", real(transport=Transport.SRT, path="single", act="conflict")),
    Case("mediamtx_srt_taken_over", "server_gone", real(transport=Transport.SRT, act="overtake")),
    Case("mediamtx_srt_killed", "server_gone", real(transport=Transport.SRT, act="kill")),
)


async def record(settings: FfmpegSettings, label: str, only: str) -> int:
    folder = DATA / label
    folder.mkdir(parents=True, exist_ok=True)
    cases = [("probe", case) for case in PROBES]
    cases += [("relay", case) for case in (*RELAYS, *(REAL_RELAYS if shutil.which("mediamtx") else ()))]
    room = asyncio.Semaphore(PARALLEL)
    failed = 0

    async def one(kind: str, case: Case) -> None:
        nonlocal failed
        async with room:
            try:
                outcome = await case.run(settings)
            except TimeoutError:
                failed += 1
                sys.stderr.write(f"{kind}-{case.name}: did not end, nothing recorded\n")
                return
        document = {"case": f"{kind}-{case.name}", "expected": case.expected, **outcome}
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{kind}-{case.name}.json").write_text(text, encoding="utf-8")

    chosen = [(kind, case) for kind, case in cases if re.search(only, f"{kind}-{case.name}")]
    await asyncio.gather(*(one(kind, case) for kind, case in chosen))
    sys.stdout.write(f"{len(chosen) - failed} cases recorded, {failed} failed\n")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Record the output of one version of ffmpeg and ffprobe.")
    parser.add_argument("--ffmpeg", default="ffmpeg")
    parser.add_argument("--ffprobe", default="ffprobe")
    parser.add_argument("--label", required=True, help="folder under tests/data/ffmpeg, for example 5.1")
    parser.add_argument("--only", default="", help="regular expression on case names")
    options = parser.parse_args()
    install_child_watcher()
    settings = FfmpegSettings(
        binary=options.ffmpeg, probe_binary=options.ffprobe, probe_timeout_s=6.0, stall_timeout_s=3.0
    )
    return asyncio.run(record(settings, options.label, options.only))


if __name__ == "__main__":
    sys.exit(main())
