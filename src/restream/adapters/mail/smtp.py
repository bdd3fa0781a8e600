"""Letters over SMTP (RFC 5321), by a connection each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

import aiosmtplib

from restream.adapters.mail.message import wire_bytes
from restream.adapters.network_errors import reason
from restream.adapters.tls import context_of, tls_trouble
from restream.domain.camera.secret import Secret
from restream.domain.one_line import one_line
from restream.domain.server.trust import SYSTEM, Trust
from restream.ports.mail import Letter, MailError

_FAREWELL_S = 2.0


class MailSecurity(StrEnum):
    """How a connection to a mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed in, and as whom. `timeout_s` bounds each step, and three times that the whole."""

    host: str
    port: int
    security: MailSecurity = MailSecurity.STARTTLS
    user: str | None = None
    password: Secret | None = None
    trust: Trust = SYSTEM
    sender: str = "restream@localhost"
    sender_name: str = "restream"
    timeout_s: float = 20.0


class SmtpMailer:
    """Hands letters in at a mail server; what is refused for good and what may pass is told apart."""

    def __init__(self, server: MailServer, clock: Callable[[], float] = time.time) -> None:
        self._server, self._clock = server, clock

    @property
    def name(self) -> str:
        """Host and port."""
        return f"{self._server.host}:{self._server.port}"

    async def send(self, letter: Letter, to: tuple[str, ...]) -> Mapping[str, MailError]:
        """One try; which recipients were refused while others were not. Raises MailError."""
        server = self._server
        content = wire_bytes(letter, to, server.sender, server.sender_name, self._clock())
        async with self._connected() as client:
            found, _ = await client.sendmail(server.sender, list(to), content)
            return {address: self._refused(each.code, each.message) for address, each in found.items()}

    async def check(self) -> None:
        """Connect and log in, send nothing. Raises MailError."""
        async with self._connected() as client:
            await client.ehlo()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """What goes wrong inside is MailError."""
        client: aiosmtplib.SMTP | None = None
        try:
            async with asyncio.timeout(3 * self._server.timeout_s):
                client = self._client()
                await client.connect()
                yield client
                # What was taken is taken, whatever the server says to the farewell.
                with suppress(aiosmtplib.SMTPException, OSError):
                    await client.quit(timeout=_FAREWELL_S)
        except aiosmtplib.SMTPAuthenticationError as error:
            raise self._refused(error.code, f"login refused: {error.message}") from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            found = [self._refused(each.code, each.message) for each in error.recipients]
            text = "; ".join(dict.fromkeys(map(str, found)))
            raise MailError(one_line(text), passing=any(each.passing for each in found)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise self._refused(error.code, error.message) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            raise self._broken(error) from None
        finally:
            if client is not None:
                client.close()

    def _client(self) -> aiosmtplib.SMTP:
        server, secure = self._server, self._server.security
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password.reveal() if server.password else None,
            use_tls=secure is MailSecurity.TLS,
            start_tls=secure is MailSecurity.STARTTLS,
            tls_context=None if secure is MailSecurity.NONE else context_of(server.trust),
            timeout=server.timeout_s,
        )

    def _refused(self, code: int, message: str) -> MailError:
        password = self._server.password
        text = one_line(f"{message} ({code})", (password.reveal(),) if password else ())
        # 4yz: not now (RFC 5321, 4.2.1). A server whose answer makes no sense may be another one tomorrow.
        return MailError(text, passing=not 500 <= code < 600)

    def _broken(self, error: Exception) -> MailError:
        if trouble := tls_trouble(error):
            return MailError(trouble, passing=True)
        if isinstance(error, TimeoutError):
            return MailError(f"no answer within {self._server.timeout_s:g} s", passing=True)
        cause = error.__cause__ or error
        if isinstance(cause, aiosmtplib.SMTPServerDisconnected | ConnectionResetError | BrokenPipeError):
            return MailError("the server has closed the connection", passing=True)
        if isinstance(cause, OSError) and not isinstance(cause, aiosmtplib.SMTPException):
            return MailError(reason(cause, self._server.timeout_s), passing=True)
        text = one_line(str(error))
        if "STARTTLS" in text.upper():
            text = "the server offers no STARTTLS: see smtp.security"
        elif "AUTH" in text.upper():
            text = "the server offers no login that is known here: leave out smtp.user, or see smtp.security"
        # It may be another one tomorrow, and costs nobody an account.
        return MailError(text, passing=True)
