"""Record how a stream is given to a real mediamtx, and how it ends.

`python tests/record_publishing.py` writes one file per case into `tests/data/rtsp/publishing/`: what was sent, what
came, in order. Media that are written beside the conversation are not recorded.
"""

import argparse
import asyncio
import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from restream.demo.clips import Clip
from restream.domain.camera.secret import Secret
from restream.domain.rtsp.announcement import announcement
from restream.domain.rtsp.events import ConnectionWanted, Failed, Finished
from restream.domain.rtsp.media_session import Interleaved
from restream.domain.rtsp.publisher import Recording, RtspPublisher, usual_channels
from restream.domain.server.target import Target
from restream.service.interpreter import install_child_watcher
from tests.record_rtsp import CNONCE, readable
from tests.support.publishing import frames_of, tracks_of
from tests.support.servers import RealMediamtx

DATA = Path(__file__).parent / "data" / "rtsp" / "publishing"
LOGIN, PASSWORD = "camera", "pUblish@1"
ANSWER_TIMEOUT_S = 6.0
_READ_TIMEOUT_S = 2


class Recorder:
    """Carries one stream to a server, and writes down what is said."""

    def __init__(self, url: str, login: str | None, password: str, sdp: bytes, channels: Sequence[Interleaved]) -> None:
        base, _, path = url.rpartition("/")
        parts = Target(rtsp_url=base, user=login, password=Secret(password)).rtsp_parts(path)
        assert parts is not None
        self.url, self.sdp, self.channels = url, sdp, channels
        self.steps: list[Any] = []
        self.loop = asyncio.get_running_loop()
        self.publisher = RtspPublisher(*parts, sdp, channels, lambda: CNONCE, answer_timeout_s=ANSWER_TIMEOUT_S)
        self.recording = asyncio.Event()
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.came = b""
        self.end: Failed | Finished | None = None

    def wrote(self) -> None:
        """What came since the last time stands before what is written now."""
        if self.came:
            self.steps.append({"came": readable(self.came)})
            self.came = b""

    async def follow(self) -> None:
        for event in self.publisher.events():
            if isinstance(event, ConnectionWanted):
                self.wrote()
                await self.close()
                self.reader, self.writer = await asyncio.open_connection(*event.url.address)
                self.steps.append("connected")
                self.publisher.connected(self.loop.time())
                await self.follow()
            elif isinstance(event, Recording):
                self.recording.set()
            else:
                self.end = event
                self.recording.set()
        if data := self.publisher.data_to_send():
            self.wrote()
            self.steps.append({"sent": data.decode("latin-1")})
            if self.writer:
                self.writer.write(data)

    async def run(self) -> None:
        self.publisher.start(self.loop.time())
        await self.follow()
        while self.end is None:
            assert self.reader is not None
            try:
                async with asyncio.timeout_at(self.publisher.deadline):
                    data = await self.reader.read(65536)
            except TimeoutError:
                self.wrote()
                self.steps.append("due")
                self.publisher.due(self.loop.time())
            except OSError as error:
                self.lost(str(error))
            else:
                self.came += data
                if data:
                    self.publisher.receive(data, self.loop.time())
                else:
                    self.lost("end of file")
            await self.follow()
        self.wrote()
        await self.close()

    def lost(self, why: str) -> None:
        self.wrote()
        self.steps.append("lost")
        self.publisher.lost(why, self.loop.time())

    async def stop(self) -> None:
        self.wrote()
        self.steps.append("closed")
        self.publisher.close(self.loop.time())
        await self.follow()

    async def close(self) -> None:
        if self.writer:
            self.writer.close()
            with contextlib.suppress(OSError):
                await self.writer.wait_closed()


After = Callable[[Recorder, RealMediamtx], Awaitable[None]]


async def send(recorder: Recorder, clip: Clip, seconds: float) -> None:
    """The media of a clip, in its time."""
    async for data in frames_of(clip, usual_channels(len(clip.tracks)), seconds):
        if recorder.writer is not None and not recorder.end:
            recorder.writer.write(data)


async def ends(recorder: Recorder, server: RealMediamtx) -> None:
    await recorder.stop()


async def nothing(recorder: Recorder, server: RealMediamtx) -> None:
    """The server is to end it."""


async def stops(recorder: Recorder, server: RealMediamtx) -> None:
    await server.stop()


async def killed(recorder: Recorder, server: RealMediamtx) -> None:
    assert server.process is not None
    server.process.kill()


async def kicked(recorder: Recorder, server: RealMediamtx) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{server.api_url}/v3/rtspsessions/list") as answer:
            (session,) = (await answer.json())["items"]
        async with http.post(f"{server.api_url}/v3/rtspsessions/kick/{session['id']}") as answer:
            assert answer.status == 200


async def configured_anew(recorder: Recorder, server: RealMediamtx) -> None:
    async with aiohttp.ClientSession() as http:
        url = f"{server.api_url}/v3/config/paths/add/cam1"
        async with http.post(url, json={"source": "rtsp://127.0.0.1:1/x"}) as answer:
            assert answer.status == 200, await answer.text()


async def taken_over(recorder: Recorder, server: RealMediamtx) -> None:
    async with another(server):
        await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def another(server: RealMediamtx, clip: str = "h264") -> AsyncIterator[None]:
    """Somebody else publishes on the same path."""
    loaded = Clip.load(clip)
    sdp = announcement(tracks_of(loaded))
    first = Recorder(f"{server.rtsp_url}/cam1", None, "", sdp, usual_channels(len(loaded.tracks)))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(first.run())
        await first.recording.wait()
        media = group.create_task(send(first, loaded, 60))
        await asyncio.sleep(0.5)
        yield
        media.cancel()
        if not first.end:
            await first.stop()
        await task


