"""The configuration model as a file to start from: every key with its default and what it means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from textwrap import wrap

from pydantic import BaseModel

from restream.config.settings import FIXED, Settings
from restream.reference.configuration import fixed, shown

_HEAD = """\
# Configuration of restream. Every key is here with its default; delete what you do not change.
# Made by `python -m restream.reference` from the model that validates the configuration.
#
# Any key can be overridden by the environment: RESTREAM_<SECTION>__<KEY>=value, e.g. RESTREAM_HTTP__PORT=8080. An empty
# value means null; lists and mappings are written as JSON. Relative paths start at this file's
# directory, or at the one above where that is called etc.
# A secret may stand in a file: {file: /run/secrets/x}, RESTREAM_<SECTION>__<KEY>_FILE, or systemd's LoadCredential=.
# SIGHUP re-reads this file; the keys marked (restart) take effect only at the next start.
"""
_WIDTH = 120
_LINK = re.compile(r"\[[^\]]*\]\(([^)#]*)[^)]*\)")


def commented_file() -> str:
    """YAML."""
    return "\n".join([_HEAD, *(line for name in Settings.model_fields for line in _section(name))])


def _section(name: str) -> Iterator[str]:
    section = type(Settings.model_fields[name].default)
    whole = name in FIXED and FIXED[name] is None
    yield from _comment(f"{section.__doc__}{' (restart)' if whole else ''}", 0)
    yield f"{name}:"
    yield from _keys(section, 1, () if whole else (name,))
    yield ""


def _keys(model: type[BaseModel], depth: int, path: tuple[str, ...]) -> Iterator[str]:
    """`path` is empty where a mark at the section says it for all of its keys."""
    indent = "  " * depth
    for key, info in model.model_fields.items():
        mark = " (restart)" if len(path) == 1 and fixed(path[0], key) else ""
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield f"{indent}{key}:{f'  #{mark}' if mark else ''}"
            yield from _keys(inner, depth + 1, ())
            continue
        line = f"{indent}{key}: {json.dumps(shown(info), ensure_ascii=False)}"
        said = f"{_plain(info.description or '')}{mark}"
        if len(line) + len(said) + 4 <= _WIDTH:
            yield f"{line}  # {said}"
        else:
            yield from _comment(said, depth)
            yield line


def _comment(text: str, depth: int) -> list[str]:
    lead = "  " * depth + "# "
    return wrap(_plain(" ".join(text.split())), _WIDTH, initial_indent=lead, subsequent_indent=lead)


def _plain(text: str) -> str:
    """Links of the documentation as paths from the project's directory."""
    return _LINK.sub(r"docs/\1", text)
