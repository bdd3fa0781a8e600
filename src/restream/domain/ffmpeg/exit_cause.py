"""Why did ffmpeg end? From exit code, signal, and the tail of its stderr.

Patterns come from recorded output of ffmpeg 5.1 and 8.0 (tests/data/ffmpeg). No exit code means success: a lost camera
ends with 0, so every ending that was not asked for is a failure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM, Signals

from restream.domain.engine import Ending
from restream.domain.life.cause import Cause


@dataclass(frozen=True, slots=True)
class ProcessEnding:
    """How a publisher process ended. `signal` is the number of the signal that killed it, else None."""

    exit_code: int | None
    signal: int | None
    stderr_tail: tuple[str, ...] = ()
    """Last lines, oldest first, masked."""

    @property
    def outcome(self) -> str:
        """`exit 1` or `SIGKILL`."""
        if self.signal is None:
            return f"exit {self.exit_code}"
        try:
            return Signals(self.signal).name
        except ValueError:
            return f"signal {self.signal}"


_Rules = tuple[tuple[re.Pattern[str], Cause], ...]


def _rules(*rules: tuple[str, Cause]) -> _Rules:
    return tuple((re.compile(pattern, re.IGNORECASE), cause) for pattern, cause in rules)


# ffmpeg 8.0 writes "401Unauthorized", 8.1 "401 (Unauthorized)".
_SOURCE_RULES = _rules(
    (r"\b40[13] ?\(?(Unauthorized|Forbidden)|Server returned 40[13]", Cause.AUTH_FAILED),
    (r"\b404 ?\(?Not Found|Server returned 404|\b454 ?\(?Session|Stream not found", Cause.NOT_FOUND),
    (r"\b461 ?\(?Unsupported", Cause.TRANSPORT_REFUSED),
    (r"Failed to resolve hostname", Cause.DNS),
    (r"Connection refused", Cause.REFUSED),
    # 8.0 says this of a camera that took the connection and then fell silent.
    (r"Failed reading RTSP data: Connection timed out", Cause.TIMEOUT),
    (r"Connection timed out|No route to host|Network is unreachable|Host is down", Cause.UNREACHABLE),
    (r"Cannot allocate memory", Cause.OOM),
    (r"Connection reset by peer|Broken pipe|End of file", Cause.SOURCE_ENDED),
    (r"Server returned 5XX|5XX Server Error|\b50\d ", Cause.TIMEOUT),
    (r"dimensions not set|Could not find codec parameters for stream 0|unspecified size", Cause.NO_MEDIA),
    (r"matches no streams", Cause.NO_MEDIA),
)
_SINK_RULES = _rules(
    (
        r"Unsupported codec|not (currently )?supported in container|Could not find tag for codec",
        Cause.CODEC_UNSUPPORTED,
    ),
    (r"no global headers is currently not supported|codec .* is not supported", Cause.CODEC_UNSUPPORTED),
    (r"dimensions not set", Cause.NO_MEDIA),
    (r"Cannot allocate memory", Cause.OOM),
    (r"\b40[0-9] ?\(?[A-Z]|Server returned [45]|461|5XX Server Error|4XX Client Error", Cause.SERVER_REFUSED),
    (r"rejection HS response|Peer rejected connection", Cause.SERVER_REFUSED),
    # MediaMTX v1.20 with overridePublisher: no answers RECORD with 400, which ffmpeg reports like this.
    (r"Could not write header.*Invalid data found", Cause.SERVER_CONFLICT),
    (r"Could not write header.*Invalid argument", Cause.CODEC_UNSUPPORTED),
    (r"Connection refused|Failed to resolve hostname|Connection timed out|No route to host", Cause.SERVER_GONE),
    (r"Network is unreachable|Broken pipe|Connection reset by peer|End of file", Cause.SERVER_GONE),
    (r"srt://.*Input/output error|Error submitting a packet to the muxer: Input/output error", Cause.SERVER_GONE),
    (r"av_interleaved_write_frame\(\): Input/output error", Cause.SERVER_GONE),
)
# ffmpeg reads its source as pipe:0 (a concat script on standard input), so its own words tell the sides apart.
_SOURCE_MARK = re.compile(
    r"Impossible to open|pipe:0|Error opening input|\[in#0|Error during demuxing|: matches no streams"
)
_SINK_MARK = re.compile(
    r"Could not write header|\[out#0|av_interleaved_write_frame|Error opening output|muxer|Error writing trailer"
    r"|ANNOUNCE|RECORD|Error initializing output stream|\?timeout=0\b|streamid=publish:"
)
# What ffmpeg says about an ending that it was asked for, or that only follows from another line.
_NOISE = re.compile(
    r"^\[?(error|fatal|info|warning)?\]?\s*$|Exiting normally, received signal|Immediate exit requested"
    r"|Timestamps are unset in a packet|Non-monoton(ous|ic) DTS"
    r"|Conversion failed|Error initializing output stream|Error closing (file|progress log)"
)


# The packetizer of the output, of a stream that it cannot put into RTP: ffmpeg counts those frames, and goes on.
_UNSENDABLE = re.compile(r"^\[rtp @ [^\]]*\] \[error\] .+")


def classify_source_line(line: str) -> Cause | None:
    """Cause of one line that is known to speak of the camera."""
    return _first(_SOURCE_RULES, line)


def _first(rules: _Rules, text: str) -> Cause | None:
    return next((cause for pattern, cause in rules if pattern.search(text)), None)


def classify(ending: ProcessEnding, *, media_seen: bool) -> Ending:
    """Cause and the deciding line (or outcome), had nobody asked for it. `media_seen`: it had been publishing."""
    cause, detail = _cause(ending, media_seen)
    unsendable = next((line for line in ending.stderr_tail if _UNSENDABLE.search(line)), "")
    return Ending(cause, detail, ending.stderr_tail, unsendable)


def _cause(ending: ProcessEnding, media_seen: bool) -> tuple[Cause, str]:
    lines = [line for line in ending.stderr_tail if not _NOISE.search(line)]
    last_line = lines[-1] if lines else ending.outcome
    if ending.signal is not None:
        by_hand = ending.signal in (SIGKILL, SIGTERM)
        return (Cause.KILLED if by_hand else Cause.INTERNAL), ending.outcome
    text = "\n".join(lines)
    # A source that cannot be opened means that the sink was never tried, so its mark counts first, unless media flowed.
    if not media_seen and _SOURCE_MARK.search(text) and not _SINK_MARK.search(text):
        return _deciding(_SOURCE_RULES, lines) or (Cause.TIMEOUT, last_line)
    if _SINK_MARK.search(text):
        found = _deciding(_SINK_RULES, lines)
        if found:
            return found
    if media_seen or ending.exit_code == 0:
        return Cause.SOURCE_ENDED, last_line
    return _deciding(_SOURCE_RULES, lines) or (Cause.INTERNAL, last_line)


def _deciding(rules: _Rules, lines: Sequence[str]) -> tuple[Cause, str] | None:
    """The first rule that any line fits; rules are ordered from the specific to the general."""
    for pattern, cause in rules:
        for line in lines:
            if pattern.search(line):
                return cause, line
    return None
