"""Making the clips of the simulated cameras: ffmpeg encodes and publishes, the stand-in server keeps the RTP."""

import argparse
import asyncio
import sys
from pathlib import Path

from restream.demo.clip_file import ClipError, RecordedPacket, encode
from restream.demo.clips import CLIPS, CLIPS_FOLDER
from restream.demo.media_server import StandInServer
from restream.demo.rtp import ticks_since_first
from restream.demo.sdp import sdp_tracks

# 96 video frames at 15 fps, 32 at 5 fps, 100 AAC frames of 1024 samples at 16 kHz, 51,200 samples at 8 kHz.
_DURATION_US = 6_400_000
_PICTURE = "-f lavfi -i testsrc2=size=320x180:rate=15"
_SMALL_PICTURE = "-f lavfi -i testsrc2=size=320x180:rate=5"
_SOUND = "-f lavfi -i sine=frequency=440:sample_rate={rate}"
_H264 = "-c:v libx264 -preset slow -profile:v main -b:v 80k -maxrate 90k -bufsize 90k -g 15 -bf 0 -sc_threshold 0"
_H265 = "-c:v libx265 -preset fast -b:v 80k -x265-params bframes=0:keyint=15:min-keyint=15:scenecut=0:log-level=error"
_SMALL_H264 = "-c:v libx264 -preset slow -profile:v main -b:v 58k -maxrate 60k -bufsize 60k -g 5 -bf 0 -sc_threshold 0"
# SPS and PPS (VPS) in band before each key frame too, as cameras send them.
_IN_BAND = "-pix_fmt yuv420p -bsf:v dump_extra=freq=keyframe"
PICTURE_AND_SOUND = f"{_PICTURE} {_SOUND.format(rate=16000)} {_H264} {_IN_BAND} -c:a aac -b:a 24k -ac 1"
_RECIPES = {
    "h264_aac": f"{PICTURE_AND_SOUND} -t 7",
    "h264": f"{_PICTURE} -t 7 {_H264} {_IN_BAND}",
    "h264_small": f"{_SMALL_PICTURE} -t 7 {_SMALL_H264} {_IN_BAND}",
    "h264_pcma": f"{_PICTURE} {_SOUND.format(rate=8000)} -t 7 {_H264} {_IN_BAND} -c:a pcm_alaw -ac 1",
    "h265": f"{_PICTURE} -t 7 {_H265} {_IN_BAND}",
}


async def record(name: str, ffmpeg: str = "ffmpeg") -> bytes:
    """Content of the file of one of `CLIPS`. Raises ClipError."""
    captured: list[tuple[int, bytes]] = []
    sdp = ""

    def keep(path: str, track: int, packet: bytes) -> None:
        nonlocal sdp
        sdp = server.paths[path].publisher.sdp
        captured.append((track, packet))

    async with StandInServer(on_packet=keep) as server:
        process = await asyncio.create_subprocess_exec(
            *(ffmpeg, "-v", "error", "-nostdin", *_RECIPES[name].split(), "-max_delay", "0"),
            *("-f", "rtsp", "-rtsp_transport", "tcp", "-pkt_size", "1316", f"{server.rtsp_url}/clip"),
        )
        if await process.wait() != 0 or not captured:
            raise ClipError("ffmpeg could not make the clip")
    return _cut(sdp, captured)


def _cut(sdp: str, captured: list[tuple[int, bytes]]) -> bytes:
    """Keep what lies within the duration, in the order of media time."""
    tracks = sdp_tracks(sdp)
    packets: list[RecordedPacket] = []
    for ticks, (track, packet) in zip(ticks_since_first(captured), captured, strict=True):
        offset_us = -(-ticks * 1_000_000 // tracks[track].clock_rate)
        if offset_us < _DURATION_US:
            packets.append(RecordedPacket(offset_us, track, packet))
    packets.sort(key=lambda packet: packet.offset_us)
    sdp = "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith("a=tool:"))
    return encode(sdp, len(tracks), _DURATION_US, packets)


def main() -> None:
    """Write the files of all `CLIPS` into a folder."""
    parser = argparse.ArgumentParser(description="Make the clips of the simulated cameras anew.")
    parser.add_argument("--ffmpeg", default="ffmpeg")
    parser.add_argument("--folder", type=Path, default=CLIPS_FOLDER)
    arguments = parser.parse_args()
    for name in CLIPS:
        target: Path = arguments.folder / f"{name}.clip"
        target.write_bytes(asyncio.run(record(name, arguments.ffmpeg)))
        sys.stdout.write(f"{target} {target.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
