"""Per-camera settings from the JSONB column `options`, with an allow-list of what may reach ffmpeg's command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from restream.domain.pictures.adjustments import AdjustmentError, PictureOptions, parse_picture_options
from restream.domain.schedule import Schedule, parse_schedule


class OptionError(ValueError):
    """An option cannot be used; the message begins with its name and says what is expected."""


class Transport(StrEnum):
    """How a stream reaches the media server."""

    RTSP = "rtsp"
    SRT = "srt"


class RtspTransport(StrEnum):
    """How RTP travels from the camera. AUTO: over TCP, and over UDP where the camera refuses that."""

    TCP = "tcp"
    UDP = "udp"
    AUTO = "auto"


class AudioChoice(StrEnum):
    """What to do with a camera's sound. AUTO: copy what the target can carry, convert the rest."""

    AUTO = "auto"
    COPY = "copy"
    AAC = "aac"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class CameraOptions:
    """Settings of one camera; None means: as configured for the whole service."""

    publish: Transport | None = None
    rtsp_transport: RtspTransport | None = None
    audio: AudioChoice = AudioChoice.AUTO
    path: str | None = None
    site: str | None = None
    server: str | None = None
    """Name of the media server to publish to; None: the one of its site, else the default one."""
    engine: str | None = None
    """Name of the engine that publishes it; None: `cameras.engine`."""
    on_demand: bool | None = None
    """Fetched only while somebody watches, which the engine pull can; None: `cameras.on_demand`."""
    parent: str | None = None
    """Name of the switch, recorder or link that it hangs on; None: that of its site."""
    schedule: Schedule | None = None
    """When it is expected; None: as for its site."""
    node: str | None = None
    """Name of the one node that may publish it; None: whichever it falls to."""
    priority: int = 0
    connect_timeout_s: float | None = None
    stall_timeout_s: float | None = None
    pictures: PictureOptions | None = None
    """Whether, how often and by which thresholds its picture is looked at; None: as configured."""
    input: tuple[tuple[str, str], ...] = ()
    """Extra options of ffmpeg's input, in the order given."""
    output: tuple[tuple[str, str], ...] = ()


_NUMBER = re.compile(r"[0-9]{1,12}")
_DECIMAL = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_SIZE = re.compile(r"[0-9]{1,12}[kKmM]?")
_FLAGS = re.compile(r"[+-]?[a-z_0-9]+([+-][a-z_0-9]+){0,7}")
_WORD = re.compile(r"[A-Za-z0-9_.:=,/ \-]{1,120}")
NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
"""Names of media servers, engines and nodes."""

# Not `listen`: ffmpeg would wait for whoever comes.
_RTSP_FLAG = r"(prefer_tcp|filter_src|satip_raw)"
_RTSP_FLAGS = re.compile(rf"[+-]?{_RTSP_FLAG}([+-]{_RTSP_FLAG}){{0,2}}")

# Nothing in these two names a file, a URL, a filter or a codec of the video: those could read, write or burn CPU.
INPUT_OPTIONS: Mapping[str, re.Pattern[str]] = {
    "allowed_media_types": _FLAGS,
    "analyzeduration": _NUMBER,
    "buffer_size": _NUMBER,
    "fflags": _FLAGS,
    "fpsprobesize": _NUMBER,
    "max_delay": _NUMBER,
    "max_ts_probe": _NUMBER,
    "min_port": _NUMBER,
    "max_port": _NUMBER,
    "probesize": _NUMBER,
    "reorder_queue_size": _NUMBER,
    "rtsp_flags": _RTSP_FLAGS,
    "timeout": _NUMBER,
    "use_wallclock_as_timestamps": re.compile(r"[01]"),
    "user_agent": _WORD,
}
"""What a row may set before ffmpeg's input, each with the whole form of its values."""
OUTPUT_OPTIONS: Mapping[str, re.Pattern[str]] = {
    "ac": _NUMBER,
    "ar": _NUMBER,
    "avoid_negative_ts": _FLAGS,
    "b:a": _SIZE,
    "bsf:v": re.compile(r"(dump_extra|h264_mp4toannexb|hevc_mp4toannexb|extract_extradata)(=[a-z_=:0-9]{1,40})?"),
    "flush_packets": re.compile(r"[01]"),
    "max_interleave_delta": _NUMBER,
    "muxdelay": _DECIMAL,
    "muxpreload": _DECIMAL,
    "pkt_size": _NUMBER,
}
"""The same for ffmpeg's output."""

