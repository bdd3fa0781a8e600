"""Looks at cameras by our own probe alone, and ports that nobody answers at."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from restream.adapters.rtsp.prober import RtspProber
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import SourceUrl, parse_source
from restream.domain.engine import ProbeFailure
from restream.domain.look import Look

USUAL = CameraOptions()


class Nobody:
    """Where ffprobe is not to be asked."""

    def limit_s(self, options: CameraOptions) -> float:
        return 1.0

    async def probe(self, source: SourceUrl, options: CameraOptions) -> Look:
        raise AssertionError("our own probe can tell")


async def look(url: str, options: CameraOptions = USUAL, answer_timeout_s: float = 2.0) -> Look:
    return await RtspProber(Nobody(), answer_timeout_s).probe(parse_source(url), options)


async def failure(url: str, options: CameraOptions = USUAL, answer_timeout_s: float = 0.4) -> ProbeFailure:
    """Of a camera that is hardly waited for."""
    found = (await look(url, options, answer_timeout_s)).outcome
    assert isinstance(found, ProbeFailure), found
    return found


@contextlib.contextmanager
def full_port() -> Iterator[int]:
    """A port that takes nothing any more: what is sent to it is lost, as behind a firewall."""
    with socket.socket() as listening, contextlib.ExitStack() as stack:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            filling = stack.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
