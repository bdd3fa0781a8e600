"""Which pages there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from restream.reference.configuration import configuration_page

PAGES: Mapping[str, Callable[[], str]] = {"configuration.md": configuration_page}
"""Name in docs/, and what makes its text."""
