"""start.sh on a machine whose package index answers, refuses or says nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from restream.config.places import ROOT

# An environment that has pip; what is installed, and what is started, is only written down.
PYTHON = """\
#!/bin/sh
case "$*" in
    "-m pip --version") exit 0 ;;
    "-m pip install "*) {pip} ;;
    "srvc_restream.py "*) echo "started: $*" ;;
esac
"""


class Checkout:
    """What start.sh needs of one, and a pip that does as it is told."""

    def __init__(self, home: Path, pip: str) -> None:
        self.home = home
        for name in ("start.sh", "requirements.txt"):
            shutil.copy(ROOT / name, home)
        python = home / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(PYTHON.format(pip=pip), encoding="utf-8")
        python.chmod(0o755)

    def start(self, **environment: str) -> subprocess.CompletedProcess[str]:
        present = {"RESTREAM_FFMPEG__BINARY": "true", "RESTREAM_FFMPEG__PROBE_BINARY": "true", "PG_DSN": "given"}
        return subprocess.run(
            ["./start.sh", "check"],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], **present, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def test_what_is_installed_once_is_not_asked_for_again(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, 'echo "$*" >>asked')
    for _ in range(2):
        done = checkout.start()
        assert (done.returncode, done.stdout) == (0, "started: srvc_restream.py --or-demo check\n"), done.stderr
    assert (tmp_path / "asked").read_text(encoding="utf-8").count("-r requirements.txt") == 1


@pytest.mark.parametrize(
    ("pip", "words"),
    [
        ("echo no such package >&2; exit 1", ("pip could not install: -r requirements.txt", "pip config list")),
        ("exec sleep 30", ("pip did not install -r requirements.txt within 1 s", "INSTALL_LIMIT_S")),
    ],
)
def test_an_index_that_is_not_there_is_one_line(tmp_path: Path, pip: str, words: tuple[str, ...]) -> None:
    done = Checkout(tmp_path, pip).start(INSTALL_LIMIT_S="1")
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, done.stdout) == (3, "") and last.startswith("start.sh: ")
    assert [word for word in words if word not in last] == []
