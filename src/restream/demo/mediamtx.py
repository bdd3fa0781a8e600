"""A real MediaMTX as a child of the demo or of a test, with a configuration of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import yaml

from restream.adapters.processes.child_process import ChildProcess
from restream.adapters.server.mediamtx_http import MediamtxServer
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.server.api_trouble import ApiTrouble

_START_TIMEOUT_S = 15.0
_STOP_GRACE_S = 3.0


def find_mediamtx() -> str | None:
    """`MEDIAMTX_BIN`, else the one on PATH, else None; `MEDIAMTX_BIN=stand-in` asks for the double."""
    named = os.environ.get("MEDIAMTX_BIN")
    return None if named == "stand-in" else named or shutil.which("mediamtx")


def configuration(rtsp_port: int, api_port: int, others: Mapping[str, object] | None = None) -> dict[str, object]:
    """A MediaMTX configuration on loopback: RTSP over TCP and the API, everything else off unless given in `others`."""
    document: dict[str, object] = {
        "logLevel": "warn",
        "api": True,
        "apiAddress": f"127.0.0.1:{api_port}",
        "rtspAddress": f"127.0.0.1:{rtsp_port}",
        "rtspTransports": ["tcp"],
        "rtmp": False,
        "hls": False,
        "webrtc": False,
        "srt": False,
        "paths": {"all_others": {}},
    }
    return {**document, **(others or {})}


@contextlib.asynccontextmanager
async def running_mediamtx(binary: str, document: Mapping[str, object]) -> AsyncIterator[ChildProcess]:
    """Run MediaMTX until the block ends. Raises RuntimeError when it does not start."""
    with tempfile.TemporaryDirectory(prefix="restream-mediamtx-") as directory:
        config = Path(directory) / "mediamtx.yml"
        config.write_text(yaml.safe_dump(dict(document)), encoding="utf-8")
        # It speaks on standard output.
        spoken = bytearray()
        # MoQ (on by default since 1.20) would take fixed ports; older versions refuse the key, but ignore the variable.
        command = Invocation(("env", "MTX_MOQ=no", binary, str(config)))
        server = ChildProcess.spawn(command, lambda chunk: _keep(spoken, chunk))
        try:
            await _wait_until_ready(server, document, spoken)
            yield server
        finally:
            await asyncio.shield(server.stop(_STOP_GRACE_S))
            await server.ended()


async def _wait_until_ready(server: ChildProcess, document: Mapping[str, object], spoken: bytearray) -> None:
    probe = MediamtxServer(f"http://{document['apiAddress']}", f"rtsp://{document['rtspAddress']}")
    deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
    try:
        # An API that refuses us is there too.
        while not (told := await probe.observe()).reachable or told.trouble is ApiTrouble.OFF:
            if not server.running or asyncio.get_running_loop().time() > deadline:
                lines = spoken.decode("utf-8", "replace").strip().splitlines()
                raise RuntimeError(f"MediaMTX does not start: {'; '.join(lines[-3:]) or 'no message'}")
            await asyncio.sleep(0.05)
    finally:
        await probe.close()


def _keep(spoken: bytearray, chunk: bytes) -> None:
    spoken.extend(chunk)
    del spoken[:-4096]
