"""Where a path is published by RTSP, and as whom."""

from __future__ import annotations

import pytest

from restream.domain.camera.secret import Secret
from restream.domain.rtsp.url import Credentials
from restream.domain.server.target import Target


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("rtsp://127.0.0.1:8554", "rtsp://127.0.0.1:8554/site/cam1"),
        ("rtsp://127.0.0.1:8554/", "rtsp://127.0.0.1:8554/site/cam1"),
        ("rtsps://media.example:8322", "rtsps://media.example:8322/site/cam1"),
        ("rtsp://[fd00::1]:8554/behind/", "rtsp://[fd00::1]:8554/behind/site/cam1"),
    ],
)
def test_the_url_of_a_path(base: str, url: str) -> None:
    parts = Target(rtsp_url=base).rtsp_parts("site/cam1")
    assert parts is not None
    assert (parts[0].reveal(), parts[1]) == (url, None)


def test_whoever_publishes() -> None:
    target = Target(user="camera@x", password=Secret("p:/@ü"))
    parts = target.rtsp_parts("cam1")
    assert parts is not None and parts[1] == Credentials("camera@x", Secret("p:/@ü"))
    assert "p:/@" not in repr(parts) and "camera" not in parts[0].reveal()
    assert Target(user="", password=Secret("x")).rtsp_parts("cam1") == Target().rtsp_parts("cam1")
    alone = Target(user="camera").rtsp_parts("cam1")
    assert alone is not None and alone[1] == Credentials("camera", Secret(""))


def test_what_is_no_address_of_rtsp() -> None:
    assert Target(rtsp_url="http://127.0.0.1:8554").rtsp_parts("cam1") is None
