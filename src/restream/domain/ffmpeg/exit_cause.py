"""Why did ffmpeg end? From exit code, signal, and the tail of its stderr.

Built on recorded output of ffmpeg 5.1 and 8.0 (tests/data/ffmpeg). No exit code means success: a lost camera ends with
0, so every ending that was not asked for is a failure. Where nothing proves a cause it is `unclear`, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from signal import SIGKILL, SIGTERM, Signals

from restream.domain.engine import Ending
from restream.domain.ffmpeg.message import Message, Peer, understood
from restream.domain.life.cause import Cause
from restream.domain.life.remedy import Remedy


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


_STATUSES: Mapping[str, Cause] = {
    "401": Cause.AUTH_FAILED,
    "403": Cause.AUTH_FAILED,
    "404": Cause.NOT_FOUND,
    "410": Cause.NOT_FOUND,
    "429": Cause.BUSY,
    "453": Cause.BUSY,
    "461": Cause.TRANSPORT_REFUSED,
    "503": Cause.BUSY,
}
"""What a camera means with an answer; other 4xx refuse the request, other 5xx are its own trouble."""
_STATUS_CLASSES: Mapping[str, Cause] = {"4": Cause.REQUEST_REFUSED, "5": Cause.CAMERA_ERROR}


def _errors(*causes: tuple[Cause, str]) -> Mapping[str, Cause]:
    return {text: cause for cause, texts in causes for text in texts.split("|")}


# Errors of the system, in the words of glibc and of musl (static builds), and of FFmpeg.
_TIMED_OUT = "Connection timed out|Operation timed out"
_AWAY = "No route to host|Host is unreachable|Network is unreachable|Network unreachable|Host is down"
_NAMELESS = "Failed to resolve hostname"
_CLOSED = "Connection reset by peer|Broken pipe|End of file"
_IO = "Input/output error|I/O error"
_MEMORY = "Cannot allocate memory|Out of memory"
_CONNECT_ERRORS = _errors(
    (Cause.DNS, _NAMELESS),
    (Cause.REFUSED, "Connection refused"),
    # Nobody took the connection; of SRT ffmpeg tells no more than an input/output error.
    (Cause.UNREACHABLE, f"{_TIMED_OUT}|{_AWAY}|{_IO}"),
)
_SOURCE_ERRORS = _errors(
    (Cause.REFUSED, "Connection refused"),
    (Cause.TIMEOUT, _TIMED_OUT),
    (Cause.UNREACHABLE, _AWAY),
    (Cause.OOM, _MEMORY),
    (Cause.SOURCE_ENDED, _CLOSED),
)
_SINK_ERRORS = _errors(
    (Cause.SERVER_GONE, f"Connection refused|{_NAMELESS}|{_TIMED_OUT}|{_AWAY}|{_CLOSED}|{_IO}"),
    (Cause.OOM, _MEMORY),
)

_Rules = tuple[tuple[re.Pattern[str], Cause], ...]


def _rules(*rules: tuple[str, Cause]) -> _Rules:
    return tuple((re.compile(pattern), cause) for pattern, cause in rules)


_SRT_REFUSED = r"[0-9:.]+/SRT:.*(?:rejection HS response|Peer rejected connection)"
# Forms of whole messages, from their beginning; the first rule that any line fits decides.
_SOURCE_RULES = _rules(
    (r"Nonmatching transport in server reply|Server didn't send the transport ", Cause.TRANSPORT_REFUSED),
    (_SRT_REFUSED, Cause.REQUEST_REFUSED),
    # A redirect to where this service does not follow.
    (r"Protocol '[a-z0-9]+' not on whitelist ", Cause.UNCLEAR),
)
_MEDIA_RULES = _rules(
    (r"dimensions not set|Stream map '.*' matches no streams", Cause.NO_MEDIA),
    (r"Could not find codec parameters for stream 0 .*unspecified size", Cause.NO_MEDIA),
)
# ffmpeg reads such a JPEG, counts it as sent, and drops it: nothing of it reaches the server.
_UNSENDABLE = re.compile(
    r"RFC 2435 requires standard Huffman tables|Unsupported pixel format$|Only 1x1 chroma blocks are supported"
)
_SINK_RULES = _rules(
    (_UNSENDABLE.pattern, Cause.CODEC_UNSUPPORTED),
    (
        r"Could not find tag for codec |Unsupported codec |[^:]+ with no global headers is currently",
        Cause.CODEC_UNSUPPORTED,
    ),
    (
        r"Could not write header.*: (?:Unsupported codec|.* not currently supported in container)",
        Cause.CODEC_UNSUPPORTED,
    ),
    (r"codec .* is not supported", Cause.CODEC_UNSUPPORTED),
    (r"dimensions not set", Cause.NO_MEDIA),
    (_SRT_REFUSED, Cause.SERVER_REFUSED),
    # The server's certificate, as OpenSSL and GnuTLS refuse it; cameras' are not checked.
    (r"error:[0-9A-F]{8}:SSL routines::certificate verify failed|Unable to verify peer cert", Cause.SERVER_REFUSED),
    (r"Peer certificate failed verification|The certificate's owner does not match", Cause.SERVER_REFUSED),
    # MediaMTX v1.20 with overridePublisher: no answers RECORD with 400, which ffmpeg reports like this.
    (r"Could not write header.*: Invalid data found", Cause.SERVER_CONFLICT),
    (r"Could not write header.*: Invalid argument$", Cause.CODEC_UNSUPPORTED),
)

_UNSUPPORTED_TRANSPORT = "461"
NOT_STARTED = frozenset({126, 127})
"""Exit codes of what could not execute the program that it was to start (POSIX)."""
_SILENT_SHARE_OF_TIMEOUT = 0.8


def was_silent(elapsed_s: float, timeout_s: float) -> bool:
    """Whether something that gave up after `elapsed_s` had waited for a peer who said nothing for `timeout_s`.

    ffmpeg reports a silent and a closed connection with one and the same error.
    """
    return elapsed_s >= timeout_s * _SILENT_SHARE_OF_TIMEOUT


def understand(lines: Iterable[str]) -> Sequence[Message]:
    """What the lines tell, without noise."""
    messages = [message for line in lines if (message := understood(line)) is not None]
    return [each for each, after in zip_longest(messages, messages[1:]) if not _overcome(each, after)]


def _overcome(message: Message, after: Message | None) -> bool:
    """ffmpeg goes on after a 461 where it has another transport; where not, the next line says so."""
    return message.status == _UNSUPPORTED_TRANSPORT and not (
        after is not None and after.failed and after.error in ("", "Protocol not supported")
    )


def source_cause(messages: Sequence[Message]) -> tuple[Cause, str] | None:
    """Why the camera's side failed and the line that proves it, the most telling first; None where none does."""
    return (
        _by_status(messages)
        or _by_rule(_SOURCE_RULES, messages)
        or _by_error(_CONNECT_ERRORS, [message for message in messages if message.connecting])
        or _by_error(_SOURCE_ERRORS, messages)
        or _by_rule(_MEDIA_RULES, messages)
    )


