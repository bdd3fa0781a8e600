"""Where pictures and key frames begin in the payloads of RTP packets, by codec.

Each look sees one packet and says what it carries, as a sum of PICTURE, FIRST and KEY. Payloads are hostile: what is
cut off or lies about its lengths carries nothing. Looks never raise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from restream.domain.rtp.packet import Buffer

NOTHING = 0
PICTURE = 1
"""A part of a picture."""
FIRST = 2
"""The first part of one."""
KEY = 4
"""A decoder can begin here: with an intra picture, from its first part, or with the parameters ahead of one."""

Look = Callable[[Buffer, int, int], int]
"""data, begin, end of a payload that is not empty."""

_START_CODES = (b"\0\0\1", b"\0\0\0\1")
# Most that is looked at in one packet.
_MAX_UNITS = 16
_HEADERS_BYTES = 256
_RECOVERY_POINT = 6  # payloadType of SEI, H.264 §D.1, H.265 §D.2


def any_frame(data: Buffer, at: int, end: int) -> int:
    """Of codecs of which each frame stands alone, or that we do not read."""
    return PICTURE | FIRST | KEY


def h264(data: Buffer, at: int, end: int) -> int:
    """RFC 6184: one unit, several (STAP-A, STAP-B), a fragment (FU-A, FU-B)."""
    kind = data[at] & 0x1F
    if kind in (28, 29):
        # FU-B has two bytes of decoding order.
        body = at + 2 if kind == 28 else at + 4
        if body >= end:
            return NOTHING
        if data[at + 1] & 0x80:
            return _h264_unit(data[at + 1] & 0x1F, data, body, end)
        return PICTURE if 1 <= data[at + 1] & 0x1F <= 5 else NOTHING
    if kind in (24, 25):
        return _each(data, at + 1 if kind == 24 else at + 3, end, _h264_of)
    if kind == 0:
        # Some cameras send start codes, which have no place in RTP.
        after = _after_start_code(data, at, end)
        return _h264_of(data, after, end) if after < end else NOTHING
    return _h264_unit(kind, data, at + 1, end)


def _h264_of(data: Buffer, at: int, end: int) -> int:
    return _h264_unit(data[at] & 0x1F, data, at + 1, end)


def _h264_unit(kind: int, data: Buffer, body: int, end: int) -> int:
    """`body`: behind its header."""
    if 1 <= kind <= 5:
        # first_mb_in_slice is ue(v): 0 is a single bit 1. Partitions B and C (3, 4) begin with another number.
        if body >= end or not data[body] & 0x80 or kind in (3, 4):
            return PICTURE
        return PICTURE | FIRST | KEY if kind == 5 else PICTURE | FIRST
    if kind == 7 or (kind == 6 and body < end and data[body] == _RECOVERY_POINT):
        return KEY
    return NOTHING


def h265(data: Buffer, at: int, end: int) -> int:
    """RFC 7798: one unit, several (AP), a fragment (FU); without DONL, which cameras do not use."""
    kind = data[at] >> 1 & 0x3F
    if kind == 49:
        if at + 3 >= end:
            return NOTHING
        inner = data[at + 2] & 0x3F
        if data[at + 2] & 0x80:
            return _h265_unit(inner, data, at + 3, end)
        return PICTURE if inner < 32 else NOTHING
    if kind == 48:
        return _each(data, at + 2, end, _h265_of)
    if kind == 0:
        return _h265_of(data, _after_start_code(data, at, end), end)
    return _h265_unit(kind, data, at + 2, end)


def _h265_of(data: Buffer, at: int, end: int) -> int:
    return _h265_unit(data[at] >> 1 & 0x3F, data, at + 2, end) if at + 1 < end else NOTHING


def _h265_unit(kind: int, data: Buffer, body: int, end: int) -> int:
    if kind < 32:
        # first_slice_segment_in_pic_flag; 16 to 23 are IRAP pictures.
        if body >= end or not data[body] & 0x80:
            return PICTURE
        return PICTURE | FIRST | KEY if 16 <= kind <= 23 else PICTURE | FIRST
    if kind in (32, 33) or (kind == 39 and body < end and data[body] == _RECOVERY_POINT):
        return KEY
    return NOTHING


def h266(data: Buffer, at: int, end: int) -> int:
    """RFC 9328: one unit, several (AP), a fragment (FU)."""
    if at + 2 >= end:
        return NOTHING
    kind = data[at + 1] >> 3
    if kind == 29:
        fragment = data[at + 2]
        return _h266_unit(fragment & 0x1F) if fragment & 0x80 else PICTURE
    if kind == 28:
        return _each(data, at + 2, end, _h266_of)
    return _h266_unit(kind)


def _h266_of(data: Buffer, at: int, end: int) -> int:
    return _h266_unit(data[at + 1] >> 3) if at + 1 < end else NOTHING


def _h266_unit(kind: int) -> int:
    if kind < 12:
        return PICTURE | (KEY if 7 <= kind <= 10 else NOTHING)
    return KEY if kind in (14, 15) else NOTHING


def _each(data: Buffer, at: int, end: int, look: Look) -> int:
    """What the units of an aggregate carry together; each has two bytes of length ahead of it."""
    found = NOTHING
    for _ in range(_MAX_UNITS):
        if at + 2 >= end:
            break
        stop = at + 2 + (data[at] << 8 | data[at + 1])
        if stop > end or stop == at + 2:
            break
        found |= look(data, at + 2, stop)
        at = stop
    return found


def _after_start_code(data: Buffer, at: int, end: int) -> int:
    begin = bytes(data[at : min(at + 4, end)])
    return next((at + len(code) for code in _START_CODES if begin.startswith(code)), at)


def mpeg4(data: Buffer, at: int, end: int) -> int:
    """RFC 6416: headers, then a VOP, whose first two bits are its type; 0 is intra (ISO/IEC 14496-2 §6.2.5)."""
    begin = bytes(data[at : min(at + _HEADERS_BYTES, end)])
    vop = begin.find(b"\0\0\1\xb6")
    if 0 <= vop < len(begin) - 4:
        return PICTURE | FIRST | (NOTHING if begin[vop + 4] >> 6 else KEY)
    if begin.startswith(_START_CODES[0]):
        return KEY
    return PICTURE


def mpeg2(data: Buffer, at: int, end: int) -> int:
    """RFC 2250 §3.4: the picture's type stands in each packet; 1 is intra."""
    if at + 4 > end:
        return NOTHING
    return PICTURE | (KEY if data[at + 2] & 0x07 == 1 else NOTHING)


