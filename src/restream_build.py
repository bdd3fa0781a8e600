"""How a wheel is made: beside the package it carries `etc/`, the unit, and the commit that it was made of.

pyproject.toml names it to setuptools; it is no part of the program.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).parent))

from restream.version import RECORD, commit_of, git

_PROJECT = Path(__file__).resolve().parents[1]
_UNIT = Path("restream.service")


class BuildWithDefaults(build_py):
    """Copies the package, and into it what a checkout has around it. An editable installation is a checkout."""

    def run(self) -> None:
        """Build anew: what an earlier build has left would go into the wheel."""
        if self.editable_mode:
            super().run()
            return
        package = Path(self.build_lib) / "restream"
        shutil.rmtree(package, ignore_errors=True)
        super().run()
        for source in _defaults():
            target = package / source
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_PROJECT / source, target)
        if commit := commit_of(_PROJECT):
            (package / RECORD).write_text(commit + "\n", encoding="ascii")

    def get_source_files(self) -> list[str]:
        """What an archive of the sources must hold, so that a wheel can be made of it."""
        own = Path(__file__).resolve().relative_to(_PROJECT)
        sources = super().get_source_files()  # type: ignore[no-untyped-call]
        return [*sources, *map(str, (own, *_defaults()))]


def _defaults() -> list[Path]:
    """The unit and the files of `etc/`, from the project's directory; in a checkout without what a site has added."""
    present = {path.relative_to(_PROJECT) for path in (_PROJECT / "etc").rglob("*") if path.is_file()}
    tracked = {Path(name) for name in git(_PROJECT, "ls-files", "-z", "--", "etc").split("\0")}
    # An archive of the sources has no git, and nothing of a site.
    return [_UNIT, *sorted(present & tracked or present)]
