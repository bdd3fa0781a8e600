"""The session description of ANNOUNCE: a camera's tracks, as the media server has to read them.

Read is it by strict readers (MediaMTX v1.20.1, gortsplib v5.6.4 `pkg/format`): one parameter that they cannot read
refuses the whole stream. What is known to be refused is set right, or left out: packets go through as they are.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from restream.domain.rtsp.codecs import lenient_base64
from restream.domain.rtsp.description import STATIC_FORMATS, PayloadFormat
from restream.domain.rtsp.picture import read_h265
from restream.domain.rtsp.tracks import Track

MAX_PARAMETERS = 32
"""Of one track."""
MAX_PARAMETER_CHARACTERS = 16 * 1024
"""Of one value; the longest are the code books of Vorbis, some KiB of Base64."""
_VIDEO_CLOCK_HZ = 90_000
_SOUND_CLOCK_HZ = 8_000
_NAME = re.compile(r"[\w.+-]{1,64}", re.ASCII)
_NO_NAME = re.compile(r"[^\w.+-]", re.ASCII)
# The registered name of what some cameras call otherwise; MediaMTX takes the others for something unknown.
_REGISTERED: Mapping[str, str] = {"HEVC": "H265"}
# What must stand there, whatever is sent: RFC 7587 §7.
_OPUS = "OPUS/48000/2"
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+")
# What must be a number, where it is told.
_NUMBERS: Mapping[str, Sequence[str]] = {
    "AV1": ("level-idx", "profile", "tier"),
    "H265": ("sprop-max-don-diff",),
    "MP4A-LATM": ("profile-level-id", "bitrate"),
    "MP4V-ES": ("profile-level-id",),
    "MPEG4-GENERIC": ("profile-level-id", "sizelength", "indexlength", "indexdeltalength"),
}
# Without these a stream is refused.
_NEEDED: Mapping[str, Sequence[str]] = {
    "MP4A-LATM": ("config",),
    "MPEG4-GENERIC": ("config", "sizelength"),
    "VORBIS": ("configuration",),
}
_ANNEX_B = b"\0\0\0\1"


def announcement(tracks: Sequence[Track]) -> bytes:
    """One `m=` section for each track, in order, with the control `trackID=<place>`; nothing else of the camera."""
    lines = ["v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "c=IN IP4 0.0.0.0", "t=0 0"]
    for place, track in enumerate(tracks):
        lines += _section(track)
        lines.append(f"a=control:{control(place)}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1", "replace")


def obstacle(track: Track) -> str:
    """Why a stream with this track would be refused; empty: nothing is known against it."""
    parameters = _parameters(track.encoding)
    missing = [name for name in _NEEDED.get(track.encoding.encoding, ()) if name not in parameters]
    return f"its description lacks {' and '.join(missing)}" if missing else ""


def control(place: int) -> str:
    """What the track at this place is called."""
    return f"trackID={place}"


def _section(track: Track) -> Iterator[str]:
    encoding = track.encoding
    number = encoding.payload_type
    yield f"m={'video' if track.is_video else 'audio'} 0 RTP/AVP {number}"
    yield f"a=rtpmap:{number} {_rtpmap(track)}"
    parameters = "; ".join(f"{name}={value}" if value else name for name, value in _parameters(encoding).items())
    if parameters:
        yield f"a=fmtp:{number} {parameters}"


def _rtpmap(track: Track) -> str:
    encoding = track.encoding
    name = _NO_NAME.sub("", encoding.encoding)[:64]
    name = _REGISTERED.get(name, name)
    usual_hz = STATIC_FORMATS.get(encoding.payload_type, ("", 0, None))[1]
    rate_hz = encoding.clock_rate_hz or usual_hz or (_VIDEO_CLOCK_HZ if track.is_video else _SOUND_CLOCK_HZ)
    return _OPUS if name == "OPUS" else f"{name}/{rate_hz}" + (f"/{encoding.channels}" if encoding.channels else "")


def _parameters(encoding: PayloadFormat) -> Mapping[str, str]:
    kept = (
        (name, value)
        for name, value in encoding.parameters.items()
        if _NAME.fullmatch(name) and len(value) <= MAX_PARAMETER_CHARACTERS and value.isprintable()
    )
    found = dict(islice(kept, MAX_PARAMETERS))
    name = _REGISTERED.get(encoding.encoding, encoding.encoding)
    for number in _NUMBERS.get(name, ()):
        if not _NUMBER.fullmatch(found.get(number, "0")):
            del found[number]
    if repair := _REPAIRS.get(name):
        repair(found)
    return found


def _h264(found: dict[str, str]) -> None:
    # Mode 0, and none, which means 0, are refused; what they allow mode 1 allows (RFC 6184 §6.2).
    if found.get("packetization-mode") not in ("1", "2"):
        found["packetization-mode"] = "1"
    if sets := found.pop("sprop-parameter-sets", ""):
        units = [base64.b64encode(unit).decode() for each in sets.split(",") if (unit := lenient_base64(each))]
        found |= {"sprop-parameter-sets": ",".join(units)} if units else {}


def _h265(found: dict[str, str]) -> None:
    names = ("sprop-vps", "sprop-sps", "sprop-pps")
    units = [lenient_base64(found.pop(name, "").partition(",")[0]).removeprefix(_ANNEX_B) for name in names]
    if read_h265(units[1]).width:
        found |= {name: base64.b64encode(unit).decode() for name, unit in zip(names, units, strict=True) if unit}


def _aac(found: dict[str, str]) -> None:
    found.pop("streamtype", None)
    _config(found)
    mode = found.pop("mode", "").lower().replace("_", "-")
    if mode == "aac-hbr":  # RFC 3640 §3.3.6; of other modes the lengths tell enough
        found |= {"mode": "AAC-hbr", "sizelength": "13", "indexlength": "3", "indexdeltalength": "3"} | found


def _latm(found: dict[str, str]) -> None:
    _config(found)
    found["cpresent"] = "0"


def _config(found: dict[str, str]) -> None:
    config = found.pop("config", "").strip('"')
    if _HEXADECIMAL.fullmatch(config):
        found["config"] = config


_Repair = Callable[[dict[str, str]], None]
_REPAIRS: Mapping[str, _Repair] = {
    "H264": _h264,
    "H265": _h265,
    "MP4A-LATM": _latm,
    "MP4V-ES": _config,
    "MPEG4-GENERIC": _aac,
}
