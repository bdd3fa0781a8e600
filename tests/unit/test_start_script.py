"""docker_compose_start.sh against a docker that agrees, or does not: what it makes, refuses and asks for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from restream.config.places import ROOT

# As `docker compose config` prints what the script looks at.
CONFIG = """\
name: restream
services:
  restream:
    environment:
      RESTREAM_MEDIAMTX__PUBLIC__RTSP: rtsp://{host}:8554
    ports:
      - mode: ingress
        published: "{port}"
{nodes}
volumes:
  postgres-data:
    name: restream_postgres-data
"""
DOCKER = """\
#!/bin/sh
echo "$*" >>{home}/asked
case "$*" in
    "compose config" | "compose --profile demo config") cat {home}/config ;;
    "volume inspect "*) exit {volume} ;;
    "compose run --name"*) exit {run} ;;
    inspect*) echo "{state}" ;;
esac
"""
STARTED = "2026-11-29T03:00:00Z"


class Stack:
    """A copy of what the script needs, and a docker that only writes down what it is asked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "etc" / "mediamtx").mkdir(parents=True)
        (home / "etc").chmod(0o755)
        (home / "etc" / "mediamtx").chmod(0o755)
        for name in ("docker_compose_start.sh", "docker-compose.yml"):
            shutil.copy(ROOT / name, home)
        self.configure()
        self.answer()

    def configure(self, port: str = "8000", host: str = "127.0.0.1", nodes: str = "") -> None:
        (self.home / "config").write_text(CONFIG.format(port=port, host=host, nodes=nodes), encoding="utf-8")

    def answer(self, state: str = f"{STARTED} 0", run: int = 0, volume: int = 1) -> None:
        docker = self.home / "bin" / "docker"
        docker.parent.mkdir(exist_ok=True)
        text = DOCKER.format(home=self.home, state=state, run=run, volume=volume)
        docker.write_text(text, encoding="utf-8")
        docker.chmod(0o755)

    def start(self, *arguments: str) -> tuple[int, str]:
        """Exit code and words."""
        path = f"{self.home / 'bin'}:{os.environ['PATH']}"
        command = [self.home / "docker_compose_start.sh", *arguments]
        run = subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False, timeout=30)
        return run.returncode, run.stderr

    @property
    def asked(self) -> list[str]:
        return (self.home / "asked").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


def test_it_checks_before_it_starts(stack: Stack) -> None:
    code, words = stack.start("--demo", "--quiet-pull")
    assert (code, words) == (0, "")
    name = next(line.split()[3] for line in stack.asked if line.startswith("compose run --name"))
    compose = [line for line in stack.asked if line.startswith("compose") and "version" not in line]
    assert compose == [
        "compose --profile demo config",
        "compose build restream",
        "compose up --detach --wait postgres redis mediamtx",
        "compose run --rm --no-deps tables",
        f"compose run --name {name} --env RESTREAM_NODE__NAME=check --no-deps restream check --plain",
        "compose --profile demo up --detach --quiet-pull",
    ]


def test_it_makes_every_secret_once(stack: Stack) -> None:
    assert stack.start()[0] == 0
    made = {path.name: path.read_text(encoding="utf-8") for path in (stack.home / "secrets").iterdir()}
    assert set(made) == set(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["secrets"])
    assert all(re.fullmatch("[0-9a-f]{48}", value) for value in made.values())
    assert len(set(made.values())) == len(made)
    # Containers have users of their own, this host's must not get in.
    assert (stack.home / "secrets").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (stack.home / "secrets").iterdir()} == {0o444}
    assert stack.start()[0] == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in (stack.home / "secrets").iterdir()} == made


@pytest.mark.parametrize(
    "value", ["", "change-me", '"abcdefghijkl"', "abcdefghijkl \n", "abcdefghijkl\r\n", "a@b/c:d?e#f%"]
)
def test_it_refuses_a_secret_that_cannot_stand_in_a_url(stack: Stack, value: str) -> None:
    (stack.home / "secrets").mkdir()
    (stack.home / "secrets" / "redis_password").write_text(value, encoding="utf-8", newline="")
    code, words = stack.start()
    assert code == 2 and words.count("\n") == 1 and "secrets/redis_password" in words


@pytest.mark.parametrize("port", ["0", "65536", "8000-8010", "http"])
def test_it_refuses_a_port_that_is_none(stack: Stack, port: str) -> None:
    stack.configure(port=port)
    code, words = stack.start()
    assert code == 2 and repr(port) in words and words.count("\n") == 1


@pytest.mark.parametrize("host", ["", "http://nvr", "nvr/", '"nvr"', "nvr x"])
def test_it_refuses_a_host_that_is_none(stack: Stack, host: str) -> None:
    stack.configure(host=host)
    code, words = stack.start()
    assert code == 2 and "PUBLIC_HOST" in words and words.count("\n") == 1


@pytest.mark.parametrize("host", ["nvr-7.example", "10.0.0.5", "[fd00::5]"])
def test_it_takes_hosts(stack: Stack, host: str) -> None:
    stack.configure(host=host)
    assert stack.start() == (0, "")


@pytest.mark.parametrize(("name", "mode"), [("etc/restream.yml", 0o600), ("etc/mediamtx", 0o700)])
def test_it_refuses_configuration_that_containers_cannot_read(stack: Stack, name: str, mode: int) -> None:
    path = stack.home / name
    if not path.exists():
        path.touch()
    path.chmod(mode)
    code, words = stack.start()
    assert code == 2 and name in words and "chmod -R o+rX etc" in words and words.count("\n") == 1


@pytest.mark.parametrize("line", ["POSTGRES_PASSWORD=x", "export RESTREAM_TOKEN='x'", ' PULL_TOKEN = "change-me" '])
def test_secrets_of_before_are_not_forgotten(stack: Stack, line: str) -> None:
    (stack.home / ".env").write_text(f"TZ=Etc/UTC\n{line}\n", encoding="utf-8")
    code, words = stack.start()
    assert code == 2 and words.count("\n") == 1 and "secrets/" in words and "=" not in words


def test_a_database_keeps_its_password(stack: Stack) -> None:
    stack.answer(volume=0)
    code, words = stack.start()
    assert code == 2 and "restream_postgres-data" in words
    (stack.home / "secrets").mkdir()
    (stack.home / "secrets" / "postgres_password").write_text("abcdefghijkl\n", encoding="utf-8")
    assert stack.start() == (0, "")


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        (f"{STARTED} 1", 1, "the preflight check failed"),
        (f"{STARTED} 2", 2, "the check ended with exit code 2"),
        ("0001-01-01T00:00:00Z 128", 3, "Docker could not run the check"),
        ("", 3, "Docker could not run the check"),
    ],
)
def test_it_tells_whether_docker_failed_or_the_check(stack: Stack, state: str, code: int, words: str) -> None:
    stack.answer(state=state, run=1)
    told = stack.start()
    assert told[0] == code and words in told[1]
    assert stack.asked[-1].startswith("rm --force restream-check-")


def test_it_makes_the_tables_of_nodes(stack: Stack) -> None:
    stack.configure(nodes="  nodes-tables:\n    image: restream:0.1.0")
    assert stack.start() == (0, "")
    order = ["compose up --detach --wait mediamtx-2", "compose run --rm --no-deps nodes-tables"]
    check = next(line for line in stack.asked if line.startswith("compose run --name"))
    assert sorted([*order, check], key=stack.asked.index) == [*order, check]
