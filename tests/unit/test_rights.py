"""Who may ask what: the table of rights, the accounts of the configuration, and what is signed for them."""

from __future__ import annotations

import asyncio
import io
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from restream.adapters.passwords import Argon2Passwords, hash_password
from restream.config.settings import ConfigError, Settings, load_settings
from restream.domain.access.accounts import Account, AccountKind, Accounts
from restream.domain.access.caller import EVERYBODY, NOBODY, Caller, Role
from restream.domain.access.grants import Grant, Grants
from restream.domain.camera.secret import Secret
from restream.interfaces.http import signing
from restream.interfaces.http.openapi.operations import OPERATIONS
from restream.interfaces.http.rights import RIGHTS, Reach
from restream.ports.passwords import PasswordsBusyError
from restream.service.password_prompt import print_hash
from tests.unit.test_openapi import application_routes

NOW = 1_800_000_000.0
ANNA = Account(AccountKind.TOKEN, "anna", Role.OPERATE, Secret("anna's token"), frozenset({"North"}), NOW + 60)


# -- the table ---------------------------------------------------------------------------------------------------------


def test_every_route_says_what_it_needs_and_nothing_else_does() -> None:
    routes = {(method, path) for method, path in application_routes() if method != "HEAD"}
    assert routes - RIGHTS.keys() == set(), "say in interfaces/http/rights.py who may ask this"
    assert RIGHTS.keys() - routes == set(), "there is no such route"


def test_the_description_says_of_each_route_what_the_table_says() -> None:
    needed = {(each.method.upper(), each.path): each.access for each in OPERATIONS}
    words = {None: "open", Role.SEE: "read", Role.OPERATE: "write", Role.CONFIGURE: "write"}
    assert {route: words[right.role] for route, right in RIGHTS.items()} == needed


def test_what_is_of_one_camera_is_checked_by_the_door() -> None:
    of_one = {path for _, path in RIGHTS if path.startswith("/api/cameras/{id}")}
    assert of_one
    assert all(RIGHTS[route].reach is Reach.CAMERA for route in RIGHTS if route[1] in of_one)
    assert all("{id}" in path for (_, path), right in RIGHTS.items() if right.reach is Reach.CAMERA)


def test_what_changes_anything_needs_more_than_seeing() -> None:
    writing = {route: right.role for route, right in RIGHTS.items() if route[0] != "GET"}
    assert {route for route, role in writing.items() if role in (None, Role.SEE)} == {
        ("POST", "/api/login"),
        ("POST", "/api/logout"),
    }


# -- roles and accounts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (None, ()),
        (Role.SEE, (Role.SEE,)),
        (Role.OPERATE, (Role.SEE, Role.OPERATE)),
        (Role.CONFIGURE, tuple(Role)),
    ],
)
def test_each_role_may_what_those_before_it_may(role: Role | None, may: tuple[Role, ...]) -> None:
    assert tuple(each for each in Role if Caller("x", role).may(each)) == may


def test_who_is_confined_to_sites_sees_no_other_and_none_without_a_site() -> None:
    caller = ANNA.caller("10.0.0.1")
    assert (caller.sees("North"), caller.sees("South"), caller.sees("north"), caller.sees("")) == (True, *[False] * 3)
    assert EVERYBODY.sees("") and not NOBODY.sees("")


def test_a_token_leads_to_its_account_until_it_expires() -> None:
    accounts = Accounts.of([ANNA])
    assert accounts.holder(b"anna's token", NOW) is ANNA
    assert accounts.holder(b"anna's token", NOW + 60) is None
    assert accounts.holder(b"another", NOW) is None
    assert accounts.named("token", "anna", NOW) is ANNA
    assert accounts.named("token", "anna", NOW + 60) is accounts.named("user", "anna", NOW) is None
    assert accounts.named("nonsense", "anna", NOW) is None
    assert not Accounts() and accounts


def test_what_was_shown_last_ends_first() -> None:
    assert ANNA.caller("", NOW + 30).expires_at == NOW + 30
    assert ANNA.caller("", NOW + 90).expires_at == NOW + 60


def test_nobody_reads_a_token_off_an_account() -> None:
    assert "anna's token" not in f"{ANNA!r} {Accounts.of([ANNA])!r} {ANNA.fingerprint}"


# -- what is signed ----------------------------------------------------------------------------------------------------

KEY = Secret("k" * 32)


