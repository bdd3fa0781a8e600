"""What a way to keep cameras watchable looks like to a benchmark."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence

import aiohttp
import psutil

from bench.outside import Outside
from bench.stage import Server, media_server


class Alternative:
    """Keeps cameras 1 … n watchable as `cam1` … `camn`; first its media server is there, then what publishes."""

    name = ""
    needs: tuple[str, ...] = ()
    """Programs that must be on PATH."""
    began = 0.0
    """When it started to start them (monotonic, s); 0: not yet."""

    def missing(self) -> str:
        """Why it cannot run here; empty when it can."""
        absent = [program for program in self.needs if shutil.which(program) is None]
        return f"no {', '.join(absent)} on PATH" if absent else ""

    def serving(
        self, urls: Sequence[str], rtsp_port: int = 0, api_port: int = 0
    ) -> contextlib.AbstractAsyncContextManager[Server]:
        """Run the media server until the block ends; ports of 0 are free ones."""
        paths = self.paths(urls)
        return media_server(rtsp_port, api_port, {"paths": {**paths, "all_others": {}}} if paths else None)

    def paths(self, urls: Sequence[str]) -> Mapping[str, object]:
        """What the media server's configuration says of paths, beside that all may be published on."""
        del urls
        return {}

    def running(self, server: Server, urls: Sequence[str]) -> contextlib.AbstractAsyncContextManager[None]:
        """Publish the cameras until the block ends."""
        del server, urls
        return contextlib.nullcontext()

    def outside(self, server: Server, session: aiohttp.ClientSession) -> Outside:
        """What its media server tells."""
        return Outside(server, session)

    def supervisors(self) -> list[psutil.Process]:
        """The processes that watch, without those that carry media."""
        return []

    def carrier(self, outside: Outside, number: int) -> psutil.Process | None:
        """The process beside the media server that carries a camera's media; None where there is none."""
        return outside.ffmpeg(number)
