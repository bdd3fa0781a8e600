"""How simulated cameras ask for login and password."""

import base64

import pytest

from restream.demo.behaviours.login import ChecksLogin, LoginScheme
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from tests.support.camera_dialogue import Answered, Dialogue, digest

MD5, SHA256, BASIC = LoginScheme.MD5, LoginScheme.SHA256, LoginScheme.BASIC
LOGIN, PASSWORD = "ad min", "p:w/ß"


def camera(check: ChecksLogin) -> SimulatedCamera:
    return SimulatedCamera(Clip.load("h264"), login=LOGIN, password=PASSWORD, behaviours=(check,))


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"{LOGIN}:{password}".encode()).decode()


def try_it(dialogue: Dialogue, challenge: str, method: str = "DESCRIBE", password: str = PASSWORD) -> Answered:
    given = digest(challenge, method, LOGIN, password)
    return dialogue.ask(method, 0 if method == "SETUP" else None, Authorization=given)


@pytest.mark.parametrize(
    ("schemes", "offered"),
    [
        ((SHA256,), ["SHA-256"]),
        ((SHA256, MD5), ["SHA-256", "MD5"]),
        ((MD5, SHA256), ["MD5", "SHA-256"]),
    ],
)
async def test_each_offer_in_its_order_lets_in(schemes: tuple[LoginScheme, ...], offered: list[str]) -> None:
    it = camera(ChecksLogin(schemes))
    challenges = Dialogue(it).ask("DESCRIBE").challenges
    assert [challenge.partition("algorithm=")[2] for challenge in challenges] == offered
    for challenge in challenges:
        assert try_it(Dialogue(it), challenge).status == 200
        assert try_it(Dialogue(it), challenge, password="other").status == 401
    assert it.auth_failures_total == len(challenges)
    only_md5 = challenges[0].replace("SHA-256", "MD5")
    assert (try_it(Dialogue(it), only_md5).status == 200) == (MD5 in schemes)


async def test_basic_alone_takes_no_digest() -> None:
    it = camera(ChecksLogin((BASIC,)))
    assert Dialogue(it).ask("DESCRIBE").challenges == ['Basic realm="camera"']
    assert Dialogue(it).ask("DESCRIBE", Authorization=basic(PASSWORD)).status == 200
    assert Dialogue(it).ask("DESCRIBE", Authorization=basic("other")).status == 401
    offered = f'Digest realm="camera", nonce="{it.nonces.issue()}", algorithm=MD5'
    assert try_it(Dialogue(it), offered).status == 401


async def test_a_quality_of_protection_is_insisted_on() -> None:
    dialogue = Dialogue(camera(ChecksLogin(qop=True)))
    challenge = dialogue.ask("DESCRIBE").challenges[0]
    assert 'qop="auth"' in challenge
    assert try_it(dialogue, challenge.replace(', qop="auth"', "")).status == 401
    assert try_it(dialogue, challenge).status == 200


@pytest.mark.parametrize("tells_stale", [True, False])
async def test_a_nonce_is_good_for_one_request(tells_stale: bool) -> None:
    it = camera(ChecksLogin(nonce_uses=1, tells_stale=tells_stale))
    dialogue = Dialogue(it)
    first = dialogue.ask("DESCRIBE").challenges[0]
    assert "stale" not in first
    assert try_it(dialogue, first).status == 200
    refused = try_it(dialogue, first, "SETUP")
    assert refused.status == 401 and ("stale=true" in refused.challenges[0]) == tells_stale
    assert try_it(dialogue, refused.challenges[0], "SETUP").status == 200
    assert it.auth_failures_total == 0


async def test_a_nonce_that_was_never_given_out_is_stale_and_no_failure() -> None:
    it = camera(ChecksLogin())
    foreign = 'Digest realm="camera", nonce="5", algorithm=MD5'
    assert "stale=true" in try_it(Dialogue(it), foreign).challenges[0]
    assert "stale=true" not in try_it(Dialogue(it), foreign, password="other").challenges[0]
    assert it.auth_failures_total == 1


async def test_a_nonce_outlives_the_connection_that_was_closed_with_it() -> None:
    it = camera(ChecksLogin(closes=True))
    refused = Dialogue(it).ask("DESCRIBE")
    assert refused.status == 401 and refused.closed
    let_in = try_it(Dialogue(it), refused.challenges[0])
    assert let_in.status == 200 and not let_in.closed


async def test_refusals_without_a_challenge_and_with_another_status() -> None:
    refused = Dialogue(camera(ChecksLogin(challenges=False))).ask("DESCRIBE")
    assert (refused.status, refused.challenges, refused.closed) == (401, [], False)
    assert Dialogue(camera(ChecksLogin(status=403))).ask("DESCRIBE").status == 403


async def test_an_account_is_locked_after_wrong_tries() -> None:
    it = camera(ChecksLogin(locks_after=2))
    challenge = Dialogue(it).ask("DESCRIBE").challenges[0]
    assert try_it(Dialogue(it), challenge).status == 200
    for wrong in (1, 2):
        assert try_it(Dialogue(it), challenge, password="other").status == 401
        assert it.auth_failures_total == wrong
    assert try_it(Dialogue(it), challenge).status == 401, "the right password comes too late"
    assert it.auth_failures_total == 3
    assert Dialogue(it).ask("DESCRIBE").status == 401
    assert it.auth_failures_total == 3


async def test_options_too_may_need_a_login() -> None:
    assert Dialogue(camera(ChecksLogin())).ask("OPTIONS").status == 200
    assert Dialogue(camera(ChecksLogin(exempt=()))).ask("OPTIONS").status == 401


async def test_without_a_login_everybody_is_let_in() -> None:
    it = SimulatedCamera(Clip.load("h264"), behaviours=(ChecksLogin((SHA256,)),))
    assert Dialogue(it).ask("DESCRIBE").status == 200