_Parser = Callable[[str, object], object]
_Choice = TypeVar("_Choice", bound=StrEnum)
# MediaMTX v1.20: path names; "." and ".." segments are refused as well.
_PATH = re.compile(r"[0-9A-Za-z_\-.]+(/[0-9A-Za-z_\-.]+)*")
_MAX_PATH_LENGTH = 120


def check_path(path: str) -> str:
    """A valid MediaMTX path name, or ValueError."""
    segments = path.split("/")
    if len(path) > _MAX_PATH_LENGTH or not _PATH.fullmatch(path) or "." in segments or ".." in segments:
        raise ValueError("expected letters, digits, '_', '-', '.' and '/', without '.' or '..' segments")
    return path


def parse_options(document: object) -> CameraOptions:
    """Read the decoded content of the `options` column. Raises OptionError."""
    if document is None:
        return CameraOptions()
    if not isinstance(document, Mapping):
        raise OptionError("expected a JSON object")
    values: dict[str, object] = {}
    for key, value in document.items():
        parse = _PARSERS.get(key) if isinstance(key, str) else None
        if parse is None:
            raise OptionError(f"{_shown(key)} is unknown (known: {', '.join(sorted(_PARSERS))})")
        if value is not None:
            values[key] = parse(key, value)
    return CameraOptions(**values)  # type: ignore[arg-type]


def _choice(kind: type[_Choice]) -> _Parser:
    def parse(key: str, value: object) -> _Choice:
        try:
            return kind(value.lower() if isinstance(value, str) else "")
        except ValueError:
            raise OptionError(f"{key}: expected {' or '.join(kind)}") from None

    return parse


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > 200 or not value.isprintable():
        raise OptionError(f"{key}: expected a short text")
    return value.strip()


def _name(key: str, value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not NAME.fullmatch(text):
        raise OptionError(f"{key}: expected a name of letters, digits, '_', '-' and '.'")
    return text


def _path(key: str, value: object) -> str:
    try:
        return check_path(_text(key, value))
    except ValueError as error:
        raise OptionError(f"{key}: {error}") from None


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise OptionError(f"{key}: expected true or false")
    return value


def _pictures(key: str, value: object) -> PictureOptions:
    try:
        return parse_picture_options(value)
    except AdjustmentError as error:
        raise OptionError(f"{key}: {error}") from None


def _schedule(key: str, value: object) -> Schedule:
    try:
        return parse_schedule(value)
    except ValueError as error:
        raise OptionError(f"{key}: {error}") from None


def _priority(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -1000 <= value <= 1000:
        raise OptionError(f"{key}: expected a whole number from -1000 to 1000")
    return value


def _seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 600:
        raise OptionError(f"{key}: expected seconds from 1 to 600")
    return float(value)


def _allowed(table: Mapping[str, re.Pattern[str]]) -> _Parser:
    def parse(key: str, value: object) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, Mapping):
            raise OptionError(f"{key}: expected an object of ffmpeg options and values")
        pairs = []
        for name, text in value.items():
            pattern = table.get(name.lstrip("-")) if isinstance(name, str) else None
            if pattern is None:
                raise OptionError(f"{key}: {_shown(name)} is not allowed (allowed: {', '.join(sorted(table))})")
            rendered = _word(text)
            if not pattern.fullmatch(rendered):
                raise OptionError(f"{key}.{name}: the value is not allowed")
            pairs.append((name.lstrip("-"), rendered))
        return tuple(pairs)

    return parse


def _word(value: object) -> str:
    """A value as ffmpeg takes it; empty, which no option allows, for what is no text and no number."""
    if isinstance(value, int) and abs(value) < 1 << 63:
        return str(int(value))
    return str(value) if isinstance(value, str | float) else ""


def _shown(name: object) -> str:
    """A key for a message: short, on one line."""
    return ascii(name[:40] if isinstance(name, str) else type(name).__name__)


_PARSERS: Mapping[str, _Parser] = {
    "audio": _choice(AudioChoice),
    "connect_timeout_s": _seconds,
    "engine": _name,
    "input": _allowed(INPUT_OPTIONS),
    "node": _name,
    "on_demand": _flag,
    "output": _allowed(OUTPUT_OPTIONS),
    "parent": _name,
    "path": _path,
    "pictures": _pictures,
    "priority": _priority,
    "publish": _choice(Transport),
    "rtsp_transport": _choice(RtspTransport),
    "schedule": _schedule,
    "server": _name,
    "site": _text,
    "stall_timeout_s": _seconds,
}