def classify(ending: ProcessEnding, *, media_seen: bool, silent: bool = False) -> Ending:
    """Cause and the deciding line (or outcome), had nobody asked for it.

    `media_seen`: it had been publishing; `silent`: it ended no sooner than its network timeout.
    """
    cause, detail = _cause(ending, media_seen, silent)
    messages = understand(ending.stderr_tail)
    lost = next((each.text for each in messages if _UNSENDABLE.match(each.text)), "")
    return Ending(cause, detail, ending.stderr_tail, lost, _remedy(messages))


def _remedy(messages: Sequence[Message]) -> Remedy | None:
    """ffmpeg begins with OPTIONS on both sides, and the side that failed is told in another line."""
    refused = any(each.method == "OPTIONS" and each.status != "401" for each in messages)
    return Remedy.OPTIONS if refused and _first_failed(messages) is Peer.CAMERA else None


def _first_failed(messages: Sequence[Message]) -> Peer | None:
    """The side that failed first: what the other one says only follows from it."""
    return next((message.failed for message in messages if message.failed), None)


def _cause(ending: ProcessEnding, media_seen: bool, silent: bool) -> tuple[Cause, str]:
    if ending.signal is not None:
        by_hand = ending.signal in (SIGKILL, SIGTERM)
        return (Cause.KILLED if by_hand else Cause.INTERNAL), ending.outcome
    messages = understand(ending.stderr_tail)
    last_line = messages[-1].line if messages else ending.outcome
    match _first_failed(messages):
        case Peer.CAMERA:
            unproven = Cause.TIMEOUT if silent and not media_seen else Cause.UNCLEAR
            cause, line = source_cause(messages) or (unproven, last_line)
            return (Cause.STALLED if media_seen and cause is Cause.TIMEOUT else cause), line
        case Peer.SERVER:
            return _sink_cause(messages) or (Cause.UNCLEAR, last_line)
    if ending.exit_code == 0:
        return Cause.SOURCE_ENDED, last_line
    if ending.exit_code in NOT_STARTED:
        return Cause.INTERNAL, last_line
    if ending.exit_code == _TOLD_TO_END and not messages:
        return Cause.KILLED, ending.outcome
    return _by_rule(_MEDIA_RULES, messages) or (Cause.UNCLEAR, last_line)


# ffmpeg ends with this code after SIGTERM or SIGINT, without a word (relay-stopped_while_streaming).
_TOLD_TO_END = 255


def _sink_cause(messages: Sequence[Message]) -> tuple[Cause, str] | None:
    refused = next((message.line for message in messages if message.status), None)
    if refused is not None:
        return Cause.SERVER_REFUSED, refused
    return _by_rule(_SINK_RULES, messages) or _by_error(_SINK_ERRORS, messages)


def _by_status(messages: Sequence[Message]) -> tuple[Cause, str] | None:
    # `4XX` tells less than the number in another line.
    for message in sorted((message for message in messages if message.status), key=lambda each: "XX" in each.status):
        cause = _STATUSES.get(message.status) or _STATUS_CLASSES.get(message.status[0])
        if cause is not None:
            return cause, message.line
    return None


def _by_rule(rules: _Rules, messages: Sequence[Message]) -> tuple[Cause, str] | None:
    for pattern, cause in rules:
        for message in messages:
            if pattern.match(message.text):
                return cause, message.line
    return None


def _by_error(errors: Mapping[str, Cause], messages: Sequence[Message]) -> tuple[Cause, str] | None:
    return next(((errors[message.error], message.line) for message in messages if message.error in errors), None)
