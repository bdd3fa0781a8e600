"""What is said of cameras and of the service over MQTT, with the discovery of Home Assistant."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from restream.domain.judgement.verdict import Health
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.values import encode
from restream.ports.topics import TopicView

# A state of Home Assistant is no longer.
_MOST_STATE = 255
_MOST_NAME = 100
_PLAIN = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_\-]")
_CONNECTIVITY: Mapping[str, str] = {Health.HEALTHY: "ON", Health.DEGRADED: "ON", Health.DOWN: "OFF"}
_COUNTED = (Health.DOWN, Health.DEGRADED)


class KeptState(msgspec.Struct):
    """What is read back of a camera's state."""

    id: str
    node: str


@dataclass(frozen=True, slots=True)
class HomeTopics:
    """`base` is where topics begin; `discovery` where Home Assistant looks, None: nothing is said to it."""

    node: str
    version: str
    base: str = "restream"
    discovery: str | None = "homeassistant"
    page_url: str = ""

    @property
    def availability(self) -> str:
        """Of this service."""
        return f"{self.base}/{self.node}/availability"

    @property
    def pattern(self) -> str:
        """All states of cameras."""
        return f"{self.base}/camera/+"

    def view(self, cycle: Rendering) -> TopicView | None:
        """Own cameras; None while the service is being stopped, which is no news of cameras."""
        snapshot, own = cycle.snapshot, cycle.stored
        if snapshot.draining or not snapshot.table_read:
            return None
        counts = {health.value: own.status.health.get(health, 0) for health in Health}
        service = {f"{self.base}/{self.node}/status": encode({"cameras": own.status.cameras, **counts})}
        for health in _COUNTED if self.discovery else ():
            service |= self._discovered(
                "sensor",
                f"{self.base}_{self.node}_{health}",
                name=f"Cameras {health}",
                state_topic=f"{self.base}/{self.node}/status",
                value_template=f"{{{{ value_json.{health} }}}}",
                state_class="measurement",
            )
        return TopicView(own.cameras, cycle.cameras.keys(), True, service)

    def messages(self, camera: object) -> Mapping[str, bytes]:
        """State and discovery of a camera."""
        assert isinstance(camera, CameraDocument)  # noqa: S101 - what `view` gives
        state, key = self._state(camera.id), self._key(camera.id)
        reason = camera.verdict.reasons[0] if camera.verdict.reasons else None
        found = {
            state: encode(
                {
                    "id": camera.id,
                    "name": camera.name,
                    "site": camera.site,
                    "node": self.node,
                    "connectivity": _CONNECTIVITY.get(camera.verdict.health),
                    "health": camera.verdict.health,
                    "fault": camera.verdict.fault,
                    "code": reason.code if reason else "",
                    "reason": (reason.text if reason else "")[:_MOST_STATE],
                    "since": camera.verdict.since,
                }
            )
        }
        if self.discovery is None:
            return found
        name = "".join(each for each in camera.name if each.isprintable())[:_MOST_NAME] or camera.id[:_MOST_NAME]
        shared = {"state_topic": state, "json_attributes_topic": state}
        found |= self._discovered(
            "binary_sensor",
            f"{key}_connectivity",
            name=name,
            device_class="connectivity",
            value_template="{{ value_json.connectivity }}",
            **shared,
        )
        found |= self._discovered(
            "sensor",
            f"{key}_reason",
            name=f"{name} reason",
            icon="mdi:cctv",
            entity_category="diagnostic",
            value_template="{{ value_json.reason }}",
            state_topic=state,
        )
        return found

    def topics(self, camera_id: str) -> Collection[str]:
        """State and discovery."""
        key = self._key(camera_id)
        discovered = (("binary_sensor", f"{key}_connectivity"), ("sensor", f"{key}_reason")) if self.discovery else ()
        return [*(self._config(kind, object_) for kind, object_ in discovered), self._state(camera_id)]

    def written_by_us(self, payload: bytes) -> str | None:
        """By this node."""
        try:
            found = msgspec.json.decode(payload, type=KeptState)
        except msgspec.MsgspecError:
            return None
        return found.id if found.node == self.node else None

    def _state(self, camera_id: str) -> str:
        return f"{self.base}/camera/{_plain(camera_id)}"

    def _key(self, camera_id: str) -> str:
        return f"{_NOT_PLAIN.sub('_', self.base)}_{_plain(camera_id)}"

    def _config(self, kind: str, object_: str) -> str:
        return f"{self.discovery}/{kind}/{_NOT_PLAIN.sub('_', object_)}/config"

    def _discovered(self, kind: str, object_: str, **keys: Any) -> dict[str, bytes]:
        device = {
            "identifiers": [f"{self.base}_{self.node}"],
            "name": f"restream {self.node}",
            "manufacturer": "restream",
            "sw_version": self.version,
            **({"configuration_url": self.page_url} if self.page_url else {}),
        }
        document = {
            **keys,
            "unique_id": _NOT_PLAIN.sub("_", object_),
            "availability_topic": self.availability,
            "device": device,
            "origin": {"name": "restream", "sw_version": self.version},
        }
        return {self._config(kind, object_): encode(document)}


def _plain(camera_id: str) -> str:
    """Any id as a level of a topic; two ids never share one."""
    if _PLAIN.fullmatch(camera_id) and not camera_id.startswith("--"):
        return camera_id
    return f"--{hashlib.sha256(camera_id.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
