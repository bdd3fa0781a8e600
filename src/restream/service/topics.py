"""Makes from the configuration what a broker is told."""

from __future__ import annotations

from restream import __version__
from restream.adapters.mqtt import BrokerAddress, MqttBroker
from restream.config.settings import Settings
from restream.domain.server.trust import Trust
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.messages.home_assistant import HomeTopics
from restream.service.secrets_in_use import SecretsInUse
from restream.supervisor.components import Components
from restream.supervisor.outlets.topic_keeper import TopicKeeper


def mqtt_broker(settings: Settings, secrets: SecretsInUse) -> MqttBroker | None:
    """The broker; None: none is configured."""
    section = settings.mqtt
    if section.host is None:
        return None
    return MqttBroker(
        BrokerAddress(
            section.host,
            section.reached_at,
            section.user,
            secrets.of("mqtt.password"),
            Trust(section.tls_ca, section.tls_verify) if section.tls else None,
            f"restream-{settings.node_name}",
        )
    )


def topic_keepers(settings: Settings, secrets: SecretsInUse, components: Components) -> list[TopicKeeper[Rendering]]:
    """None or one."""
    broker, section = mqtt_broker(settings, secrets), settings.mqtt
    words = HomeTopics(
        settings.node_name, __version__, section.topic, section.discovery_prefix, settings.alerts.page_url or ""
    )
    return [] if broker is None else [TopicKeeper(broker, words, components)]
