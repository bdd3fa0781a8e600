"""What ffprobe says about a camera: a typed result or a typed failure.

Built on output of ffprobe 5.1 and 8.0: exit 0 proves nothing (a camera that sends no packets gives streams of width 0),
one and the same error stands for a silent and for a closed connection, and only elapsed time proves the silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from restream.domain.engine import AudioStream, Media, ProbeFailure, VideoStream
from restream.domain.ffmpeg.exit_cause import NOT_STARTED, source_cause, understand, was_silent
from restream.domain.life.cause import Cause

# FFmpeg's AVERROR codes in ffprobe's JSON ("error": {"code": …}): errno values and FFERRTAG constants. For lines that
# were lost; EPERM (a hang in PLAY), EIO, "Invalid data" and EOF say nothing by themselves.
_ERROR_CODES: Mapping[int, Cause] = {
    -101: Cause.UNREACHABLE,  # ENETUNREACH
    -104: Cause.SOURCE_ENDED,  # ECONNRESET
    -110: Cause.TIMEOUT,  # ETIMEDOUT; of a connection that nobody took, a line speaks
    -111: Cause.REFUSED,  # ECONNREFUSED
    -113: Cause.UNREACHABLE,  # EHOSTUNREACH
    -12: Cause.OOM,  # ENOMEM
    -808465656: Cause.REQUEST_REFUSED,  # 400
    -825242872: Cause.AUTH_FAILED,  # 401
    -858797304: Cause.AUTH_FAILED,  # 403
    -875574520: Cause.NOT_FOUND,  # 404
    -1482175736: Cause.REQUEST_REFUSED,  # 4XX
    -1482175992: Cause.CAMERA_ERROR,  # 5XX
}
_MOST_FPS = 240.0


def parse_probe(
    stdout: bytes, stderr: Sequence[str], exit_code: int | None, elapsed_s: float, timeout_s: float
) -> Media | ProbeFailure:
    """Judge one run of ffprobe (`-show_error -show_streams -of json`).

    `stderr` holds its lines; `exit_code` None: it had to be killed. `timeout_s` is the network timeout ffprobe was
    given. Never raises.
    """
    try:
        document = json.loads(stdout) if stdout.strip() else {}
    except (ValueError, RecursionError):
        document = {}
    if exit_code == 0:
        return _streams(document)
    messages = understand(stderr)
    # ffprobe 5.1 prints no JSON at all when it is killed, and static builds crash in the resolver.
    if found := source_cause(messages):
        return ProbeFailure(*found)
    error = document.get("error") if isinstance(document, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    silent = exit_code is None or was_silent(elapsed_s, timeout_s)
    cause = _ERROR_CODES.get(code) if isinstance(code, int) else None
    if exit_code in NOT_STARTED:
        cause = Cause.INTERNAL
    outcome = "ffprobe had to be ended, it did not answer" if exit_code is None else f"ffprobe: exit {exit_code}"
    detail = messages[-1].line if messages else outcome
    return ProbeFailure(cause or (Cause.TIMEOUT if silent else Cause.UNCLEAR), detail)


def _streams(document: object) -> Media | ProbeFailure:
    streams = document.get("streams") if isinstance(document, dict) else None
    entries = [entry for entry in streams if isinstance(entry, dict)] if isinstance(streams, list) else []
    video = next((entry for entry in entries if entry.get("codec_type") == "video"), None)
    if video is None:
        return ProbeFailure(Cause.NO_MEDIA, "the camera offers no video stream")
    codec = video.get("codec_name")
    width, height = _integer(video.get("width")), _integer(video.get("height"))
    if not isinstance(codec, str) or codec == "unknown":
        return ProbeFailure(Cause.CODEC_UNSUPPORTED, "ffprobe does not know the camera's video codec")
    if width <= 0 or height <= 0:
        return ProbeFailure(Cause.NO_MEDIA, "the camera announces video but sends none")
    profile = video.get("profile")
    return Media(
        VideoStream(codec, width, height, _frame_rate(video), profile if isinstance(profile, str) else None),
        _audio(next((entry for entry in entries if entry.get("codec_type") == "audio"), None)),
    )


def _audio(entry: dict[str, object] | None) -> AudioStream | None:
    if entry is None:
        return None
    codec = entry.get("codec_name")
    return AudioStream(
        codec if isinstance(codec, str) else "unknown",
        _integer(entry.get("sample_rate")),
        _integer(entry.get("channels")),
        # The configuration that stands ahead of the frames is what ffprobe calls extradata.
        adts=codec == "aac" and _integer(entry.get("extradata_size")) <= 0,
    )


def _integer(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def _frame_rate(video: Mapping[str, object]) -> float | None:
    """As measured, else as the parameter sets say; what they do not say is guessed from their clock."""
    described = _rate(video.get("r_frame_rate"))
    return _rate(video.get("avg_frame_rate")) or (described if described and described <= _MOST_FPS else None)


def _rate(value: object) -> float | None:
    match = re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", str(value))
    if match is None:
        return None
    numerator, denominator = match.groups()
    return round(int(numerator) / int(denominator), 3) or None