@dataclass(frozen=True)
class Case:
    name: str
    clip: str = "h264_aac"
    others: Callable[[], dict[str, object]] = dict
    login: str | None = None
    password: str = PASSWORD
    path: str = "cam1"
    channels: tuple[Interleaved, ...] | None = None
    sdp: Callable[[bytes], bytes] = lambda sdp: sdp
    taken: bool = False
    media_s: float = 1.0
    after: After = ends


def users(*methods: str, actions: Sequence[str] = ("publish",)) -> Callable[[], dict[str, object]]:
    known = {"user": LOGIN, "pass": PASSWORD, "permissions": [{"action": each} for each in actions]}
    api = {"user": "any", "permissions": [{"action": "api"}]}
    return lambda: {"authInternalUsers": [api, known], "rtspAuthMethods": [*methods]}


def path(**keys: object) -> Callable[[], dict[str, object]]:
    return lambda: {"paths": {"cam1": keys}}


def read_timeout() -> dict[str, object]:
    return {"readTimeout": f"{_READ_TIMEOUT_S}s"}


ODD = (Interleaved(0, 2), Interleaved(4, 5))
CASES = [
    Case("h264_aac"),
    Case("h264_pcma", "h264_pcma"),
    Case("h265", "h265"),
    Case("channels_of_the_camera", channels=(Interleaved(4, 5), Interleaved(0, 1))),
    Case("channels_refused", channels=ODD),
    Case("channels_refused_digest", channels=ODD, others=users("digest"), login=LOGIN),
    Case("channels_shared", channels=(Interleaved(0, 1), Interleaved(1, 2))),
    Case("basic", others=users("basic"), login=LOGIN),
    Case("digest", others=users("basic", "digest"), login=LOGIN),
    Case("no_login", others=users("basic")),
    Case("wrong_password", others=users("basic"), login=LOGIN, password="n0t-that-1"),
    Case("wrong_password_digest", others=users("digest"), login=LOGIN, password="n0t-that-1"),
    Case("not_allowed", others=users("basic", actions=("read",)), login=LOGIN),
    Case("name_invalid", path="cam$1"),
    Case("not_configured", path="cam2", others=path()),
    Case("pulled", others=path(source="rtsp://127.0.0.1:1/x")),
    Case("taken", others=path(overridePublisher=False), taken=True),
    Case("override", others=path(overridePublisher=True), taken=True),
    Case("always_available", others=path(alwaysAvailable=True, alwaysAvailableTracks=[{"codec": "H265"}])),
    Case("unknown_codec", sdp=lambda sdp: sdp.replace(b"H264/90000", b"H999/90000")),
    Case("unknown_static", sdp=lambda sdp: re.sub(rb"a=rtpmap:96.*\r\n", b"", sdp).replace(b" 96", b" 34")),
    Case("no_rtpmap", sdp=lambda sdp: re.sub(rb"a=rtpmap.*\r\n", b"", sdp)),
    Case("packetization_mode_0", sdp=lambda sdp: sdp.replace(b"packetization-mode=1", b"packetization-mode=0")),
    Case("packetization_mode_none", sdp=lambda sdp: sdp.replace(b"packetization-mode=1; ", b"")),
    Case("aac_without_config", sdp=lambda sdp: re.sub(rb"config=\w+", b"x=y", sdp)),
    Case("taken_over", after=taken_over),
    Case("kicked", after=kicked),
    Case("stopped", after=stops),
    Case("killed", after=killed),
    Case("configured_anew", after=configured_anew),
    Case("silent", others=read_timeout, media_s=0.0, after=nothing),
    Case("silent_after_media", others=read_timeout, after=nothing),
]


async def hold(case: Case) -> Recorder:
    """One case, to its end."""
    clip = Clip.load(case.clip)
    sdp = case.sdp(announcement(tracks_of(clip)))
    channels = case.channels or usual_channels(len(clip.tracks))
    server = RealMediamtx(case.others())
    await server.start()
    try:
        async with contextlib.AsyncExitStack() as stack, asyncio.timeout(30):
            if case.taken:
                await stack.enter_async_context(another(server))
            recorder = Recorder(f"{server.rtsp_url}/{case.path}", case.login, case.password, sdp, channels)
            run = asyncio.create_task(recorder.run())
            await recorder.recording.wait()
            if not recorder.end:
                await send(recorder, clip, case.media_s)
                await case.after(recorder, server)
            await run
    finally:
        await server.stop()
    return recorder


async def record(only: str) -> int:
    DATA.mkdir(parents=True, exist_ok=True)
    failed = 0
    for case in CASES:
        if not re.search(only, case.name):
            continue
        try:
            recorder = await hold(case)
        except (TimeoutError, OSError, AssertionError, RuntimeError, ExceptionGroup) as error:
            failed += 1
            sys.stderr.write(f"{case.name}: {error!r}\n")
            continue
        sys.stdout.write(f"{case.name}: {recorder.end}\n")
        document = {
            "url": recorder.url,
            "login": case.login,
            "password": case.password,
            "channels": recorder.channels,
            "sdp": recorder.sdp.decode("latin-1"),
            "steps": recorder.steps,
        }
        (DATA / f"{case.name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="regular expression on case names")
    options = parser.parse_args()
    install_child_watcher()
    return asyncio.run(record(options.only))


if __name__ == "__main__":
    sys.exit(main())
