"""Record conversations of the RTSP client with servers that play a camera.

`python tests/record_rtsp.py` writes one file per case into `tests/data/rtsp/conversations/`: what was sent, what came,
in order. The servers are a real mediamtx fed by ffmpeg, GStreamer's (tests/support/gstreamer_camera.py, with
`--gst-python`), and the simulated cameras of the demo. Media are recorded by their size and first bytes.
"""

import argparse
import asyncio
import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from restream.demo.camera_faults import Fault
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from restream.demo.mediamtx import configuration, running_mediamtx
from restream.domain.camera.urls import parse_source
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import ConnectionWanted, Failed, Finished, MediaPacket
from restream.domain.rtsp.url import source_parts
from restream.service.interpreter import install_child_watcher

DATA = Path(__file__).parent / "data" / "rtsp" / "conversations"
CNONCE = "0a4f113b0a4f113b"
LOGIN, PASSWORD = "admin", "sEcret@1"
PACKETS = 12
SHOWN_BYTES = 16
ANSWER_TIMEOUT_S = 4.0

Record = dict[str, Any]
Source = AbstractAsyncContextManager[str]


@dataclass(frozen=True)
class Case:
    name: str
    source: Callable[[], Source]
    goal: Goal = Goal.PLAY


def scrub(text: str) -> str:
    """The same length: bodies are counted."""
    text = re.sub(r"(cname:[^\s@]*@)(\S+)", lambda host: host[1] + "x" * len(host[2]), text)
    return re.sub(
        r"(?m)^(Date: )[^\r\n]*", lambda line: (line[1] + "Sat, 01 Jan 2000 00:00:00 GMT")[: len(line[0])], text
    )


def readable(data: bytes) -> list[Any]:
    """What came, in pieces: text, and for each frame its channel, size and first bytes."""
    pieces: list[Any] = []
    while data:
        if data[:1] == b"$" and len(data) >= 4:
            end = 4 + int.from_bytes(data[2:4], "big")
            payload = data[4:end]
            pieces.append({"channel": data[1], "size": len(payload), "begin": payload[:SHOWN_BYTES].hex()})
        else:
            head = data.find(b"\r\n\r\n") + 4
            length = re.search(rb"(?i)content-length: *(\d+)", data[:head])
            end = head + int(length[1]) if length else max(head, 1)
            pieces.append(scrub(data[:end].decode("latin-1")))
        data = data[end:]
    return pieces


class Recorder:
    """Carries the bytes of one conversation, and writes them down."""

    def __init__(self, url: str, goal: Goal) -> None:
        found = source_parts(parse_source(url))
        assert found is not None
        self.steps: list[Any] = []
        self.loop = asyncio.get_running_loop()
        self.client = RtspClient(*found, Conversation(goal, answer_timeout_s=ANSWER_TIMEOUT_S), lambda: CNONCE)
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.came = b""
        self.packets = 0
        self.over = False

    def wrote(self) -> None:
        """What came since the last time stands before what is written now."""
        if self.came:
            self.steps.append({"came": readable(self.came)})
            self.came = b""

    async def follow(self) -> None:
        for event in self.client.events():
            if isinstance(event, ConnectionWanted):
                self.wrote()
                await self.close()
                host, port = event.url.address
                self.reader, self.writer = await asyncio.open_connection(host, port)
                self.steps.append("connected")
                self.client.connected(self.loop.time())
                await self.follow()
            elif isinstance(event, MediaPacket):
                self.packets += 1
            elif isinstance(event, Failed | Finished):
                self.over = True
        if data := self.client.data_to_send():
            self.wrote()
            self.steps.append({"sent": data.decode("latin-1")})
            if self.writer:
                self.writer.write(data)

    async def run(self) -> None:
        self.client.start(self.loop.time())
        await self.follow()
        while not self.over:
            assert self.reader is not None
            deadline = self.client.deadline or self.loop.time()
            try:
                async with asyncio.timeout_at(deadline):
                    data = await self.reader.read(65536)
            except TimeoutError:
                self.wrote()
                self.steps.append("due")
                self.client.due(self.loop.time())
            except ConnectionError:
                data = b""
            else:
                self.came += data
            if data:
                self.client.receive(data, self.loop.time())
            else:
                self.wrote()
                self.steps.append("lost")
                self.client.lost("end of file", self.loop.time())
            await self.follow()
            if self.packets >= PACKETS and self.client.stage == "playing":
                self.wrote()
                self.steps.append("closed")
                self.client.close(self.loop.time())
                await self.follow()
        self.wrote()
        await self.close()

    async def close(self) -> None:
        if self.writer:
            self.writer.close()
            with contextlib.suppress(OSError):
                await self.writer.wait_closed()


def simulated(
    clip: str = "h264_aac",
    *,
    auth: Literal["digest", "basic"] | None = None,
    password: str = PASSWORD,
    fault: Fault = Fault.NONE,
) -> Callable[[], Source]:
    @contextlib.asynccontextmanager
    async def source() -> AsyncIterator[str]:
        login = LOGIN if auth else None
        async with SimulatedCamera(
            Clip.load(clip), login=login, password=PASSWORD if auth else None, auth=auth or "digest"
        ) as camera:
            await camera.set_fault(fault)
            yield camera.url().replace("sEcret%401", password)

    return source


