"""Makes from the configuration what takes letters."""

from __future__ import annotations

import re
import socket

from restream.adapters.mail.smtp import MailSecurity, MailServer, SmtpMailer
from restream.config.settings import Settings
from restream.domain.camera.secret import Secret
from restream.domain.server.trust import Trust


def smtp_mailer(settings: Settings) -> SmtpMailer | None:
    """Who takes letters, for alerts and whatever else is mailed; None without a mail server."""
    section = settings.smtp
    if section.host is None:
        return None
    host = re.sub(r"[^A-Za-z0-9.\-]", "-", socket.gethostname()).strip(".-") or "localhost"
    return SmtpMailer(
        MailServer(
            section.host,
            section.reached_at,
            MailSecurity(section.security),
            section.user,
            Secret(section.password.get_secret_value()) if section.password else None,
            Trust(section.tls_ca, section.tls_verify),
            section.sender or f"restream@{host}",
            f"restream {settings.node_name}",
            section.timeout_s,
        )
    )
