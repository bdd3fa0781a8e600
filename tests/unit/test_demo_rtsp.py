"""The RTSP parser of the demo servers, its credentials and transport headers."""

import base64
import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.demo.credentials import basic_ok, digest_ok
from restream.demo.delivery import TransportOffer, parse_transport
from restream.demo.rtsp import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    Frame,
    Parser,
    Request,
    RtspError,
    response,
)

MESSAGES = (
    b"OPTIONS rtsp://h:554/cam RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    b"$\x01\x00\x03abc"
    b"\r\n"
    b"ANNOUNCE rtsp://h/cam1?a=b RTSP/1.0\r\nCSeq: 2\r\nContent-Length: 5\r\nX-Y:  z \r\n\r\nv=0\r\n"
    b"$\x00\x00\x00"
    b"TEARDOWN rtsp://h/cam1/streamid=1 RTSP/1.0\r\nCSeq: 3\r\n\r\n"
)
EXPECTED = [
    Request("OPTIONS", "rtsp://h:554/cam", {"cseq": "1"}),
    Frame(1, b"abc"),
    Request("ANNOUNCE", "rtsp://h/cam1?a=b", {"cseq": "2", "content-length": "5", "x-y": "z"}, b"v=0\r\n"),
    Frame(0, b""),
    Request("TEARDOWN", "rtsp://h/cam1/streamid=1", {"cseq": "3"}),
]


def parse(chunks: list[bytes]) -> tuple[list[Request | Frame], bool]:
    """What comes out, and whether the parser gave up."""
    parser, items = Parser(), []
    try:
        for chunk in chunks:
            items.extend(parser.feed(chunk))
    except RtspError:
        return items, True
    return items, False


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(st.lists(st.integers(min_value=0), max_size=20))
def test_the_same_items_however_the_bytes_are_cut(places: list[int]) -> None:
    assert parse(cut(MESSAGES, places)) == (EXPECTED, False)


def test_byte_by_byte() -> None:
    assert parse([bytes([byte]) for byte in MESSAGES]) == (EXPECTED, False)


@given(st.binary(max_size=300), st.lists(st.integers(min_value=0), max_size=10))
def test_garbage_raises_nothing_but_the_typed_error_and_after_the_same_items(tail: bytes, places: list[int]) -> None:
    data = MESSAGES + tail
    assert parse(cut(data, places)) == parse([data])


@given(st.text(alphabet="ABZ az:/\r\n.$01RTSP", max_size=200))
def test_nearly_rtsp(text: str) -> None:
    parse([text.encode()])


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"OPTIONS rtsp://h RTSP/1.0\r\nno colon\r\n\r\n",
        b"OPTIONS  rtsp://h RTSP/1.0\r\n\r\n",
        b"A rtsp://h RTSP/1.0\r\nContent-Length: -1\r\n\r\n",
        b"A rtsp://h RTSP/1.0\r\nContent-Length: \xc2\xb2\r\n\r\n",
        b"A rtsp://h RTSP/1.0\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1),
        b"A rtsp://h RTSP/1.0\r\nX: " + b"x" * MAX_HEADER_BYTES,
        b"\x16\x03\x01",
    ],
)
def test_unacceptable(data: bytes) -> None:
    assert parse([data]) == ([], True)


def test_parts_of_a_uri() -> None:
    request = Request("SETUP", "rtsp://h:554/a%20b/c/?x=[1]&y=2/streamid=3", {})
    assert (request.path, request.query, request.track) == ("a b/c", "x=[1]&y=2/streamid=3", 3)
    assert Request("SETUP", "rtsp://h", {}).path == ""
    assert Request("SETUP", "rtsp://h/x", {}).track is None
    assert Request("SETUP", "rtsp://h/x/TrackID=2", {}).track == 2


def test_response() -> None:
    request = Request("DESCRIBE", "rtsp://h/x", {"cseq": "7"})
    assert response(request, 404) == b"RTSP/1.0 404 Not Found\r\nCSeq: 7\r\n\r\n"
    assert response(request, 200, [("A", "b")], b"xy") == (
        b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nA: b\r\nContent-Length: 2\r\n\r\nxy"
    )


@pytest.mark.parametrize(
    ("value", "offer"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=2-3", TransportOffer(channels=(2, 3))),
        ("RTP/AVP/TCP;unicast;interleaved=0-1;mode=record", TransportOffer(channels=(0, 1), record=True)),
        ("RTP/AVP/UDP;unicast;client_port=5000-5001", TransportOffer(client_ports=(5000, 5001))),
        ("RTP/AVP;multicast, RTP/AVP;unicast;client_port=6000", TransportOffer(client_ports=(6000, 6001))),
        ("RTP/AVP/TCP;interleaved=255", None),
        ("RTP/AVP;unicast;client_port=70000-70001", None),
        ("RTP/AVP;unicast", None),
        ("", None),
    ],
)
def test_transport(value: str, offer: TransportOffer | None) -> None:
    assert parse_transport(value) == offer


@given(st.text(max_size=80))
def test_any_transport_and_authorization_text_is_survived(text: str) -> None:
    parse_transport(text)
    assert not basic_ok(text, "u", "p")
    assert not digest_ok(text, "DESCRIBE", "u", "p", realm="r", nonce="n")


def test_basic() -> None:
    value = "Basic " + base64.b64encode("ü:p:w".encode()).decode()
    assert basic_ok(value, "ü", "p:w")
    assert not basic_ok(value, "ü", "p")


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@pytest.mark.parametrize("qop", [False, True])
def test_digest(qop: bool) -> None:
    middle = "n:00000001:c:auth" if qop else "n"
    answer = md5(f"{md5('u:r:p')}:{middle}:{md5('SETUP:rtsp://h/x')}")
    value = f'Digest username="u", realm="r", nonce="n", uri="rtsp://h/x", response="{answer}"'
    if qop:
        value += ', qop="auth", nc=00000001, cnonce="c"'
    assert digest_ok(value, "SETUP", "u", "p", realm="r", nonce="n")
    assert not digest_ok(value, "PLAY", "u", "p", realm="r", nonce="n")
    assert not digest_ok(value, "SETUP", "u", "q", realm="r", nonce="n")
    assert not digest_ok(value, "SETUP", "u", "p", realm="r", nonce="older")
