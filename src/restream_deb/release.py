"""What a package is made for, in Debian's words."""

from __future__ import annotations

import platform
import re
import subprocess
from typing import NamedTuple

from restream_deb.errors import BuildError

PYTHON = "/usr/bin/python3"
"""The release's own: what the package runs on."""
_OLDEST_PYTHON = (3, 11)


class Release(NamedTuple):
    """The only one on which a package can be installed: wheels are for one minor version of Python."""

    name: str
    """As it stands in versions: `deb12`."""
    python: tuple[int, int]
    architecture: str
    """`amd64`, `arm64`."""

    def version(self, upstream: str, revision: str) -> str:
        """`0.1.0-1~deb12`: below that of the next release, so that an upgrade of the system replaces it.

        Those before a final one (PEP 440) sort as deb-version(7) has it: `1.0rc1` is `1.0~rc1`, `1.0.dev1` `1.0~~dev1`.
        """
        sortable = re.sub(r"(a|b|rc)(?=[0-9])", r"~\1", upstream).replace(".dev", "~~dev")
        return f"{sortable}-{revision}~{self.name}"

    @property
    def depends(self) -> str:
        """The one minor version of Python."""
        major, minor = self.python
        return f"python3 (>= {major}.{minor}), python3 (<< {major}.{minor + 1})"


def this_release() -> Release:
    """That of this machine. Raises BuildError."""
    try:
        known = platform.freedesktop_os_release()
        python = _output(PYTHON, "-c", "import sys; print(*sys.version_info[:2])").split()
        architecture = _output("dpkg", "--print-architecture").strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(f"this is no Debian with python3: {error}") from None
    return release_of(known, (int(python[0]), int(python[1])), architecture)


def release_of(known: dict[str, str], python: tuple[int, int], architecture: str) -> Release:
    """`known` is /etc/os-release. Raises BuildError."""
    name = {"debian": "deb"}.get(known.get("ID", ""), known.get("ID", "")) + known.get("VERSION_ID", "")
    if not re.fullmatch(r"[a-z]+[0-9][0-9.]*", name):
        raise BuildError("/etc/os-release names no release: ID and VERSION_ID are needed")
    if python < _OLDEST_PYTHON:
        raise BuildError(f"{PYTHON} is {python[0]}.{python[1]}, and 3.11 is needed")
    return Release(name, python, architecture)


def _output(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
