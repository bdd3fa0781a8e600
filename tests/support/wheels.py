"""Wheels of this project, made as a release makes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from restream import __version__
from restream.config.places import ROOT

# What a wheel is made of.
SOURCES = ("src", "etc", "restream.service", "pyproject.toml", "requirements.txt", "requirements.lock", "README.md")
# Packages come over a network, on a machine that may be busy.
LIMIT_S = 400


def run(*words: str | Path, folder: Path | None = None, stdin: str = "") -> str:
    """Standard output of a program that works; AssertionError with all that it said."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PYTHONPATH"))}
    done = subprocess.run(
        list(map(str, words)),
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True, slots=True)
class Sources:
    """A checkout of this project, and its commit."""

    path: Path
    commit: str


def checkout(path: Path, version: str = __version__) -> Sources:
    """A checkout of today's sources that calls itself so, clean but for what a site has added to its `etc/`, and an
    earlier build has left.
    """
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, path / name, ignore=ignored)
        else:
            shutil.copyfile(ROOT / name, path / name)
    shutil.copyfile(ROOT / ".gitignore", path / ".gitignore")
    module = path / "src" / "restream" / "__init__.py"
    text = module.read_text(encoding="utf-8")
    assert f'"{__version__}"' in text
    module.write_text(text.replace(f'"{__version__}"', f'"{version}"'), encoding="utf-8")
    names = ("-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false")
    for words in (["init", "-q"], ["add", "."], [*names, "commit", "-qm", "all"]):
        run("git", "-C", path, *words)
    commit = run("git", "-C", path, "rev-parse", "HEAD")[:12]
    (path / "etc" / "site.key").write_text("secret", encoding="utf-8")
    left = path / "build" / "lib" / "restream" / "of_the_release_before.py"
    left.parent.mkdir(parents=True)
    left.write_text("", encoding="utf-8")
    return Sources(path, commit)


def built(source: Path, out: Path) -> Path:
    """The wheel of a checkout, without asking an index."""
    run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "--no-index", "-w", out, source
    )
    (wheel,) = out.glob("*.whl")
    return wheel
