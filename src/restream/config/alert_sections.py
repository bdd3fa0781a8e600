"""The section of the configuration that says who is told of outages: receivers, routes, webhooks."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from restream.config.mail_section import MailAddress
from restream.config.outlet_sections import check_http_url
from restream.config.secret_files import SecretText
from restream.config.snmp_section import SnmpEntry
from restream.config.stream_sections import Section, check_zone
from restream.config.tls import CaFile
from restream.domain.life.cause import Cause
from restream.domain.news.alert_routes import REMINDERS_S, Severity
from restream.domain.schedule import parse_hours, parse_weekdays

_CODES = frozenset({*Cause, "no_node", "row_rejected", "server_down", "video_gone"})
_YEAR_S = 366 * 86400


class WebhookEntry(Section):
    """Who is told."""

    url: SecretText
    """Where alerts are sent."""
    secret: SecretText | None = None
    """Messages are signed with it."""

    @field_validator("url")
    @classmethod
    def _url(cls, value: SecretStr) -> SecretStr:
        check_http_url(value.get_secret_value())
        return value


def _code(name: str) -> str:
    if name not in _CODES:
        raise ValueError(f"expected a cause of outages: {', '.join(sorted(_CODES))}")
    return name


def _seconds(value: tuple[float, ...]) -> tuple[float, ...]:
    if any(not 60 <= each <= _YEAR_S for each in value):
        raise ValueError("expected seconds, from 60 on")
    return tuple(sorted(set(value)))


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
"""Of a receiver or a route."""


class ReceiverEntry(Section):
    """One who is told by routes."""

    email: tuple[MailAddress, ...] = ()
    """Addresses that get a letter, by the server of `smtp`."""
    webhook: SecretText | None = None
    """A URL that gets JSON."""
    apprise: SecretText | None = None
    """A URL of Apprise: Telegram, Teams, ntfy and more, see [alerts.md](alerts.md#apprise)."""
    snmp: SnmpEntry | None = None
    """A manager, as `host:port` or with more, see [alerts.md](alerts.md#snmp)."""
    secret: SecretText | None = None
    """Messages to the webhook are signed with it."""

    @field_validator("email", mode="before")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        """One needs no list."""
        return [value] if isinstance(value, str) else value

    @field_validator("webhook")
    @classmethod
    def _url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_http_url(value.get_secret_value())
        return value

    @field_validator("apprise")
    @classmethod
    def _of_apprise(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"[A-Za-z][A-Za-z0-9]{1,30}://\S", value.get_secret_value()):
            raise ValueError("expected a URL of Apprise, like ntfys://host/topic")
        return value

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.email) + sum(each is not None for each in (self.webhook, self.apprise, self.snmp)) != 1:
            raise ValueError("expected one of email, webhook, apprise, snmp")
        if self.secret is not None and self.webhook is None:
            raise ValueError("secret belongs to a webhook")
        return self


class RouteEntry(Section):
    """Which outages are told to whom, and when."""

    receivers: tuple[Name, ...] = Field(min_length=1)
    """Names of receivers."""
    sites: tuple[str, ...] = ()
    """Only cameras of these sites."""
    cameras: tuple[str, ...] = ()
    """Only cameras with these ids."""
    faults: tuple[Literal["camera", "network", "publisher", "media_server", "config"], ...] = ()
    """Only outages whose fault is on one of these sides."""
    causes: tuple[Annotated[str, AfterValidator(_code)], ...] = ()
    """Only outages with one of these causes."""
    severity: Severity = Severity.MINOR
    """The least: a camera is minor, several that share a host or site are major, a large part of all is critical."""
    components: bool | None = None
    """Whether it tells of databases, media servers, nodes; null: unless it is about certain cameras."""
    hours: tuple[str, ...] = ()
    """E.g. `["08:00-18:00"]`, `["22:00-06:00"]`."""
    weekdays: tuple[str, ...] = ()
    """E.g. `["mon-fri"]`."""
    time_zone: Annotated[str, AfterValidator(check_zone)] | None = None
    """Of hours and weekdays, e.g. `Europe/Berlin`; null: the host's."""
    reminder_after_s: Annotated[tuple[float, ...], AfterValidator(_seconds)] = REMINDERS_S
    """When it is told again that an outage lasts."""
    escalate_after_s: float | None = Field(default=None, ge=0, le=_YEAR_S)
    """When further receivers are told that it lasts."""
    escalate_to: tuple[Name, ...] = ()
    """Their names."""

    @field_validator("receivers", "escalate_to", "sites", "cameras", "hours", "weekdays", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        """One needs no list; ids may be numbers."""
        several = value if isinstance(value, list | tuple) else [value]
        return [str(each) if isinstance(each, int) and not isinstance(each, bool) else each for each in several]

    @field_validator("reminder_after_s", mode="before")
    @classmethod
    def _reminders(cls, value: Any) -> Any:
        return () if value is None else [value] if isinstance(value, int | float) else value

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            parse_hours(each)
        return value

    @field_validator("weekdays")
    @classmethod
    def _days(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            parse_weekdays(each)
        return value

    @model_validator(mode="after")
    def _escalates(self) -> Self:
        if (self.escalate_after_s is None) != (not self.escalate_to):
            raise ValueError("escalate_after_s and escalate_to belong together")
        return self


class AlertsSection(Section):
    """Down and recovered, see [alerts.md](alerts.md)."""

    down_after_s: float = Field(default=30, ge=0, le=86400)
    """An outage is announced after this long."""
    up_after_s: float = Field(default=10, ge=0, le=86400)
    """Its end after this long."""
    webhooks: tuple[WebhookEntry, ...] = ()
    """URLs, or `{url: "https://…", secret: "…"}` for signed messages."""
    receivers: dict[Name, ReceiverEntry] = Field(default_factory=dict)
    """By name, each with a `webhook`, `email`, `snmp` or `apprise`: `{desk: {webhook: "https://desk.example/cameras"}}`,
    see [alerts.md](alerts.md#routes); without routes each is told of everything."""
    routes: dict[Name, RouteEntry] = Field(default_factory=dict)
    """By name, which outages are told to which receivers, and when: `{night: {receivers: desk, hours: "18:00-08:00"}}`,
    see [alerts.md](alerts.md#routes)."""
    language: Literal["en", "de", "ru"] = "en"
    """Of messages to people."""
    page_url: str | None = None
    """Where browsers reach the page, e.g. `https://cameras.example/`: messages link to it, and an identity provider
    (`api.oidc`) leads back to it."""
    keep_days: int = Field(default=90, ge=1, le=3660)
    """What was sent longer ago is deleted from the table of `init-db --deliveries`."""
    tls_ca: CaFile | None = None
    """Certificates (PEM) that are believed of receivers with `https`; null: the system's."""
    tls_verify: bool = True
    """False: whose certificate it is, is not checked."""

    @field_validator("page_url")
    @classmethod
    def _page(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.isascii() or "#" in value or any(each.isspace() for each in value):
            raise ValueError("expected http://host:port/ without a fragment")
        return check_http_url(value)

    @field_validator("webhooks", mode="before")
    @classmethod
    def _entries(cls, value: Any) -> Any:
        """A plain URL is a webhook without a secret."""
        return (
            [{"url": each} if isinstance(each, str) else each for each in value] if isinstance(value, list) else value
        )

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, route in self.routes.items():
            for each in (*route.receivers, *route.escalate_to):
                if each not in self.receivers:
                    known = ", ".join(self.receivers) or "none"
                    raise ValueError(f"route {name}: there is no receiver {each} in alerts.receivers ({known})")
        return self
