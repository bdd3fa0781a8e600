"""Alerts to a network management system, by SNMP: traps, or informs that it confirms. etc/RESTREAM-MIB.txt tells what
they have.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from restream.domain.camera.secret import Secret
from restream.domain.news.alert import Alert, AlertError, AlertKind, Scope
from restream.domain.news.alert_routes import severity_of
from restream.domain.one_line import one_line

NOT_INSTALLED = "SNMP is not installed: the extra restream[snmp]"

_TIMEOUT_S, _TRIES = 3, 2
_LONGEST_BYTES = 255
"""Of a text, so that a notification stays one packet."""
_NOTIFICATIONS: Mapping[AlertKind, int] = {
    AlertKind.DOWN: 1,
    AlertKind.RECOVERED: 2,
    AlertKind.COMPONENT_DOWN: 3,
    AlertKind.COMPONENT_UP: 4,
    AlertKind.TEST: 5,
}
_PRIVATE = "80001f8804"
"""Before the name of a node: an engine id of Net-SNMP's kind, by text."""
_ENGINE_EPOCH = 1_600_000_000


@dataclass(frozen=True, slots=True)
class SnmpManager:
    """Where notifications are sent, as whom, and below which OID; `auth` and `privacy` are names of algorithms."""

    host: str
    port: int
    oid: str
    inform: bool = False
    community: Secret | None = None
    user: str = ""
    """Not empty: version 3."""
    auth: str = ""
    auth_key: Secret | None = None
    privacy: str = ""
    privacy_key: Secret | None = None


class SnmpReceiver:
    """One manager. `write` makes title and text of an alert, `page_url` is where the page is reached."""

    def __init__(
        self,
        name: str,
        manager: SnmpManager,
        node: str,
        write: Callable[[Alert], tuple[str, str]],
        page_url: str = "",
    ) -> None:
        self._name, self._manager, self._node, self._write, self._page_url = name, manager, node, write, page_url
        self._engine: Any = None

    @property
    def name(self) -> str:
        """As configured."""
        return self._name

    async def send(self, alert: Alert, delivery: str) -> None:
        """One try, at most 10 s. Raises AlertError."""
        if trouble := snmp_trouble():
            raise AlertError(trouble, passing=False)
        try:
            problem = await self._send(alert, delivery)
        except Exception as error:
            # The library has its own errors for each layer, and raises others; texts may quote what was sent.
            raise AlertError(f"not sent ({type(error).__name__})", passing=True) from None
        if problem:
            raise AlertError(problem, passing=True)

    async def close(self) -> None:
        """Let go of the socket."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close_dispatcher()

    async def _send(self, alert: Alert, delivery: str) -> str:
        from pysnmp.hlapi.v3arch import asyncio as snmp  # noqa: PLC0415 - an extra, and it takes a while

        manager = self._manager
        if self._engine is None:
            self._engine = _engine(snmp, self._node)
        transport = snmp.Udp6TransportTarget if ":" in manager.host else snmp.UdpTransportTarget
        target = await transport.create((manager.host, manager.port), timeout=_TIMEOUT_S, retries=_TRIES - 1)
        told = snmp.NotificationType(snmp.ObjectIdentity(f"{manager.oid}.0.{_NOTIFICATIONS[alert.kind]}"))
        title, _ = self._write(alert)
        for number, value in enumerate(self._values(alert, delivery, title), start=1):
            plain = snmp.Unsigned32(value) if isinstance(value, int) else snmp.OctetString(_bytes(value))
            told.add_varbinds((f"{manager.oid}.1.{number}.0", plain))
        problem, status, _, _ = await snmp.send_notification(
            self._engine, _user(snmp, manager), target, snmp.ContextData(), "inform" if manager.inform else "trap", told
        )
        return one_line(str(problem or status or ""))[:200]

    def _values(self, alert: Alert, delivery: str, title: str) -> list[str | int]:
        """In the order of the MIB."""
        place = alert.bond.place if alert.bond is not None else alert.host or alert.component
        link = f"{self._page_url}#incident={alert.incident}" if self._page_url and alert.incident else self._page_url
        names = ", ".join(each.subject.name or each.subject.id for each in alert.cameras)
        began = datetime.fromtimestamp(alert.since, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        severity = "minor" if alert.kind is AlertKind.TEST else severity_of(alert)
        scope = "" if alert.kind is AlertKind.TEST else str(alert.scope)
        place = alert.component if alert.scope is Scope.COMPONENT else place
        texts = (title, self._node, scope, place, str(severity), str(alert.telling), alert.incident, link, began, names)
        return [*texts, alert.total, alert.left, delivery]


def snmp_trouble() -> str:
    """Why nothing can be sent; empty: it may work."""
    return NOT_INSTALLED if importlib.util.find_spec("pysnmp") is None else ""


def _engine(snmp: Any, node: str) -> Any:
    """One whose id is the same in each life of a node, and which knows that it was begun anew."""
    # Given an id, it would keep the count of its lives in a folder of /tmp that anybody may make.
    engine = snmp.SnmpEngine()
    builder = engine.get_mib_builder()
    own, boots = builder.import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots")
    own.syntax = engine.snmpEngineID = own.syntax.clone(bytes.fromhex(engine_id(node)))
    # It must rise from one life to the next: what is older than what a manager knows is thrown away.
    boots.syntax = boots.syntax.clone(int(time.time()) - _ENGINE_EPOCH)
    return engine


def engine_id(node: str) -> str:
    """Of a node, in hex: managers want to know it of who sends traps of version 3."""
    return _PRIVATE + node.encode()[:27].hex()


def _user(snmp: Any, manager: SnmpManager) -> Any:
    if not manager.user:
        return snmp.CommunityData(manager.community.reveal() if manager.community else "", mpModel=1)
    auth = {
        "sha256": snmp.USM_AUTH_HMAC192_SHA256,
        "sha512": snmp.USM_AUTH_HMAC384_SHA512,
        "sha": snmp.USM_AUTH_HMAC96_SHA,
        "md5": snmp.USM_AUTH_HMAC96_MD5,
    }
    privacy = {
        "aes": snmp.USM_PRIV_CFB128_AES,
        "aes256": snmp.USM_PRIV_CFB256_AES,
        "des": snmp.USM_PRIV_CBC56_DES,
    }
    return snmp.UsmUserData(
        manager.user,
        authKey=manager.auth_key.reveal() if manager.auth_key else None,
        privKey=manager.privacy_key.reveal() if manager.privacy_key else None,
        authProtocol=auth[manager.auth] if manager.auth_key else snmp.USM_AUTH_NONE,
        privProtocol=privacy[manager.privacy] if manager.privacy_key else snmp.USM_PRIV_NONE,
    )


def _bytes(text: str) -> bytes:
    """UTF-8 on one line, cut between characters."""
    return one_line(text).encode(errors="replace")[:_LONGEST_BYTES].decode(errors="ignore").encode()
