"""From a medium of a session description to video and sound, in the words of ffprobe."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from restream.domain.engine import AudioStream, VideoStream
from restream.domain.rtsp.bits import BitReader, OutOfBitsError
from restream.domain.rtsp.description import MediaDescription, PayloadFormat
from restream.domain.rtsp.picture import MAX_SIDE, Picture, h264_profile, h265_profile, read_h264, read_h265

CODECS: Mapping[str, str] = {
    "AAL2-G726-16": "adpcm_g726",
    "AAL2-G726-24": "adpcm_g726",
    "AAL2-G726-32": "adpcm_g726",
    "AAL2-G726-40": "adpcm_g726",
    "AC3": "ac3",
    "AMR": "amr_nb",
    "AMR-WB": "amr_wb",
    "AV1": "av1",
    "DVI4": "adpcm_ima_wav",
    "EAC3": "eac3",
    "G722": "adpcm_g722",
    "G723": "g723_1",
    "G726-16": "adpcm_g726le",
    "G726-24": "adpcm_g726le",
    "G726-32": "adpcm_g726le",
    "G726-40": "adpcm_g726le",
    "G729": "g729",
    "GSM": "gsm",
    "H261": "h261",
    "H263": "h263",
    "H263-1998": "h263",
    "H263-2000": "h263",
    "H264": "h264",
    "H265": "hevc",
    "H266": "vvc",
    "HEVC": "hevc",
    "ILBC": "ilbc",
    "JPEG": "mjpeg",
    "JPEG2000": "jpeg2000",
    "L16": "pcm_s16be",
    "L24": "pcm_s24be",
    "L8": "pcm_u8",
    "MP2T": "mpegts",
    "MP4A-LATM": "aac",
    "MP4V-ES": "mpeg4",
    "MPA": "mp2",
    "MPA-ROBUST": "mp3",
    "MPEG4-GENERIC": "aac",
    "MPV": "mpeg2video",
    "OPUS": "opus",
    "PCMA": "pcm_alaw",
    "PCMU": "pcm_mulaw",
    "QCELP": "qcelp",
    "SPEEX": "speex",
    "THEORA": "theora",
    "VORBIS": "vorbis",
    "VP8": "vp8",
    "VP9": "vp9",
}
"""RTP encoding names and ffmpeg's codecs; a test holds those that ffmpeg can write against what ffprobe says."""
MPEG_TS = "mpegts"
"""No codec: what is in it the description does not tell."""
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
_HEX_PROFILE = re.compile(r"[0-9A-Fa-f]{6}")
_AV1_PROFILES: Mapping[str, str] = {"0": "Main", "1": "High", "2": "Professional"}
# Encodings whose clock is not their sample rate: RFC 3551 §4.5.2 and 4.5.13, RFC 7587 §4.1.
_SAMPLE_RATES: Mapping[str, int] = {"G722": 16000, "MPA": 0, "MPA-ROBUST": 0, "OPUS": 48000}


def codec_of(encoding: PayloadFormat) -> str:
    """Name as ffprobe has it; one that it does not know in lower case, empty where nothing is told."""
    return CODECS.get(encoding.encoding, encoding.encoding.lower())


def video_stream(media: MediaDescription, encoding: PayloadFormat) -> VideoStream:
    """What a description tells of a video; width and height 0: it does not. Never raises."""
    found = _picture(encoding)
    width, height = found.width, found.height
    if not width and media.size and max(media.size) <= MAX_SIDE and min(media.size) > 0:
        width, height = media.size
    return VideoStream(codec_of(encoding), width, height, found.fps or media.frame_rate, found.profile)


def audio_stream(encoding: PayloadFormat) -> AudioStream:
    """What a description tells of a sound; a sample rate of 0 Hz, or 0 channels: it does not. Never raises."""
    rate = _SAMPLE_RATES.get(encoding.encoding, encoding.clock_rate_hz)
    channels = encoding.channels or (0 if encoding.encoding in ("MPA", "MPA-ROBUST") else 1)
    if codec_of(encoding) == "aac":
        told_rate, told_channels = _aac(encoding)
        rate, channels = told_rate or rate, told_channels or channels
    return AudioStream(codec_of(encoding), rate, channels)


