"""Which files are made of the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from restream import __version__
from restream.domain.camera.secret import Secret
from restream.interfaces.http.auth import Access
from restream.interfaces.http.openapi.document import document
from restream.reference.api import api_page
from restream.reference.commented_file import commented_file
from restream.reference.configuration import configuration_page


def _api() -> str:
    return api_page(document(Access(Secret("a token")), __version__))


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/api.md": _api,
    "docs/configuration.md": configuration_page,
    "etc/restream.yml": commented_file,
}
"""Path from the project's directory, and what makes its text."""
