"""From the payloads of one picture of RTP/JPEG (RFC 2435) to a JPEG file: what is left out on the way is put back."""

from __future__ import annotations

from collections.abc import Sequence

_MAIN_BYTES, _RESTART_BYTES, _TABLES_BYTES = 8, 4, 4
_TABLE_BYTES = 64
# RFC 2435 appendix A: the tables of quality 50, in zigzag order.
_LUMA = (
    "16 11 12 14 12 10 16 14 13 14 18 17 16 19 24 40 26 24 22 22 24 49 35 37 29 40 58 51 61 60 57 51 "
    "56 55 64 72 92 78 64 68 87 69 55 56 80 109 81 87 95 98 103 104 103 62 77 113 121 112 100 120 92 101 103 99"
)
_CHROMA = "17 18 18 24 21 24 47 26 26 47 99 66 56 66" + " 99" * 50
# ITU-T T.81 annex K.3: how many codes of each length from 1 to 16, and the values.
_DC = "000102030405060708090a0b"
_HUFFMAN = (
    (0x00, "00010501010101010100000000000000", _DC),
    (0x01, "00030101010101010101010000000000", _DC),
    (
        0x10,
        "0002010303020403050504040000017d",
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738"
        "393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5"
        "a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa",
    ),
    (
        0x11,
        "00020102040403040705040400010277",
        "0001020311040521310612415107617113223281081442"
        + "91a1b1c109233352f0156272d10a162434e125f11718191a262728292a35"
        "363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999a"
        "a2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa",
    ),
)


def jpeg_file(payloads: Sequence[bytes]) -> bytes | None:
    """The file of all payloads of one picture, in order; None: they are none, or not whole. Never raises."""
    head, tables, body, restart = b"", b"", bytearray(), 0
    for payload in payloads:
        if len(payload) < _MAIN_BYTES or int.from_bytes(payload[1:4], "big") != len(body):
            return None
        at = _MAIN_BYTES
        if 64 <= payload[4] < 128:
            restart = int.from_bytes(payload[at : at + 2], "big")
            at += _RESTART_BYTES
        if not body:
            head = payload[:_MAIN_BYTES]
            if payload[5] >= 128:
                length = int.from_bytes(payload[at + 2 : at + 4], "big")
                at += _TABLES_BYTES
                tables = payload[at : at + length]
                at += length
        body += payload[at:]
    if not body or head[4] & 0x3F > 1:
        return None
    tables = tables or _of_quality(head[5])
    if len(tables) == _TABLE_BYTES:  # one for all components
        tables *= 2
    if len(tables) != 2 * _TABLE_BYTES:
        return None
    return _headers(head, tables, restart) + bytes(body) + (b"" if body.endswith(b"\xff\xd9") else b"\xff\xd9")


def _of_quality(quality: int) -> bytes:
    """RFC 2435 §4.2."""
    if not 1 <= quality <= 99:
        return b""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    numbers = (int(each) for each in f"{_LUMA} {_CHROMA}".split())
    return bytes(min(max((each * scale + 50) // 100, 1), 255) for each in numbers)


def _headers(head: bytes, tables: bytes, restart: int) -> bytes:
    kind, width, height = head[4] & 0x3F, 8 * head[6], 8 * head[7]
    sampling = 0x22 if kind else 0x21
    parts = [b"\xff\xd8"]
    for number in range(2):
        table = tables[_TABLE_BYTES * number : _TABLE_BYTES * (number + 1)]
        parts.append(_segment(0xDB, bytes((number,)) + table))
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    parts.append(_segment(0xC0, b"\x08" + size + bytes((3, 1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1))))
    parts += [_segment(0xC4, bytes((which,)) + bytes.fromhex(counts + values)) for which, counts, values in _HUFFMAN]
    if restart:
        parts.append(_segment(0xDD, restart.to_bytes(2, "big")))
    parts.append(_segment(0xDA, bytes((3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0))))
    return b"".join(parts)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
