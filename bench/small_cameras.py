"""Many small cameras (`bench/small_cameras.c`) in a process of their own: the cameras must not be the bottleneck."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from restream.config.places import ROOT
from restream.demo.clips import CLIPS_FOLDER

_PER_NET = 250


class SmallCameras:
    """Cameras 1 … n, each on a loopback address of its own."""

    def __init__(self, process: asyncio.subprocess.Process, count: int, port: int) -> None:
        self._process = process
        self.pid = process.pid
        self.addresses: Sequence[tuple[str, int]] = [
            (f"127.1.{index // _PER_NET}.{index % _PER_NET + 1}", port) for index in range(count)
        ]

    def urls(self) -> list[str]:
        """Of all."""
        return [f"rtsp://{host}:{port}/stream" for host, port in self.addresses]

    async def drop(self, number: int) -> None:
        """Close the camera's connections."""
        await self._tell(f"drop {number - 1}")

    async def freeze(self, number: int) -> None:
        """Leave the camera's connections open without a byte; who connects anew is served."""
        await self._tell(f"freeze {number - 1}")

    async def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()


@contextlib.asynccontextmanager
async def small_cameras(count: int, clip: str) -> AsyncIterator[SmallCameras]:
    """Build and run them until the block ends. Raises RuntimeError without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("no C compiler (`cc`) on PATH")
    with tempfile.TemporaryDirectory(prefix="restream-bench-") as directory:
        binary = f"{directory}/small_cameras"
        source = str(Path(__file__).with_name("small_cameras.c"))
        building = await asyncio.create_subprocess_exec(compiler, "-O2", "-o", binary, source, cwd=ROOT)
        if await building.wait():
            raise RuntimeError("the small cameras cannot be built")
        file = str(CLIPS_FOLDER / f"{clip}.clip")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(binary, file, str(count), start_new_session=True, **pipes)
        try:
            assert process.stdout is not None
            line = await process.stdout.readline()
            yield SmallCameras(process, count, int(line.removeprefix(b"READY ")))
        finally:
            process.kill()
            await process.wait()
