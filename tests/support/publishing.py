"""The media of a clip as a relay has them: tracks of a description, and interleaved frames in their time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence

from restream.demo.clips import Clip, Playback
from restream.domain.rtsp.description import read_description
from restream.domain.rtsp.media_session import Interleaved
from restream.domain.rtsp.tracks import Track, choose_tracks
from restream.domain.rtsp.url import RtspUrl


def tracks_of(clip: Clip) -> tuple[Track, ...]:
    """As a camera that plays the clip would describe them."""
    description = read_description(clip.sdp.encode())
    assert description is not None
    return choose_tracks(description, RtspUrl(False, "10.0.0.1", None, "/live")).tracks


async def frames_of(clip: Clip, channels: Sequence[Interleaved], seconds: float) -> AsyncIterator[bytes]:
    """Whole frames, some at once."""
    loop = asyncio.get_running_loop()
    playback = Playback(clip, random.Random(1), started_at_unix_s=time.time())
    began = loop.time()
    while playback.due_us < seconds * 1e6:
        await asyncio.sleep(max(0.0, began + playback.due_us / 1e6 - loop.time()))
        yield b"".join(
            bytes((0x24, channels[track][is_rtcp])) + len(packet).to_bytes(2, "big") + packet
            for track, is_rtcp, packet in playback.next_batch()
        )
