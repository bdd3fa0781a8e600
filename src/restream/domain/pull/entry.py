"""The path entry of mediamtx.yml that points a media server at the directory: what it must say, and what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from restream.domain.server.identity import ServerId

_MOST_ENTRIES = 20_000
_LONGEST_NAME = 200


def place_of(server: ServerId, path: str) -> str:
    """Under which name the directory has a path of a media server."""
    return f"{server}/{path}"


class PathEntry(NamedTuple):
    """What a media server's configuration must have for the cameras that it fetches."""

    pattern: str
    """Of the paths' names, as a regular expression of one group, which is the whole name."""
    base: str
    """Of the directory, as the media server reaches it, with the server's name and without the token."""
    has_token: bool = False

    @classmethod
    def of(cls, path_template: str, directory: str, server: ServerId, *, has_token: bool = False) -> PathEntry:
        """For paths of a template like `cam{id}`; `directory` is its address, as `rtsp://host:port`."""
        before, _, after = path_template.partition("{id}")
        pattern = f"^({_escaped(before)}.+{_escaped(after.replace('{id}', ''))})$"
        token = "TOKEN/" if has_token else ""
        return cls(pattern, f"{directory}/{token}{server}", has_token)

    def source_of(self, path: str) -> str:
        """What the media server will ask for; a token is not shown."""
        return f"{self.base}/{path}"

    def to_write(self, path: str) -> str:
        """The line for `paths:` in mediamtx.yml that serves this path."""
        name, group = (f'"~{self.pattern}"', "$G1") if self._matches(path) else (path, path)
        return f"{name}: {{source: {self.source_of(group)}, sourceOnDemand: yes, rtspTransport: tcp}}"

    def advice(self, path: str) -> str:
        """What is to be done where it is not there."""
        token = " (TOKEN is your pull.token)" if self.has_token else ""
        return f"under `paths:` of mediamtx.yml write: {self.to_write(path)}{token}"

    def _matches(self, path: str) -> bool:
        return re.search(self.pattern, path) is not None


def trouble_of(document: object, path: str, wanted: str) -> str:
    """What is wrong with the path entries of `/v3/config/paths/list` for a path whose source must be `wanted`.

    Empty: nothing. Only entries that lead to the directory are looked at closely: nobody else's regular expressions
    are tried here, they may be made for an engine that has no bad ones.
    """
    entries = document.get("items") if isinstance(document, Mapping) else None
    directory = wanted.removesuffix(f"/{path}")
    for entry in (entries if isinstance(entries, list) else [])[:_MOST_ENTRIES]:
        if not isinstance(entry, Mapping):
            continue
        name, source = entry.get("name"), entry.get("source")
        if not isinstance(name, str) or not isinstance(source, str) or len(name) > _LONGEST_NAME:
            continue
        if name == path and source != wanted:
            return f"the path entry {name!r} has another source"
        if source.startswith(f"{directory}/") and _resolved(name, source, path) == wanted:
            on_demand = entry.get("sourceOnDemand") is True
            return "" if on_demand else f"the path entry {name!r} lacks `sourceOnDemand: yes`: it never waits its turn"
    return "no path entry leads to the directory"


def _resolved(name: str, source: str, path: str) -> str:
    """The source that an entry gives a path; empty where it does not serve it."""
    if name == path:
        return source
    try:
        match = re.search(name[1:], path) if name.startswith("~") else None
    except (re.error, RecursionError, OverflowError):
        return ""
    groups = match.groups("") if match is not None else ()
    for number in range(len(groups), 0, -1):
        source = source.replace(f"$G{number}", groups[number - 1])
    return "" if match is None else source


def _escaped(text: str) -> str:
    """Only the dot and the dash of a path's name mean something in a regular expression, and the dash not here."""
    return text.replace(".", r"\.")
