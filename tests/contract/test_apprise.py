"""Alerts through Apprise, to a receiver on loopback."""

from __future__ import annotations

import json

import pytest

from restream.adapters.apprise_receiver import NOT_INSTALLED, NOT_KNOWN, AppriseReceiver
from restream.demo.embedded import free_port
from restream.domain.camera.secret import Secret
from restream.domain.news.alert import AlertError
from restream.interfaces.messages.alert_letter import LetterStyle, alert_text
from restream.interfaces.messages.words import Language
from tests.contract.test_webhook import ALERT
from tests.support.webhooks import receiver

pytest.importorskip("apprise")
# A plugin of it looks for a module that Python is about to leave out.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")


def apprise(url: str) -> AppriseReceiver:
    def write(alert: object) -> tuple[str, str]:
        told = alert_text(ALERT, LetterStyle(Language.DE))
        return told.subject, told.text

    return AppriseReceiver(Secret(url), write)


@pytest.mark.parametrize("scheme", ["json", "ntfy"])
async def test_a_message_arrives(scheme: str) -> None:
    async with receiver(200) as there:
        await apprise(f"{scheme}://127.0.0.1:{there.port}/hunter22").send(ALERT, "1")
    body = json.loads(there.received[0][1])
    assert body["title"] == "Gate ist ausgefallen (North): Verbindung abgelehnt"
    assert "192.0.2.7" in body["message"]


@pytest.mark.parametrize(("status", "passing"), [(401, False), (429, True), (503, True)])
async def test_refusals(status: int, passing: bool, caplog: pytest.LogCaptureFixture) -> None:
    async with receiver(status) as there:
        with pytest.raises(AlertError, match=rf"^HTTP {status}$") as caught:
            await apprise(f"json://ops:hunter22@127.0.0.1:{there.port}/hunter22").send(ALERT, "1")
    assert caught.value.passing is passing
    assert "hunter22" not in caplog.text


async def test_one_that_is_absent_is_a_passing_failure() -> None:
    with pytest.raises(AlertError, match=r"^it was not taken$") as caught:
        await apprise(f"json://127.0.0.1:{free_port()}/").send(ALERT, "1")
    assert caught.value.passing


@pytest.mark.parametrize("url", ["nothing://hunter22/", "tgram://hunter22"])
async def test_a_url_that_is_none_is_told_without_it(url: str) -> None:
    with pytest.raises(AlertError) as caught:
        await apprise(url).send(ALERT, "1")
    assert (str(caught.value), caught.value.passing) == (NOT_KNOWN, False)
    assert "hunter22" not in apprise(url).name


async def test_without_the_extra_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(AlertError) as caught:
        await apprise("json://127.0.0.1/").send(ALERT, "1")
    assert (str(caught.value), caught.value.passing) == (NOT_INSTALLED, False)
