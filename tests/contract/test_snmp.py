"""Alerts by SNMP, to the daemon of Net-SNMP."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from restream.adapters.snmp_receiver import SnmpManager, SnmpReceiver, engine_id
from restream.config.places import ROOT
from restream.config.snmp_section import PLAYPEN
from restream.demo.embedded import free_port
from restream.domain.camera.secret import Secret
from restream.domain.news.alert import Alert, AlertError, AlertKind, Scope
from restream.domain.news.incident import Bond, IncidentScope
from tests.contract.test_webhook import ALERT
from tests.support.eventually import eventually

pytest.importorskip("pysnmp")
pytestmark = pytest.mark.program("snmptrapd")

TOLD = replace(ALERT, scope=Scope.SITE, incident="4f1d", bond=Bond(IncidentScope.SITE, "Nörd", "contact"))


ALGORITHMS = {
    "ops": ("sha256", "SHA-256", "aes", "AES"),
    "strong": ("sha512", "SHA-512", "aes256", "AES256"),
    "older": ("sha", "SHA", "aes", "AES"),
    "old": ("md5", "MD5", "des", "DES"),
}
"""User: what the settings call his algorithms, and the daemon."""
NODE = "site-a"


@contextlib.asynccontextmanager
async def daemon(folder: Path) -> AsyncIterator[tuple[int, Path]]:
    """One that takes what is allowed, and writes it down, in numbers: Debian may not ship the modules of IETF."""
    port, log, settings = free_port(), folder / "traps.log", folder / "snmptrapd.conf"
    lines = ["authCommunity log hunter22"]
    for user, (_, auth, _, privacy) in ALGORITHMS.items():
        known = f"{user} {auth} authenticate {privacy} encrypting"
        lines += [f"createUser -e 0x{engine_id(NODE)} {known}", f"createUser {known}", f"authUser log {user} priv"]
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *("snmptrapd", "-f", "-n", "-C", "-c", str(settings), "-Lf", str(log), "-On", "-Oa"),
        *("-m", "", f"127.0.0.1:{port}"),
        env={
            "PATH": "/usr/sbin:/usr/bin:/bin:/usr/local/sbin",
            "SNMP_PERSISTENT_DIR": str(folder),
            "HOME": str(folder),
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: log.exists() and "NET-SNMP version" in log.read_text(), 20)
        yield port, log
    finally:
        process.terminate()
        await process.wait()


async def send(manager: SnmpManager, alert: Alert = TOLD) -> None:
    receiver = SnmpReceiver("nms", manager, NODE, lambda each: (f"{each.total} are down", ""), "https://c.example/")
    try:
        await receiver.send(alert, "d1")
    finally:
        await receiver.close()


@pytest.mark.parametrize("inform", [False, True])
@pytest.mark.parametrize("user", ["", *ALGORITHMS])
async def test_a_notification_arrives_with_all_that_the_mib_says(tmp_path: Path, user: str, inform: bool) -> None:
    async with daemon(tmp_path) as (port, log):
        manager = SnmpManager("127.0.0.1", port, PLAYPEN, inform, Secret("hunter22"))
        if user:
            keys = (Secret("authenticate"), Secret("encrypting"))
            auth, _, privacy, _ = ALGORITHMS[user]
            manager = replace(manager, user=user, auth=auth, auth_key=keys[0], privacy=privacy, privacy_key=keys[1])
        await send(manager)
        await eventually(lambda: "1 are down" in log.read_text(errors="replace"), 20)
        told = log.read_text(errors="replace")
        # Another life of the same service is heard too.
        await send(manager, replace(TOLD, kind=AlertKind.RECOVERED, left=3))
        await eventually(lambda: f".{PLAYPEN}.1.12.0 = Gauge32: 3" in log.read_text(errors="replace"), 20)
    for text in ("1 are down", "site-a", "site", "major", "news", "4f1d", "https://c.example/#incident=4f1d", "Gate"):
        assert text in told, told
    assert "hunter22" not in told


def test_the_engine_id_is_that_of_the_node_and_no_longer_than_may_be() -> None:
    assert engine_id("nvr-7") == "80001f8804" + b"nvr-7".hex()
    assert len(bytes.fromhex(engine_id("n" * 60))) == 32


def test_the_mib_names_what_is_sent_in_its_order() -> None:
    mib = (ROOT / "etc" / "RESTREAM-MIB.txt").read_text(encoding="ascii")
    objects = re.findall(r"^restream(\w+) OBJECT-TYPE.*?restreamObjects (\d+)", mib, re.DOTALL | re.MULTILINE)
    told = re.findall(r"^restream(\w+) NOTIFICATION-TYPE.*?restreamNotifications (\d+)", mib, re.DOTALL | re.MULTILINE)
    assert [int(number) for _, number in objects] == list(range(1, 14))
    assert [(name, int(number)) for name, number in objects if name in ("Text", "Incident", "Total", "Left")] == [
        ("Text", 1),
        ("Incident", 7),
        ("Total", 11),
        ("Left", 12),
    ]
    assert [int(number) for _, number in told] == [1, 2, 3, 4, 5]


async def test_nobody_who_confirms_is_a_passing_failure_and_says_no_secret() -> None:
    manager = SnmpManager("127.0.0.1", free_port(), PLAYPEN, inform=True, community=Secret("hunter22"))
    with pytest.raises(AlertError) as caught:
        await send(manager)
    assert caught.value.passing and "hunter22" not in str(caught.value)
