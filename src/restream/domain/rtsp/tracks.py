"""Which tracks of a camera are taken: its video and its sound; each choice and each omission with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from restream.domain.camera.options import AudioChoice, CameraOptions
from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.rtsp.codecs import CODECS, MPEG_TS, audio_stream, codec_of, video_stream
from restream.domain.rtsp.description import Direction, MediaDescription, PayloadFormat, SessionDescription
from restream.domain.rtsp.url import RtspUrl, control_url
from restream.domain.rtsp.words import readable

Carries = Callable[[str], bool]
"""Whether the target can carry a codec."""
KINDS = frozenset({"video", "audio"})
"""What can be taken of a camera."""
_FLAG = re.compile(r"([+-]?)(\w+)")
# Beside video or sound in one section: noise, tones, repair, metadata.
_BESIDE = frozenset({"CN", "TELEPHONE-EVENT", "RED", "RTX", "ULPFEC", "FLEXFEC", "METADATA", "VND.ONVIF.METADATA"})


@dataclass(frozen=True, slots=True)
class Track:
    """One medium of a camera that is to be received."""

    index: int
    """Place in the description, from 0."""
    stream: VideoStream | AudioStream
    encoding: PayloadFormat
    media: MediaDescription
    url: RtspUrl
    """What SETUP names."""

    @property
    def is_video(self) -> bool:
        """Video, or a transport stream, in which the video is."""
        return isinstance(self.stream, VideoStream)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is taken of a description, in its order."""

    tracks: tuple[Track, ...] = ()
    reasons: tuple[str, ...] = ()
    media: Media | None = None
    """None: there is no video, or the description cannot tell what the tracks contain (MPEG-TS)."""

    @property
    def video(self) -> Track | None:
        """The one without which there is nothing to do."""
        return next((track for track in self.tracks if track.is_video), None)


@dataclass(slots=True)
class _Selection:
    """Goes through the media of one description."""

    base: RtspUrl
    allowed: frozenset[str]
    carries: Carries
    back_channel: Direction
    tracks: list[Track] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def look_at(self, index: int, media: MediaDescription) -> None:
        kind = readable(media.kind)[:20]
        encodings = [each for each in media.formats if each.encoding and each.encoding not in _BESIDE]
        names = ", ".join(readable(each.encoding)[:30] for each in encodings[:4]) or "of no known encoding"
        what = f"track {index} ({kind} {names})"
        encoding = next((each for each in encodings if each.encoding in CODECS), None)
        kind = "video" if encoding and codec_of(encoding) == MPEG_TS else kind
        refusal = self._refusal(kind, media)
        if refusal or encoding is None:
            self.reasons.append(f"{what} is left alone: {refusal or 'its encoding is not known'}")
            return
        stream = video_stream(media, encoding) if kind == "video" else audio_stream(encoding)
        stream = replace(stream, offered=_offered(media))
        if kind == "audio" and not self.carries(stream.codec):
            self.reasons.append(f"{what} is left out: the target does not carry {stream.codec}")
            return
        track = Track(index, stream, encoding, media, control_url(self.base, media.control))
        same = next((each for each in self.tracks if each.url == track.url), None)
        if same and not track.is_video:
            self.reasons.append(f"{what} is left out: the camera gives it the address of another track")
            return
        if same:
            self.tracks.remove(same)
            self.reasons[same.index] = f"track {same.index} is left out: the camera gives the video the same address"
        self.tracks.append(track)
        self.reasons.append(f"{what} is taken{_detail(encoding, encodings)}")

    def _refusal(self, kind: str, media: MediaDescription) -> str | None:
        if kind not in KINDS:
            return "it is neither video nor sound"
        if kind not in self.allowed:
            return "the options of this row do not want it"
        if media.direction is Direction.INACTIVE:
            return "the camera says it is inactive"
        if kind == "audio" and media.direction is self.back_channel:
            return "it is the camera's back channel, which is sent to the camera"
        if any(track.is_video == (kind == "video") for track in self.tracks):
            return f"it is not the first {kind}"
        return None


def _offered(media: MediaDescription) -> tuple[str, ...]:
    codecs = tuple(dict.fromkeys(CODECS[each.encoding] for each in media.mapped if each.encoding in CODECS))
    return codecs if len(codecs) > 1 else ()


def _detail(encoding: PayloadFormat, encodings: Sequence[PayloadFormat]) -> str:
    if codec_of(encoding) == MPEG_TS:
        return ": an MPEG transport stream, whose content the description does not tell"
    if len(encodings) > 1:
        return f": it has {len(encodings)} encodings, payload type {encoding.payload_type} comes first"
    return ""


def choose_tracks(
    description: SessionDescription,
    base: RtspUrl,
    allowed: frozenset[str] = KINDS,
    carries: Carries = lambda codec: True,
) -> Choice:
    """The first video that is known, and the first sound that the camera sends and the target carries.

    ONVIF (Streaming Specification §5.3) writes directions as the client's: a sound marked `sendonly` is the back
    channel. A camera that marks its video so writes them as its own (go2rtc issue 771), and receives what is
    `recvonly`.
    """
    own_words = any(media.kind == "video" and media.direction is Direction.SENDONLY for media in description.media)
    selection = _Selection(base, allowed, carries, Direction.RECVONLY if own_words else Direction.SENDONLY)
    for index, media in enumerate(description.media):
        selection.look_at(index, media)
    return Choice(tuple(selection.tracks), tuple(selection.reasons), _media(selection.tracks, description))


def _media(tracks: Sequence[Track], description: SessionDescription) -> Media | None:
    video: VideoStream | None = None
    audio: AudioStream | None = None
    for track in tracks:
        place = sum(media.kind == track.media.kind for media in description.media[: track.index])
        if isinstance(track.stream, VideoStream):
            video = replace(track.stream, place=place)
        else:
            audio = replace(track.stream, place=place)
    return None if video is None or video.codec == MPEG_TS else Media(video, audio)


def allowed_kinds(options: CameraOptions) -> frozenset[str]:
    """`video` and `audio`, less what `audio: none` and ffmpeg's `allowed_media_types` exclude.

    The latter are flags: `video` alone, `video+audio`, or `-audio` from all.
    """
    flags = dict(options.input).get("allowed_media_types", "")
    kinds = set(KINDS) if flags[:1] in ("", "+", "-") else set()
    for sign, name in _FLAG.findall(flags):
        kinds = kinds - {name} if sign == "-" else kinds | {name}
    if options.audio is AudioChoice.NONE:
        kinds.discard("audio")
    return frozenset(kinds) & KINDS
