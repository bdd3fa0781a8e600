"""Values that must not be seen, and the masking of text that may contain them."""

import copy
import json
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.secret import MASK, Secret, credentials_in, mask_exact, mask_patterns, spellings

SECRET = Secret("sEcret")


def test_printing_hides_and_revealing_shows() -> None:
    assert f"{SECRET} {SECRET!r} {[SECRET]} {SECRET!s:>5}" == "*** Secret('***') [Secret('***')]   ***"
    assert SECRET.reveal() == "sEcret"
    assert "%s" % SECRET == MASK  # noqa: UP031 - loggers format this way
    assert str(Secret("")) == ""
    assert (bool(SECRET), bool(Secret(""))) == (True, False)


def test_equality_and_hash() -> None:
    assert Secret("sEcret") == SECRET
    assert Secret("other") != SECRET
    assert SECRET != "sEcret"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize("leak", [pickle.dumps, copy.deepcopy, json.dumps])
def test_a_secret_does_not_leave_by_serialisation(leak: object) -> None:
    with pytest.raises(TypeError):
        leak(SECRET)  # type: ignore[operator]


def test_spellings() -> None:
    assert spellings("sEcret") == ("sEcret",)
    assert spellings("a/b@c") == ("a%2Fb%40c", "a/b%40c", "a/b@c")
    # Too short to be replaced without destroying ordinary text.
    assert spellings("ab") == ()
    assert spellings("a@") == ("a%40",)
    assert spellings("") == ()


def test_exact_masking() -> None:
    text = "failed for p@ss/1 and p%40ss%2F1 and p%40ss/1"
    assert mask_exact(text, spellings("p@ss/1")) == "failed for *** and *** and ***"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rtsp://admin:sEcret@10.0.0.7/x", "rtsp://admin:***@10.0.0.7/x"),
        ("rtsp://admin:s:E@cret@10.0.0.7/x", "rtsp://admin:***@10.0.0.7/x"),
        ("rtsp://:sEcret@10.0.0.7/x", "rtsp://:***@10.0.0.7/x"),
        ("postgresql://u:sEcret@h/db and rtsp://u:sEcret@h/x", "postgresql://u:***@h/db and rtsp://u:***@h/x"),
        ("rtsp://h:554/user=admin&password=sEcret&channel=1", "rtsp://h:554/user=admin&password=***&channel=1"),
        ("http://h/x?pwd=sEcret&a=1", "http://h/x?pwd=***&a=1"),
        ("PASSWORD=sEcret", "PASSWORD=***"),
        ("token=sEcret", "token=***"),
        ("srt://h:8890?streamid=publish:cam1:u:sEcret&pkt_size=1316", None),
        ("srt://h:8890?streamid=#!::read:cam1:u:sEcret", "srt://h:8890?streamid=#!::read:cam1:u:***"),
        ("Authorization: Basic sEcret==", "Authorization: Basic ***"),
        ("authorization: bearer sEcret", "authorization: bearer ***"),
    ],
)
def test_what_looks_like_a_credential_is_hidden(text: str, masked: str | None) -> None:
    if masked is None:
        masked = text.replace("sEcret", "***")
    assert mask_patterns(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://10.0.0.7:554/stream=1",
        "rtsp://admin@10.0.0.7/x",
        "12:30:45 camera 7: timeout",
        "srt://h:8890?streamid=publish:cam1&pkt_size=1316",
        "tcp://127.0.0.1:554?timeout=5000000",
        "passwords are wrong",
        "",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert mask_patterns(text) == text


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask_patterns(text)
    assert mask_patterns(once) == once


@given(st.text(st.characters(codec="utf-8"), min_size=3), st.text(), st.text())
def test_a_known_secret_is_gone_wherever_it_stands(secret: str, before: str, after: str) -> None:
    for form in spellings(secret):
        masked = mask_exact(before + form + after, spellings(secret))
        if secret.strip("*"):
            assert form not in masked.replace(MASK, "\0")


def test_credentials_among_parameters() -> None:
    assert credentials_in("/user=admin&password=p%40ss&channel=1") == ("p%40ss", "p@ss")
    assert credentials_in("/stream=1") == ()


@pytest.mark.parametrize(
    "piece",
    ["a", "a://", "://a:1/", "x://:", "password=", "streamid=publish:", "authorization: basic ", "x://u:@", " ", "@"],
)
def test_a_long_text_is_masked_in_time(piece: str) -> None:
    # A database quotes a row's value in its error; a quadratic pattern would take hours for this.
    began = time.process_time()
    mask_patterns("rtsp://h/" + piece * (200_000 // len(piece)))
    assert time.process_time() - began < 20
