"""Receivers and routes of the configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from restream.config.mail_section import SmtpSection
from restream.config.settings import ConfigError, Settings, load_settings
from restream.domain.news.alert_routes import AlertRoute
from restream.domain.schedule import LocalTime
from restream.service.alerting import alert_routes, local_time

HOOK = {"webhook": "https://hooks.example/h00k"}


def read(tmp_path: Path, alerts: Any) -> Settings:
    file = tmp_path / "restream.yml"
    file.write_text(yaml.safe_dump({"alerts": alerts}), encoding="utf-8")
    return load_settings(file)


def test_without_routes_every_receiver_is_told_of_everything(tmp_path: Path) -> None:
    routes = alert_routes(read(tmp_path, {"receivers": {"a": HOOK, "b": HOOK}}))
    assert routes == (AlertRoute("all", ("a", "b")),)
    assert alert_routes(read(tmp_path, {})) == ()


def test_a_route_about_certain_cameras_tells_of_components_only_when_asked(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"receivers": "a", "sites": "North", "cameras": [1, "x"], "time_zone": "Europe/Berlin"}
    routes = {"r": keys, "s": {**keys, "components": True}, "t": {"receivers": ["a"]}}
    found = alert_routes(read(tmp_path, {"receivers": {"a": HOOK}, "routes": routes}))
    assert [each.components for each in found] == [False, True, True]
    assert found[0].cameras == {"1", "x"} and found[0].sites == {"North"}


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ({"receivers": ["b"]}, "there is no receiver b in alerts.receivers"),
        ({"receivers": []}, "receivers"),
        ({"receivers": "a", "hours": "8-18"}, "expected hours like 08:00-18:00"),
        ({"receivers": "a", "weekdays": "monday"}, "expected weekdays"),
        ({"receivers": "a", "time_zone": "Mars/Olympus"}, "is no time zone"),
        ({"receivers": "a", "time_zone": "../../etc/passwd"}, "is no time zone"),
        ({"receivers": "a", "causes": ["refusd"]}, "expected a cause"),
        ({"receivers": "a", "escalate_to": "a"}, "belong together"),
        ({"receivers": "a", "reminder_after_s": [1]}, "from 60 on"),
        ({"receivers": "a", "escalate_after_s": 60, "escalate_to": "c"}, "there is no receiver c"),
    ],
)
def test_a_route_that_cannot_be_meant_is_one_line(tmp_path: Path, route: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        read(tmp_path, {"receivers": {"a": HOOK}, "routes": {"r": route}})
    assert "\n" not in str(caught.value) and "h00k" not in str(caught.value)


@pytest.mark.parametrize(
    ("receiver", "told"),
    [
        ({}, "expected one of email, webhook, apprise"),
        ({**HOOK, "email": "a@example.com"}, "expected one of"),
        ({"email": "a@example.com", "secret": "x"}, "secret belongs to a webhook"),
        ({"apprise": "h00k"}, "expected a URL of Apprise"),
        ({"snmp": "h00k:99999"}, "expected host:port"),
        ({"snmp": {"address": "h", "oid": "1.2"}}, "expected an OID"),
        ({"snmp": {"address": "h", "version": 3}}, "version 3 and user belong together"),
        ({"snmp": {"address": "h", "version": 3, "user": "u", "auth_key": "short"}}, "keys have 8 characters"),
        ({"snmp": {"address": "h", "version": 3, "user": "u", "privacy_key": "long enough"}}, "needs auth_key"),
        ({"email": "ops"}, "expected an e-mail address"),
        ({"email": "a@example.com\nBcc: b@example.com"}, "expected an e-mail address"),
        ({"email": "A <a@example.com>"}, "expected an e-mail address"),
        ({"email": "a@example.com"}, "smtp.host: is needed by alerts.receivers.r"),
        ({"webhook": "ftp://hooks.example/"}, "expected http"),
    ],
)
def test_a_receiver_that_cannot_be_meant_is_one_line(tmp_path: Path, receiver: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        read(tmp_path, {"receivers": {"r": receiver}})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "port"),
    [
        ({}, 25),
        ({"user": "a", "password": "b"}, 587),
        ({"security": "tls"}, 465),
        ({"security": "none", "user": "a", "password": "b"}, 25),
        ({"port": 2525}, 2525),
    ],
)
def test_the_usual_ports_of_mail_servers(keys: dict[str, Any], port: int) -> None:
    assert SmtpSection(host="mail", **keys).reached_at == port


def test_hours_follow_the_clock_of_their_place_also_when_it_is_changed() -> None:
    route = AlertRoute("r", ("a",), time_zone="Europe/Berlin")
    winter, summer = datetime(2026, 3, 29, 0, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert local_time(route, winter.timestamp()) == LocalTime(6, 119)
    assert local_time(route, summer.timestamp()) == LocalTime(6, 180)
