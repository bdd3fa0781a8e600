"""Who is told of outages: is the mail server there, is the broker, and is everybody told who shall be."""

from __future__ import annotations

import asyncio

from restream.adapters.apprise_receiver import NOT_INSTALLED, apprise_trouble
from restream.adapters.snmp_receiver import snmp_trouble
from restream.config.places import INSTALLED
from restream.config.settings import Settings
from restream.domain.camera.secret import Secret
from restream.interfaces.console.findings import CheckState, Finding
from restream.ports.mail import MailError
from restream.ports.topics import TopicError
from restream.service.alerting import alert_routes
from restream.service.mailing import smtp_mailer
from restream.service.secrets_in_use import SecretsInUse
from restream.service.topics import mqtt_broker

_WITHOUT = "the service runs without, and tells nobody by it"


async def check_messages(settings: Settings) -> list[Finding]:
    """Nothing is sent."""
    mail, broker = await asyncio.gather(_mail(settings), _broker(settings))
    return [*await asyncio.to_thread(_routes, settings), *mail, *broker]


def _routes(settings: Settings) -> list[Finding]:
    section, routes = settings.alerts, alert_routes(settings)
    if not section.receivers:
        return []
    for name, entry in section.receivers.items():
        if entry.apprise is not None and (problem := apprise_trouble(Secret(entry.apprise.get_secret_value()))):
            missing = problem == NOT_INSTALLED
            todo = INSTALLED.install_extra("apprise") if missing else "correct it, or delete the receiver"
            return [Finding("alerts", CheckState.WARN, f"alerts.receivers.{name}.apprise: {problem}", todo)]
    if (sending := [name for name, entry in section.receivers.items() if entry.snmp]) and (problem := snmp_trouble()):
        text = f"alerts.receivers.{sending[0]}.snmp: {problem}"
        return [Finding("alerts", CheckState.WARN, text, INSTALLED.install_extra("snmp"))]
    named = {name for route in routes for name in (*route.receivers, *route.escalate_to)}
    if silent := [name for name in section.receivers if name not in named]:
        text = f"nobody tells {', '.join(silent)}: no route names them"
        return [Finding("alerts", CheckState.WARN, text, "name them in alerts.routes, or delete them")]
    if not section.webhooks and not any(route.components for route in routes):
        text = "every route is about certain cameras: an outage of the database or a media server is told to nobody"
        return [Finding("alerts", CheckState.WARN, text, "set components: true in a route, or add one for everything")]
    text = f"{len(section.receivers)} receivers, {len(routes)} routes; `restream alert-test` sends a test message"
    return [Finding("alerts", CheckState.OK, text)]


async def _mail(settings: Settings) -> list[Finding]:
    mailer = smtp_mailer(settings)
    if mailer is None:
        return []
    try:
        await mailer.check()
    except MailError as error:
        text = f"{mailer.name}: {error}"
        return [Finding("smtp", CheckState.WARN, text, f"start the mail server, or correct smtp; {_WITHOUT}")]
    section = settings.smtp
    if section.security == "none" and section.user is not None:
        text = f"{mailer.name} answers; the login goes there in the clear"
        return [Finding("smtp", CheckState.WARN, text, "set smtp.security: starttls, or tls")]
    if section.security != "none" and not section.tls_verify:
        text = f"{mailer.name} answers; whose certificate it has is not checked"
        return [Finding("smtp", CheckState.WARN, text, "set smtp.tls_ca, or tls_verify: true")]
    return [Finding("smtp", CheckState.OK, f"{mailer.name} answers")]


async def _broker(settings: Settings) -> list[Finding]:
    broker = mqtt_broker(settings, SecretsInUse(settings))
    if broker is None:
        return []
    section = settings.mqtt
    where = f"{section.host}:{section.reached_at}"
    try:
        await broker.check()
    except TopicError as error:
        todo = f"start the broker, or correct mqtt; {_WITHOUT}"
        return [Finding("mqtt", CheckState.WARN, f"{where}: {error}", todo)]
    if section.user is not None and not section.tls:
        text = f"{where} answers; the login goes there in the clear"
        return [Finding("mqtt", CheckState.WARN, text, "set mqtt.tls: true")]
    return [Finding("mqtt", CheckState.OK, f"{where} answers")]
