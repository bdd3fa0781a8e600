"""Logging in at cameras, connections that they close for it, and redirects."""

from __future__ import annotations

import pytest

from restream.domain.life.cause import Cause
from restream.domain.rtsp.events import (
    Described,
)
from restream.domain.rtsp.failure import Stage
from tests.unit.scripted_rtsp import (
    PROBE,
    SDP,
    Answer,
    Talk,
    described,
    playing,
    says,
    setup_ok,
    then_hangs_up,
    unauthorised,
)


def test_a_login() -> None:
    talk = Talk(OPTIONS=[unauthorised(), says("200 OK")])
    assert talk.methods == ["OPTIONS", "OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY"]
    assert [bool(each.header("Authorization")) for each in talk.asked] == [False, True, True, True, True, True]
    assert 'uri="rtsp://10.0.0.1/live/trackID=1"' in talk.asked[3].header("Authorization")
    playing(talk)
    assert talk.client.said.offered == ("SHA-256",)


@pytest.mark.parametrize("method", ["SETUP", "PLAY"])
def test_a_new_nonce_later_on(method: str) -> None:
    answers: dict[str, list[Answer]] = {"SETUP": [setup_ok], "PLAY": [says("200 OK")]}
    talk = Talk(DESCRIBE=[unauthorised(), described(SDP)], **{method: [unauthorised("2"), *answers[method]]})
    playing(talk)


@pytest.mark.parametrize(
    ("answers", "login", "kind", "words"),
    [
        ([unauthorised()], "admin", Cause.AUTH_FAILED, "it offers SHA-256"),
        ([unauthorised("1"), unauthorised("2")], "admin", Cause.AUTH_FAILED, "it offers SHA-256"),
        ([unauthorised()], None, Cause.AUTH_FAILED, "no login is sent"),
        ([says("401 Unauthorized")], "admin", Cause.AUTH_FAILED, "it does not say how to log in"),
        (
            [says("401 No", 'WWW-Authenticate: Digest nonce="1", algorithm=SM3, Bearer')],
            "admin",
            Cause.AUTH_UNSUPPORTED,
            "it offers SM3, bearer",
        ),
        ([unauthorised(), says("403 Forbidden")], "admin", Cause.AUTH_FAILED, "RTSP/1.0 403 Forbidden"),
        ([says("403 Forbidden")], "admin", Cause.REQUEST_REFUSED, "RTSP/1.0 403 Forbidden"),
    ],
)
def test_a_login_that_fails(answers: list[Answer], login: str | None, kind: Cause, words: str) -> None:
    talk = Talk(PROBE, login=login, DESCRIBE=answers)
    assert talk.failure.cause is kind
    assert words in talk.failure.words
    assert len(talk.asked) == min(len(answers) + (len(answers) == 1 and "offers SHA" in words), 2)
    assert talk.failure.stage is Stage.DESCRIBE
    assert (talk.failure.offered == ()) == (kind is Cause.REQUEST_REFUSED or "does not say" in words) or (
        talk.failure.status == 403
    )


def test_options_that_only_say_401() -> None:
    playing(Talk(OPTIONS=says("401 Unauthorized"), DESCRIBE=[unauthorised(), described(SDP)]))


def test_a_password_in_the_url_is_masked_too() -> None:
    talk = Talk(PROBE, url="rtsp://10.0.0.1/password=hidden-w0rd", login=None, DESCRIBE=says("404 no hidden-w0rd"))
    assert talk.failure.words == "RTSP/1.0 404 no ***"
    assert "hidden" not in repr(talk.events) + repr(talk.client.said)


def test_a_camera_that_closes_the_connection_after_401() -> None:
    talk = Talk(DESCRIBE=[then_hangs_up(unauthorised()), described(SDP)])
    playing(talk)
    assert len(talk.addresses) == 2
    assert talk.methods[:3] == ["OPTIONS", "DESCRIBE", "DESCRIBE"]
    assert talk.asked[2].header("Authorization").startswith("Digest ")


