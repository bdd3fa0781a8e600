"""From a camera and its probe to one ffmpeg command: `FfmpegPlan`, with the reasons for every choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from restream.domain.camera.camera import Camera
from restream.domain.camera.options import AudioChoice, CameraOptions, RtspTransport, Transport
from restream.domain.camera.secret import spellings
from restream.domain.camera.urls import SourceUrl
from restream.domain.engine import AudioStream, Media, Plan, Shown
from restream.domain.ffmpeg.encoding import misread_as
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.ffmpeg.source_input import ANALYSE_US, ANALYSIS, QUICK_ANALYSIS, flags, source_input
from restream.domain.server.target import Target
from restream.domain.server.trust import TlsServer, Trust

ENGINE = "ffmpeg"
"""Name of the engine."""
# A probe holds a place of the start budget: whatever a row says, not for ever.
_LONGEST_SILENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class FfmpegSettings:
    """Which programs, and how long a silent network may last, in seconds."""

    binary: str = "ffmpeg"
    probe_binary: str = "ffprobe"
    probe_timeout_s: float = 10.0
    stall_timeout_s: float = 10.0
    rtsp_transport: RtspTransport = RtspTransport.TCP
    """From the cameras, where a row has none."""
    hide_source: bool = True
    """False: the plain form, with the URL and its password on the command line."""
    memory_bytes: int = 1 << 30
    """What each process may allocate; a camera can make it any amount (tests/integration/test_hostile_camera.py)."""

    def network_timeout_s(self, options: CameraOptions) -> float:
        """What ffprobe is told: a freeze shows up after twice this time (probe-ok_then_freeze, tests/data/ffmpeg)."""
        usual_s = max(self.probe_timeout_s, options.connect_timeout_s or 0.0) / 2
        own_us = dict(options.input).get("timeout")
        return min(max(1.0, usual_s if own_us is None else int(own_us) / 1e6), _LONGEST_SILENCE_S)

    def probe_limit_s(self, options: CameraOptions) -> float:
        """When a probe that has not ended by itself is killed: twice the network timeout, the analysis, a margin."""
        analysis_s = int(dict(options.input).get("analyzeduration", ANALYSE_US)) / 1e6
        return 2 * self.network_timeout_s(options) + min(analysis_s, _LONGEST_SILENCE_S) + 2


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """How one camera is looked at; times in seconds."""

    invocation: Invocation
    network_timeout_s: float
    limit_s: float
    """When a probe that has not ended by itself is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FfmpegPlan(Plan):
    """One ffmpeg for one camera."""

    invocation: Invocation
    network_timeout_s: float
    """How long the camera may be silent before ffmpeg gives up."""
    to_be_checked: TlsServer | None = None
    """ffmpeg does not check all of its certificate, or nothing."""

    @property
    def shown(self) -> Shown:
        """The command line, and the script with the source that it reads."""
        return Shown(self.invocation.masked_argv, self.invocation.masked_stdin)


# Audio that each transport carries as it is. RTP: payloads that ffmpeg writes and MediaMTX v1.20 reads.
_AUDIO_AS_IS: Mapping[Transport, frozenset[str]] = {
    Transport.RTSP: frozenset({"aac", "ac3", "adpcm_g722", "mp2", "mp3", "opus", "pcm_alaw", "pcm_mulaw"}),
    Transport.SRT: frozenset({"aac", "ac3", "mp2", "mp3", "opus"}),
}
_VIDEO_IN_MPEGTS = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4"})

# How long video waits for audio that is announced and silent; ffmpeg's own default is 10 s.
_MAX_INTERLEAVE_US = 500_000
# MediaMTX re-packetises RTP above this size; also what fits into an SRT packet.
_PACKET_BYTES = 1316
# Silent audio, converted, keeps ffmpeg from publishing (test_silent_audio_does_not_keep_a_camera_down).
_LESSER = "the last start with it failed"
# Its pictures need not be shown in the order in which they come: ffmpeg waits for some to tell.
_IN_ORDER_OF_DECODING = "h264"
_AAC = ("-c:a", "aac", "-ar", "16000", "-ac", "1", "-b:a", "32k")


