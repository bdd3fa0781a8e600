"""A mail server (aiosmtpd) that answers as told."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from restream.demo.embedded import free_port
from tests.support.authority import Pair

HANG = "hang"
LOGIN = ("ops", "hunter22")


@dataclass
class MailServerThere:
    """`answers` to the end of a message and `of_recipients` are used up one by one, then everything is taken."""

    port: int
    answers: list[str] = field(default_factory=list)
    of_recipients: dict[str, list[str]] = field(default_factory=dict)
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    asked: int = 0
    logins: int = 0
    secure: list[bool] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answers = self.of_recipients.get(address)
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == HANG:
            await asyncio.Event().wait()
        if answer.startswith("250"):
            content = bytes(envelope.content or b"")
            self.raw.append(content)
            self.taken.append((list(envelope.rcpt_tos), message_from_bytes(content, policy=default)))  # type: ignore[arg-type]
            self.secure.append(server.transport.get_extra_info("ssl_object") is not None)
        return answer

    def login(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        self.logins += 1
        known = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == LOGIN
        return AuthResult(success=known, handled=False)


@asynccontextmanager
async def mail_server(
    *answers: str, pair: Pair | None = None, tls: str = "starttls", login: bool = False
) -> AsyncIterator[MailServerThere]:
    it = MailServerThere(free_port(), list(answers))
    context = None
    if pair is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.certificate, pair.key)
    wraps = tls == "tls"

    def made() -> SMTP:
        with warnings.catch_warnings():
            # A login in the clear is meant.
            warnings.simplefilter("ignore")
            return SMTP(
                it,
                hostname="mail.test",
                tls_context=None if wraps else context,
                require_starttls=context is not None and not wraps,
                authenticator=it.login if login else None,
                auth_required=login,
                auth_require_tls=False,
                auth_exclude_mechanism=() if login else ("LOGIN", "PLAIN"),
                timeout=30,
                loop=asyncio.get_running_loop(),
            )

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", it.port, ssl=context if wraps else None)
    try:
        yield it
    finally:
        server.close()
        for task in asyncio.all_tasks():
            if getattr(task.get_coro(), "__qualname__", "").startswith("SMTP._handle_client"):
                task.cancel()
        await asyncio.sleep(0)