def test_a_session_says_whose_it_is_and_holds_with_its_key_and_proof_alone() -> None:
    value = signing.written(KEY, NOW + 60, "user", "Анна: ü.", "proof")
    found = signing.read(value, NOW)
    assert found is not None and (found.kind, found.name, found.expires_at) == ("user", "Анна: ü.", NOW + 60)
    assert found.is_signed(KEY, "proof")
    assert not found.is_signed(KEY, "another") and not found.is_signed(Secret("j" * 32), "proof")
    assert signing.read(value, NOW + 60) is None


def test_no_part_of_a_session_can_be_changed() -> None:
    value = signing.written(KEY, NOW + 60, "user", "anna", "proof")
    expires, signature, whose = value.split(".")
    other = signing.written(KEY, NOW + 60, "user", "bert", "proof").split(".")
    as_token = signing.written(KEY, NOW + 60, "token", "anna", "proof").split(".")
    holder = signing.written(KEY, NOW + 60).split(".")
    forged = [
        f"{int(expires) + 1}.{signature}.{whose}",
        f"{expires}.{signature}.{other[2]}",
        f"{expires}.{signature}.{as_token[2]}",
        f"{expires}.{signature}",
        f"{expires}.{holder[1]}.{whose}",
        f"{expires}.{signature[:-1]}.{whose}",
        f"{expires}..{whose}",
    ]
    for each in forged:
        found = signing.read(each, NOW)
        assert found is None or not found.is_signed(KEY, "proof" if found.kind else ""), each


@pytest.mark.parametrize(
    "value", ["", ".", "..", "1.2.3", "9" * 20, f"{NOW + 9:.0f}.x.!", f"{NOW + 9:.0f}.x.w7w", "x" * 9999]
)
def test_what_is_no_session_is_none(value: str) -> None:
    found = signing.read(value, NOW)
    assert found is None or not found.is_signed(KEY)


# -- passwords ---------------------------------------------------------------------------------------------------------


async def test_a_password_is_compared_with_its_hash_and_nobody_is_told_from_nobody() -> None:
    passwords = Argon2Passwords()
    known = Secret(hash_password("correct horse"))
    assert known.reveal().startswith("$argon2id$") and "horse" not in known.reveal()
    assert await passwords.matches(known, "correct horse")
    assert not await passwords.matches(known, "correct hors")
    assert not await passwords.matches(known, "\udcff")
    assert not await passwords.matches(None, "correct horse")
    assert not await passwords.matches(Secret("$argon2id$v=19$m=8,t=1,p=1$x"), "correct horse")
    passwords.close()


