"""The section of the configuration about the mail server."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from restream.config.secret_files import SecretText
from restream.config.stream_sections import Section
from restream.config.tls import CaFile

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~\-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,250}[A-Za-z0-9])?")
_PORTS = {"none": 25, "starttls": 25, "tls": 465}
_WITH_LOGIN = 587


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("expected an e-mail address like ops@example.com")
    return text


MailAddress = Annotated[str, AfterValidator(_address)]
"""Of one mailbox, without a name beside it."""


class SmtpSection(Section):
    """The mail server that takes alerts and reports for people, see [alerts.md](alerts.md#e-mail)."""

    host: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.:\-]{1,255}$")
    """Null: nothing is mailed."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Null: 465 with `tls`, 587 with `starttls` and a login, else 25."""
    security: Literal["none", "starttls", "tls"] = "starttls"
    """`none`: in the clear, also the login."""
    user: str | None = None
    """Null: no login."""
    password: SecretText | None = None
    """Of the login."""
    sender: MailAddress | None = None
    """Null: `restream@` and the host's name."""
    tls_ca: CaFile | None = None
    """Certificates (PEM) that are believed; null: the system's."""
    tls_verify: bool = True
    """False: whose certificate it is, is not checked."""
    timeout_s: float = Field(default=20, gt=0, le=300)
    """Of each step."""

    @property
    def reached_at(self) -> int:
        """The port."""
        usual = _WITH_LOGIN if self.security == "starttls" and self.user else _PORTS[self.security]
        return self.port or usual

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.user is not None and self.password is None:
            raise ValueError("password is needed with user")
        return self
