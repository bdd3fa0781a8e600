"""What is made from the model, where people want to have it."""

from __future__ import annotations

import sys
from pathlib import Path

from restream.config.settings import ConfigError


def write_text(text: str, output: Path | None, *, replace: bool) -> None:
    """To a file, `output` None: to standard output. Raises ConfigError, also where a file is there already."""
    if output is None:
        sys.stdout.write(text)
        return
    try:
        with output.open("w" if replace else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{output} is there already; --force replaces it") from None
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written: {error.strerror}") from None
