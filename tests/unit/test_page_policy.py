"""What browsers are told the page may reach: itself, and the media servers that are known here."""

from __future__ import annotations

import pytest

from restream.interfaces.http.page import _origin, policy


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("http://media:8889", "http://media:8889"),
        ("https://media.example/webrtc/", "https://media.example"),
        ("http://[::1]:8889/?a=b", "http://[::1]:8889"),
        ("http://user:word@media:1", "http://media:1"),
        ("javascript:alert(1)", ""),
        ("rtsp://media:8554", ""),
        ("http://media; script-src *", ""),
        ("http://*", ""),
        ("http://media\nX-Other: 1", ""),
        ("", ""),
    ],
)
def test_an_address_becomes_an_origin_or_nothing(address: str, origin: str) -> None:
    assert _origin(address) == origin


def test_the_page_may_reach_itself_and_known_media_servers() -> None:
    assert "connect-src 'self'; media-src 'self' blob:;" in policy(())
    found = policy(("http://media:8889", "http://media:8888", "http://media:8889/", "data:x"))
    assert "connect-src 'self' http://media:8888 http://media:8889;" in found
    assert "script-src" not in found and "default-src 'self'" in found
