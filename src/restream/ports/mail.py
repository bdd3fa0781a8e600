"""Letters and who takes them, as verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class MailError(Exception):
    """A letter was not taken; one line, without credentials. `passing`: another try may succeed."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a letter; where it has an id, its HTML shows it (`<img src="cid:…">`)."""

    name: str
    media_type: str
    content: bytes
    id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent. Texts may hold anything; what a header cannot carry is left out."""

    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    id: str = ""
    """The left part of its Message-ID; empty: a new one."""
    references: tuple[str, ...] = ()
    """Ids of letters that it follows; readers show them together."""
    urgent: bool = False


class Mailer(Protocol):
    """Takes letters."""

    @property
    def name(self) -> str:
        """For the log; without credentials."""

    async def send(self, letter: Letter, to: tuple[str, ...]) -> Mapping[str, MailError]:
        """One try, bounded in time. Tells which recipients were refused, if not all. Raises MailError."""
