"""One line that ffmpeg or ffprobe wrote, taken apart by the form that it has in ffmpeg's source.

Host names, paths, passwords, pointers and the words of a camera or a server stand at places of their own in these
forms, and are never searched: `[rtsp @ 0x461] method SETUP failed: 453 404 Not Found` is a 453 and nothing else.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple


class Peer(StrEnum):
    """Whom ffmpeg speaks of: its input or its output."""

    CAMERA = "camera"
    SERVER = "server"


class Message(NamedTuple):
    """What a line tells; None and empty where it tells nothing."""

    line: str
    """As it was written."""
    text: str
    """Without the name and address of who speaks, and without the level."""
    failed: Peer | None = None
    """The line says that this side failed."""
    status: str = ""
    """What the peer answered: `404`, or `4XX` and `5XX` where ffmpeg tells no more."""
    method: str = ""
    """Of RTSP, to which it answered so."""
    connecting: bool = False
    """`error` speaks of a connection that did not come about."""
    error: str = ""
    """Text of the system's, or FFmpeg's, error."""


_PREFIX = re.compile(r"^(?:\[[A-Za-z][^\]\s]{0,60}(?: @ 0x[0-9a-f]{1,16})?\] ?)?(?:\[[a-z]{4,7}\] ?)?")
# "method DESCRIBE failed: 404 Not Found"; 8.0 writes "404Not Found", 8.1 "404 (Not Found)". The words are the peer's.
_METHOD = re.compile(r"method (?P<method>OPTIONS|DESCRIBE|SETUP|PLAY|ANNOUNCE|RECORD) failed: (?P<status>[0-9]{3})")
_HTTP = re.compile(r"HTTP error (?P<status>[0-9]{3}) ")
_SERVER = re.compile(r"Server returned (?P<status>[0-9]{3}|[45]XX) ")
_OF_METHOD = {
    "DESCRIBE": Peer.CAMERA,
    "PLAY": Peer.CAMERA,
    "ANNOUNCE": Peer.SERVER,
    "RECORD": Peer.SERVER,
}
# The error is what follows the last colon: no text of an error has one.
_CONNECTION = re.compile(r"Connection to .+ failed: (?P<error>[^:]+)$|(?P<dns>Failed to resolve hostname) ")
_READING = re.compile(r"(?:Failed reading RTSP data|IO error): (?P<error>[^:]+)$")
# The source is pipe:0 (a concat script on standard input) or, in the plain form, its URL.
_INPUT = re.compile(
    r"Impossible to open '|(?:pipe:0|Error opening input(?: files)?|Error during demuxing): (?P<error>[^:]+)$"
    r"|Error opening input file |[a-z]{3,5}://(?!.*[?&]streamid=publish:).+: (?P<plain>[^:]+)$"
)
_OUTPUT = re.compile(
    r"(?:Could not write header.*|av_interleaved_write_frame\(\)|Error writing trailer.*|Error opening output .*"
    r"|Error submitting a packet to the muxer|srt://.+[?&]streamid=publish:.*): (?P<error>[^:]+)$"
    r"|Could not write header|Error opening output |Error initializing output stream "
)
_OUTPUT_SPEAKER = re.compile(r"\[(?:out|[va]ost)#")
# Only what ffmpeg does when it was asked to end, or what follows from another line.
_NOISE = re.compile(
    r"\s*$|Exiting normally, received signal|Conversion failed!|Timestamps are unset in a packet"
    r"|Non-monoton(?:ous|ic) DTS|Error closing (?:file|progress log)|Consider increasing the value for"
)


def understood(line: str) -> Message | None:
    """What a line tells; None for noise."""
    text = _PREFIX.sub("", line, count=1)
    message = None if _NOISE.match(text) else _taken_apart(line, text)
    return None if message is None or message.error == "Immediate exit requested" else message


def _taken_apart(line: str, text: str) -> Message:
    if found := _METHOD.match(text):
        return Message(line, text, _OF_METHOD.get(found["method"]), found["status"], found["method"])
    if found := _HTTP.match(text):
        return Message(line, text, status=found["status"])
    if found := _CONNECTION.match(text):
        return Message(line, text, connecting=True, error=found["error"] or found["dns"])
    if found := _READING.match(text):
        return Message(line, text, error=found["error"])
    if found := _INPUT.match(text):
        return _ending(line, text, Peer.CAMERA, found["error"] or found["plain"] or "")
    found = _OUTPUT.match(text)
    if found or _OUTPUT_SPEAKER.match(line):
        return _ending(line, text, Peer.SERVER, (found and found["error"]) or "")
    return Message(line, text)


def _ending(line: str, text: str, failed: Peer, error: str) -> Message:
    status = _SERVER.match(error)
    return Message(line, text, failed, status["status"] if status else "", error="" if status else error)
