"""Challenges of cameras, and the answers to them: vectors of RFC 2617 and 7616, and what cameras do instead."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.secret import Secret
from restream.domain.life.cause import Cause
from restream.domain.rtsp.authentication import Authenticator, digest
from restream.domain.rtsp.challenges import Challenge, parse_challenges
from restream.domain.rtsp.messages import Headers, Response
from restream.domain.rtsp.url import Credentials

ADMIN = Credentials("admin", Secret("sEcret@1"))
URL = "rtsp://10.0.0.1/stream"


def unauthorized(*challenges: str) -> Response:
    return Response(401, "Unauthorized", Headers(("www-authenticate", value) for value in challenges))


def field(header: str | None, name: str) -> str | None:
    found = re.search(rf'\b{name}=(?:"([^"]*)"|([^,\s]*))', header or "")
    return (found[1] or found[2]) if found else None


def authenticator(credentials: Credentials | None = ADMIN) -> Authenticator:
    return Authenticator(credentials, lambda: "0a4f113b")


def test_the_vector_of_rfc_2617() -> None:
    (challenge,) = parse_challenges(
        [
            'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
            'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        ]
    )
    header = digest(challenge, Credentials("Mufasa", Secret("Circle Of Life")), "GET", "/dir/index.html", "0a4f113b", 1)
    assert field(header, "response") == "6629fae49393a05397450978507c4ef1"
    assert (field(header, "qop"), field(header, "nc"), field(header, "cnonce")) == ("auth", "00000001", "0a4f113b")
    assert field(header, "opaque") == "5ccc069c403ebaf9f0171e9517f40e41"
    assert field(header, "algorithm") is None  # it named none


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_vectors_of_rfc_7616(algorithm: str, response: str) -> None:
    (challenge,) = parse_challenges(
        [
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
            'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
            'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        ]
    )
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    header = digest(challenge, Credentials("Mufasa", Secret("Circle of Life")), "GET", "/dir/index.html", cnonce, 1)
    assert field(header, "response") == response
    assert field(header, "algorithm") == algorithm


def test_the_vector_of_rfc_7616_with_sha_512_256_and_utf_8() -> None:
    # RFC 7616 §3.9.2 as its erratum 4897 corrects it.
    challenge = Challenge(
        "digest",
        "api@example.org",
        "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        "SHA-512-256",
        ("auth",),
        "HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS",
    )
    login = Credentials("J\u00e4s\u00f8n Doe", Secret("Secret, or not?"))
    header = digest(challenge, login, "GET", "/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", 1)
    assert field(header, "response") == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    assert field(header, "username") == "J\u00c3\u00a4s\u00c3\u00b8n Doe"  # the bytes of UTF-8


@pytest.mark.parametrize(
    ("qop", "session", "expected"),
    [
        ((), False, "md5(md5(u:r:p):n:md5(PLAY:/))"),
        (("auth-int",), False, "md5(md5(u:r:p):n:00000001:c:auth-int:md5(PLAY:/:md5()))"),
        ((), True, "md5(md5(md5(u:r:p):n:c):n:md5(PLAY:/))"),
        (("auth",), True, "md5(md5(md5(u:r:p):n:c):n:00000001:c:auth:md5(PLAY:/))"),
    ],
)
def test_forms_of_digest(qop: tuple[str, ...], session: bool, expected: str) -> None:
    import hashlib

    while found := re.search(r"md5\(([^()]*)\)", expected):
        expected = expected.replace(found[0], hashlib.md5(found[1].encode()).hexdigest())
    challenge = Challenge("digest", "r", "n", "MD5-sess" if session else None, qop)
    header = digest(challenge, Credentials("u", Secret("p")), "PLAY", "/", "c", 1)
    assert field(header, "response") == expected
    assert (field(header, "cnonce") == "c") == bool(qop or session)
    assert field(header, "algorithm") == ("MD5-sess" if session else None)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (['Digest realm="a", nonce="b"'], ["MD5"]),
        (['Basic realm="a"', 'Digest realm="a", nonce="b", algorithm="SHA-256"'], ["Basic", "SHA-256"]),
        (['Basic realm="a, Digest nonce=x", Digest realm="a",nonce="b",algorithm=MD5'], ["Basic", "MD5"]),
        (["Digest realm=a,nonce=b,algorithm=sha-512-256,Basic"], ["SHA-512-256", "Basic"]),
        (['digest nonce="b", algorithm=MD5-sess , basic realm=x'], ["MD5", "Basic"]),
        (['Digest nonce="b", algorithm=SHA256, Negotiate abc==, Bearer'], ["SHA-256", "negotiate", "bearer"]),
        (['Digest nonce="b", algorithm=SM3'], ["SM3"]),
        (['Digest realm="a \\"quoted\\" one, two", nonce="b'], ["MD5"]),
        ([""], []),
        (['realm="x", nonce="y"'], []),
    ],
)
def test_challenges_in_every_form(values: list[str], names: list[str]) -> None:
    assert [challenge.name for challenge in parse_challenges(values)] == names


def test_values_of_a_challenge() -> None:
    (found,) = parse_challenges(
        ['Digest stale=TRUE, qop="auth-int , AUTH", realm="a \\"b\\", \\\\c", opaque="", nonce="n=="']
    )
    assert found == Challenge("digest", 'a "b", \\c', "n==", None, ("auth-int", "auth"), "", stale=True)
    assert 'realm="a \\"b\\", \\\\c"' in digest(found, ADMIN, "PLAY", URL, "c", 1)


@pytest.mark.parametrize(
    ("offers", "taken"),
    [
        (('Digest nonce="n"', "Basic"), "MD5"),
        (('Digest nonce="n", algorithm=MD5', 'Digest nonce="n", algorithm=SHA-256'), "SHA-256"),
        (('Digest nonce="n", algorithm=SHA-256', 'Digest nonce="n", algorithm=MD5', "Basic"), "SHA-256"),
        (('Digest nonce="n", algorithm=SHA-512-256', 'Digest nonce="n", algorithm=SHA-256'), "SHA-512-256"),
        (('Digest nonce="n", algorithm=SM3', 'Basic realm="x"'), "Basic"),
        (("Digest realm=x", "Basic"), "Basic"),  # a digest without a nonce is none
    ],
)
def test_the_strongest_is_taken_first_whatever_the_order(offers: tuple[str, ...], taken: str) -> None:
    for order in (offers, offers[::-1]):
        login = authenticator()
        assert login.authorize("DESCRIBE", URL) is None
        assert login.refused(unauthorized(*order)) is None
        header = login.authorize("DESCRIBE", URL)
        assert header is not None
        assert (field(header, "algorithm") or ("MD5" if header.startswith("Digest") else "Basic")) == taken
        assert login.refused(unauthorized(*order)) is Cause.AUTH_FAILED


def test_a_password_is_utf_8_in_basic_too() -> None:
    login = authenticator(Credentials("ädmin", Secret("pässword:1")))
    assert login.refused(unauthorized('Basic realm="x"')) is None
    header = login.authorize("PLAY", URL) or ""
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "ädmin:pässword:1"


@pytest.mark.parametrize(
    ("credentials", "offers", "kind"),
    [
        (None, ("Basic",), Cause.AUTH_FAILED),
        (ADMIN, (), Cause.AUTH_FAILED),
        (ADMIN, ('Digest nonce="n", algorithm=SM3', "Bearer"), Cause.AUTH_UNSUPPORTED),
    ],
)
def test_what_cannot_be_answered(credentials: Credentials | None, offers: tuple[str, ...], kind: Cause) -> None:
    login = authenticator(credentials)
    assert login.refused(unauthorized(*offers)) is kind
    assert login.authorize("PLAY", URL) is None
    assert login.offered == tuple(each.name for each in parse_challenges(offers))


def offer(nonce: str, stale: bool = False) -> Response:
    return unauthorized(f'Digest realm="r", nonce="{nonce}"' + (", stale=true" if stale else ""))


def proven(login: Authenticator) -> None:
    login.accepted()


def elsewhere(login: Authenticator) -> None:
    login.reconnected()


def nothing(_: Authenticator) -> None:
    pass


@pytest.mark.parametrize(
    ("before", "second", "again"),
    [
        (nothing, offer("1"), False),
        (nothing, offer("2"), False),  # a wrong password gets a new nonce from many cameras
        (nothing, offer("2", stale=True), True),
        (proven, offer("2"), True),  # an expired nonce, by cameras that leave `stale` out
        (proven, offer("1"), False),
        (elsewhere, offer("2"), True),
        (elsewhere, offer("1"), False),
    ],
)
def test_a_password_is_sent_again_only_for_a_new_nonce(
    before: Callable[[Authenticator], None], second: Response, again: bool
) -> None:
    login = authenticator()
    assert login.refused(offer("1")) is None
    login.authorize("DESCRIBE", URL)
    before(login)
    assert (login.refused(second) is None) is again
    # And never a third time for one request.
    assert login.refused(offer("3", stale=True)) is Cause.AUTH_FAILED or not again


def test_requests_are_counted_per_nonce() -> None:
    login = authenticator()
    login.refused(unauthorized('Digest nonce="1", qop="auth"'))
    assert [field(login.authorize("PLAY", URL), "nc") for _ in range(2)] == ["00000001", "00000002"]
    login.accepted()
    login.refused(unauthorized('Digest nonce="2", qop="auth"'))
    assert field(login.authorize("PLAY", URL), "nc") == "00000001"


@given(st.lists(st.text(alphabet='aD=", \\\t\x00é') | st.text(max_size=30), max_size=4))
def test_no_challenge_raises(values: list[str]) -> None:
    for challenge in parse_challenges(values):
        if challenge.scheme == "digest" and challenge.strength is not None:
            assert digest(challenge, ADMIN, "PLAY", URL, "c", 1).startswith("Digest ")


@pytest.mark.parametrize("unit", ['"', "a", "a ", "a=", 'a="', "\\", '="\\', ", ", " ", "Basic ", 'a="b",'])
def test_long_challenges_take_linear_time(unit: str) -> None:
    began = time.process_time()
    parse_challenges([unit * (16_000 // len(unit))] * 2)
    assert time.process_time() - began < 0.5
