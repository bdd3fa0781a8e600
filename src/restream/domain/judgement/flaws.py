"""What is wrong with a stream that runs: thresholds, and the rule of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from restream.domain.judgement.quality import Quality
from restream.domain.judgement.reason import Flaw, Reason
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.stream_flaws import StreamThresholds, stream_flaws
from restream.domain.judgement.stream_quality import StreamQuality
from restream.domain.life.cause import Side
from restream.domain.server.flow import Stream


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Beyond these a running stream is degraded. Ratios are shares of one."""

    srt_loss_ratio: float = 0.01
    srt_rtt_share: float = 0.25
    """Round trip over latency: beyond this retransmission is at risk,"""
    srt_rtt_bad_share: float = 0.3333
    """and beyond this it comes too late."""
    bitrate_share: float = 0.25
    """Bitrate of the last minute over the median of the last hour."""
    restarts_per_hour: int = 3
    stream: StreamThresholds = field(default_factory=StreamThresholds)
    """Of what the camera sends, where an engine sees its packets."""


class Running(Protocol):
    """What is looked at."""

    @property
    def status(self) -> CameraStatus: ...

    @property
    def stream(self) -> Stream | None:
        """Its path at the server, where somebody publishes."""

    @property
    def quality(self) -> Quality: ...

    @property
    def packets(self) -> StreamQuality:
        """What the camera's own packets were like."""

    @property
    def held(self) -> Collection[str]:
        """Codes of what was wrong a moment ago."""

    @property
    def had_audio(self) -> bool:
        """The camera has had audio before."""

    @property
    def thresholds(self) -> Thresholds: ...


_LINK_HINT = "Check the network between this host and the media server; raise the SRT latency."
_AUDIO_HINT = (
    "Check the camera's audio settings; options.audio: `aac` encodes it anew, `none` says that it is not wanted."
)
_ERROR_HINT = "Packets are lost or damaged on the way: check the network, and the camera's link when it sends over UDP."


def flaws(sight: Running) -> Iterator[Flaw]:
    """Every threshold that is passed, the worst first."""
    quality, limits, stream = sight.quality, sight.thresholds, sight.stream
    srt, state = stream.srt if stream else None, sight.status.state
    told_fps = state.media.video.fps if state.media is not None else None
    yield from stream_flaws(sight.packets, limits.stream, told_fps, sight.held)
    if quality.loss_ratio is not None and quality.loss_ratio > limits.srt_loss_ratio:
        numbers = (("ratio_10s", round(quality.loss_ratio, 4)), ("ratio_60s", round(quality.long_loss_ratio or 0, 4)))
        text = f"{quality.loss_ratio:.1%} of the packets to the media server are lost at first"
        yield Side.NETWORK, Reason("srt_loss", text, numbers), _LINK_HINT
    if srt and srt.rtt_ms and srt.latency_ms and srt.rtt_ms > limits.srt_rtt_share * srt.latency_ms:
        bad = srt.rtt_ms > limits.srt_rtt_bad_share * srt.latency_ms
        numbers_ = (
            ("rtt_ms", round(srt.rtt_ms, 1)),
            ("latency_ms", srt.latency_ms),
            ("level", "bad" if bad else "warn"),
        )
        text = f"round trip {srt.rtt_ms:.0f} ms with a latency budget of {srt.latency_ms:.0f} ms"
        yield Side.NETWORK, Reason("srt_rtt", text, numbers_), "Raise the SRT latency to four round trips or more."
    if quality.dropped:
        text = f"{quality.dropped} packets of the last minute never arrived"
        yield Side.NETWORK, Reason("srt_drops", text, (("packets_60s", quality.dropped),)), _LINK_HINT
    if quality.frames_in_error:
        text = f"{quality.frames_in_error} frames of the last minute could not be read by the media server"
        yield Side.NETWORK, Reason("frames_in_error", text, (("frames_60s", quality.frames_in_error),)), _ERROR_HINT
    usual, recent = quality.usual_bitrate_bps, quality.long_bitrate_bps
    if usual and recent is not None and recent < limits.bitrate_share * usual:
        text = f"{recent / 1e6:.2f} Mbit/s, where {usual / 1e6:.2f} Mbit/s are usual"
        reason = Reason("bitrate_low", text, (("bitrate_bps", round(recent)), ("usual_bps", round(usual))))
        yield Side.CAMERA, reason, "A dark or frozen picture, or changed settings: look at the camera's picture."
    if quality.restarts >= limits.restarts_per_hour:
        cause = state.last_cause
        text = f"started again {quality.restarts} times in the last hour" + (f", last for {cause}" if cause else "")
        hint = cause.facts.hint if cause else ""
        side = cause.facts.side if cause else Side.PUBLISHER
        last = (("last_cause", cause.value),) if cause else ()
        yield side, Reason("restarts", text, (("restarts_1h", quality.restarts), *last)), hint
    plan = sight.status.plan
    if sight.had_audio and plan is not None and plan.audio == "none" and state.lesser:
        reason = Reason("audio_missing", "published without its audio: the last start with it failed")
        yield Side.CAMERA, reason, _AUDIO_HINT
