"""The command line without a service: which program it is, the configuration to start from, what no command means."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from restream import __version__, cli, version
from restream.config.places import ROOT
from restream.config.settings import ConfigError, Settings
from restream.version import commit_of, version_line

COMMIT = re.compile(r"[0-9a-f]{12}(-dirty)?")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("RESTREAM_", "GIT_")) or name == "PG_DSN":
            monkeypatch.delenv(name)
    monkeypatch.setattr(cli, "_log", lambda settings: None)


# -- which program it is -----------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    made = tmp_path / "repository"
    (made / "inner").mkdir(parents=True)
    (made / "inner" / "file").write_text("one", encoding="utf-8")
    names = ("-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false")
    for words in (["init", "-q"], ["add", "."], [*names, "commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run(["git", "-C", str(made), *words], check=True)
    return made


def test_a_commit_is_told_with_what_was_changed_since(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(repository / "inner"))
    clean = commit_of(repository)
    assert COMMIT.fullmatch(clean) and "dirty" not in clean
    (repository / "inner" / "file").write_text("another", encoding="utf-8")
    assert commit_of(repository) == f"{clean}-dirty"


def test_the_repository_of_another_project_is_not_ours(repository: Path) -> None:
    assert commit_of(repository / "inner") == ""


def test_without_git_there_is_no_commit(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken" / ".git").mkdir(parents=True)
    assert commit_of(tmp_path / "broken") == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(repository) == ""


def test_what_a_build_recorded_is_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(version, "__file__", str(tmp_path / "version.py"))
    (tmp_path / "COMMIT").write_text("0123456789ab\n", encoding="ascii")
    assert version_line() == f"restream {__version__} (0123456789ab)"


def test_the_version_is_told_without_a_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESTREAM_CONFIG", "/nonexistent.yml")
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    told = re.fullmatch(rf"restream {re.escape(__version__)}(?: \((.+)\))?\n", capsys.readouterr().out)
    assert told is not None and (told[1] or "") == commit_of(ROOT)


# -- a configuration to start from -------------------------------------------------------------------------------------


def test_the_configuration_is_printed_whatever_the_present_one_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESTREAM_CONFIG", "/nonexistent.yml")
    assert cli.main(["config"]) == 0
    assert capsys.readouterr().out == (ROOT / "etc" / "restream.yml").read_text(encoding="utf-8")


def test_a_file_of_somebody_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "restream.yml"
    file.write_text("http: {port: 8001}\n", encoding="utf-8")
    assert cli.main(["config", "--output", str(file)]) == 2
    assert capsys.readouterr() == ("", f"restream: {file} is there already; --force replaces it\n")
    assert file.read_text(encoding="utf-8") == "http: {port: 8001}\n"
    (tmp_path / "link.yml").symlink_to("absent")
    assert cli.main(["config", "--output", str(tmp_path / "link.yml")]) == 2
    for name, options in (("restream.yml", ["--force"]), ("new.yml", [])):
        assert cli.main(["config", *options, "--output", str(tmp_path / name)]) == 0
        assert "\ndatabase:\n" in (tmp_path / name).read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_to_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("absent/restream.yml", "."):
        assert cli.main(["config", "--force", "--output", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


# -- what no command means ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "or_demo", "dsn", "done"),
    [
        ([], True, "", "demo"),
        (["--plain"], True, "", "demo"),
        (["run"], True, "", "exit code 2"),
        ([], False, "", "exit code 2"),
        (["--or-demo", "run"], False, "", "demo"),
        ([], True, "postgresql://u@127.0.0.1/d", "service"),
    ],
)
def test_only_the_installed_program_without_a_command_is_the_demo(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], or_demo: bool, dsn: str, done: str
) -> None:
    seen: list[str] = []

    async def demo(*_: object) -> int:
        seen.append("demo")
        return 0

    async def serve(*_: object, plain: bool, manifest: None) -> None:
        seen.append("service")

    monkeypatch.setattr(cli, "_demo", demo)
    monkeypatch.setattr(cli, "serve", serve)
    monkeypatch.setenv("PG_DSN", dsn)
    monkeypatch.setenv("RESTREAM_CONFIG", "/dev/null")
    if code := cli.main(arguments, or_demo=or_demo):
        seen.append(f"exit code {code}")
    assert seen == [done]


def test_a_reload_reads_the_file_that_was_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "restream.yml"
    file.write_text("http: {port: 8001}\n", encoding="utf-8")
    loaded: list[int] = []

    async def serve(settings: Settings, load: Callable[[], Settings], *, plain: bool, manifest: None) -> None:
        monkeypatch.delenv("RESTREAM_CONFIG")
        loaded.append(load().http.port)
        await asyncio.to_thread(file.unlink)
        # Other files, or the defaults, are no substitute for it.
        with pytest.raises(ConfigError, match="cannot be read"):
            load()

    monkeypatch.setattr(cli, "serve", serve)
    monkeypatch.setenv("PG_DSN", "postgresql://u@127.0.0.1/d")
    monkeypatch.setenv("RESTREAM_CONFIG", str(file))
    assert cli.main(["run"]) == 0
    assert loaded == [8001]
