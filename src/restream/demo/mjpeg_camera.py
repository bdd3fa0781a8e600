"""A simulated camera of the other kind: JPEG after JPEG over HTTP (multipart/x-mixed-replace)."""

import asyncio
from collections.abc import Mapping
from typing import Self
from urllib.parse import quote

from aiohttp import web

from restream.demo.clip_file import ClipError
from restream.demo.credentials import basic_ok

_BOUNDARY = "camera"
_SHUTDOWN_S = 0.1


async def make_jpegs(count: int = 10, *, standard_tables: bool = True, ffmpeg: str = "ffmpeg") -> list[bytes]:
    """Frames of 320x180 from ffmpeg, with the Huffman tables of ITU T.81 annex K or with others. Raises ClipError."""
    process = await asyncio.create_subprocess_exec(
        *(ffmpeg, "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=5"),
        *("-frames:v", str(count), "-pix_fmt", "yuvj420p", "-c:v", "mjpeg"),
        *("-huffman", "default" if standard_tables else "optimal", "-f", "image2pipe", "-"),
        stdout=asyncio.subprocess.PIPE,
    )
    made, _ = await process.communicate()
    frames = [b"\xff\xd8" + piece for piece in made.split(b"\xff\xd8")[1:]]  # ffmpeg's JPEGs hold no thumbnails
    if process.returncode or len(frames) != count:
        raise ClipError("ffmpeg could not make JPEGs")
    return frames


class MjpegCamera:
    """Plays `frames` in a loop on a port of its own; any path and query leads to them.

    A `status` other than 200 is answered instead, with `headers` (`Location` …). With a login it asks for Basic.
    """

    def __init__(
        self,
        frames: list[bytes],
        *,
        frames_per_s: float = 5.0,
        login: str | None = None,
        password: str | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.frames = frames
        self.frames_per_s = frames_per_s
        self.login = login
        self.password = password
        self.host = host
        self.port = 0
        self.status = 200
        self.headers: Mapping[str, str] = {}
        self.requests_total = 0
        self.auth_failures_total = 0
        self.open_connections = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._play)
        runner = self._runner = web.AppRunner(
            application, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S
        )
        await runner.setup()
        await web.TCPSite(runner, self.host, 0).start()
        self.port = runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    def url(self, path: str = "video.mjpg") -> str:
        """HTTP URL; login and password percent-encoded."""
        credentials = ""
        if self.login is not None:
            credentials = f"{quote(self.login, safe='')}:{quote(self.password or '', safe='')}@"
        return f"http://{credentials}{self.host}:{self.port}/{path}"

    async def _play(self, request: web.Request) -> web.StreamResponse:
        self.requests_total += 1
        given = request.headers.get("Authorization", "")
        if self.login is not None and not basic_ok(given, self.login, self.password or ""):
            self.auth_failures_total += bool(given)
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="camera"'})
        if self.status != 200:
            return web.Response(status=self.status, headers=self.headers)
        answer = web.StreamResponse(headers={"Content-Type": f"multipart/x-mixed-replace; boundary={_BOUNDARY}"})
        await answer.prepare(request)
        self.open_connections += 1
        try:
            await self._send_frames(answer)
        except ConnectionError:  # the client has gone
            pass
        finally:
            self.open_connections -= 1
        return answer

    async def _send_frames(self, answer: web.StreamResponse) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            for frame in self.frames:
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(frame)}\r\n\r\n"
                await answer.write(head.encode() + frame + b"\r\n")
                due_s += 1 / self.frames_per_s
                await asyncio.sleep(max(0.0, due_s - loop.time()))
