"""The virtual environment in the package: the locked requirements and the program, from wheels alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from restream_deb.errors import BuildError
from restream_deb.release import PYTHON

HOME = Path("usr/lib/restream")
"""Where the environment is, from the root of the file system."""
_PROGRAM = "restream"
_UNUSED = ("include", "share", "etc")
_QUIET = ("--disable-pip-version-check", "--quiet")


class Pip:
    """The pip of an environment of its own: Debian's python3 may have none."""

    def __init__(self, scratch: Path) -> None:
        """Raises BuildError."""
        run(PYTHON, "-m", "venv", str(scratch), todo="apt install python3-venv")
        self._words = (str(scratch / "bin" / "python"), "-m", "pip", *_QUIET)

    def fill(self, wheelhouse: Path, project: Path) -> None:
        """The locked requirements and the program, by asking the package index. Raises BuildError."""
        words = (*self._words, "wheel", "--wheel-dir", str(wheelhouse))
        run(*words, "--only-binary", ":all:", "-r", str(project / "requirements.lock"))
        run(*words, "--no-deps", str(project))

    def install(self, wheelhouse: Path, project: Path, version: str, home: Path) -> None:
        """From the wheelhouse, into the environment at `home`. Raises BuildError."""
        python = str(home / "bin" / "python")
        words = (*self._words, "--python", python)
        wanted = ("--no-index", "--find-links", str(wheelhouse.absolute()), "--no-deps", "--no-compile")
        install = (*words, "install", *wanted, "--no-warn-script-location")
        run(*install, "--require-hashes", "-r", str(project / "requirements.lock"))
        run(*install, f"restream=={version}")
        # The lock is made for one Python; of another the package must not lack anything.
        run(*words, "check")


def make_environment(home: Path, pip: Pip, wheelhouse: Path, project: Path, version: str) -> None:
    """An environment with the program, and nothing in it that is not used. Raises BuildError."""
    run(PYTHON, "-m", "venv", "--without-pip", str(home))
    pip.install(wheelhouse, project, version, home)
    for name in _UNUSED:
        shutil.rmtree(home / name, ignore_errors=True)
    for script in (home / "bin").iterdir():
        if script.name != _PROGRAM and not script.name.startswith("python"):
            script.unlink()
    for record in home.glob("lib/python3.*/site-packages/*.dist-info/RECORD"):
        # A script's first line, and so its sum, is that of the place where it was made.
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("../")), encoding="utf-8")


def relocate(root: Path) -> None:
    """Have no file know that `root` is not the root of the file system. Raises BuildError."""
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file() or str(root).encode() not in (content := path.read_bytes()):
            continue
        if b"\0" in content:
            raise BuildError(f"{path} is no text, and names the directory in which it was made")
        path.write_bytes(content.replace(str(root).encode(), b""))


def compile_modules(root: Path) -> None:
    """For the place where they will be: nobody may write there later. Raises BuildError."""
    words = ("-m", "compileall", "-q", "-f", "--invalidation-mode", "timestamp", "-s", str(root), "-p", "/")
    run(PYTHON, *words, str(root / HOME))


def run(*words: str, todo: str = "") -> str:
    """Standard output of a program; what it complains of is seen. Raises BuildError."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPATH", None)
    try:
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    except OSError as error:
        raise BuildError(f"{words[0]}: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        raise BuildError(f"{' '.join(words)}: exit code {error.returncode}{todo and f'; {todo}'}") from None
    return done.stdout
