"""Where things are: what comes with the program, which configuration is taken, where the service writes.

A checkout has `etc/`, `log/` and its unit at its top. A wheel carries `etc/` and the unit in the package
(src/restream_build.py), and lives where other services of a host do.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_NAME = "restream.yml"


class Directories(NamedTuple):
    """Where the service writes. Nobody has made them yet."""

    state: Path
    """For what must outlive the service. Nothing is kept there today: state is in Redis and PostgreSQL."""
    logs: Path


@dataclass(frozen=True, slots=True)
class Installation:
    """The program as it stands on this machine."""

    checkout: Path | None
    """The project's directory; None of a wheel."""
    built_in: Path
    """`etc/` as it came with the program."""
    machine: Path = Path("/")
    """Where `/etc` and `/var` are."""

    @classmethod
    def of(cls, package: Path) -> Installation:
        """That to which the directory of the package `restream` belongs."""
        carried = package / "etc"
        if carried.is_dir():
            return cls(None, carried)
        return cls(package.parents[1], package.parents[1] / "etc")

    @property
    def unit(self) -> Path:
        """`restream.service`, as it stands in the checkout."""
        return self.built_in.parent / "restream.service"

    @property
    def command(self) -> str:
        """How people start the program."""
        return "restream" if self.checkout is None else "./start.sh"

    def install_extra(self, name: str) -> str:
        """How a shell installs an extra for the Python that runs the program. A checkout by its own path: what an index
        has of that name is somebody else's."""
        what = f"'restream[{name}]'" if self.checkout is None else f"-e '{self.checkout}[{name}]'"
        return f"{sys.executable} -m pip install {what}"

    def configuration(self, named: Path | None, environment: Mapping[str, str]) -> ConfigurationOrigin:
        """Which file is taken: `named`, `$RESTREAM_CONFIG`, the first that is there, else none."""
        if named is not None:
            return ConfigurationOrigin(self, _absolute(named), "--config")
        if environment.get("RESTREAM_CONFIG"):
            return ConfigurationOrigin(self, _absolute(Path(environment["RESTREAM_CONFIG"])), "RESTREAM_CONFIG")
        places = (
            _absolute((self.checkout or Path()) / "etc" / _NAME),
            self.machine / "etc" / "restream" / _NAME,
        )
        return ConfigurationOrigin(self, next(filter(_is_there, places), None), "", places)

    def directories(self, environment: Mapping[str, str]) -> Directories:
        """systemd's `StateDirectory=` and `LogsDirectory=` first; a checkout's `log/`; of a wheel the host's usual
        places where this user may write there, else those of the user (XDG base directories)."""
        if self.checkout is not None:
            usual = Directories(self.checkout / "log" / "state", self.checkout / "log")
        else:
            var, own = self.machine / "var", _state_home(environment)
            system = Directories(var / "lib" / "restream", var / "log" / "restream")
            users = system if own is None else Directories(own / "restream", own / "restream" / "log")
            usual = Directories(
                *(ours if _may_write(ours) else theirs for ours, theirs in zip(system, users, strict=True))
            )
        given = (environment.get(name, "").partition(":")[0] for name in ("STATE_DIRECTORY", "LOGS_DIRECTORY"))
        return Directories(*(Path(each) if each else other for each, other in zip(given, usual, strict=True)))


@dataclass(frozen=True, slots=True)
class ConfigurationOrigin:
    """Which configuration was taken, and what its paths mean."""

    installation: Installation
    file: Path | None = None
    """None: the built-in defaults."""
    named_by: str = ""
    """The option or variable that named the file; empty where it was looked for."""
    looked_at: tuple[Path, ...] = ()

    @property
    def home(self) -> Path:
        """Where relative paths start: the checkout; of a wheel the directory of the file, or the one above when that is
        called `etc`; without a file the working directory."""
        if self.installation.checkout is not None:
            return self.installation.checkout
        if self.file is None:
            return Path()
        folder = self.file.parent
        return folder.parent if folder.name == "etc" else folder

    def resolve(self, path: Path) -> Path:
        """A configured path. One of the program's own files (`etc/camera_types.yml`) need not be there: see `own`."""
        carried = self.installation.built_in
        if path.parent == Path("etc") and carried / path.name in carried.iterdir():
            return self.own(path.name)
        return self.home / path

    def own(self, name: str) -> Path:
        """One of the files that come with the program: the site's, beside its configuration, else the built-in one."""
        beside = [] if self.file is None or self.installation.checkout is not None else [self.file.parent / name]
        places = (*beside, self.home / "etc" / name)
        return next(filter(_is_there, places), self.installation.built_in / name)


def _absolute(path: Path) -> Path:
    # The working directory may be gone; whoever reads the file says so.
    with contextlib.suppress(OSError):
        return path.absolute()
    return path


def _is_there(path: Path) -> bool:
    """Also when it may not be looked at: to go on with another one would hide that."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _may_write(directory: Path) -> bool:
    """Into it, or to where it would be made."""
    present = next(path for path in (directory, *directory.parents) if os.access(path, os.F_OK))
    return present.is_dir() and os.access(present, os.W_OK | os.X_OK)


def _state_home(environment: Mapping[str, str]) -> Path | None:
    """XDG Base Directory Specification 0.8; None for a user without a home."""
    given = Path(environment.get("XDG_STATE_HOME", ""))
    if given.is_absolute():
        return given
    home = Path(environment.get("HOME", ""))
    return home / ".local" / "state" if home.is_absolute() else None


INSTALLED = Installation.of(Path(__file__).resolve().parents[1])
"""This program."""

ROOT = INSTALLED.checkout or Path()
"""The project's directory when run from a checkout."""
