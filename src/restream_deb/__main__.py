"""One command makes the package: `python3 src/restream_deb`, in a checkout or an unpacked release."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from restream_deb.package import BuildError, build

_EXIT_FAILED, _MODES = 1, 0o022


def main() -> int:
    """Print where the package is; exit code 1 with one line that says why there is none."""
    parser = argparse.ArgumentParser(
        prog="python3 src/restream_deb", description="Make restream_VERSION_ARCH.deb for the Debian of this machine."
    )
    parser.add_argument("--output", type=Path, metavar="DIR", default=Path(), help="where to; default: here")
    parser.add_argument(
        "--wheelhouse", type=Path, metavar="DIR", help="take all wheels from there, and ask no package index"
    )
    parser.add_argument("--revision", type=_revision, default="1", help="of this version of restream; default: 1")
    options = parser.parse_args()
    os.umask(_MODES)
    try:
        package = build(options.output, options.revision, options.wheelhouse)
    except BuildError as error:
        sys.stderr.write(f"restream_deb: {error}\n")
        return _EXIT_FAILED
    sys.stdout.write(f"{package}\n")
    return 0


def _revision(text: str) -> str:
    """As deb-version(7) allows it. Raises ValueError."""
    if not re.fullmatch(r"[0-9A-Za-z.+~]+", text):
        raise ValueError
    return text


if __name__ == "__main__":
    sys.exit(main())
