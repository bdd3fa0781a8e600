"""Letters through a real mail server: what arrives, what is tried again, what is given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from restream.adapters.mail.receiver import MailReceiver
from restream.adapters.mail.smtp import MailSecurity, MailServer, SmtpMailer
from restream.demo.embedded import free_port
from restream.domain.camera.secret import Secret
from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.alert import AlertRules
from restream.domain.news.alert_routes import AlertRoute
from restream.domain.news.component import ComponentState
from restream.domain.server.trust import Trust
from restream.interfaces.messages.alert_letter import LastPicture, LetterStyle
from restream.ports.mail import Attachment, Letter, MailError
from restream.service.alert_letters import LetterWriter
from restream.supervisor.components import Components
from restream.supervisor.outlets.alert_post import Patience
from restream.supervisor.outlets.alert_watch import AlertWatch, Routing
from tests.contract.test_webhook import ALERT, AT_ONCE, GATE
from tests.support.authority import Authority
from tests.support.eventually import eventually
from tests.support.mail_server import HANG, LOGIN, MailServerThere, mail_server

OPS = ("ops@example.com",)
PLAIN = MailServer("127.0.0.1", 0, MailSecurity.NONE, sender="restream@example.com", timeout_s=5.0)
LETTER = Letter("Gate is down", "Gate is down\n", "<p>Gate is down</p>")


def to(there: MailServerThere, server: MailServer = PLAIN) -> SmtpMailer:
    return SmtpMailer(replace(server, port=there.port), clock=lambda: 1767607240.0)


async def test_a_letter_arrives_whole_in_its_thread_with_its_picture() -> None:
    picture = Attachment("gate.jpg", "image/jpeg", b"\xff\xd8jpeg", "p1")
    letter = replace(LETTER, attachments=(picture,), id="second", references=("first",), urgent=True)
    async with mail_server() as there:
        assert await to(there).send(letter, ("a@example.com", "b@example.com")) == {}
    (recipients, message), raw = there.taken[0], there.raw[0]
    assert recipients == ["a@example.com", "b@example.com"]
    assert message["Message-ID"] == "<second@example.com>"
    assert message["References"] == message["In-Reply-To"] == "<first@example.com>"
    assert (message["Date"], message["Auto-Submitted"]) == ("Mon, 05 Jan 2026 10:00:40 +0000", "auto-generated")
    parts = {each.get_content_type(): each for each in message.walk()}
    assert parts["text/plain"].get_content().splitlines() == ["Gate is down"]
    assert "Gate is down" in parts["text/html"].get_content()
    assert parts["image/jpeg"].get_content() == picture.content
    assert raw.isascii() and max(map(len, raw.splitlines())) <= 998


@pytest.mark.parametrize(
    "name",
    [
        "Gate\r\nBcc: all@example.com",
        "Gate\nSubject: other",
        "Gate\r\n\r\n<script>",
        "Тор \u202eetag ворота " * 40,
        "half \ud800 of a character",
        "\x00\x1b[2J",
        "=?utf-8?q?Bcc=3A?=",
        '"@example.com, all@example.com',
        "x" * 5000,
    ],
)
async def test_a_hostile_name_makes_neither_headers_nor_recipients(name: str) -> None:
    letter = Letter(name, f"{name}\n.\nQUIT\n{name}", f"<p>{name}</p>", (Attachment(name, "image/jpeg", b"x", "p"),))
    async with mail_server() as there:
        await SmtpMailer(replace(PLAIN, port=there.port, sender_name=name)).send(letter, OPS)
    (recipients, message) = there.taken[0]
    assert recipients == list(OPS) and message["To"] == OPS[0] and message["Bcc"] is None
    assert message.get_all("Subject") is not None and len(message.get_all("Subject") or []) == 1
    assert "\n" not in message["Subject"] and len(message["Subject"]) <= 181
    assert message["From"].addresses[0].addr_spec == "restream@example.com"


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("login", [False, True])
async def test_with_tls_and_a_login(tmp_path: Path, tls: str, login: bool) -> None:
    authority = Authority(tmp_path / "authority")
    server = replace(PLAIN, security=MailSecurity(tls), trust=Trust(str(authority.ca)))
    if login:
        server = replace(server, user=LOGIN[0], password=Secret(LOGIN[1]))
    async with mail_server(pair=authority.issue("mail"), tls=tls, login=login) as there:
        await to(there, server).check()
        await to(there, server).send(LETTER, OPS)
        assert there.secure == [True] and there.logins == 2 * login
        with pytest.raises(MailError, match="TLS: its certificate is of an authority that is not trusted") as caught:
            await to(there, replace(server, trust=Trust())).send(LETTER, OPS)
        assert caught.value.passing
        await to(there, replace(server, trust=Trust(verify=False))).send(LETTER, OPS)
    assert len(there.taken) == 2


async def test_a_login_in_the_clear_works_and_a_wrong_one_is_final_and_told_without_the_password() -> None:
    server = replace(PLAIN, user=LOGIN[0], password=Secret(LOGIN[1]))
    async with mail_server(login=True) as there:
        await to(there, server).send(LETTER, OPS)
        with pytest.raises(MailError, match=r"^login refused") as caught:
            await to(there, replace(server, password=Secret("wrong-hunter22"))).send(LETTER, OPS)
        assert not caught.value.passing and "hunter22" not in str(caught.value)


async def test_what_the_server_does_not_offer_is_told_with_the_key_to_look_at() -> None:
    async with mail_server() as there:
        with pytest.raises(MailError, match=r"no STARTTLS: see smtp\.security"):
            await to(there, replace(PLAIN, security=MailSecurity.STARTTLS)).send(LETTER, OPS)
        with pytest.raises(MailError, match="TLS: what answers there does not speak TLS"):
            await to(there, replace(PLAIN, security=MailSecurity.TLS)).send(LETTER, OPS)
        with pytest.raises(MailError, match="no login that is known here"):
            await to(there, replace(PLAIN, user="ops", password=Secret("x"))).send(LETTER, OPS)


@pytest.mark.parametrize(
    ("answer", "passing"),
    [("451 greylisted, come back", True), ("452 disk full", True), ("550 no such user", False), ("554 spam", False)],
)
async def test_refusals(answer: str, passing: bool) -> None:
    async with mail_server(answer) as there:
        with pytest.raises(MailError, match=answer[4:]) as caught:
            await to(there).send(LETTER, OPS)
    assert caught.value.passing is passing


async def test_a_server_that_hangs_or_is_absent_is_a_passing_failure() -> None:
    async with mail_server(HANG) as there:
        with pytest.raises(MailError, match=r"no answer within 0\.3 s") as caught:
            await to(there, replace(PLAIN, timeout_s=0.3)).send(LETTER, OPS)
        assert caught.value.passing
    with pytest.raises(MailError, match="Connection refused") as caught:
        await SmtpMailer(replace(PLAIN, port=free_port())).send(LETTER, OPS)
    assert caught.value.passing


async def test_one_who_drips_is_bounded_as_a_whole() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"220-still there\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except (ConnectionError, asyncio.CancelledError):
            writer.close()

    port = free_port()
    async with await asyncio.start_server(drip, "127.0.0.1", port):
        with pytest.raises(MailError) as caught:
            await SmtpMailer(replace(PLAIN, port=port, timeout_s=0.2)).send(LETTER, OPS)
    assert caught.value.passing


# -- alerts ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def watching(receiver: MailReceiver) -> AsyncIterator[tuple[AlertWatch, Components]]:
    rules, components = AlertRules(down_after_s=0.0, up_after_s=0.0, collect_s=0.0), Components()
    routing = Routing((AlertRoute("all", ("ops",), reminders_s=(60.0,)),), {"ops": receiver})
    watch = AlertWatch([], components, rules, AT_ONCE, routing, Patience(RestartPolicy(base_s=0.01, factor=1.0)))
    task = asyncio.create_task(watch.run())
    try:
        yield watch, components
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def receiver(there: MailServerThere, to_: tuple[str, ...] = OPS) -> MailReceiver:
    async def pictures(_: object) -> list[LastPicture]:
        return [LastPicture("p0", "Gate", b"\xff\xd8jpeg", 1767607000.0)]

    writer = LetterWriter(LetterStyle(node="site-a", page_url="https://cameras.example/"), pictures)
    return MailReceiver("ops", to(there), to_, writer.write)


async def test_an_outage_is_one_thread_from_its_beginning_over_a_reminder_to_its_end() -> None:
    async with mail_server() as there, watching(receiver(there)) as (watch, _):
        watch.tick({"7": GATE}, {}, 0.0, 1767607240.0, 100)
        watch.tick({"7": GATE}, {}, 60.0, 1767607300.0, 100)
        watch.tick({"7": replace(GATE, health="healthy")}, {}, 62.0, 1767607302.0, 100)
        await eventually(lambda: len(there.taken) == 3, 10)
    first, second, last = (message for _, message in there.taken)
    assert [each["Subject"] for each in (first, second, last)] == [
        "Gate is down (North): connection refused",
        "Reminder after 1 min: Gate is down (North): connection refused",
        "Gate is back (North)",
    ]
    assert second["References"] == last["References"] == first["Message-ID"] and first["References"] is None
    body = first.get_body(("plain",))
    assert body is not None and "https://cameras.example/#camera=7" in body.get_content()
    assert [each.get_content_type() for each in first.walk()].count("image/jpeg") == 1


async def test_over_an_outage_and_greylisting_of_the_server_nothing_is_lost_or_sent_twice() -> None:
    two = ("a@example.com", "b@example.com")
    async with (
        mail_server("421 shutting down", "451 greylisted") as there,
        watching(receiver(there, two)) as (watch, components),
    ):
        there.of_recipients["b@example.com"] = ["250 OK"] * 2 + ["450 greylisted"] * 2
        watch.tick({"7": GATE}, {}, 0.0, 1767607240.0, 1)
        await eventually(lambda: watch.outcomes["sent"] == 1, 10)
        assert components.state("alerts") is ComponentState.UP
    assert [recipients for recipients, _ in there.taken] == [["a@example.com"], ["b@example.com"]]
    assert len({message["Message-ID"] for _, message in there.taken}) == 1


async def test_what_is_refused_for_good_is_given_up_and_seen() -> None:
    async with mail_server("550 no such user") as there, watching(receiver(there)) as (watch, components):
        watch.tick({"7": GATE}, {}, 0.0, 1767607240.0, 1)
        await eventually(lambda: watch.outcomes["failed"] == 1, 10)
        assert components.all["alerts"].detail == "ops: no such user (550)"
        watch.tick({}, {}, 1.0, 1767607241.0, 1)
        watch.tick({"7": GATE}, {}, 2.0, 1767607242.0, 1)
        await eventually(lambda: components.state("alerts") is ComponentState.UP, 10)
    assert there.asked == 2 and ALERT.total == 1
