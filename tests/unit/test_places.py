"""Where things are: a checkout and a wheel, which configuration is taken, what its paths mean, where is written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from restream.config.places import INSTALLED, ROOT, ConfigurationOrigin, Directories, Installation
from restream.config.settings import ConfigError, Settings, load_camera_types, load_settings
from restream.preflight.host import check_files, check_host, configuration

TYPES = Path("etc/camera_types.yml")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("RESTREAM_") or name in ("PG_DSN", "LOGS_DIRECTORY", "STATE_DIRECTORY"):
            monkeypatch.delenv(name)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def written(path: Path, text: str = "{}\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def wheel(tmp_path: Path) -> Installation:
    """An installed package, on a machine of its own."""
    package = tmp_path / "site-packages" / "restream"
    for name in ("camera_types.yml", "restream_log.conf", "schema.sql"):
        written(package / "etc" / name)
    found = Installation.of(package)
    return Installation(found.checkout, found.built_in, tmp_path / "machine")


@pytest.fixture
def checkout(tmp_path: Path) -> Installation:
    for name in ("camera_types.yml", "restream_log.conf", "restream.yml"):
        written(tmp_path / "project" / "etc" / name)
    found = Installation.of(tmp_path / "project" / "src" / "restream")
    return Installation(found.checkout, found.built_in, tmp_path / "machine")


def test_these_tests_run_in_a_checkout() -> None:
    assert Path(__file__).parents[2] == INSTALLED.checkout == ROOT
    assert INSTALLED.built_in == ROOT / "etc"
    assert INSTALLED.command == "./start.sh"


def test_an_extra_of_a_checkout_is_not_looked_for_by_its_name(wheel: Installation, checkout: Installation) -> None:
    assert checkout.install_extra("snmp") == f"{sys.executable} -m pip install -e '{checkout.checkout}[snmp]'"
    assert wheel.install_extra("snmp") == f"{sys.executable} -m pip install 'restream[snmp]'"


# -- which configuration is taken --------------------------------------------------------------------------------------


def test_the_order_in_which_a_wheel_looks(wheel: Installation, tmp_path: Path) -> None:
    here, machine = tmp_path / "here/etc/restream.yml", tmp_path / "machine/etc/restream/restream.yml"
    nothing = wheel.configuration(None, {})
    assert (nothing.file, nothing.looked_at) == (None, (here, machine))
    written(machine)
    assert wheel.configuration(None, {}).file == machine
    written(here)
    assert wheel.configuration(None, {"RESTREAM_CONFIG": ""}).file == here
    named = wheel.configuration(None, {"RESTREAM_CONFIG": "other.yml"})
    assert (named.file, named.named_by) == (tmp_path / "here/other.yml", "RESTREAM_CONFIG")
    first = wheel.configuration(Path("first.yml"), {"RESTREAM_CONFIG": "other.yml"})
    assert (first.file, first.named_by) == (tmp_path / "here/first.yml", "--config")


def test_a_checkout_takes_its_own_wherever_it_is_started(checkout: Installation, tmp_path: Path) -> None:
    written(tmp_path / "here/etc/restream.yml")
    assert checkout.configuration(None, {}).file == tmp_path / "project/etc/restream.yml"


def test_a_file_that_may_not_be_looked_at_is_not_passed_over(wheel: Installation, tmp_path: Path) -> None:
    written(tmp_path / "machine/etc/restream/restream.yml")
    (tmp_path / "here/etc").symlink_to("etc")
    taken = wheel.configuration(None, {}).file
    assert taken == tmp_path / "here/etc/restream.yml"
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(taken)


def test_a_working_directory_that_is_gone_is_none(wheel: Installation, tmp_path: Path) -> None:
    machine = written(tmp_path / "machine/etc/restream/restream.yml")
    (tmp_path / "here").rmdir()
    assert wheel.configuration(None, {}).file == machine
    assert wheel.configuration(Path("x.yml"), {}).file == Path("x.yml")


@pytest.mark.parametrize("name", ["absent.yml", "."])
def test_a_file_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("RESTREAM_CONFIG", name)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings()


def test_the_settings_know_where_they_are_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = written(tmp_path / "site.yml", "http: {port: 8001}\n")
    monkeypatch.setenv("RESTREAM_CONFIG", str(file))
    monkeypatch.setenv("PG_DSN", "postgresql://u@h/d")
    settings = load_settings()
    assert (settings.http.port, settings.origin.file) == (8001, file)
    assert settings.model_copy(update={"redis": settings.redis}).origin.file == file
    assert load_settings(written(tmp_path / "other.yml")).origin.named_by == "--config"


# -- what its paths mean -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "home"),
    [
        (None, ""),
        ("/srv/site/etc/restream.yml", "/srv/site"),
        ("/etc/restream/restream.yml", "/etc/restream"),
        ("/srv/my.yml", "/srv"),
    ],
)
def test_where_the_paths_of_a_wheel_start(wheel: Installation, file: str | None, home: str) -> None:
    origin = ConfigurationOrigin(wheel, Path(file) if file else None)
    assert origin.resolve(Path("out/streams.json")) == Path(home) / "out/streams.json"
    assert origin.resolve(Path("/tmp/streams.json")) == Path("/tmp/streams.json")
    # Not one of the program's own files.
    assert origin.resolve(Path("etc/cameras.pem")) == Path(home) / "etc/cameras.pem"
    assert origin.resolve(TYPES) == wheel.built_in / "camera_types.yml"


@pytest.mark.parametrize("beside", ["camera_types.yml", "etc/camera_types.yml"])
def test_own_files_are_found_beside_the_configuration(wheel: Installation, tmp_path: Path, beside: str) -> None:
    origin = ConfigurationOrigin(wheel, written(tmp_path / "site/my.yml"))
    own = written(tmp_path / "site" / beside)
    assert origin.resolve(TYPES) == origin.own("camera_types.yml") == own


def test_own_files_without_a_configuration(wheel: Installation, tmp_path: Path) -> None:
    own = written(tmp_path / "here/etc/camera_types.yml")
    assert wheel.configuration(None, {}).resolve(TYPES).absolute() == own
    assert wheel.configuration(None, {}).own("restream_log.conf") == wheel.built_in / "restream_log.conf"


@pytest.mark.parametrize("named", [None, "site/my.yml", "site/etc/restream.yml"])
def test_all_paths_of_a_checkout_start_at_the_checkout(
    checkout: Installation, tmp_path: Path, named: str | None
) -> None:
    written(tmp_path / "site/camera_types.yml")
    written(tmp_path / "site/etc/camera_types.yml")
    origin = checkout.configuration(written(tmp_path / named) if named else None, {})
    assert origin.resolve(TYPES) == tmp_path / "project/etc/camera_types.yml"
    assert origin.own("restream_log.conf") == tmp_path / "project/etc/restream_log.conf"
    assert origin.resolve(Path("streams.json")) == tmp_path / "project/streams.json"


@pytest.mark.parametrize("path", ["", ".", "etc", "etc/", "etc/../x", "etc/" + "a" * 300, "etc/a/b", "\0", "etc/\0"])
def test_no_path_makes_resolving_fail(wheel: Installation, path: str) -> None:
    assert ConfigurationOrigin(wheel).resolve(Path(path)) == Path(path)


@pytest.mark.parametrize("path", ["etc/" + "a" * 300, "absent.yml", "etc"])
def test_camera_types_that_cannot_be_read_are_one_line(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_camera_types(Settings(cameras={"types_file": path}))


# -- where the service writes ------------------------------------------------------------------------------------------


def test_a_checkout_has_its_log(checkout: Installation, tmp_path: Path) -> None:
    (tmp_path / "machine/var/log").mkdir(parents=True)
    assert checkout.directories({"HOME": "/home/u"}).logs == tmp_path / "project/log"


def test_a_wheel_writes_where_services_do(wheel: Installation, tmp_path: Path) -> None:
    var = tmp_path / "machine/var"
    (var / "lib").mkdir(parents=True)
    assert wheel.directories({"HOME": "/home/u"}) == Directories(var / "lib/restream", var / "log/restream")


@pytest.mark.parametrize(
    ("environment", "own"),
    [
        ({"HOME": "/home/u"}, "/home/u/.local/state/restream"),
        ({"HOME": "/home/u", "XDG_STATE_HOME": "/data"}, "/data/restream"),
        # The specification has relative ones ignored.
        ({"HOME": "/home/u", "XDG_STATE_HOME": "data"}, "/home/u/.local/state/restream"),
    ],
)
def test_a_wheel_of_a_user_writes_to_his_own(
    wheel: Installation, tmp_path: Path, environment: dict[str, str], own: str
) -> None:
    # Nobody may make a directory below a file, not even root.
    written(tmp_path / "machine/var").chmod(0o755)
    assert wheel.directories(environment) == Directories(Path(own), Path(own) / "log")


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_a_user_without_a_home_gets_the_usual_places(wheel: Installation, tmp_path: Path, home: dict[str, str]) -> None:
    var = written(tmp_path / "machine/var")
    assert wheel.directories(home) == Directories(var / "lib/restream", var / "log/restream")


@pytest.mark.parametrize("kind", ["wheel", "checkout"])
def test_systemd_says_where(kind: str, request: pytest.FixtureRequest) -> None:
    installation: Installation = request.getfixturevalue(kind)
    given = {"LOGS_DIRECTORY": "/var/log/one:/var/log/two", "STATE_DIRECTORY": "/var/lib/one"}
    assert installation.directories(given) == Directories(Path("/var/lib/one"), Path("/var/log/one"))
    assert installation.directories(given | {"STATE_DIRECTORY": ""}).logs == Path("/var/log/one")


# -- what the check says of it -----------------------------------------------------------------------------------------


def test_the_check_says_which_was_taken_or_looked_for(wheel: Installation, tmp_path: Path) -> None:
    said = configuration(wheel.configuration(None, {})).text
    assert str(tmp_path / "here/etc/restream.yml") in said and str(tmp_path / "machine") in said
    assert configuration(wheel.configuration(Path("a.yml"), {})).text == f"{tmp_path}/here/a.yml (--config)"
    found = {finding.name: finding.text for finding in check_host(load_settings())}
    assert found["configuration"] == str(ROOT / "etc/restream.yml")
    assert found["camera types"] == str(ROOT / TYPES)


def test_the_check_says_where_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGS_DIRECTORY", str(tmp_path / "logs"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    found = {finding.name: finding.text for finding in check_files(Settings())}
    assert str(tmp_path / "logs") in found["log directory"]
    assert str(tmp_path / "state") in found["state directory"]
