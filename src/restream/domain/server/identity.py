"""Which media server: the name that configuration, rows, events and stores call it by."""

from __future__ import annotations

from typing import NewType

ServerId = NewType("ServerId", str)

DEFAULT_SERVER = ServerId("default")
"""The one that the plain keys of the configuration's `mediamtx` describe."""

_COMPONENT = "mediamtx"


def component_name(server: ServerId) -> str:
    """A server's name as a component; the default one keeps the name that dashboards know."""
    return _COMPONENT if server == DEFAULT_SERVER else f"{_COMPONENT}:{server}"