def _picture(encoding: PayloadFormat) -> Picture:
    parameters = encoding.parameters
    if encoding.encoding == "H264":
        sets = map(lenient_base64, parameters.get("sprop-parameter-sets", "")[:8192].split(","))
        found = next((picture for each in sets if (picture := read_h264(each)).width), Picture())
        level = parameters.get("profile-level-id", "")
        if found.profile is None and _HEX_PROFILE.fullmatch(level):
            found = found._replace(profile=h264_profile(int(level[:2], 16), int(level[2:4], 16)))
        return found
    if codec_of(encoding) == "hevc":
        sets = map(lenient_base64, parameters.get("sprop-sps", "")[:8192].split(","))
        found = next((picture for each in sets if (picture := read_h265(each)).width), Picture())
        number = parameters.get("profile-id", "")
        if found.profile is None and len(number) <= 2 and number.isascii() and number.isdecimal():
            found = found._replace(profile=h265_profile(int(number)))
        return found
    if encoding.encoding == "AV1":
        return Picture(profile=_AV1_PROFILES.get(parameters.get("profile", "")))
    if encoding.encoding == "MP4V-ES":
        return _mpeg4(_hexadecimal(parameters.get("config", "")))
    return Picture()


def lenient_base64(text: str) -> bytes:
    """What a camera meant: its padding may be wrong or missing. Empty: it cannot be told."""
    text = text.strip().rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _hexadecimal(text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip().strip('"')[:2048])
    except ValueError:
        return b""


def _aac(encoding: PayloadFormat) -> tuple[int, int]:
    """Sample rate in Hz and channels of `config=` (ISO/IEC 14496-3 §1.6.2.1); 0: not told."""
    bits = BitReader(_hexadecimal(encoding.parameters.get("config", "")))
    try:
        if encoding.encoding == "MP4A-LATM" and bits.u(15) >> 14:  # StreamMuxConfig of another version
            return 0, 0
        kind = _audio_object_type(bits)
        rate = _sampling_frequency(bits)
        channels = bits.u(4)
        if kind in (5, 29):  # SBR, and PS, which makes two channels of one
            rate = _sampling_frequency(bits)
            channels = 2 if kind == 29 and channels == 1 else channels
    except OutOfBitsError:
        return 0, 0
    return rate, _CHANNELS[channels] if channels < len(_CHANNELS) else 0


def _audio_object_type(bits: BitReader) -> int:
    kind = bits.u(5)
    return 32 + bits.u(6) if kind == 31 else kind


def _sampling_frequency(bits: BitReader) -> int:
    index = bits.u(4)
    if index == 15:
        return bits.u(24)
    return _RATES[index] if index < len(_RATES) else 0


def _mpeg4(config: bytes) -> Picture:
    """Size in a video object layer (ISO/IEC 14496-2 §6.2.3)."""
    start = re.search(rb"\x00\x00\x01[\x20-\x2f]", config)
    if start is None:
        return Picture()
    bits = BitReader(config[start.end() :])
    try:
        bits.u(9)
        version = 1
        if bits.flag():
            version = bits.u(4)
            bits.u(3)
        if bits.u(4) == 15:
            bits.u(16)
        if bits.flag():
            bits.u(3)
            if bits.flag():
                bits.u(79)
        shape = bits.u(2)
        if shape == 3 and version != 1:
            bits.u(4)
        bits.flag()
        resolution = bits.u(16)
        bits.flag()
        if bits.flag():
            bits.u(max(1, (resolution - 1).bit_length()))
        if shape != 0:
            return Picture()
        bits.flag()
        width = bits.u(13)
        bits.flag()
        height = bits.u(13)
    except OutOfBitsError:
        return Picture()
    return Picture(width, height) if width and height else Picture()


def parameter_sets(encoding: PayloadFormat) -> bytes:
    """The parameter sets that a description tells, as Annex B; empty: none. Never raises."""
    names = _PARAMETER_SETS.get(codec_of(encoding), ())
    texts = (encoding.parameters.get(name, "")[:8192] for name in names)
    sets = (lenient_base64(each) for text in texts for each in text.split(","))
    return b"".join(b"\0\0\0\1" + each for each in sets if each)


_PARAMETER_SETS: Mapping[str, tuple[str, ...]] = {
    "h264": ("sprop-parameter-sets",),
    "hevc": ("sprop-vps", "sprop-sps", "sprop-pps"),
}
