"""What the Debian package is called, and what its control files say."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise

import pytest

from restream.config.places import ROOT
from restream_deb.errors import BuildError
from restream_deb.release import Release, release_of

BOOKWORM = Release("deb12", (3, 11), "amd64")
SOURCES = ROOT / "src" / "restream_deb" / "debian"


@pytest.mark.parametrize(
    ("known", "python", "name"),
    [
        ({"ID": "debian", "VERSION_ID": "12"}, (3, 11), "deb12"),
        ({"ID": "debian", "VERSION_ID": "13"}, (3, 13), "deb13"),
        ({"ID": "ubuntu", "VERSION_ID": "24.04"}, (3, 12), "ubuntu24.04"),
    ],
)
def test_a_release_is_named_in_its_versions(known: dict[str, str], python: tuple[int, int], name: str) -> None:
    release = release_of(known, python, "arm64")
    assert release == Release(name, python, "arm64")
    assert release.version("1.2.3", "1") == f"1.2.3-1~{name}"
    assert release.depends == f"python3 (>= 3.{python[1]}), python3 (<< 3.{python[1] + 1})"


@pytest.mark.parametrize(
    ("known", "python", "said"),
    [
        ({"ID": "debian"}, (3, 13), "names no release"),
        ({}, (3, 11), "names no release"),
        ({"ID": "../x", "VERSION_ID": "1"}, (3, 11), "names no release"),
        ({"ID": "debian", "VERSION_ID": "11"}, (3, 9), "3.11 is needed"),
    ],
)
def test_what_no_package_can_be_made_for(known: dict[str, str], python: tuple[int, int], said: str) -> None:
    with pytest.raises(BuildError, match=said):
        release_of(known, python, "amd64")


@pytest.mark.program("dpkg")
def test_versions_are_in_the_order_of_upgrades() -> None:
    trixie = Release("deb13", (3, 13), "amd64")
    versions = [
        BOOKWORM.version("1.0.dev3", "1"),
        BOOKWORM.version("1.0b2", "1"),
        BOOKWORM.version("1.0rc1", "1"),
        BOOKWORM.version("1.0", "1"),
        trixie.version("1.0", "1"),
        BOOKWORM.version("1.0", "2"),
        BOOKWORM.version("1.0.1", "1"),
    ]
    for lower, higher in pairwise(versions):
        done = subprocess.run(["dpkg", "--compare-versions", lower, "lt", higher], check=False)
        assert done.returncode == 0, (lower, higher)


def test_the_control_file_is_filled_in() -> None:
    text = (SOURCES / "control").read_text(encoding="utf-8")
    filled = text.format(version="1-1~deb12", architecture="amd64", size=1, depends=BOOKWORM.depends)
    assert all(re.match(r"[A-Z][\w-]+: \S| \S", line) for line in filled.splitlines())
    assert "Depends: python3 (>= 3.11), python3 (<< 3.12), " in filled


@pytest.mark.parametrize("name", ["postinst", "postrm", "prerm", "restream"])
def test_the_scripts_are_ones(name: str) -> None:
    path = SOURCES / name
    assert path.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", path], check=False).returncode == 0
    # Debian's sh is no bash.
    assert "[[" not in path.read_text(encoding="utf-8")
