"""Webhooks over real HTTP: what arrives, what is tried again, and who waits for whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from restream.adapters.stores.webhook import Webhook
from restream.demo.embedded import free_port
from restream.domain.camera.secret import Secret
from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.alert import Affected, Alert, AlertError, AlertKind, AlertRules, AlertSubject, Scope
from restream.domain.news.alert_routes import AlertRoute
from restream.domain.news.component import ComponentState
from restream.domain.news.incident import Bond, IncidentScope
from restream.supervisor.components import Components
from restream.supervisor.outlets.alert_post import Patience
from restream.supervisor.outlets.alert_watch import AlertWatch, Routing
from tests.support.eventually import eventually
from tests.support.examples import examples
from tests.support.webhooks import HANG, receiver

GATE = AlertSubject("7", "Gate", "North", "192.0.2.7", "down", "camera", "refused", "connection refused")
ALERT = Alert(
    AlertKind.DOWN, 1767607240.0, Scope.CAMERA, 1, (Affected(GATE, 1767607200.0),), "192.0.2.7", since=1767607200.0
)
AT_ONCE = RestartPolicy(first_s=0.0, base_s=0.01, factor=1.0)


async def test_the_message_is_the_documented_one_and_the_documented_check_takes_it() -> None:
    async with receiver() as there:
        webhook = Webhook(Secret(there.url), secret=Secret("s3cret"), node="site-a", clock=lambda: 1767607240.0)
        await webhook.send(ALERT, "0d3f3c52-7a55-4f0e-9b56-0c6a3f3f0a11")
        await webhook.close()
    headers, body = there.received[0]
    assert json.loads(body) == json.loads(examples("alerts.md", "json")[0])
    assert headers["X-Restream-Delivery"] == json.loads(body)["id"]
    names: dict[str, Any] = {}
    exec(examples("alerts.md", "python")[0], names)
    genuine = names["genuine"]
    assert genuine(headers, body, "s3cret", 1767607300.0)
    assert not genuine(headers, body, "other", 1767607300.0)
    assert not genuine(headers, body + b" ", "s3cret", 1767607300.0)
    assert not genuine(headers, body, "s3cret", 1767608000.0)


async def test_a_message_of_an_incident_leads_to_it() -> None:
    known = replace(ALERT, scope=Scope.FLEET, incident="4f1d", bond=Bond(IncidentScope.SITE, "North", "contact"))
    async with receiver() as there:
        webhook = Webhook(Secret(there.url), page_url="https://cameras.example/")
        await webhook.send(known, "1")
        await webhook.send(ALERT, "2")
        await webhook.close()
    told, usual = (json.loads(body) for _, body in there.received)
    assert {key: told[key] for key in told.keys() - usual.keys()} == {
        "incident": "4f1d",
        "incident_scope": "site",
        "place": "North",
        "left": 0,
        "link": "https://cameras.example/#incident=4f1d",
    }


async def test_without_a_secret_nothing_is_signed() -> None:
    async with receiver() as there:
        webhook = Webhook(Secret(there.url))
        await webhook.send(ALERT, "1")
        await webhook.close()
    assert "X-Restream-Signature" not in there.received[0][0]


@pytest.mark.parametrize(("status", "passing"), [(302, False), (400, False), (401, False), (429, True), (503, True)])
async def test_refusals(status: int, passing: bool) -> None:
    async with receiver(status) as there:
        webhook = Webhook(Secret(there.url))
        with pytest.raises(AlertError, match=f"^HTTP {status}$") as caught:
            await webhook.send(ALERT, "1")
        await webhook.close()
    assert caught.value.passing is passing
    assert len(there.received) == 1


async def test_a_receiver_that_hangs_or_is_absent_is_a_passing_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restream.adapters.stores.webhook._TIMEOUT_S", 0.2)
    async with receiver(HANG) as there:
        for url in (there.url, f"http://u:hunter22@127.0.0.1:{free_port()}/hunter22"):
            webhook = Webhook(Secret(url))
            with pytest.raises(AlertError) as caught:
                await webhook.send(ALERT, "1")
            await webhook.close()
            assert caught.value.passing
            assert "hunter22" not in str(caught.value) + webhook.name


@asynccontextmanager
async def watching(*urls: str) -> AsyncIterator[tuple[AlertWatch, Components]]:
    components = Components()
    rules = AlertRules(down_after_s=0.0, up_after_s=0.0, collect_s=0.0)
    watch = AlertWatch([Webhook(Secret(url)) for url in urls], components, rules, AT_ONCE)
    task = asyncio.create_task(watch.run())
    try:
        yield watch, components
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_is_tried_again_under_the_same_id(caplog: pytest.LogCaptureFixture) -> None:
    async with receiver(503, 503) as there, watching(there.url) as (watch, components):
        watch.tick({"7": GATE}, {}, 0.0, 1000.0, 1)
        await eventually(lambda: watch.outcomes["sent"], 5)
    assert len({headers["X-Restream-Delivery"] for headers, _ in there.received}) == 1
    assert len(there.received) == 3
    assert components.state("webhooks") is ComponentState.UP
    assert "hunter22" not in caplog.text


async def test_it_is_given_up_after_five_tries_and_at_once_when_refused() -> None:
    async with receiver(*[503] * 5, 404) as there, watching(there.url) as (watch, components):
        watch.tick({"7": GATE}, {}, 0.0, 1000.0, 1)
        await eventually(lambda: watch.outcomes["failed"] == 1, 5)
        assert len(there.received) == 5
        watch.tick({}, {}, 1.0, 1001.0, 1)
        watch.tick({"7": GATE}, {}, 2.0, 1002.0, 1)
        await eventually(lambda: watch.outcomes["failed"] == 2, 5)
        assert len(there.received) == 6
        assert components.state("webhooks") is ComponentState.DOWN


async def test_one_that_hangs_delays_no_other_and_its_queue_is_bounded() -> None:
    async with receiver(HANG) as stuck, receiver() as there, watching(stuck.url, there.url) as (watch, _):
        for number in range(120):
            watch.tick({"7": GATE}, {}, 2.0 * number, 1000.0, 1)
            watch.tick({}, {}, 2.0 * number + 1, 1000.0, 1)
            await eventually(lambda: watch.outcomes["sent"] == number + 1, 5)  # noqa: B023
        assert watch.outcomes["dropped"] == 20


async def test_other_receivers_get_what_still_waits() -> None:
    rules = AlertRules(down_after_s=0.0, up_after_s=0.0, collect_s=0.0)
    async with receiver(HANG) as stuck, receiver() as there, watching(stuck.url) as (watch, components):
        watch.tick({"7": GATE}, {}, 0.0, 1000.0, 1)
        watch.tick({}, {}, 1.0, 1001.0, 1)
        watch.tick({"7": GATE}, {}, 2.0, 1002.0, 1)
        await eventually(lambda: stuck.received, 5)
        watch.adopt(rules, [Webhook(Secret(there.url))])
        await eventually(lambda: watch.outcomes["sent"] == 2, 5)
        assert len(there.received) == 2 and components.state("webhooks") is ComponentState.UP
        watch.adopt(AlertRules(down_after_s=3600.0, collect_s=0.0), None)
        watch.tick({}, {}, 3.0, 1003.0, 1)
        watch.tick({"7": GATE}, {}, 4.0, 1004.0, 1)
        watch.adopt(rules, None)
        watch.tick({"7": GATE}, {}, 5.0, 1005.0, 1)
        await eventually(lambda: watch.outcomes["sent"] == 3, 5)
        assert len(there.received) == 3


async def test_a_defect_in_one_delivery_costs_only_that_one() -> None:
    class Defective:
        name = "defective"
        asked = 0

        async def send(self, alert: Alert, delivery: str) -> None:
            self.asked += 1
            if self.asked == 1:
                raise KeyError("defect")

        async def close(self) -> None:
            """Nothing to let go of."""

    rules, it = AlertRules(down_after_s=0.0, up_after_s=0.0, collect_s=0.0), Defective()
    watch = AlertWatch([it], Components(), rules, AT_ONCE)
    watch.tick({"7": GATE}, {}, 0.0, 1000.0, 1)
    with pytest.raises(ExceptionGroup):
        await watch.run()
    watch.tick({}, {}, 1.0, 1001.0, 1)
    watch.tick({"7": GATE}, {}, 2.0, 1002.0, 1)
    async with asyncio.TaskGroup() as group:
        again = group.create_task(watch.run())
        await eventually(lambda: watch.outcomes["sent"] == 1, 5)
        again.cancel()
    assert it.asked == 2


async def test_routes_tell_their_receivers_and_webhooks_hear_everything_as_before() -> None:
    rules = AlertRules(down_after_s=0.0, up_after_s=0.0, collect_s=0.0)
    route = AlertRoute("south", ("phone",), sites=frozenset({"South"}), reminders_s=(60.0,))
    async with receiver() as everything, receiver(503) as phone:
        routing = Routing((route,), {"phone": Webhook(Secret(phone.url))})
        watch = AlertWatch([Webhook(Secret(everything.url))], Components(), rules, AT_ONCE, routing, Patience(AT_ONCE))
        task = asyncio.create_task(watch.run())
        both = {"7": GATE, "8": replace(GATE, id="8", site="South", host="192.0.2.8")}
        watch.tick(both, {}, 0.0, 1000.0, 100)
        watch.tick(both, {}, 60.0, 1060.0, 100)
        healthy = {id_: replace(each, health="healthy") for id_, each in both.items()}
        watch.tick(healthy, {}, 62.0, 1062.0, 100)
        await eventually(lambda: watch.outcomes["sent"] == 7, 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    told = [json.loads(body) for _, body in phone.received]
    assert [(each["kind"], each["telling"], each["left"]) for each in told[1:]] == [
        ("down", "news", 0),
        ("down", "reminder", 0),
        ("recovered", "news", 0),
    ]
    assert len({each["outages"][0] for each in told}) == 1
    assert [camera["id"] for each in told for camera in each["cameras"]] == ["8"] * 4
    heard = [json.loads(body) for _, body in everything.received]
    assert [each["kind"] for each in heard] == ["down", "down", "recovered", "recovered"]
    assert not any("telling" in each for each in heard)


async def test_a_receiver_that_is_away_for_long_is_seen_and_told_when_it_is_back() -> None:
    rules, components = AlertRules(down_after_s=0.0, collect_s=0.0), Components()
    async with receiver(*[503] * 8) as phone:
        routing = Routing((AlertRoute("all", ("phone",)),), {"phone": Webhook(Secret(phone.url))})
        watch = AlertWatch([], components, rules, AT_ONCE, routing, Patience(AT_ONCE))
        task = asyncio.create_task(watch.run())
        watch.tick({"7": GATE}, {}, 0.0, 1000.0, 1)
        await eventually(lambda: components.state("alerts") is ComponentState.DOWN, 5)
        await eventually(lambda: components.state("alerts") is ComponentState.UP, 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert watch.outcomes == {"sent": 1, "failed": 0, "dropped": 0}
