"""From a camera and its probe to one relay: `RelayPlan`, with the reasons for every choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from restream.domain.camera.camera import Camera
from restream.domain.camera.options import AudioChoice, RtspTransport, Transport
from restream.domain.engine import AudioStream, Media, Plan, Shown
from restream.domain.rtsp.codecs import MPEG_TS
from restream.domain.rtsp.tracks import allowed_kinds
from restream.domain.rtsp.url import Credentials, RtspUrl, source_parts
from restream.domain.server.target import Target
from restream.domain.server.trust import Trust

ENGINE = "relay"
"""Name of the engine."""
_TRANSPORTS: Mapping[RtspTransport, tuple[RtspTransport, ...]] = {
    RtspTransport.TCP: (RtspTransport.TCP,),
    RtspTransport.UDP: (RtspTransport.UDP,),
    RtspTransport.AUTO: (RtspTransport.TCP, RtspTransport.UDP),
}
_OVER: Mapping[RtspTransport, str] = {
    RtspTransport.TCP: "",
    RtspTransport.UDP: "received over UDP, as rtsp_transport wants it",
    RtspTransport.AUTO: "received over TCP, or over UDP where the camera refuses that: rtsp_transport is auto",
}
_OVER_TLS = "received over TCP: what RTSPS sends over UDP would be in clear, or SRTP, which the relay does not speak"
_OWN_INPUT = frozenset({"allowed_media_types", "timeout", "user_agent"})


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """How long who may be silent, in seconds."""

    answer_timeout_s: float = 10.0
    """A camera, for each answer; a row's own timeout wins."""
    stall_timeout_s: float = 10.0
    """A media server that takes nothing."""
    rtsp_transport: RtspTransport = RtspTransport.TCP
    """From the cameras, where a row has none."""


@dataclass(frozen=True, slots=True)
class Place:
    """One end of a relay."""

    url: RtspUrl
    credentials: Credentials | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPlan(Plan):
    """One camera whose packets are handed on."""

    source: Place | None
    """The camera; None: it is none of RTSP (see `refusal`)."""
    destination: Place | None
    """The path at the media server."""
    trust: Trust
    """Of the media server, where that is RTSPS."""
    allowed: frozenset[str]
    """`video`, `audio`."""
    transports: tuple[RtspTransport, ...]
    """TCP, UDP: one after the other until the camera takes one."""
    user_agent: str
    answer_timeout_s: float
    stall_timeout_s: float

    @property
    def shown(self) -> Shown:
        """Over what it comes, and both ends."""
        over = ",".join(self.transports)
        return Shown(
            ("relay", over, *(str(place.url) for place in (self.source, self.destination) if place is not None))
        )


def refusal(camera: Camera, media: Media, settings: RelaySettings) -> str | None:
    """Why the relay cannot do what is wanted of a camera; None: it can."""
    options = camera.options
    if source_parts(camera.source) is None:
        return f"the relay speaks RTSP and RTSPS, not {camera.source.scheme}"
    if options.on_demand:
        return "options.on_demand: only the engine pull waits until somebody watches"
    if media.video.codec == MPEG_TS:
        return "the camera sends an MPEG transport stream, which has to be taken apart"
    if options.audio is AudioChoice.AAC and media.audio is not None and media.audio.codec != "aac":
        return f"the relay converts nothing, and the sound of this camera ({media.audio.codec}) is to be AAC"
    return None


def build_plan(
    camera: Camera, media: Media, target: Target, settings: RelaySettings, *, lesser: bool = False
) -> RelayPlan:
    """How a camera is relayed. `lesser`: without its sound, since the last start brought no media."""
    options, own = camera.options, dict(camera.options.input)
    audio = "none" if lesser else _audio(options.audio, media.audio)
    reasons = [f"{media.video.codec} {media.video.width}x{media.video.height}: packets are handed on as they come"]
    reasons.append(_audio_reason(options.audio, media.audio, lesser=lesser))
    if (options.publish or target.publish) is not Transport.RTSP:
        reasons.append("published by RTSP although this camera is to be published by SRT: the relay speaks RTSP alone")
    transport = options.rtsp_transport or settings.rtsp_transport
    parts = source_parts(camera.source)
    over = _OVER_TLS if parts and parts[0].secure and transport is not RtspTransport.TCP else _OVER[transport]
    if over:
        reasons.append(over)
    unused = sorted({*own.keys() - _OWN_INPUT, *dict(options.output)})
    if unused:
        reasons.append(f"{', '.join(unused)} of this row is for ffmpeg, and not used")
    timeout_us = own.get("timeout")
    return RelayPlan(
        engine=ENGINE,
        camera_id=camera.id,
        path=camera.path,
        server=target.server,
        transport=Transport.RTSP,
        video=media.video.codec,
        audio=audio,
        reasons=tuple(reasons),
        has_lesser=audio != "none",
        source=None if parts is None else Place(*parts),
        destination=None if (ends := target.rtsp_parts(camera.path)) is None else Place(*ends),
        trust=target.trust,
        transports=_TRANSPORTS[transport] if over is not _OVER_TLS else _TRANSPORTS[RtspTransport.TCP],
        allowed=allowed_kinds(options) - ({"audio"} if audio == "none" else set()),
        user_agent=own.get("user_agent", ""),
        answer_timeout_s=settings.answer_timeout_s if timeout_us is None else max(1.0, int(timeout_us) / 1e6),
        stall_timeout_s=options.stall_timeout_s or settings.stall_timeout_s,
    )


def _audio(choice: AudioChoice, audio: AudioStream | None) -> str:
    return "none" if audio is None or choice is AudioChoice.NONE else "copy"


def _audio_reason(choice: AudioChoice, audio: AudioStream | None, *, lesser: bool) -> str:
    if audio is None or choice is AudioChoice.NONE:
        why = "options.audio of this row says none" if choice is AudioChoice.NONE else "the camera sends none"
        return f"no audio: {why}"
    if lesser:
        return f"audio {audio.codec} is dropped: the last start with it failed"
    return f"audio {audio.codec} is handed on as it comes"
