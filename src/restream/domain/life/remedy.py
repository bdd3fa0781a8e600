"""Where an ending proves that another engine would have gone on: one that speaks with cameras as a probe does."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from restream.domain.server.api_trouble import Words


class Remedy(StrEnum):
    """What the other engine does better."""

    OPTIONS = "options_refused"
    """It describes itself although it refuses OPTIONS, at which the engine gave up."""
    LOGIN = "login_of_probe"
    """The probe logged in, and the engine cannot."""

    @property
    def words(self) -> Words:
        """How to tell of it; the engine is named, since it is there and can publish this camera."""
        return _WORDS[self]


_WORDS: Mapping[Remedy, Words] = {
    Remedy.OPTIONS: Words(
        "the camera refuses OPTIONS, at which its engine gives up",
        "Set options.engine of this row to relay: it goes on whatever a camera says to OPTIONS.",
    ),
    Remedy.LOGIN: Words(
        "the camera wants a kind of login that its engine cannot do",
        "Login and password are right, the service itself got in: set options.engine of this row to relay, or allow "
        "Basic, or Digest with MD5, in the camera.",
    ),
}
