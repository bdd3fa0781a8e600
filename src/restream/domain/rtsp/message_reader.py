"""From the bytes of an RTSP connection to messages, however the bytes are cut; one message at most is held."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from string import ascii_letters
from typing import Protocol

from restream.domain.rtsp.messages import Headers, InterleavedFrame, Message, Response, ServerRequest, Unreadable

MAX_HEAD_BYTES = 16 * 1024
"""Status line and headers of one message."""
MAX_BODY_BYTES = 64 * 1024
"""Bodies are session descriptions; the largest of cameras have a few KiB."""
MAX_SKIPPED_BYTES = 64 * 1024
"""How much that is no message may stand between two messages: a frame whose length was wrong."""
MAX_SKIPPED_FIRST_BYTES = 4 * 1024
"""The same before the first message: who sends that is no RTSP server."""

_DOLLAR = 0x24
_METHODS = rb"OPTIONS|DESCRIBE|ANNOUNCE|SETUP|PLAY|PLAY_NOTIFY|PAUSE|RECORD|TEARDOWN|REDIRECT|[GS]ET_PARAMETER"
# Where a message may begin. After garbage a `$` counts only with a low channel and a payload that looks like RTP or
# RTCP version 2; where a message is due, it is taken for a frame whatever follows.
_FRAME = rb"(?s:\$[\x00-\x1f]..[\x80-\xbf])"
_ANSWER = rb"(?i:(?:RTSP|HTTP)/\d\.\d[ \t]{1,4}\d)"
_REQUEST = rb"(?:" + _METHODS + rb") (?:rtsps?:|[*/])"
_START = re.compile(_FRAME + rb"|" + _ANSWER + rb"|" + _REQUEST)
_LONGEST_START = 20
_LETTERS = ascii_letters.encode()
# An open body is text: it ends where a message begins a line, or a frame comes.
_END_OF_OPEN_BODY = re.compile(_FRAME + rb"|(?<=\n)(?:" + _ANSWER + rb"|" + _REQUEST + rb")")
_STATUS_LINE = re.compile(r"(?i)((?:RTSP|HTTP)/\d\.\d)[ \t]+(\d{3})(?![0-9])[ \t]*(.*)")
_REQUEST_LINE = re.compile(r"([A-Z_]+) +(\S+) +RTSP/\d\.\d")
_LENGTH = re.compile(r"\d{1,9}(?!\d)")
_DESCRIPTION = re.compile(r"(?i)application/sdp")


class _Step(Enum):
    AGAIN = 0
    WAIT = 1


_AGAIN, _WAIT = _Step.AGAIN, _Step.WAIT


class FrameTaker(Protocol):
    """Takes interleaved frames out of the bytes of a connection without making messages of them."""

    def take(self, buffer: bytes, at: int, now: float) -> int:
        """Take the whole frames that follow each other from `at` on; returns where they end."""


class MessageReader:
    """Takes bytes, gives messages: `receive`, then `next_message` until there is none."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        """Up to here the buffer is used up."""
        self._lines: list[str] = []
        """Of the head that is being read; not empty: a message has begun."""
        self._head_bytes = 0
        self._head: Response | ServerRequest | None = None
        """The message whose body is awaited."""
        self._body_bytes: int | None = 0
        """Size of that body; None: its end is not told, it lasts until the next message or `finish`."""
        self._searched = 0
        """So much of an open body has been looked through for its end."""
        self._lost = False
        """What came last was no message: one is looked for."""
        self._skipped_bytes = 0
        self._understood = False
        self._dead = False
        self._garbage = b""

    @property
    def has_open_body(self) -> bool:
        """A body has begun whose end the camera does not tell."""
        return self._head is not None and self._body_bytes is None

    @property
    def garbage(self) -> bytes:
        """The first 200 bytes of what was no message, since the last one."""
        rest = self._buffer[self._at :] if self._lost else b""
        return (self._garbage + rest)[:200]

    def receive(self, data: bytes) -> None:
        """More bytes of the connection."""
        if self._dead:
            return
        # Most of what comes is whole frames: then nothing is left of the bytes before, and these need no copy.
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else bytes(data)
        self._at = 0

    def _pass_frames(self, taker: FrameTaker, now: float) -> None:
        """Where frames may come next, hand those over that are there in whole."""
        if self._at < len(self._buffer) and not (self._lost or self._lines or self._head):
            end = taker.take(self._buffer, self._at, now)
            if end > self._at:
                self._at, self._skipped_bytes = end, 0

    def next_message(self, taker: FrameTaker | None = None, now: float = 0.0) -> Message | None:
        """The next one that is there in whole; None: more bytes are needed. Never raises.

        Whole frames before it go to `taker`, where there is one.
        """
        if taker is not None:
            self._pass_frames(taker, now)
        if self._at >= len(self._buffer):
            return None
        if self._buffer[self._at] == _DOLLAR and not self._lost:
            return self._frame()
        while not self._dead:
            found = self._step()
            if found is _WAIT:
                return None
            if not isinstance(found, _Step):
                return found
        return None

    def finish(self) -> Response | ServerRequest | None:
        """The message whose body had no told end: the camera has closed the connection, or says no more."""
        if self._head is None or self._body_bytes is not None:
            return None
        return self._complete(self._head, len(self._buffer) - self._at)

    def _step(self) -> Message | _Step:
        buffer, at = self._buffer, self._at
        if at >= len(buffer):
            return _WAIT
        if self._lost:
            return self._look_for_start()
        if buffer[at] == _DOLLAR:  # also between the lines of a head, and between a head and its body
            return self._frame() or _WAIT
        if self._head is not None:
            return self._body(self._head)
        if self._lines or _START.match(buffer, at):
            return self._line()
        if buffer[at] in b"\r\n":
            self._at += 1
            return _AGAIN
        if len(buffer) - at < _LONGEST_START and buffer[at] in _LETTERS and not _START.search(buffer, at):
            return _WAIT
        self._lost = True
        return _AGAIN

    def _frame(self) -> InterleavedFrame | None:
        buffer, begin = self._buffer, self._at + 4
        if len(buffer) < begin:
            return None
        end = begin + (buffer[begin - 2] << 8 | buffer[begin - 1])
        if len(buffer) < end:
            return None
        self._at = end
        self._skipped_bytes = 0
        return InterleavedFrame(buffer[begin - 3], buffer[begin:end])

    def _line(self) -> Message | _Step:
        """One more line of a head."""
        buffer, at = self._buffer, self._at
        room = MAX_HEAD_BYTES - self._head_bytes
        end = buffer.find(b"\n", at, at + room)
        if end < 0:
            if len(buffer) - at < room:
                return _WAIT
            begin = self._lines[0].encode("latin-1") if self._lines else buffer[at : at + 200]
            return self._give_up(f"a header of more than {MAX_HEAD_BYTES} bytes", begin)
        line = buffer[at:end].decode("latin-1").rstrip("\r")
        self._at = end + 1
        self._head_bytes += end + 1 - at
        if line.strip():
            self._lines.append(line)
            return _AGAIN
        return self._begin_message()

    def _begin_message(self) -> Message | _Step:
        first, *rest = self._lines
        self._lines, self._head_bytes = [], 0
        headers = _headers(rest)
        if status := _STATUS_LINE.fullmatch(first):
            self._head = Response(int(status[2]), status[3].strip(), headers, protocol=status[1].upper())
        elif request := _REQUEST_LINE.fullmatch(first.strip()):
            self._head = ServerRequest(request[1], request[2], headers)
        else:
            return self._give_up("a first line that is not of RTSP", first.encode("latin-1"))
        self._understood, self._skipped_bytes, self._searched = True, 0, 0
        self._body_bytes = _body_bytes(self._head)
        if self._body_bytes == 0:
            return self._complete(self._head, 0)
        if self._body_bytes is not None and self._body_bytes > MAX_BODY_BYTES:
            return self._give_up(f"a body of {self._body_bytes} bytes", first.encode("latin-1"))
        return _AGAIN

    def _body(self, head: Response | ServerRequest) -> Message | _Step:
        buffer, at, size = self._buffer, self._at, self._body_bytes
        if size is None:
            end = _START.match(buffer, at) or _END_OF_OPEN_BODY.search(buffer, at + self._searched)
            if end is None:
                if len(buffer) - at > MAX_BODY_BYTES:
                    return self._give_up(f"a body of more than {MAX_BODY_BYTES} bytes", buffer[at : at + 200])
                self._searched = max(0, len(buffer) - at - _LONGEST_START)
                return _WAIT
            size = end.start() - at
        return self._complete(head, size) if len(buffer) >= at + size else _WAIT

    def _complete(self, head: Response | ServerRequest, size: int) -> Response | ServerRequest:
        self._head = None
        begin, self._at = self._at, self._at + size
        return replace(head, body=self._buffer[begin : self._at])

    def _look_for_start(self) -> Unreadable | _Step:
        """Leave out what is no message, up to where one may begin."""
        buffer, at = self._buffer, self._at
        start = _START.search(buffer, at)
        # What may be the beginning of a beginning stays.
        end = start.start() if start else max(at, len(buffer) - _LONGEST_START + 1)
        if self._skipped_bytes == 0:
            self._garbage = b""
        self._garbage += bytes(buffer[at : min(end, at + 200 - len(self._garbage))])
        self._skipped_bytes += end - at
        self._at = end
        self._lost = start is None
        if self._skipped_bytes > (MAX_SKIPPED_BYTES if self._understood else MAX_SKIPPED_FIRST_BYTES):
            return self._give_up("bytes that are no RTSP", self._garbage)
        return _WAIT if start is None else _AGAIN

    def _give_up(self, problem: str, begin: bytes) -> Unreadable:
        self._dead = True
        self._buffer, self._at, self._lines, self._head = b"", 0, [], None
        return Unreadable(problem, begin[:200])


def _headers(lines: Iterable[str]) -> Headers:
    """Lines that are none of a header are left out; a line that begins with a space goes on with the one before."""
    pairs: list[tuple[str, list[str]]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if line[0] in " \t":
            if pairs:
                pairs[-1][1].append(line.strip())
        elif colon:
            pairs.append((name.strip().lower(), [value.strip()]))
    return Headers((name, " ".join(parts)) for name, parts in pairs)


def _body_bytes(head: Response | ServerRequest) -> int | None:
    """Size of the body; None: there is one, and it says not how long. Of several lengths the first that is a number."""
    lengths = (match for value in head.headers.all("content-length") if (match := _LENGTH.match(value)))
    if found := next(lengths, None):
        return int(found[0])
    ends_late = _DESCRIPTION.match(head.headers.get("content-type")) and (
        isinstance(head, ServerRequest) or head.status == 200
    )
    return None if ends_late else 0