H264_AAC = ("libx264", "-preset", "ultrafast", "-bf", "0", "-g", "10", "-b:v", "64k", "-c:a", "aac")
H265_OPUS = ("libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=10", "-c:a", "libopus")


def mediamtx(
    codecs: tuple[str, ...] = H264_AAC,
    *,
    auth: str | None = None,
    password: str = PASSWORD,
    path: str = "cam1",
) -> Callable[[], Source]:
    @contextlib.asynccontextmanager
    async def source() -> AsyncIterator[str]:
        port, api = free_port(), free_port()
        anyone = [{"user": "any", "permissions": [{"action": "publish"}, {"action": "api"}]}]
        reading = [{"action": "read"}]
        users = (
            {"user": LOGIN, "pass": PASSWORD, "permissions": reading}
            if auth
            else {"user": "any", "permissions": reading}
        )
        others = {"authInternalUsers": [*anyone, users], "rtspAuthMethods": [auth or "basic"]}
        async with running_mediamtx("mediamtx", configuration(port, api, others)):
            make = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-f", "lavfi", "-i", "sine=sample_rate=48000")
            publish = ("-pix_fmt", "yuv420p", "-c:v", *codecs, "-f", "rtsp", "-rtsp_transport", "tcp")
            ffmpeg = await asyncio.create_subprocess_exec(
                *("ffmpeg", "-v", "error", "-nostdin", "-re", *make, *publish, f"rtsp://127.0.0.1:{port}/cam1"),
            )
            try:
                await asyncio.sleep(4)
                user = f"{LOGIN}:{password}@" if auth else ""
                yield f"rtsp://{user}127.0.0.1:{port}/{path}"
            finally:
                ffmpeg.kill()
                await ffmpeg.wait()

    return source


def gstreamer(python: str, method: str = "open", *, path: str = "") -> Callable[[], Source]:
    @contextlib.asynccontextmanager
    async def source() -> AsyncIterator[str]:
        script = str(Path(__file__).parent / "support" / "gstreamer_camera.py")
        server = await asyncio.create_subprocess_exec(python, script, method, stdout=asyncio.subprocess.PIPE)
        assert server.stdout is not None
        try:
            port = int(await server.stdout.readline())
            user = f"{LOGIN}:{PASSWORD}@" if method != "open" else ""
            yield f"rtsp://{user}127.0.0.1:{port}/{path or method}"
        finally:
            server.kill()
            await server.wait()

    return source


def cases(gst_python: str) -> list[Case]:
    probe = Goal.DESCRIBE
    found = [
        Case("camera_probe", simulated(), probe),
        Case("camera_h264_aac", simulated()),
        Case("camera_h264_pcma", simulated("h264_pcma")),
        Case("camera_h265_digest", simulated("h265", auth="digest")),
        Case("camera_basic", simulated("h264", auth="basic")),
        Case("camera_wrong_password", simulated(auth="digest", password="wrong")),
        *(
            Case(f"camera_{fault}", simulated(fault=fault))
            for fault in (
                *(Fault.NOT_FOUND, Fault.UDP_ONLY, Fault.SERVER_ERROR, Fault.GARBAGE),
                *(Fault.HANG_DESCRIBE, Fault.HANG_SETUP, Fault.HANG_PLAY),
            )
        ),
        Case("mediamtx_probe", mediamtx(), probe),
        Case("mediamtx_h264_aac", mediamtx()),
        Case("mediamtx_h265_opus", mediamtx(H265_OPUS)),
        Case("mediamtx_digest", mediamtx(auth="digest")),
        Case("mediamtx_basic", mediamtx(auth="basic")),
        Case("mediamtx_wrong_password", mediamtx(auth="digest", password="wrong")),
        Case("mediamtx_not_found", mediamtx(path="other")),
    ]
    if gst_python:
        found += [
            Case("gstreamer_probe", gstreamer(gst_python), probe),
            Case("gstreamer_h264_pcma", gstreamer(gst_python)),
            Case("gstreamer_digest", gstreamer(gst_python, "digest")),
            Case("gstreamer_basic", gstreamer(gst_python, "basic")),
            Case("gstreamer_not_found", gstreamer(gst_python, path="other")),
        ]
    return found


async def record(only: str, gst_python: str) -> int:
    DATA.mkdir(parents=True, exist_ok=True)
    failed = 0
    for case in cases(gst_python):
        if not re.search(only, case.name):
            continue
        async with case.source() as url:
            recorder = Recorder(url, case.goal)
            try:
                async with asyncio.timeout(30):
                    await recorder.run()
            except (TimeoutError, OSError, AssertionError) as error:
                failed += 1
                sys.stderr.write(f"{case.name}: {error!r}\n{recorder.steps}\n")
                continue
        document = {"url": url, "goal": case.goal, "steps": recorder.steps}
        (DATA / f"{case.name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="regular expression on case names")
    parser.add_argument("--gst-python", default="", help="a Python with the introspection of GStreamer")
    options = parser.parse_args()
    install_child_watcher()
    return asyncio.run(record(options.only, options.gst_python))


if __name__ == "__main__":
    sys.exit(main())
