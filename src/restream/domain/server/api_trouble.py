"""Why a media server's control API tells nothing, and what to do about each: streams go on without it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class ApiTrouble(StrEnum):
    """What is wrong with the way to the control API."""

    OFF = "api_off"
    """Nothing listens there, or the host is not known or reached."""
    USER = "api_user"
    """401 or 403."""
    NOT_FOUND = "api_not_found"
    """404 for the list of paths."""
    FOREIGN = "api_foreign"
    """What answers is no control API: a login page, a redirect, a proxy, another program."""
    TLS = "api_tls"
    """http where TLS is spoken, https where it is not, or a certificate that is not trusted."""
    TIMEOUT = "api_timeout"
    ERROR = "api_error"
    """It answers with an error, or breaks off."""

    @property
    def words(self) -> Words:
        """How to tell of it."""
        return WORDS[self]


class Words(NamedTuple):
    """`text` follows "the media server's API "; `hint` is what to do."""

    text: str
    hint: str


WORDS: Mapping[ApiTrouble, Words] = {
    ApiTrouble.OFF: Words(
        "is not there",
        "Switch the API on (`api: yes` in mediamtx.yml) and set mediamtx.api_url.",
    ),
    ApiTrouble.USER: Words(
        "refuses the user",
        "Set mediamtx.api_user and mediamtx.api_password to a user that has the action `api` in authInternalUsers of "
        "mediamtx.yml; as delivered, MediaMTX lets only its own host in.",
    ),
    ApiTrouble.NOT_FOUND: Words(
        "does not know the list of paths",
        "mediamtx.api_url leads to something else (another port, a path in front of it, a proxy), or to a MediaMTX "
        "before 1.0.",
    ),
    ApiTrouble.FOREIGN: Words(
        "gives no answer of MediaMTX",
        "Something else answers at mediamtx.api_url, say a proxy with a login page: set it to the address of the API "
        "itself (`apiAddress` in mediamtx.yml).",
    ),
    ApiTrouble.TLS: Words(
        "cannot be spoken to: TLS on one side only, or a certificate that is not trusted",
        "mediamtx.api_url must begin with https where `apiEncryption` is on in mediamtx.yml, else with http; this host "
        "must trust the certificate.",
    ),
    ApiTrouble.TIMEOUT: Words(
        "does not answer in time",
        "Check the load of the media server, and that no firewall drops the way to mediamtx.api_url.",
    ),
    ApiTrouble.ERROR: Words(
        "answers with an error",
        "Look at the component `mediamtx` for its words, and into the log of the media server.",
    ),
}
"""One entry for every trouble."""
