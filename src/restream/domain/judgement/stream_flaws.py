"""What is wrong with the stream that a camera sends, and what is odd about it: thresholds, and the rule of each.

As in flaws.py, with what only an engine can tell that sees the camera's packets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from restream.domain.judgement.reason import Flaw, Reason
from restream.domain.judgement.stream_quality import StreamQuality
from restream.domain.life.cause import Side
from restream.domain.rtp.stream_report import LATELY_S

# A flaw that holds ends where its measure has come back so far beyond its threshold: it does not flicker around it.
_RELIEF = 0.5
_FPS_RELIEF = 1.25
# Video is gone only after some of its own intervals.
_FRAMES_MISSING = 5


@dataclass(frozen=True, slots=True)
class StreamThresholds:
    """Beyond these a stream is degraded, or its clock remarked. Ratios are shares of one."""

    camera_loss_ratio: float = 0.01
    """Packets of the camera that never arrived, of all, over 10 s."""
    key_frame_s: float = 30.0
    """Without a key frame; who joins waits so long for a picture."""
    video_gone_s: float = 10.0
    """Without a frame of video, while sound flows."""
    audio_gone_s: float = 30.0
    """Without anything of the sound that the camera describes, while video flows."""
    fps_share: float = 0.4
    """Of the rate that the probe was told; half is usual where a camera counts fields, or sees little light."""
    clock_s: float = 60.0
    """The camera's wall clock before or behind ours."""


_LOSS_HINT = (
    "Check the network between the camera and this host; where it sends over UDP, options.rtsp_transport: `tcp`."
)
_KEY_FRAME_HINT = (
    "Set the camera's key frame interval (I frame, GOP) to a few seconds, and switch off its `+` or `smart` codec."
)
_VIDEO_HINT = "The camera's encoder has stopped: restart the camera."
_SOUND_HINT = "Check the camera's microphone and audio settings; options.audio: `none` says that it is not wanted."
_FPS_HINT = "Little light, an overloaded camera or changed settings: look at its frame rate and its shutter."


def stream_flaws(
    quality: StreamQuality, limits: StreamThresholds, told_fps: float | None, held: Collection[str] = ()
) -> Iterator[Flaw]:
    """Every threshold that is passed, the worst first.

    `told_fps`: frames per second as the probe was told; `held`: codes of the flaws that held a moment ago.
    """
    gone = _video_gone(quality, limits)
    if gone is not None:
        yield Side.CAMERA, gone, _VIDEO_HINT
    loss, least = quality.loss_ratio, limits.camera_loss_ratio * (_RELIEF if "camera_loss" in held else 1.0)
    if loss is not None and loss > least:
        numbers = (("ratio_10s", round(loss, 4)), ("ratio_60s", round(quality.long_loss_ratio or 0.0, 4)))
        text = f"{loss:.1%} of the camera's packets are lost on their way to this host"
        yield Side.NETWORK, Reason("camera_loss", text, numbers), _LOSS_HINT
    if gone is not None:
        # Without video there are neither key frames nor a frame rate: that is told already.
        return
    wait_s = quality.key_frame_s
    if wait_s is not None and wait_s > limits.key_frame_s * (_RELIEF if "key_frames_rare" in held else 1.0):
        text = f"no key frame for {wait_s:.0f} s: who begins to watch sees nothing for so long"
        yield Side.CAMERA, Reason("key_frames_rare", text, (("seconds", round(wait_s)),)), _KEY_FRAME_HINT
    if told_fps and quality.fps is not None:
        fewest = told_fps * min(1.0, limits.fps_share * (_FPS_RELIEF if "fps_low" in held else 1.0))
        if quality.fps < fewest:
            text = f"{quality.fps:.1f} frames per second, where the camera tells of {told_fps:.1f}"
            reason = Reason("fps_low", text, (("fps", round(quality.fps, 2)), ("told_fps", round(told_fps, 2))))
            yield Side.CAMERA, reason, _FPS_HINT
    silent_s, video_s = quality.sound_age_s, quality.video_age_s
    if silent_s is not None and silent_s > limits.audio_gone_s and video_s is not None and video_s < silent_s / 2:
        text = f"no sound for {silent_s:.0f} s, though the camera describes it"
        reason = Reason("audio_missing", text, (("seconds", round(silent_s)), ("why", "audio_silent")))
        yield Side.CAMERA, reason, _SOUND_HINT


def _video_gone(quality: StreamQuality, limits: StreamThresholds) -> Reason | None:
    """A camera may well send a frame every five seconds: what is gone is missing for some of its own intervals."""
    age_s, sound_s = quality.video_age_s, quality.sound_age_s
    if age_s is None or sound_s is None or sound_s > LATELY_S or age_s <= limits.video_gone_s:
        return None
    if quality.fps and age_s * quality.fps <= _FRAMES_MISSING:
        return None
    return Reason("video_gone", f"sound, but no video for {age_s:.0f} s", (("seconds", round(age_s)),))


def stream_notes(
    quality: StreamQuality, limits: StreamThresholds, held: Collection[str] = ()
) -> Iterator[tuple[Reason, str]]:
    """What is odd and harms no viewer: why, and a hint. A camera is not degraded by it."""
    offset_s = quality.clock_offset_s
    if offset_s is not None and abs(offset_s) > limits.clock_s * (_RELIEF if "clock_wrong" in held else 1.0):
        side = "ahead" if offset_s > 0 else "behind"
        text = f"the camera's clock is {_duration(abs(offset_s))} {side}"
        reason = Reason("clock_wrong", text, (("offset_s", round(offset_s)), ("why", f"clock_{side}")))
        yield reason, "Set the camera's time server (NTP) and time zone: its recordings and overlays show this clock."


_UNITS = {"days": 86_400, "hours": 3600, "minutes": 60}


def _duration(seconds: float) -> str:
    for unit, length in _UNITS.items():
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
