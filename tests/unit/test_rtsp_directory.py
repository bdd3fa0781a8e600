"""What a media server is told that asks where a camera is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.secret import Secret
from restream.domain.rtsp.directory import MOST_REQUESTS, Directory, DirectoryTalk

URL = "rtsp://admin:sEcret-w0rd@10.0.0.1/stream"


class Desk:
    """A directory with one open place, and who asked."""

    def __init__(self, token: str | None = None) -> None:
        reasons = {"default/cam2": "held: the camera refuses the login or password"}
        self.directory = Directory(Secret(token) if token else None, lambda place: reasons.get(place, ""))
        self.asked = 0
        self.directory.open("default/cam1", Secret(URL), self.count)

    def count(self) -> None:
        self.asked += 1

    def ask(self, *requests: str) -> list[str]:
        talk = DirectoryTalk(self.directory.find)
        talk.receive("".join(requests).encode())
        self.over = talk.is_over
        return [each for each in talk.data_to_send().decode().split("\r\n\r\n") if each]


def request(target: str, method: str = "DESCRIBE", number: object = 2) -> str:
    return f"{method} {target} RTSP/1.0\r\nCSeq: {number}\r\nAccept: application/sdp\r\n\r\n"


CAM1 = "rtsp://127.0.0.1:9554/default/cam1"


def test_an_open_place_leads_to_the_camera_once() -> None:
    desk = Desk()
    assert desk.ask(request(CAM1, "OPTIONS", 1), request(CAM1)) == [
        "RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE",
        f"RTSP/1.0 302 Found\r\nCSeq: 2\r\nLocation: {URL}",
    ]
    (again,) = desk.ask(request(CAM1))
    assert again.startswith("RTSP/1.0 503 it is not its turn")
    assert (desk.asked, desk.over) == (2, False)
    desk.directory.open("default/cam1", Secret(URL), desk.count)
    assert "302 Found" in desk.ask(request(CAM1))[0]


def test_without_a_url_it_is_only_heard_that_somebody_asks() -> None:
    desk = Desk()
    desk.directory.open("default/cam1", None, desk.count)
    assert [desk.ask(request(CAM1))[0][:12] for _ in range(2)] == ["RTSP/1.0 503"] * 2
    assert desk.asked == 2


def test_a_place_that_is_not_open_is_withheld_with_its_reason() -> None:
    desk = Desk()
    (held,) = desk.ask(request("rtsp://127.0.0.1:9554/default/cam2"))
    assert held == "RTSP/1.0 503 held: the camera refuses the login or password\r\nCSeq: 2"
    desk.directory.close("default/cam1")
    assert desk.ask(request(CAM1))[0].startswith("RTSP/1.0 404 ")
    assert not desk.directory.places


@pytest.mark.parametrize(
    "target",
    [
        "rtsp://127.0.0.1:9554/default/cam1/",
        "rtsp://127.0.0.1:9554/default/cam1?user=a",
        "rtsp://somebody:else@directory/default/cam1",
    ],
)
def test_what_names_the_same_place(target: str) -> None:
    assert "302 Found" in Desk().ask(request(target))[0]


@pytest.mark.parametrize("target", ["rtsp://127.0.0.1:9554/cam1", "*", "/", "rtsp://h/default/cam%31", "rtsp://[::/x"])
def test_what_names_no_place(target: str) -> None:
    assert "Location" not in "".join(Desk().ask(request(target)))


@pytest.mark.parametrize("said", ["", "wrong/", "t0keN/", "t0ken", "t\xf6ken/"])
def test_without_the_token_nothing_is_told(said: str) -> None:
    desk = Desk("t0ken")
    for place in ("default/cam1", "default/cam2"):
        (answer,) = desk.ask(request(f"rtsp://10.0.0.9:9554/{said}{place}"))
        assert answer.startswith("RTSP/1.0 404 ")
    assert desk.asked == 0
    assert "302 Found" in desk.ask(request("rtsp://10.0.0.9:9554/t0ken/default/cam1"))[0]


@pytest.mark.parametrize("method", ["SETUP", "PLAY", "ANNOUNCE", "TEARDOWN", "GET_PARAMETER"])
def test_nothing_else_can_be_done_there(method: str) -> None:
    desk = Desk()
    assert desk.ask(request(CAM1, method)) == ["RTSP/1.0 405 Method Not Allowed\r\nCSeq: 2\r\nAllow: OPTIONS, DESCRIBE"]
    assert desk.asked == 0


@pytest.mark.parametrize(
    "said",
    [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n" + "x" * 5000,
        "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
        request(CAM1, number="x"),
        request(CAM1, number="1" * 11),
        request(CAM1, number=""),
        "$\x00\x00\x04abcd",
    ],
)
def test_who_speaks_something_else_is_sent_away(said: str) -> None:
    desk = Desk()
    assert desk.ask(said)[0].startswith("RTSP/1.0 400 ")
    assert desk.over and desk.asked == 0


def test_questions_of_one_connection_are_counted() -> None:
    desk = Desk()
    assert len(desk.ask(*[request(CAM1, "OPTIONS")] * 100)) == MOST_REQUESTS
    assert desk.over


def test_a_reason_stays_on_its_line() -> None:
    directory = Directory(why=lambda _: "it says:\r\nLocation: rtsp://evil/ \xe4\u2026 rtsp://u:sEcret-w0rd@h/")
    talk = DirectoryTalk(directory.find)
    talk.receive(request(CAM1).encode())
    said = talk.data_to_send().decode("ascii")
    assert len(said.rstrip().splitlines()) == 2
    assert "sEcret" not in said


def test_nothing_of_it_shows_a_password() -> None:
    desk = Desk("t0ken")
    found = desk.directory.find("rtsp://h/t0ken/default/cam1")
    assert "sEcret" not in repr(found)


@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([request(CAM1).encode(), b"DESCRIBE ", b"\r\n"]))))
def test_whatever_comes_is_answered_within_bounds(pieces: list[bytes]) -> None:
    desk = Desk()
    talk = DirectoryTalk(desk.directory.find)
    said = b""
    for piece in pieces:
        talk.receive(piece)
        said += talk.data_to_send()
    assert len(re.findall(rb"RTSP/1\.0 \d{3} ", said)) <= MOST_REQUESTS
    assert said.count(b"Location") <= 1