def mjpeg(data: Buffer, at: int, end: int) -> int:
    """RFC 2435 §3.1: three bytes of offset in the picture."""
    if at + 4 > end:
        return NOTHING
    return PICTURE if data[at + 1] or data[at + 2] or data[at + 3] else PICTURE | FIRST | KEY


def vp8(data: Buffer, at: int, end: int) -> int:
    """RFC 7741 §4.2: a descriptor of one to six bytes; behind it in the first packet the frame's inverse key flag."""
    first = data[at]
    if first & 0x17 != 0x10:  # begin of partition 0
        return PICTURE
    at += 1
    if first & 0x80:
        if at >= end:
            return NOTHING
        extension = data[at]
        at += 1
        if extension & 0x80:
            at += 2 if at < end and data[at] & 0x80 else 1
        at += bool(extension & 0x40) + bool(extension & 0x30)
    return PICTURE | FIRST | (NOTHING if at >= end or data[at] & 0x01 else KEY)


def vp9(data: Buffer, at: int, end: int) -> int:
    """RFC 9628 §4.2: flags I, P (predicted), L, F, B (begin of a frame)."""
    if not data[at] & 0x08:
        return PICTURE
    return PICTURE | FIRST | (NOTHING if data[at] & 0x40 else KEY)


def av1(data: Buffer, at: int, end: int) -> int:
    """RTP payload format for AV1 §4.4: flags Z (continued) and N (a coded video sequence begins)."""
    if data[at] & 0x80:
        return PICTURE
    return PICTURE | FIRST | (KEY if data[at] & 0x08 else NOTHING)


LOOKS: Mapping[str, Look] = {
    "av1": av1,
    "h261": any_frame,
    "h263": any_frame,
    "h264": h264,
    "hevc": h265,
    "jpeg2000": any_frame,
    "mjpeg": mjpeg,
    "mpeg2video": mpeg2,
    "mpeg4": mpeg4,
    "mpegts": any_frame,
    "theora": any_frame,
    "vp8": vp8,
    "vp9": vp9,
    "vvc": h266,
}
"""By the codec of a video; what is not here is sound."""
