"""The sections of the configuration that say who is told, one a way of telling, and what outages have in common."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, model_validator

from restream.config.alert_sections import AlertsSection
from restream.config.mail_section import SmtpSection
from restream.config.mqtt_section import MqttSection
from restream.config.network_section import NetworkSection


class MessageSections(BaseModel):
    """All of them, and what they need of each other."""

    alerts: AlertsSection = AlertsSection()
    smtp: SmtpSection = SmtpSection()
    mqtt: MqttSection = MqttSection()
    network: NetworkSection = NetworkSection()

    @model_validator(mode="after")
    def _mailed(self) -> Self:
        mailed = [name for name, entry in self.alerts.receivers.items() if entry.email]
        if mailed and self.smtp.host is None:
            raise ValueError(f"smtp.host: is needed by alerts.receivers.{mailed[0]}")
        return self