def build_probe(source: SourceUrl, options: CameraOptions, settings: FfmpegSettings) -> ProbePlan:
    """ffprobe on one source, JSON on its standard output."""
    network_timeout_s = settings.network_timeout_s(options)
    arguments, stdin = source_input(
        source,
        settings.hide_source,
        options.rtsp_transport or settings.rtsp_transport,
        network_timeout_s,
        _input(source, options, QUICK_ANALYSIS, silent=options.audio is AudioChoice.NONE),
    )
    show = ("-show_error", "-show_streams", "-of", "json")
    argv = (settings.probe_binary, "-v", "level+warning", *arguments, *show)
    invocation = Invocation(argv, stdin, source, source.secrets, settings.memory_bytes)
    return ProbePlan(invocation, network_timeout_s, settings.probe_limit_s(options))


Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in shares of a picture."""


def build_still(source: SourceUrl, settings: FfmpegSettings, hidden: Sequence[Box] = ()) -> Invocation:
    """ffmpeg that reads a stream of the media server, and writes its next key frame as JPEG to standard output, black
    where something is hidden."""
    # Key frames alone are decoded: the first one of most cameras comes within two seconds.
    options = {**ANALYSIS, "analyzeduration": "1000000"}
    arguments, stdin = source_input(source, True, RtspTransport.TCP, settings.probe_timeout_s, options)
    read = (settings.binary, "-hide_banner", "-v", "level+error", "-skip_frame", "nokey", *arguments)
    write = (
        "-map",
        "0:v:0",
        "-frames:v",
        "1",
        "-vf",
        ",".join(("scale='min(1280,iw)':-2", *map(_black, hidden))),
        "-q:v",
        "4",
        "-f",
        "mjpeg",
        "pipe:1",
    )
    return Invocation((*read, *write), stdin, source, source.secrets, settings.memory_bytes)


def _black(box: Box) -> str:
    """Whole pixels, rather one too many."""
    left, top, right, bottom = box
    place = f"x=floor(iw*{left:.5f}):y=floor(ih*{top:.5f})"
    return f"drawbox={place}:w=ceil(iw*{right - left:.5f})+1:h=ceil(ih*{bottom - top:.5f})+1:c=black:t=fill"


def build_plan(
    camera: Camera, media: Media, target: Target, settings: FfmpegSettings, *, lesser: bool = False
) -> FfmpegPlan:
    """The command that publishes a camera. `lesser`: without its sound and without waiting for the order of its
    pictures, since the last start brought no media."""
    reasons: list[str] = []
    transport = _transport(camera, media, target, reasons)
    drop_audio = _LESSER if lesser else None
    audio = _audio(camera.options.audio, media.audio, transport, drop_audio, reasons)
    stall_timeout_s = camera.options.stall_timeout_s or settings.stall_timeout_s
    arguments, stdin = source_input(
        camera.source,
        settings.hide_source,
        camera.options.rtsp_transport or settings.rtsp_transport,
        # Ours is the first to notice a stall; ffmpeg would end by itself after twice this time.
        stall_timeout_s,
        _input(camera.source, camera.options, QUICK_ANALYSIS if lesser else ANALYSIS, silent=audio == "none"),
    )
    output = dict(camera.options.output)
    packet_bytes = output.pop("pkt_size", str(_PACKET_BYTES))
    audio_arguments = {"copy": ("-c:a", "copy"), "aac": _AAC, "none": ("-an",)}[audio]
    sound = () if media.audio is None or audio == "none" else ("-map", f"0:a:{media.audio.place}?")
    selection = ("-map", f"0:v:{media.video.place}", *sound, "-dn", "-sn")
    argv = (
        settings.binary,
        "-hide_banner",
        *(() if stdin else ("-nostdin",)),
        *("-loglevel", "level+warning", "-nostats", "-progress", "pipe:1", "-stats_period", "1"),
        *arguments,
        *selection,
        *("-c:v", "copy"),
        *audio_arguments,
        *flags({"max_interleave_delta": str(_MAX_INTERLEAVE_US), **output}),
        *_output(target, transport, camera.path, packet_bytes),
    )
    password = target.password.reveal() if target.password else ""
    secrets = (*camera.source.secrets, *spellings(password))
    return FfmpegPlan(
        engine=ENGINE,
        camera_id=camera.id,
        path=camera.path,
        server=target.server,
        transport=transport,
        video=media.video.codec,
        audio=audio,
        reasons=tuple(reasons),
        has_lesser=not lesser and (audio != "none" or media.video.codec == _IN_ORDER_OF_DECODING),
        invocation=Invocation(argv, stdin, camera.source, secrets, settings.memory_bytes),
        network_timeout_s=stall_timeout_s,
        to_be_checked=target.to_be_checked if transport is Transport.RTSP else None,
    )


def _input(
    source: SourceUrl, options: CameraOptions, analysis: Mapping[str, str], *, silent: bool
) -> Mapping[str, str]:
    """Options of the input, for the probe and the publisher alike. `silent`: the sound is not wanted."""
    # A camera that cannot set up its sound is not even asked for it.
    picture = {"allowed_media_types": "video"} if silent and source.scheme in ("rtsp", "rtsps") else {}
    return {**analysis, **picture, **dict(options.input)}


def _transport(camera: Camera, media: Media, target: Target, reasons: list[str]) -> Transport:
    wanted = camera.options.publish or target.publish
    origin = "options.publish of this row" if camera.options.publish else "mediamtx.publish"
    if wanted is Transport.SRT and media.video.codec not in _VIDEO_IN_MPEGTS:
        reasons.append(f"published by RTSP although {origin} says srt: MPEG-TS cannot carry {media.video.codec}")
        return Transport.RTSP
    reasons.append(f"published by {wanted.upper()}: {origin}")
    reasons.append(f"video {media.video.codec} {media.video.width}x{media.video.height} is copied, never re-encoded")
    return wanted


def _audio(
    choice: AudioChoice, audio: AudioStream | None, transport: Transport, drop: str | None, reasons: list[str]
) -> str:
    if audio is None:
        why = "options.audio of this row says none" if choice is AudioChoice.NONE else "the camera sends none"
        reasons.append(f"no audio: {why}")
        return "none"
    if drop is not None:
        reasons.append(f"audio {audio.codec} is dropped: {drop}")
        return "none"
    if wrong := misread_as(audio.codec, audio.offered):
        offered = ", ".join(audio.offered)
        reasons.append(f"audio {audio.codec} is dropped: described as {offered}, and ffmpeg would take it for {wrong}")
        return "none"
    if choice is not AudioChoice.AUTO:
        reasons.append(f"audio {audio.codec}: options.audio of this row says {choice}")
        return choice.value
    if audio.codec == "unknown" or audio.sample_rate_hz <= 0:
        reasons.append("audio is dropped: the probe cannot tell what it is")
        return "none"
    if audio.adts and transport is Transport.RTSP:
        # "AAC with no global headers is currently not supported"; aac_adtstoasc comes too late for the header.
        reasons.append("audio aac is encoded anew: RTSP needs its configuration ahead, ADTS has it in each frame")
        return "aac"
    if audio.codec in _AUDIO_AS_IS[transport]:
        reasons.append(f"audio {audio.codec} is copied: {transport.upper()} carries it")
        return "copy"
    reasons.append(f"audio {audio.codec} is converted to AAC: {transport.upper()} does not carry it")
    return "aac"


def _output(target: Target, transport: Transport, path: str, packet_bytes: str) -> tuple[str, ...]:
    user = quote(target.user, safe="") if target.user else ""
    password = quote(target.password.reveal(), safe="") if target.password else ""
    if transport is Transport.SRT:
        credentials = f":{user}:{password}" if user else ""
        url = f"{target.srt_url.rstrip('/')}?streamid=publish:{path}{credentials}&pkt_size={packet_bytes}"
        return ("-f", "mpegts", url)
    scheme, _, host = target.rtsp_url.rstrip("/").partition("://")
    credentials = f"{user}:{password}@" if user else ""
    url = f"{scheme}://{credentials}{host}/{path}"
    return ("-f", "rtsp", "-rtsp_transport", "tcp", "-pkt_size", packet_bytes, *_checking(scheme, target.trust), url)


def _checking(scheme: str, trust: Trust) -> Sequence[str]:
    """ffmpeg 8.0 with OpenSSL checks authority and dates; 5.1 takes the options and checks nothing."""
    if scheme != "rtsps" or not trust.verify:
        return ()
    return flags({"tls_verify": "1", **({"ca_file": trust.ca} if trust.ca else {})})
