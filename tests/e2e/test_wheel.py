"""A wheel, installed where there is no checkout: everything the program needs comes with it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from restream import __version__
from restream.config.places import ROOT
from restream.demo.embedded import free_port
from tests.conftest import needs
from tests.support.eventually import eventually
from tests.support.installation import typed
from tests.support.service import command, running_service
from tests.support.wheels import LIMIT_S, Sources, built, checkout, run

PYTHONS = ("3.11", "3.12", "3.13")
OWN = "{}.{}".format(*sys.version_info[:2])
NO_INDEX = ("NewConnectionError", "Temporary failure in name resolution", "No route to host", "ProxyError")


@pytest.fixture(scope="module")
def sources(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    needs(request.config, shutil.which("git"), "git")
    major, minor, *_ = importlib.metadata.version("setuptools").split(".")
    needs(request.config, (int(major), int(minor)) >= (70, 1), "setuptools 70.1")
    return checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def wheel(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(sources.path, tmp_path_factory.mktemp("wheel"))


@pytest.mark.timeout(LIMIT_S)
def test_what_a_wheel_carries(wheel: Path, sources: Sources, tmp_path: Path) -> None:
    assert wheel.name == f"restream-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if not name.endswith("/")}
        assert archive.read("restream/COMMIT").decode().strip() == sources.commit
    tracked = run("git", "-C", sources.path, "ls-files", "src/restream", "etc", "restream.service").split()
    expected = {name.removeprefix("src/") if name.startswith("src/") else f"restream/{name}" for name in tracked}
    # Only node asks for the description of the page's scripts.
    expected = expected - {"restream/interfaces/package.json"} | {"restream/COMMIT"}
    assert {name for name in carried if ".dist-info/" not in name} == expected

    archive_of_sources = run(
        sys.executable, "-c", "import sys, setuptools.build_meta as b; print(b.build_sdist(sys.argv[1]))", tmp_path,
        folder=sources.path,
    ).split()[-1]  # fmt: skip
    with zipfile.ZipFile(built(tmp_path / archive_of_sources, tmp_path)) as archive:
        # There is no commit to be asked; what the site has added is no source either.
        assert {name for name in archive.namelist() if not name.endswith("/")} == carried - {"restream/COMMIT"}


@pytest.mark.timeout(2 * LIMIT_S)
def test_the_document_brings_it_to_a_host_without_an_index(sources: Sources, tmp_path: Path) -> None:
    if OWN != "3.11":
        pytest.skip("the lock file is for Python 3.11")
    (fetch,), (install,) = typed("Wheel", "Wheelhouse"), typed("Wheel", "Without an index")
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    begin = f"set -eu\nPATH={tmp_path}:$PATH\ncd {sources.path}\n"
    from_index("sh", stdin=begin + fetch)
    # Nothing that pip is told of, or has kept, stands in for what is missing in the wheelhouse.
    begin += "export PIP_CONFIG_FILE=/dev/null PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1\nunset PIP_FIND_LINKS\n"
    output = run("sh", stdin=begin + install.replace("/opt/", f"{tmp_path}/opt/"))
    assert output.splitlines()[-1] == f"restream {__version__} ({sources.commit})"


def from_index(*words: str | Path, stdin: str = "") -> None:
    """Run what asks a package index; skip where none answers."""
    try:
        run(*words, stdin=stdin)
    except AssertionError as error:
        if any(sign in str(error) for sign in NO_INDEX):
            pytest.skip("no package index within reach")
        raise


def interpreter(version: str) -> Path | None:
    """A Python of this version on this machine: ours, one on PATH, one of pyenv."""
    if version == OWN:
        return Path(getattr(sys, "_base_executable", sys.executable))
    on_path = shutil.which(f"python{version}")
    of_pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [*filter(None, [on_path]), *sorted(of_pyenv.glob(f"{version}.*/bin/python{version}"))]
    # A shim of pyenv is there for versions that are not.
    asked = ((path, subprocess.run([path, "-V"], capture_output=True, check=False)) for path in map(Path, candidates))
    return next((path for path, done in asked if done.returncode == 0), None)


@pytest.fixture(scope="module", params=PYTHONS)
def program(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The installed `restream`, in an environment of its own."""
    python = interpreter(request.param)
    if python is None:
        pytest.skip(f"there is no Python {request.param} on this machine")
    home = tmp_path_factory.mktemp("environment") / "venv"
    run(python, "-m", "venv", "--without-pip", home)
    own = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(own), "install", "-q", "--no-compile")
    if request.param != OWN:
        from_index(*pip, wheel)
    else:
        # What it depends on is here already, and takes no time.
        (packages,) = (home / "lib").glob("python*/site-packages")
        (packages / "present.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
        run(*pip, "--no-deps", "--no-index", wheel)
    return (str(home / "bin" / "restream"),)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, outside of every checkout."""
    for name in ("PYTHONPATH", "LOGS_DIRECTORY", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    made = tmp_path / "folder"
    made.mkdir()
    return made


@pytest.mark.timeout(LIMIT_S)
async def test_it_says_what_it_is_and_gives_a_configuration(
    program: tuple[str, ...], folder: Path, sources: Sources
) -> None:
    code, output, errors = await command("--version", program=program, folder=folder)
    assert (code, output, errors) == (0, f"restream {__version__} ({sources.commit})\n", "")
    code, output, _ = await command("config", program=program, folder=folder)
    assert (code, output) == (0, (ROOT / "etc" / "restream.yml").read_text(encoding="utf-8"))
    code, output, _ = await command("config", "--unit", program=program, folder=folder)
    assert (code, output.count(f"{program[0]} run --plain\n")) == (0, 1)
    code, _, errors = await command("run", program=program, folder=folder)
    assert (code, errors.count("\n"), "PG_DSN" in errors) == (2, 1, True)


async def found(program: tuple[str, ...], folder: Path, *arguments: str, **overrides: str) -> dict[str, str]:
    """What `restream check` finds, by name."""
    closed = f"//127.0.0.1:{free_port()}"
    nothing = {
        "LOGS_DIRECTORY": str(folder.parent / "log"),
        "RESTREAM_METRICS__PORT": "",
        "RESTREAM_REDIS__URL": "",
        "RESTREAM_MEDIAMTX__API_URL": f"http:{closed}",
        "RESTREAM_MEDIAMTX__RTSP_URL": f"rtsp:{closed}",
    }
    _, output, errors = await command(
        "check", "--json", *arguments, program=program, folder=folder, overrides={**nothing, **overrides}
    )
    assert errors == ""
    return {each["name"]: each["text"] for each in json.loads(output)["checks"]}


@pytest.mark.timeout(LIMIT_S)
async def test_it_takes_the_configuration_that_it_is_given(program: tuple[str, ...], folder: Path, ffmpeg: str) -> None:
    if Path("/etc/restream/restream.yml").exists():
        pytest.skip("this machine has a configuration of its own")
    seen = await found(program, folder)
    assert seen["configuration"].startswith("the built-in defaults")
    assert f"{folder}/etc/restream.yml, /etc/restream/restream.yml" in seen["configuration"]
    assert seen["camera types"].endswith("/site-packages/restream/etc/camera_types.yml")
    assert seen["log directory"].startswith(f"{folder.parent}/log")

    text = "json_file: {path: out/streams.json}\ncameras: {types_file: etc/camera_types.yml}\n"
    for name in ("folder/etc/restream.yml", "site/named.yml"):
        (folder.parent / name).parent.mkdir()
        (folder.parent / name).write_text(text, encoding="utf-8")
    seen = await found(program, folder)
    assert seen["configuration"] == f"{folder}/etc/restream.yml"
    assert seen["JSON file"].startswith(f"{folder}/out ")
    assert seen["camera types"].endswith("/site-packages/restream/etc/camera_types.yml")

    types = folder.parent / "site" / "camera_types.yml"
    shutil.copyfile(ROOT / "etc" / "camera_types.yml", types)
    seen = await found(program, folder, RESTREAM_CONFIG=str(folder.parent / "site/named.yml"))
    assert seen["configuration"] == f"{folder.parent}/site/named.yml (RESTREAM_CONFIG)"
    assert seen["JSON file"].startswith(f"{folder.parent}/site/out ")
    assert seen["camera types"] == str(types)
    seen = await found(program, folder, "--config", "../site/named.yml", RESTREAM_CONFIG="/nonexistent.yml")
    assert seen["configuration"].endswith("/site/named.yml (--config)")


@pytest.mark.timeout(LIMIT_S)
async def test_it_makes_the_tables_and_explains_a_camera(
    program: tuple[str, ...], folder: Path, dsn: str, ffmpeg: str
) -> None:
    for options in ([], ["--events"], ["--nodes"]):
        overrides = {"PG_DSN": dsn, "RESTREAM_NODES__DSN": dsn, "RESTREAM_NODES__FENCE": "time"}
        code, _, errors = await command("init-db", *options, program=program, folder=folder, overrides=overrides)
        assert (code, errors) == (0, "")
    connection = await asyncpg.connect(dsn)
    row = "INSERT INTO cameras (id, camera_type, link) VALUES (1, 'TRASSIR', 'camera.invalid')"
    await connection.execute(row)
    assert await connection.fetchval("SELECT count(*) FROM restream_node") == 0
    await connection.close()
    words = ("explain", "1", "--no-probe")
    code, output, _ = await command(*words, program=program, folder=folder, overrides={"PG_DSN": dsn})
    assert (code, "rtsp://camera.invalid" in output) == (0, True), output


@pytest.fixture
def scratch() -> Iterator[Path]:
    """For temporary files; where PostgreSQL, which is another user for root, can go."""
    with tempfile.TemporaryDirectory(prefix="restream-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.timeout(LIMIT_S)
async def test_without_a_command_it_is_the_demo(
    program: tuple[str, ...], folder: Path, tmp_path: Path, scratch: Path, postgres: str, ffmpeg: str
) -> None:
    overrides = {
        "TMPDIR": str(scratch),
        "MEDIAMTX_BIN": "stand-in",
        "RESTREAM_MEDIAMTX__RTSP_URL": f"rtsp://127.0.0.1:{free_port()}",
        "RESTREAM_MEDIAMTX__API_URL": f"http://127.0.0.1:{free_port()}",
        "RESTREAM_PULL__PORT": str(free_port()),
    }
    async with running_service(tmp_path, program=program, folder=folder, overrides=overrides) as service:
        assert "running the demo" in service.log

        async def served() -> bool:
            async with aiohttp.ClientSession() as session, session.get(service.base_url) as response:
                return response.status == 200 and "<html" in await response.text()

        await eventually(served, 30)
        await service.reach({str(number): "healthy" for number in range(1, 5)}, 60)
        asked = {"RESTREAM_HTTP__PORT": service.base_url.rpartition(":")[2]}
        code, output, _ = await command("cameras", program=program, folder=folder, overrides=asked)
        assert (code, "6 cameras" in output) == (0, True), output
        children = service.children()
        assert await service.stop(signal.SIGTERM) == 0
        assert not [child for child in children if child.is_running()]
    assert list(scratch.iterdir()) == list(folder.iterdir()) == []
    assert " is up: " in (tmp_path / "log" / "restream.log").read_text(encoding="utf-8")