async def test_a_flood_of_passwords_is_sent_away_and_whoever_leaves_makes_room() -> None:
    passwords, known = Argon2Passwords(), Secret(hash_password("correct horse"))
    tries = [asyncio.create_task(passwords.matches(known, "wrong")) for _ in range(100)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    busy = [each for each in found if isinstance(each, PasswordsBusyError)]
    assert len(busy) == 84 and found.count(False) == 16
    left = [asyncio.create_task(passwords.matches(known, "wrong")) for _ in range(16)]
    await asyncio.sleep(0)
    for each in left:
        each.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    assert await passwords.matches(known, "correct horse")
    passwords.close()


def test_hash_password_reads_a_line_and_prints_what_the_configuration_takes(tmp_path: Path) -> None:
    printed = io.StringIO()
    assert print_hash(io.StringIO("correct horse \n"), printed) == 0
    anna = {"name": "anna", "password_hash": printed.getvalue().strip(), "role": "operate", "sites": ["North"]}
    found = load(tmp_path, users=[anna]).api.accounts.named("user", "anna", time.time())
    assert found is not None and (found.role, found.sites) == (Role.OPERATE, frozenset({"North"}))
    assert load(tmp_path, users=[anna]).api.accounts.holder(found.proof.reveal().encode(), time.time()) is None
    for text in ("", "short\n", "x" * 300):
        with pytest.raises(ConfigError, match="10 to 256"):
            print_hash(io.StringIO(text), printed)


# -- the configuration -------------------------------------------------------------------------------------------------


def load(tmp_path: Path, **api: Any) -> Settings:
    file = tmp_path / "restream.yml"
    file.write_text(yaml.safe_dump({"api": api, "http": {"host": "0.0.0.0"}}))
    return load_settings(file)


HASH = hash_password("correct horse")
OIDC = {"issuer": "https://login.example", "client_id": "r", "roles": {"cctv": {"role": "see", "sites": ["North"]}}}
WALL = {"name": "wall", "token": "0123456789abcdef", "role": "see"}


def test_tokens_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    anna = {"name": "Anna", "token": {"file": str(tmp_path / "secret")}, "role": "operate", "sites": ["North"]}
    settings = load(tmp_path, tokens=[WALL, anna | {"expires": datetime(2100, 1, 1, tzinfo=UTC)}])
    found = settings.api.accounts.holder(b"from a file", time.time())
    assert found is not None
    assert (found.name, found.role, found.sites) == ("Anna", Role.OPERATE, frozenset({"North"}))
    assert found.expires_at == datetime(2100, 1, 1, tzinfo=UTC).timestamp()
    assert {"from a file", "0123456789abcdef"} <= set(settings.secrets())


@pytest.mark.parametrize(
    ("api", "told"),
    [
        ({"tokens": [{"name": "wall", "token": "x"}]}, "api.tokens.0.role: Field required"),
        ({"tokens": [WALL | {"role": "root"}]}, "api.tokens.0.role: Input should be 'see', 'operate' or 'configure'"),
        ({"tokens": [WALL | {"token": ""}]}, "api.tokens.0.token: is empty"),
        ({"tokens": [WALL | {"sites": []}]}, "api.tokens.0.sites: name at least one site"),
        ({"tokens": [WALL | {"name": "a\nb"}]}, "api.tokens.0.name: expected 1 to 64 printable"),
        ({"tokens": [WALL | {"name": "token"}]}, "api.tokens.0.name: token is what the holder"),
        ({"tokens": [WALL, WALL]}, "api: the name 'wall' is given twice"),
        ({"tokens": [WALL, WALL | {"name": "b"}]}, "api: b and wall have the same token"),
        (
            {"users": [{"name": "a", "password_hash": "plain", "role": "see"}]},
            "api.users.0.password_hash: expected what",
        ),
        ({"users": [{"name": "wall", "password_hash": HASH, "role": "see"}], "tokens": [WALL]}, "api: the name 'wall'"),
        ({}, "http: host 0.0.0.0 is not loopback"),
        ({"oidc": OIDC | {"issuer": "http://login.example"}}, "api.oidc.issuer: expected https: over http"),
        ({"oidc": OIDC | {"issuer": "login.example"}}, "api.oidc.issuer: expected https://host"),
        ({"oidc": OIDC | {"scopes": ["profile"]}}, "api.oidc.scopes: openid must be among them"),
        ({"oidc": OIDC | {"roles": {}}}, "api.oidc.roles"),
        ({"oidc": OIDC | {"roles": {"cctv": {"role": "root"}}}}, "api.oidc.roles.cctv.role: Input should be"),
    ],
)
def test_what_is_wrong_with_accounts_is_one_line(tmp_path: Path, api: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **api)
    assert str(caught.value).startswith(told)
    assert "0123456789abcdef" not in str(caught.value)


def test_an_identity_provider_is_somebody_who_is_let_in(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s&cret\n")
    settings = load(tmp_path, oidc=OIDC | {"client_secret": {"file": str(tmp_path / "secret")}})
    accounts = settings.api.accounts
    assert accounts and "s&cret" in settings.secrets()
    assert accounts.grants.value_of({"groups": ["staff", "cctv"]}) == "cctv"
    found = accounts.granted("cctv", "anna")
    assert found is not None and (found.role, found.sites) == (Role.SEE, frozenset({"North"}))
    assert accounts.named("oidc", found.session_name, time.time()) == found
    assert accounts.granted("staff", "anna") is accounts.granted("cctv", "") is None


@pytest.mark.parametrize(
    ("claim", "claims", "value"),
    [
        ("groups", {}, None),
        ("groups", {"groups": "b"}, "b"),
        ("groups", {"groups": ["x", "b", "a"]}, "a"),
        ("groups", {"groups": [["a"], {"a": 1}, 7, None]}, None),
        ("realm_access.roles", {"realm_access": {"roles": ["b"]}}, "b"),
        ("https://x.example/roles", {"https://x.example/roles": ["b"]}, "b"),
        ("realm_access.roles", {"realm_access": "roles"}, None),
    ],
)
def test_the_first_value_that_was_granted_counts(claim: str, claims: dict[str, object], value: str | None) -> None:
    by_value = {"a": Grant(Role.CONFIGURE), "b": Grant(Role.SEE)}
    assert Grants("p", claim, by_value).value_of(claims) == value
