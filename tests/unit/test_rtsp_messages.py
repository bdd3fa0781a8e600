"""What cameras send over an RTSP connection, in any pieces."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.rtsp.message_reader import MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_SKIPPED_BYTES, MessageReader
from restream.domain.rtsp.messages import Headers, InterleavedFrame, Message, Response, ServerRequest, Unreadable
from restream.domain.rtsp.request import encode_answer, encode_request
from restream.domain.rtsp.words import readable

RTP = b"\x80\x60" + bytes(10)
SDP = b"v=0\r\nm=video 0 RTP/AVP 96\r\n"


def frame(channel: int, payload: bytes = RTP) -> bytes:
    return bytes((0x24, channel)) + len(payload).to_bytes(2, "big") + payload


def read(*pieces: bytes, finish: bool = False) -> list[Message]:
    reader = MessageReader()
    found: list[Message] = []
    for piece in pieces:
        reader.receive(piece)
        while (message := reader.next_message()) is not None:
            found.append(message)
    if finish and (last := reader.finish()):
        found.append(last)
    return found


def answer(text: str, body: bytes = b"") -> bytes:
    return text.replace("\n", "\r\n").encode() + body


def test_an_answer() -> None:
    data = answer(f"RTSP/1.0 200 OK\nCSeq: 2\nContent-Type: application/sdp\nContent-Length: {len(SDP)}\n\n", SDP)
    headers = Headers((("cseq", "2"), ("content-type", "application/sdp"), ("content-length", str(len(SDP)))))
    assert read(data) == [Response(200, "OK", headers, SDP)]


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"RTSP/1.0 200 OK\n\n", 200, "OK"),  # line ends of Unix
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\n\r\n", 200, "OK"),  # mixed
        (b"RTSP/1.0 200 OK\r\r\nCSeq: 1\r\r\n\r\r\n", 200, "OK"),
        (b"\r\n\r\n\nRTSP/1.0 200 OK\r\n\r\n", 200, "OK"),
        (b"RTSP/1.0 200\r\n\r\n", 200, ""),
        (b"RTSP/1.0 200 \r\n\r\n", 200, ""),
        (b"RTSP/1.0  453  Not Enough Bandwidth\r\n\r\n", 453, "Not Enough Bandwidth"),
        (b"rtsp/1.0 200 ok\r\n\r\n", 200, "ok"),
        (b"RTSP/2.0 404 Not Found\r\n\r\n", 404, "Not Found"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 400, "Bad Request"),
    ],
)
def test_status_lines(data: bytes, status: int, reason: str) -> None:
    (found,) = read(data)
    assert isinstance(found, Response)
    assert (found.status, found.reason) == (status, reason)


def test_headers_as_cameras_write_them() -> None:
    data = b"RTSP/1.0 200 OK\nCSEQ:1\nwww-authenticate: a\n folded\nWWW-Authenticate : b\nnonsense\nX:\xe4\n\n"
    (found,) = read(data)
    assert isinstance(found, Response)
    assert found.headers.get("cseq") == "1"
    assert found.headers.all("www-authenticate") == ("a folded", "b")
    assert found.headers.get("x") == "\xe4"
    assert found.headers.get("none", "-") == "-"


@pytest.mark.parametrize(
    ("lengths", "body"),
    [
        (("3",), b"abc"),
        (("3", "3"), b"abc"),
        (("3", "9"), b"abc"),
        (("x", "3"), b"abc"),
        (("3 bytes",), b"abc"),
        (("-3",), b""),
        (("",), b""),
        ((), b""),
    ],
)
def test_content_lengths(lengths: tuple[str, ...], body: bytes) -> None:
    head = "".join(f"Content-Length: {length}\n" for length in lengths)
    found = read(answer(f"RTSP/1.0 200 OK\n{head}\n", b"abc" + frame(0)))
    assert isinstance(found[0], Response)
    assert found[0].body == body
    assert found[1] == InterleavedFrame(0, RTP)


@pytest.mark.parametrize("after", [b"", frame(0), b"RTSP/1.0 404 Not Found\r\n\r\n", b"OPTIONS * RTSP/1.0\r\n\r\n"])
def test_a_description_of_untold_length_ends_with_the_next_message_or_the_connection(after: bytes) -> None:
    data = answer("RTSP/1.0 200 OK\nContent-Type: application/sdp\n\n", SDP)
    found = read(data + after, finish=not after)
    assert isinstance(found[0], Response)
    assert found[0].body == SDP
    assert len(found) == 1 + bool(after)


def test_only_a_description_that_is_sent_has_an_untold_length() -> None:
    (found,) = read(answer("RTSP/1.0 401 Unauthorized\nContent-Type: application/sdp\n\n"))
    assert isinstance(found, Response)


def test_frames_between_and_inside_answers() -> None:
    head, rest = answer("RTSP/1.0 200 OK\n"), answer("CSeq: 1\nContent-Length: 3\n\n")
    found = read(frame(0) + head + frame(1) + rest + frame(2) + b"abc" + frame(3, b""))
    frames = [each for each in found if isinstance(each, InterleavedFrame)]
    assert [each.channel for each in frames] == [0, 1, 2, 3]
    assert [each.body for each in found if isinstance(each, Response)] == [b"abc"]


def test_requests_of_the_camera() -> None:
    found = read(answer("SET_PARAMETER rtsp://h/ RTSP/1.0\nCSeq: 7\n\nREDIRECT * RTSP/1.0\n\nOPTIONS /a RTSP/1.0\n\n"))
    assert [(each.method, each.uri) for each in found if isinstance(each, ServerRequest)] == [
        ("SET_PARAMETER", "rtsp://h/"),
        ("REDIRECT", "*"),
        ("OPTIONS", "/a"),
    ]


@pytest.mark.parametrize("garbage", [b"\x00" * 7, b"abc$def\n", b"$", b"\xff$\x00\x00", b"a" * 3000, b"$$$$$$"])
def test_garbage_is_left_out_up_to_the_next_message(garbage: bytes) -> None:
    first = answer("RTSP/1.0 200 OK\n\n")
    found = read(first + b"\xff" + garbage + frame(2) + first)
    assert isinstance(found[0], Response)
    assert found[1] == InterleavedFrame(2, RTP)
    assert isinstance(found[2], Response)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n" + b"x" * 8000, "bytes that are no RTSP"),
        (b"RTSP/1.0 200 OK\r\n\r\n" + b"x" * (MAX_SKIPPED_BYTES + 100), "bytes that are no RTSP"),
        (b"RTSP/1.0 2 OK\r\n\r\n", "a first line that is not of RTSP"),
        (b"RTSP/1.0 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES, f"a header of more than {MAX_HEAD_BYTES} bytes"),
        (b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * MAX_HEAD_BYTES, f"a header of more than {MAX_HEAD_BYTES} bytes"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 65537\r\n\r\n", "a body of 65537 bytes"),
        (
            b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n\r\n" + b"a" * (MAX_BODY_BYTES + 1),
            f"a body of more than {MAX_BODY_BYTES} bytes",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_beginning(data: bytes, problem: str) -> None:
    for pieces in ((data,), [data[at : at + 1000] for at in range(0, len(data), 1000)]):
        last = read(*pieces)[-1]
        assert isinstance(last, Unreadable)
        assert last.problem == problem
        assert last.begin[:4] in data and 0 < len(last.begin) <= 200


def test_nothing_is_read_after_that() -> None:
    assert len(read(b"RTSP/1.0 2 OK\r\n\r\n", answer("RTSP/1.0 200 OK\n\n"))) == 1


def test_what_may_begin_a_message_is_looked_at_again_when_more_comes() -> None:
    garbage = b"x" * 11 + b"$" + b"y" * 18
    assert read(garbage, b"y" * 20, frame(0)) == read(garbage + b"y" * 20 + frame(0)) == [InterleavedFrame(0, RTP)]


def test_a_description_that_does_not_come_at_all() -> None:
    head = answer("RTSP/1.0 200 OK\nContent-Type: application/sdp\n\n")
    found = read(head, answer("RTSP/1.0 404 Not Found\n\n"))
    assert [each.status for each in found if isinstance(each, Response)] == [200, 404]


PIECES = st.sampled_from(
    [
        answer("RTSP/1.0 200 OK\nCSeq: 1\n\n"),
        answer("RTSP/1.0 200 OK\nContent-Length: 3\n\n", b"$bc"),
        answer("RTSP/1.0 200 OK\nContent-Type: application/sdp\n\n", SDP),
        answer("ANNOUNCE rtsp://h/ RTSP/1.0\n\n"),
        frame(0),
        frame(1, b""),
        b"\r\n",
        b"RTSP/1.0",
        b"OPTIONS ",
        b"$\x00",
        b"$\x00\x00\x05",
        b"\xff",
        b"x" * 30,
        b" 200",
    ]
) | st.binary(max_size=40)


@given(st.lists(PIECES, max_size=12), st.data())
def test_any_cut_gives_the_same_messages(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    expected = read(whole, finish=True)
    assert read(*pieces, finish=True) == expected
    assert read(*(whole[at : at + 1] for at in range(len(whole))), finish=True) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n\r\n" + b"a\n" * 30_000,
        b"x" * 60_000,
        b"RTSP/1.0 200 OK\r\n\r\n" + b"$\xff" * 30_000,
        b"\r\n" * 30_000,
        frame(0, b"") * 15_000,
    ],
    ids=["open body", "garbage", "almost frames", "line ends", "empty frames"],
)
def test_bytes_one_at_a_time_take_linear_time(data: bytes) -> None:
    began = time.process_time()
    read(*(data[at : at + 1] for at in range(len(data))))
    assert time.process_time() - began < 3.0


@given(st.text(), st.text())
def test_nothing_adds_a_line_to_a_request(target: str, value: str) -> None:
    for data in (
        encode_request("PLAY", target, (("CSeq", "1"), ("Session", value))),
        encode_answer(200, "OK", (("CSeq", value),)),
    ):
        assert data.endswith(b"\r\n\r\n") and data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n")
        assert data.count(b"\r\n") == 3 + data.startswith(b"PLAY")


@given(st.binary() | st.text())
def test_words_are_one_printable_line(said: bytes | str) -> None:
    found = readable(said)
    assert found.isprintable() and len(found) <= 200


def test_words_are_shown_without_credentials() -> None:
    assert readable("401 no\r\n Gr\u00c3\u00bc\u00c3\u009fe sEcret1 \x1b[2J", ("sEcret1",)) == "401 no Grüße *** [2J"
    assert readable(readable("Нет".encode().decode("latin-1"))) == "Нет"
    assert readable("see rtsp://admin:sEcret1@10.0.0.1/") == "see rtsp://admin:***@10.0.0.1/"
