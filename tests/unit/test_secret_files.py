"""Secrets in files: every key that is one, each way to name its file, and one line without it for every mistake."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from restream.config.places import ROOT
from restream.config.secret_files import MOST_BYTES, is_secret, read_secret, secret_values
from restream.config.settings import ConfigError, Settings, load_settings
from tests.unit.test_reference import KEYS

SECRETS = [path for path, field in KEYS.items() if is_secret(field.annotation)]
HIDDEN = "sEcret-in-a-file"
FITTING = {"dsn": f"postgresql://u:{HIDDEN}@h/db", "url": f"redis://:{HIDDEN}@h/0"}

Give = Callable[[pytest.MonkeyPatch, Path, tuple[str, ...], Path], None]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("RESTREAM_", "PG_DSN", "CREDENTIALS_DIR")):
            monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "restream.yml"
    path.write_text("{}", encoding="utf-8")
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{HIDDEN}\n", encoding="utf-8")
    return path


def problem(config: Path, document: object = None) -> str:
    if document is not None:
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(config)
    assert "\n" not in str(caught.value) and "sEcret" not in str(caught.value)
    return str(caught.value)


def in_the_file(monkeypatch: pytest.MonkeyPatch, config: Path, path: tuple[str, ...], secret: Path) -> None:
    document: object = {"file": str(secret)}
    for name in reversed(path):
        document = {name: document}
    config.write_text(yaml.safe_dump(document), encoding="utf-8")


def by_variable(monkeypatch: pytest.MonkeyPatch, config: Path, path: tuple[str, ...], secret: Path) -> None:
    monkeypatch.setenv(f"RESTREAM_{'__'.join(path).upper()}_FILE", str(secret))


def by_credential(monkeypatch: pytest.MonkeyPatch, config: Path, path: tuple[str, ...], secret: Path) -> None:
    directory = config.parent / "credentials"
    directory.mkdir(exist_ok=True)
    secret.rename(directory / ".".join(path))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(directory))


WAYS = (in_the_file, by_variable, by_credential)


# -- every secret, every way -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("give", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("path", SECRETS, ids=".".join)
def test_every_secret_may_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, config: Path, secret: Path, path: tuple[str, ...], give: Give
) -> None:
    value = FITTING.get(path[-1], HIDDEN)
    secret.write_text(f"{value}\n", encoding="utf-8")
    give(monkeypatch, config, path, secret)
    found = dict(secret_values(load_settings(config)))
    assert found[".".join(path)].get_secret_value() == value


def test_what_looks_like_a_secret_is_one() -> None:
    names = ("password", "token", "secret", "dsn")
    missing = [path for path in KEYS if path[-1].split("_")[-1] in names and path not in SECRETS]
    assert missing == [] and len(SECRETS) >= 12


def test_a_webhook_and_a_further_server_may_name_files(config: Path, secret: Path, tmp_path: Path) -> None:
    url = tmp_path / "url"
    url.write_text("https://hooks.example/sEcret\n", encoding="utf-8")
    file = {"file": str(secret)}
    west = {"api_url": "http://w:1", "rtsp_url": "rtsp://w:1", "api_password": file}
    document = {
        "alerts": {"webhooks": [{"url": {"file": str(url)}, "secret": file}]},
        "mediamtx": {"servers": {"west": west}},
    }
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    settings = load_settings(config)
    found = {key: value.get_secret_value() for key, value in secret_values(settings)}
    assert found["alerts.webhooks.0.url"] == "https://hooks.example/sEcret"
    assert found["alerts.webhooks.0.secret"] == found["mediamtx.servers.west.api_password"] == HIDDEN
    assert HIDDEN in settings.secrets()


@pytest.mark.parametrize("by", ["variable", "JSON", "credential"])
def test_a_further_server_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, config: Path, secret: Path, by: str
) -> None:
    west: dict[str, object] = {"api_url": "http://w:1", "rtsp_url": "rtsp://w:1"}
    variable = "RESTREAM_MEDIAMTX__SERVERS"
    if by == "JSON":
        west["api_password"] = {"file": str(secret)}
    elif by == "credential":
        by_credential(monkeypatch, config, ("mediamtx", "servers", "west", "api_password"), secret)
    if by == "variable":
        variables = {**west, "api_password_file": str(secret)}
        for key, value in variables.items():
            monkeypatch.setenv(f"{variable}__WEST__{key.upper()}", str(value))
    else:
        monkeypatch.setenv(variable, json.dumps({"west": west}))
    password = load_settings(config).mediamtx.servers["west"].api_password
    assert password is not None and password.get_secret_value() == HIDDEN


def test_the_dsn_that_wins_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, config: Path, secret: Path) -> None:
    secret.write_text(FITTING["dsn"], encoding="utf-8")
    monkeypatch.setenv("RESTREAM_DATABASE__DSN", "postgresql://other/db")
    monkeypatch.setenv("PG_DSN_FILE", str(secret))
    dsn = load_settings(config, pg_dsn="postgresql://argument/db").database.dsn
    assert dsn is not None and dsn.get_secret_value() == FITTING["dsn"]
    secret.write_text("mysql://u:sEcret@h", encoding="utf-8")
    assert problem(config).startswith("PG_DSN_FILE: expected postgresql://")
    secret.unlink()
    assert problem(config) == f"PG_DSN_FILE: {secret}: cannot be read: No such file or directory"


# -- a password beside its address -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "key", "address", "whole"),
    [
        ("database", "dsn", "postgresql://u@h/db", "postgresql://u:p%40s%2Fs%25@h/db"),
        (
            "database",
            "dsn",
            "postgresql://u@a:1,b:2/db?sslmode=require",
            "postgresql://u:p%40s%2Fs%25@a:1,b:2/db?sslmode=require",
        ),
        ("nodes", "dsn", "postgresql://h/db", "postgresql://:p%40s%2Fs%25@h/db"),
        ("redis", "url", "rediss://h:1/0", "rediss://:p%40s%2Fs%25@h:1/0"),
        ("redis", "url", "unix:///run/redis.sock?db=1", "unix://:p%40s%2Fs%25@/run/redis.sock?db=1"),
    ],
)
def test_a_password_of_its_own_is_put_into_the_address(
    config: Path, secret: Path, section: str, key: str, address: str, whole: str
) -> None:
    secret.write_text("p@s/s%", encoding="utf-8")
    document = {section: {key: address, "password": {"file": str(secret)}}}
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    settings = load_settings(config)
    assert getattr(getattr(settings, section), key).get_secret_value() == whole
    assert {"p@s/s%", "p%40s%2Fs%25"} <= set(settings.secrets())
    twice = {section: {key: address.replace("://", "://x:sEcret@").replace("u@", ""), "password": "sEcret"}}
    assert (
        problem(config, twice) == f"{section}: the address has a password already: keep that one, or the key password"
    )


def test_pg_dsn_takes_the_password_of_a_file(monkeypatch: pytest.MonkeyPatch, config: Path, secret: Path) -> None:
    monkeypatch.setenv("PG_DSN", "postgresql://u@h/db")
    monkeypatch.setenv("RESTREAM_DATABASE__PASSWORD_FILE", str(secret))
    dsn = load_settings(config).database.dsn
    assert dsn is not None and dsn.get_secret_value() == f"postgresql://u:{HIDDEN}@h/db"
    monkeypatch.setenv("PG_DSN", "postgresql://u:sEcret@h/db")
    assert problem(config).startswith("PG_DSN: the address has a password already")


# -- given twice -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "variables", "credential", "expected"),
    [
        ({}, {"RESTREAM_HTTP__TOKEN": "sEcret", "RESTREAM_HTTP__TOKEN_FILE": "{file}"}, "", "http.token: its variable"),
        ({}, {"RESTREAM_HTTP__TOKEN": "sEcret"}, "http.token", "http.token: its variable is set, and there is a cred"),
        ({}, {"RESTREAM_HTTP__TOKEN_FILE": "{file}"}, "http.token", "http.token: its variable is set, and there is a"),
        ({"http": {"token": "sEcret"}}, {"RESTREAM_HTTP__TOKEN_FILE": "{file}"}, "", "http.token: is given as a value"),
        ({"http": {"token": "sEcret"}}, {}, "http.token", "http.token: is given as a value and as a file"),
        ({"http": {"token": {"file": "{file}"}}}, {"RESTREAM_HTTP__TOKEN": "sEcret"}, "", "http.token: is given as a"),
        ({}, {"PG_DSN": "postgresql://h/sEcret", "PG_DSN_FILE": "{file}"}, "", "PG_DSN: PG_DSN_FILE is set too"),
    ],
)
def test_a_secret_that_is_given_twice(
    monkeypatch: pytest.MonkeyPatch,
    config: Path,
    secret: Path,
    document: object,
    variables: dict[str, str],
    credential: str,
    expected: str,
) -> None:
    config.write_text(yaml.safe_dump(document).replace("{file}", str(secret)), encoding="utf-8")
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("{file}", str(secret)))
    if credential:
        by_credential(monkeypatch, config, tuple(credential.split(".")), secret)
    assert problem(config).startswith(expected)


def test_the_defaults_that_the_commented_file_repeats_are_no_second_value(
    monkeypatch: pytest.MonkeyPatch, config: Path, secret: Path
) -> None:
    secret.write_text(FITTING["url"], encoding="utf-8")
    monkeypatch.setenv("RESTREAM_REDIS__URL_FILE", str(secret))
    url = load_settings(ROOT / "etc" / "restream.yml").redis.url
    assert url is not None and url.get_secret_value() == FITTING["url"]


def test_an_empty_variable_names_no_file(monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    monkeypatch.setenv("RESTREAM_HTTP__TOKEN_FILE", "")
    monkeypatch.setenv("RESTREAM_HTTP__TOKEN", "sEcret")
    assert load_settings(config).http.token is not None


# -- files that cannot be used -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\r\n", "is empty"),
        (b"\xff\xfesEcret", "is no UTF-8 text"),
        (b"sEcret\n\n", "has more than one line"),
        (b"sEcret\nmore", "has more than one line"),
        (b"sEcret\0", "has more than one line, or control characters"),
        (b"x" * (MOST_BYTES + 1), "is longer than 64 KiB"),
    ],
)
@pytest.mark.parametrize("give", WAYS, ids=lambda way: way.__name__)
def test_a_file_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, config: Path, secret: Path, give: Give, content: bytes, trouble: str
) -> None:
    secret.write_bytes(content)
    give(monkeypatch, config, ("http", "token"), secret)
    text = problem(config)
    assert text.startswith("http.token: /") and trouble in text and len(text) < 300


@pytest.mark.parametrize("kind", ["missing", "directory", "pipe"])
def test_what_is_no_file(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "other"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    by_variable(monkeypatch, config, ("http", "token"), path)
    assert problem(config).startswith(f"http.token: {path}: ")


@pytest.mark.parametrize(
    "value", [{"file": "secret"}, {"file": "/a\nb"}, {"file": 5}, {"fill": "/x"}, {}, {"file": "/x", "more": 1}, ["x"]]
)
def test_what_is_no_way_to_name_a_file(config: Path, value: object) -> None:
    assert problem(config, {"http": {"token": value}}).startswith("http.token: ")


@pytest.mark.parametrize("name", ["http.tokn", "http.port", "mediamtx.servers", "mediamtx.servers.west", "http.a.b"])
def test_a_credential_that_is_no_secret_of_ours(
    monkeypatch: pytest.MonkeyPatch, config: Path, secret: Path, name: str
) -> None:
    by_credential(monkeypatch, config, (name,), secret)
    assert problem(config) == f"credential {name}: there is no such key, or it is no secret"


def test_credentials_of_somebody_else_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, config: Path, secret: Path
) -> None:
    by_credential(monkeypatch, config, ("tls.key",), secret)
    assert load_settings(config).model_dump() == Settings().model_dump()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/nowhere/credentials")
    assert problem(config).startswith("CREDENTIALS_DIRECTORY: cannot be read")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1), st.sampled_from(["", "\n", "\r\n"]))
def test_a_secret_is_read_as_it_is_but_for_one_line_end(
    tmp_path_factory: pytest.TempPathFactory, text: str, end: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(f"{text}{end}".encode())
    assert read_secret(str(path)) == text


# -- passwords that spoil their URL ------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", "@/#?")
@pytest.mark.parametrize("before", ["sEcret", "2024"])
def test_a_character_of_a_password_that_must_be_encoded_is_named(config: Path, before: str, character: str) -> None:
    url = f"u:{before}{character}sEcret@h:5432/db"
    wanted = {"@": "%40", "/": "%2F", "#": "%23", "?": "%3F"}[character]
    text = f"a {character} in the password must be written as {wanted}"
    assert problem(config, {"database": {"dsn": f"postgresql://{url}"}}) == f"database.dsn: {text}"
    if character != "@":  # which the driver of Redis reads as it is meant
        assert problem(config, {"redis": {"url": f"redis://{url}"}}) == f"redis.url: {text}"


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:p%40%2F@h/db",
        "postgresql://h/db?options=a@b",
        "postgresql://h:1/db?application_name=a@b",
        "postgresql:///db",
        "postgresql://u:100%@h/db",
    ],
)
def test_what_works_is_left_alone(config: Path, dsn: str) -> None:
    config.write_text(yaml.safe_dump({"database": {"dsn": dsn}}), encoding="utf-8")
    assert load_settings(config).database.dsn is not None
