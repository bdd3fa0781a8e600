"""Record the session descriptions that ffmpeg writes for its codecs, with what ffprobe says of the same streams.

`python tests/record_descriptions.py --label 5.1` writes one file per case into `tests/data/rtsp/descriptions/<label>/`:
the description that `-f rtp` makes, and the stream as ffprobe reads it from RTP through that description.
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data" / "rtsp" / "descriptions"
SHOWN = ("codec_name", "profile", "width", "height", "avg_frame_rate", "r_frame_rate", "sample_rate", "channels")
LIMIT_S = 60.0


def video(size: str, rate: str, *encode: str, pixels: str = "yuv420p") -> list[str]:
    return ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}", "-pix_fmt", pixels, "-g", "10", *encode]


def audio(rate: int, channels: int, *encode: str) -> list[str]:
    return ["-f", "lavfi", "-i", "sine=frequency=440", "-ar", str(rate), "-ac", str(channels), *encode]


def x264(*options: str) -> list[str]:
    return ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", *options]


def x265(*options: str) -> list[str]:
    return ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=1", *options]


CASES: dict[str, list[str]] = {
    "h264_high": video("640x360", "25", *x264("-profile:v", "high", "-x264-params", "8x8dct=1")),
    "h264_main_cropped": video("1918x1078", "30000/1001", *x264("-profile:v", "main", "-x264-params", "cabac=1")),
    "h264_baseline": video("176x144", "15", *x264("-profile:v", "baseline")),
    "h264_interlaced": video("720x576", "25", *x264("-flags", "+ilme+ildct", "-x264-params", "interlaced=1:cabac=1")),
    "h264_high_10": video("640x480", "10", *x264("-profile:v", "high10"), pixels="yuv420p10le"),
    "h264_high_422": video("640x482", "12", *x264("-profile:v", "high422"), pixels="yuv422p"),
    "h264_high_444": video("642x480", "12", *x264("-profile:v", "high444"), pixels="yuv444p"),
    "hevc_main": video("1280x720", "20", *x265()),
    "hevc_main_cropped": video("426x238", "30000/1001", *x265()),
    "hevc_main_10": video("640x360", "25", *x265(), pixels="yuv420p10le"),
    "hevc_rext_422": video("640x360", "25", *x265(), pixels="yuv422p"),
    "mjpeg": video("640x480", "10", "-c:v", "mjpeg", pixels="yuvj420p"),
    "mpeg4": video("352x288", "25", "-c:v", "mpeg4"),
    "mpeg2video": video("352x288", "25", "-c:v", "mpeg2video"),
    "h263": video("352x288", "25", "-c:v", "h263p"),
    "vp8": video("320x240", "10", "-c:v", "libvpx", "-deadline", "realtime"),
    "vp9": video("320x240", "10", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-strict", "experimental"),
    "aac_stereo": audio(48000, 2, "-c:a", "aac"),
    "aac_mono": audio(16000, 1, "-c:a", "aac"),
    "g722": audio(16000, 1, "-c:a", "g722"),
    "mp2": audio(44100, 2, "-c:a", "mp2"),
    "mp3": audio(44100, 2, "-c:a", "libmp3lame"),
    "opus": audio(48000, 1, "-c:a", "libopus"),
    "pcm_alaw": audio(8000, 1, "-c:a", "pcm_alaw"),
    "pcm_mulaw": audio(8000, 1, "-c:a", "pcm_mulaw"),
    "pcm_mulaw_16k": audio(16000, 2, "-c:a", "pcm_mulaw"),
    "pcm_s16be": audio(44100, 2, "-c:a", "pcm_s16be"),
    "speex": audio(16000, 1, "-c:a", "libspeex"),
    "vorbis": audio(44100, 2, "-c:a", "libvorbis"),
}


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port & ~1


def record(arguments: list[str], ffmpeg: str, ffprobe: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        sdp, clip = Path(folder) / "stream.sdp", Path(folder) / "clip.nut"
        quiet = [ffmpeg, "-v", "error", "-nostdin", "-y"]
        subprocess.run([*quiet, *arguments, "-t", "4", str(clip)], check=True, timeout=LIMIT_S)
        send = ["-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy", "-strict", "experimental", "-f", "rtp"]
        sender = subprocess.Popen(
            [*quiet, *send, "-sdp_file", str(sdp), f"rtp://127.0.0.1:{free_port()}"], stderr=subprocess.DEVNULL
        )
        try:
            while not sdp.exists() or not sdp.read_bytes().strip():
                if sender.poll() is not None:
                    raise RuntimeError("ffmpeg does not send it")
            read = ["-protocol_whitelist", "file,udp,rtp", "-show_streams", "-of", "json", str(sdp)]
            shown = subprocess.run([ffprobe, "-v", "error", *read], check=True, capture_output=True, timeout=LIMIT_S)
        finally:
            sender.kill()
            sender.wait()
        (stream,) = json.loads(shown.stdout)["streams"]
        text = re.sub(r"(?m)^(m=\w+) \d+", r"\1 0", sdp.read_text())
        return {"sdp": text, "ffprobe": {name: stream[name] for name in SHOWN if name in stream}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ffmpeg", default="ffmpeg")
    parser.add_argument("--ffprobe", default="ffprobe")
    parser.add_argument("--label", required=True, help="version of ffmpeg, for example 5.1")
    parser.add_argument("--only", default="", help="regular expression on case names")
    chosen = parser.parse_args()
    folder = DATA / chosen.label
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, arguments in CASES.items():
        if not re.search(chosen.only, name):
            continue
        try:
            found = record(arguments, chosen.ffmpeg, chosen.ffprobe)
        except (subprocess.SubprocessError, RuntimeError, ValueError) as error:
            failed += 1
            sys.stderr.write(f"{name}: {error}\n")
            continue
        (folder / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
