"""Makes from the configuration who is told of outages, and when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from restream.adapters.apprise_receiver import AppriseReceiver
from restream.adapters.calendar import clock_at
from restream.adapters.mail.receiver import MailReceiver
from restream.adapters.snmp_receiver import SnmpManager, SnmpReceiver
from restream.adapters.stores.webhook import Webhook
from restream.config.alert_sections import ReceiverEntry, RouteEntry, WebhookEntry
from restream.config.settings import ConfigError, Settings
from restream.config.snmp_section import SnmpEntry
from restream.domain.camera.secret import Secret
from restream.domain.news.alert import AlertRules
from restream.domain.news.alert_routes import AlertRoute
from restream.domain.schedule import ALL_DAY, EVERY_DAY, LocalTime, parse_hours, parse_weekdays
from restream.domain.server.trust import Trust
from restream.interfaces.messages.alert_letter import LetterStyle
from restream.interfaces.messages.words import Language
from restream.ports.outlets import AlertReceiver
from restream.service.alert_letters import AlertPictures, LetterParts, LetterWriter
from restream.service.mailing import smtp_mailer
from restream.supervisor.components import Components
from restream.supervisor.outlets.alert_watch import AlertIncidents, AlertWatch, Routing

EVERYTHING = "all"
"""The route that there is where none is configured."""


def alert_watch(
    settings: Settings,
    components: Components,
    pictures: AlertPictures,
    quiet: Callable[[float], Collection[str]],
    incidents: AlertIncidents,
) -> AlertWatch:
    """Who follows the cycles and tells."""
    return AlertWatch(
        alert_receivers(settings, settings.node_name),
        components,
        alert_rules(settings),
        routing=alert_routing(settings, settings.node_name, pictures.by(settings)),
        quiet=quiet,
        incidents=incidents,
        node=settings.node_name,
    )


def adopt_alerts(alerts: AlertWatch, before: Settings, settings: Settings, pictures: AlertPictures) -> None:
    """What is told of outages, and to whom, changes while the service runs; other outlets at its next start."""

    def same(*keys: str) -> bool:
        return all(getattr(settings.alerts, key) == getattr(before.alerts, key) for key in keys)

    trust, node = ("tls_ca", "tls_verify"), settings.node_name
    # Pictures come from the media servers.
    routed = same("receivers", "routes", "language", "page_url", *trust)
    routed = routed and (settings.smtp, settings.servers) == (before.smtp, before.servers)
    alerts.adopt(
        alert_rules(settings),
        None if same("webhooks", "page_url", *trust) else alert_receivers(settings, node),
        None if routed else alert_routing(settings, node, pictures.by(settings)),
    )


def alert_rules(settings: Settings) -> AlertRules:
    """When people are told."""
    return AlertRules(settings.alerts.down_after_s, settings.alerts.up_after_s)


def alert_receivers(settings: Settings, node: str) -> list[AlertReceiver]:
    """Who is told of everything."""
    return [_webhook(settings, entry, node) for entry in settings.alerts.webhooks]


def alert_routing(settings: Settings, node: str, parts: LetterParts) -> Routing:
    """Routes, and who is told by them."""
    receivers = {
        name: _receiver(settings, name, entry, node, parts) for name, entry in settings.alerts.receivers.items()
    }
    return Routing(alert_routes(settings), receivers, local_time)


def alert_routes(settings: Settings) -> Sequence[AlertRoute]:
    """Those of the configuration; without any, each receiver is told of everything."""
    section = settings.alerts
    if section.receivers and not section.routes:
        return (AlertRoute(EVERYTHING, tuple(section.receivers)),)
    return tuple(_route(name, entry) for name, entry in section.routes.items())


def local_time(route: AlertRoute, wall: float) -> LocalTime:
    """What a clock on the wall shows at a moment (Unix time, s) where the route is."""
    return clock_at(route.time_zone, wall)


def _route(name: str, entry: RouteEntry) -> AlertRoute:
    certain = bool(entry.sites or entry.cameras or entry.faults or entry.causes)
    return AlertRoute(
        name,
        entry.receivers,
        sites=frozenset(entry.sites),
        cameras=frozenset(entry.cameras),
        faults=frozenset(entry.faults),
        causes=frozenset(entry.causes),
        severity=entry.severity,
        components=not certain if entry.components is None else entry.components,
        hours=tuple(map(parse_hours, entry.hours)) or (ALL_DAY,),
        weekdays=frozenset().union(*map(parse_weekdays, entry.weekdays)) or EVERY_DAY,
        time_zone=entry.time_zone or "",
        reminders_s=entry.reminder_after_s,
        escalate_after_s=entry.escalate_after_s,
        escalate_to=entry.escalate_to,
    )


def _receiver(settings: Settings, name: str, entry: ReceiverEntry, node: str, parts: LetterParts) -> AlertReceiver:
    mailer = smtp_mailer(settings)
    style = LetterStyle(Language(settings.alerts.language), node, settings.alerts.page_url or "")
    if entry.apprise is not None:
        return AppriseReceiver(Secret(entry.apprise.get_secret_value()), LetterWriter(style, *parts).short)
    if entry.email and mailer is not None:
        return MailReceiver(name, mailer, entry.email, LetterWriter(style, *parts).write)
    if entry.snmp is not None:
        writer = LetterWriter(style, *parts).short
        return SnmpReceiver(name, _snmp_manager(entry.snmp), node, writer, settings.alerts.page_url or "")
    if entry.webhook is None:
        raise ConfigError(f"alerts.receivers.{name}: there is nobody to be told")
    return _webhook(settings, WebhookEntry(url=entry.webhook, secret=entry.secret), node)


def _snmp_manager(entry: SnmpEntry) -> SnmpManager:
    host, _, port = entry.address.rpartition(":")
    keys = [Secret(key.get_secret_value()) if key else None for key in (entry.auth_key, entry.privacy_key)]
    return SnmpManager(
        host.strip("[]"),
        int(port),
        entry.oid,
        entry.inform,
        Secret(entry.community.get_secret_value() if entry.community else "public"),
        entry.user or "",
        entry.auth,
        keys[0],
        entry.privacy,
        keys[1],
    )


def _webhook(settings: Settings, entry: WebhookEntry, node: str) -> Webhook:
    return Webhook(
        Secret(entry.url.get_secret_value()),
        secret=Secret(entry.secret.get_secret_value()) if entry.secret else None,
        node=node,
        trust=Trust(settings.alerts.tls_ca, settings.alerts.tls_verify),
        page_url=settings.alerts.page_url or "",
    )
