"""The package: its files, its control files, and the archive of both."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import time
from pathlib import Path

from restream import __version__
from restream.version import git
from restream_deb.environment import HOME, Pip, compile_modules, make_environment, relocate, run
from restream_deb.errors import BuildError
from restream_deb.release import Release, this_release

__all__ = ["BuildError", "build"]

_PROJECT = Path(__file__).resolve().parents[2]
_SOURCES = Path(__file__).resolve().parent / "debian"
_CONFIGURATION = Path("etc/restream")
_CONFFILES = ("camera_types.yml", "restream.yml", "restream_log.conf")
_SCRIPTS = ("postinst", "postrm", "prerm")
_DOCUMENTS = Path("usr/share/doc/restream")
_KIB = 1024


def build(output: Path, revision: str, wheelhouse: Path | None) -> Path:
    """Make the package for this machine's release; where it is. `wheelhouse` None: the package index is asked.

    The same sources and wheels make the same bytes. Raises BuildError.
    """
    release = this_release()
    version = release.version(__version__, revision)
    moment = int(os.environ.get("SOURCE_DATE_EPOCH") or git(_PROJECT, "log", "-1", "--format=%ct") or time.time())
    with tempfile.TemporaryDirectory(prefix="restream-deb-") as name:
        scratch = Path(name).resolve()
        pip = Pip(scratch / "pip")
        if wheelhouse is None:
            wheelhouse = scratch / "wheelhouse"
            pip.fill(wheelhouse, _PROJECT)
        root = scratch / "root"
        make_environment(root / HOME, pip, wheelhouse, _PROJECT, __version__)
        lay_out(root)
        relocate(root)
        settle(root, moment)
        compile_modules(root)
        write_control(root, release, version)
        output.mkdir(parents=True, exist_ok=True)
        package = output / f"restream_{version}_{release.architecture}.deb"
        os.environ["SOURCE_DATE_EPOCH"] = str(moment)
        # With several threads the bytes would depend on the machine; the higher levels of xz take half a minute.
        pack = ("--root-owner-group", "-Zxz", "-z1", "--threads-max=1", "--build")
        run("dpkg-deb", *pack, str(root), str(package))
    return package


def lay_out(root: Path) -> None:
    """Everything around the environment, from what the wheel has brought. Raises BuildError."""
    (carried,) = (root / HOME).glob("lib/python3.*/site-packages/restream/etc")
    _place(root / "usr/bin/restream", (_SOURCES / "restream").read_bytes(), 0o755)
    unit = run(str(root / HOME / "bin" / "restream"), "config", "--unit")
    _place(root / "usr/lib/systemd/system/restream.service", unit.encode())
    for name in _CONFFILES:
        _place(root / _CONFIGURATION / name, (carried / name).read_bytes())
    _place(root / _DOCUMENTS / "copyright", (_SOURCES / "copyright").read_bytes())
    changes = gzip.compress((_PROJECT / "docs" / "changelog.md").read_bytes(), mtime=0)
    _place(root / _DOCUMENTS / "changelog.gz", changes)
    (root / _DOCUMENTS / "examples").symlink_to(os.path.relpath(carried, root / _DOCUMENTS))


def settle(root: Path, moment: int) -> None:
    """Times and modes that do not depend on who builds when."""
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (moment, moment), follow_symlinks=False)


def write_control(root: Path, release: Release, version: str) -> None:
    """What dpkg must know, and is to do."""
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    size = sum(-(-path.stat().st_size // _KIB) for path in files)
    sums = "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in files)  # noqa: S324 - dpkg's
    control = (
        (_SOURCES / "control")
        .read_text(encoding="utf-8")
        .format(version=version, architecture=release.architecture, size=size, depends=release.depends)
    )
    folder = root / "DEBIAN"
    _place(folder / "control", control.encode())
    _place(folder / "conffiles", "".join(f"/{_CONFIGURATION}/{name}\n" for name in _CONFFILES).encode())
    _place(folder / "md5sums", sums.encode())
    for name in _SCRIPTS:
        _place(folder / name, (_SOURCES / name).read_bytes(), 0o755)


def _place(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