def test_and_has_another_nonce_for_each_connection() -> None:
    close = "Connection: close"
    talk = Talk(PROBE, DESCRIBE=[unauthorised("1", close), unauthorised("2"), described(SDP)])
    talk.the(Described)
    assert [each.header("Authorization").partition("nonce=")[2][:3] for each in talk.asked] == ["", '"1"', '"2"']
    assert len(talk.addresses) == 2


def test_a_wrong_password_is_not_tried_again_over_another_connection() -> None:
    talk = Talk(PROBE, DESCRIBE=then_hangs_up(unauthorised()))
    assert talk.failure.cause in (Cause.AUTH_FAILED, Cause.SOURCE_ENDED)
    assert len([each for each in talk.asked if each.header("Authorization")]) <= 2


def test_a_camera_that_closes_the_connection_after_each_answer() -> None:
    talk = Talk(OPTIONS=says("200 OK", "Connection: close"), DESCRIBE=says("200 OK", "Connection: Close", body=SDP))
    playing(talk)
    assert len(talk.addresses) == 3


def test_and_never_gets_anywhere() -> None:
    talk = Talk(SETUP=says("200 OK", "Session: 1", "Connection: close"))
    assert talk.failure.cause is Cause.SOURCE_ENDED
    assert "again and again" in talk.failure.words
    assert len(talk.addresses) == 4


@pytest.mark.parametrize("status", [301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize(
    ("location", "address", "target", "logs_in"),
    [
        ("rtsp://10.0.0.1:8554/other", ("10.0.0.1", 8554), "rtsp://10.0.0.1:8554/other", True),
        ("rtsps://10.0.0.1/other", ("10.0.0.1", 322), "rtsps://10.0.0.1/other", True),
        ("/other?x=1", ("10.0.0.1", 554), "rtsp://10.0.0.1/other?x=1", True),
        ("rtsp://10.0.0.2/other", ("10.0.0.2", 554), "rtsp://10.0.0.2/other", False),
        ("rtsp://own:word@10.0.0.2/other", ("10.0.0.2", 554), "rtsp://10.0.0.2/other", True),
    ],
)
def test_redirects(status: int, location: str, address: tuple[str, int], target: str, logs_in: bool) -> None:
    moved = says(f"{status} Moved", f"Location: {location}")
    talk = Talk(PROBE, DESCRIBE=[moved, unauthorised(), described(SDP)])
    assert talk.addresses == [("10.0.0.1", 554), address]
    assert talk.asked[1].target == target
    assert [each.header("Authorization") for each in talk.asked[:2]] == ["", ""]
    if logs_in:
        assert ('username="own"' if "own" in location else 'username="admin"') in talk.asked[2].header("Authorization")
        talk.the(Described)
    else:
        assert talk.failure.cause is Cause.AUTH_FAILED
        assert "another host" in talk.failure.words


def test_credentials_do_not_go_from_tls_into_clear() -> None:
    moved = says("301 Moved", "Location: rtsp://10.0.0.1/other")
    talk = Talk(PROBE, url="rtsps://10.0.0.1/live", DESCRIBE=[moved, unauthorised()])
    assert talk.failure.cause is Cause.AUTH_FAILED and len(talk.asked) == 2


@pytest.mark.parametrize(
    ("location", "kind", "times"),
    [
        ("rtsp://10.0.0.1/live", Cause.CAMERA_ERROR, 4),
        ("http://10.0.0.1/live", Cause.REQUEST_REFUSED, 1),
        ("", Cause.REQUEST_REFUSED, 1),
    ],
)
def test_redirects_that_lead_nowhere(location: str, kind: Cause, times: int) -> None:
    talk = Talk(PROBE, DESCRIBE=says("302 Found", f"Location: {location}"))
    assert (talk.failure.cause, talk.failure.status, len(talk.asked)) == (kind, 302, times)
    assert ("redirected 4 times" in talk.failure.words) == (kind is Cause.CAMERA_ERROR)
