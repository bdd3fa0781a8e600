"""The unit for systemd: `restream.service`, written for where the program is."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from restream.config.places import INSTALLED, Installation
from restream.config.settings import ConfigError

STANDS_FOR = "/opt/restream/.venv/bin/python /opt/restream/srvc_restream.py"
"""How the unit in a checkout starts the program, wherever that is."""


def unit_file() -> str:
    """The unit of this program. Raises ConfigError."""
    try:
        text = INSTALLED.unit.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{INSTALLED.unit}: cannot be read: {error.strerror}") from None
    return unit_for(text, INSTALLED, Path(sys.executable), Path(sysconfig.get_path("scripts")))


def unit_for(text: str, installation: Installation, interpreter: Path, scripts: Path) -> str:
    """`text` is the unit of a checkout; `interpreter` and `scripts` are those of the program's environment."""
    checkout = installation.checkout
    words = [scripts / "restream"] if checkout is None else [interpreter, checkout / "srvc_restream.py"]
    return text.replace(STANDS_FOR, " ".join(map(_word, words)))


def _word(path: Path) -> str:
    """As systemd.service(5) has it in a command line."""
    text = str(path).replace("\\", "\\\\").replace("%", "%%").replace('"', '\\"')
    return f'"{text}"' if set(text) & set(" \t'\"") else text
