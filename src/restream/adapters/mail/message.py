"""A letter as it goes over the wire (RFC 5322, MIME)."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from restream.domain.one_line import one_line
from restream.ports.mail import Letter

_MOST_REFERENCES = 20
_MOST_SUBJECT = 180
# Readers cut what they do not know out of an id, and so lose the thread.
_NOT_OF_AN_ID = re.compile(r"[^A-Za-z0-9._\-]")


def wire_bytes(letter: Letter, to: tuple[str, ...], sender: str, name: str, now: float) -> bytes:
    """All of it, 7 bit; `name` is shown beside the sender's address, `now` Unix time (s)."""
    user, _, domain = sender.rpartition("@")
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(header_text(name), user, domain)
    message["To"] = [Address("", *each.rsplit("@", 1)) for each in to]
    message["Subject"] = header_text(letter.subject)
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Message-ID"] = _id(letter.id or str(uuid.uuid4()), domain)
    followed = [_id(each, domain) for each in letter.references if each != letter.id][:_MOST_REFERENCES]
    if followed:
        message["In-Reply-To"] = followed[-1]
        message["References"] = " ".join(followed)
    # No out-of-office answers (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if letter.urgent:
        message["Importance"] = "high"
    message.set_content(encodable(letter.text), cte="quoted-printable")
    if letter.html:
        message.add_alternative(encodable(letter.html), subtype="html", cte="quoted-printable")
    html = next((each for each in message.iter_parts() if each.get_content_subtype() == "html"), None)
    for each in letter.attachments:
        main, _, sub = each.media_type.partition("/")
        if each.id and isinstance(html, EmailMessage):
            html.add_related(each.content, main, sub, cid=f"<{each.id}>", filename=header_text(each.name))
        else:
            message.add_attachment(each.content, main, sub, filename=header_text(each.name))
    return message.as_bytes()


def header_text(text: str) -> str:
    """As one line that is no header of its own; bounded."""
    line = one_line(encodable(text))
    return line if len(line) <= _MOST_SUBJECT else f"{line[: _MOST_SUBJECT - 1].rstrip()}…"


def encodable(text: str) -> str:
    """Without halves of characters and what ends a line or a message for some reader."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(each for each in whole if each.isprintable() or each == "\n")


def _id(text: str, domain: str) -> str:
    return f"<{_NOT_OF_AN_ID.sub('-', text)[:80]}@{domain}>"
