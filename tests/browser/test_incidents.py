"""A night on the page: a switch fails, is taken in hand with a note, its cameras come back."""

from __future__ import annotations

import re

import pytest

from restream.domain.life.cause import Cause
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="package")


def site(backend: Backend, first: int, count: int, name: str = "South") -> range:
    """A site of so many cameras, each on a host of its own."""
    numbers = range(first, first + count)
    backend.put(*(fleet.camera(number, site=name, host=f"10.9.0.{number}") for number in numbers))
    return numbers


async def fail(backend: Backend, numbers: range, name: str = "South") -> None:
    backend.put(*(fleet.down(number, Cause.UNREACHABLE, 0, site=name, host=f"10.9.0.{number}") for number in numbers))
    await backend.publish()


async def sign(page: Page, deed: str, text: str, who: str = "Ann") -> None:
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Remark" if deed != "Note" else "Note").fill(text)
    await dialog.get_by_label("Your name").fill(who)
    await dialog.get_by_role("button", name=deed, exact=True).click()


async def test_a_switch_fails_at_night(backend: Backend, open_page: OpenPage) -> None:
    backend.cameras = {str(number): fleet.camera(number) for number in range(1, 60)}
    numbers = site(backend, 100, 40)
    page = await open_page("#tab=incidents", wait=False)
    await expect(page.get_by_text("Nothing is open.")).to_be_visible()
    await fail(backend, numbers)
    card = page.locator(".incident-cards .incident-card")
    await expect(card).to_have_count(1)
    await expect(card).to_contain_text("Site South: 40 cameras affected")
    await expect(page.locator("#tab-incidents")).to_contain_text("1")

    await card.get_by_role("button", name="Acknowledge").click()
    await sign(page, "Acknowledge", "switch in cabinet 3")
    await expect(card).to_contain_text("In hand: Ann")
    await expect(card).to_contain_text("switch in cabinet 3")
    await card.get_by_role("button", name="Note", exact=True).click()
    assert await page.get_by_role("dialog").get_by_label("Your name").input_value() == "Ann", "who signed is remembered"
    await sign(page, "Note", "power is back")

    backend.put(*(fleet.camera(number, site="South", host=f"10.9.0.{number}") for number in numbers))
    await backend.publish()
    await expect(page.get_by_text("Nothing is open.")).to_be_visible()
    row = page.locator(".night-row")
    await expect(row).to_contain_text("Site South: 40 cameras affected")
    await expect(row).to_contain_text("Ann: power is back")
    await row.get_by_role("button").click()
    chosen = page.locator(".incident-chosen .incident-card")
    await expect(chosen).to_contain_text(
        re.compile("Ann took it in hand.*switch in cabinet 3.*Ann remarked.*power is back")
    )
    await expect(chosen).to_contain_text("Over since")


async def test_a_link_of_a_message_leads_to_the_incident(backend: Backend, open_page: OpenPage) -> None:
    await fail(backend, site(backend, 100, 5))
    (incident,) = [each for each in backend.incidents.documents() if each["place"] == "South"]
    page = await open_page(incident["link"], wait=False)
    chosen = page.locator(".incident-chosen .incident-card")
    await expect(chosen).to_contain_text("Site South: 5 cameras affected")
    await chosen.get_by_role("button", name="103").click()
    await expect(page.locator(".drawer")).to_contain_text("10.9.0.103")
    other = await open_page("#incident=nonsense", wait=False, expected=("404",))
    await expect(other.get_by_text("There is no such incident")).to_be_visible()


async def test_all_of_an_incident_are_acted_on_after_a_question(backend: Backend, open_page: OpenPage) -> None:
    await fail(backend, site(backend, 100, 5))
    page = await open_page("#tab=incidents", wait=False)
    card = page.locator(".incident-card", has_text="Site South")
    await card.get_by_role("button", name="Act on all of these").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("5 cameras are asked")
    await dialog.get_by_role("button", name="Cancel").click()
    assert backend.actions == []
    await card.get_by_role("button", name="Act on all of these").click()
    await dialog.get_by_label("What").select_option("probe")
    await dialog.get_by_role("button", name="Do it").click()
    await expect(page.get_by_text("5 cameras were asked")).to_be_visible()
    assert sorted(backend.actions) == [(str(number), "probe") for number in range(100, 105)]


async def test_an_incident_rests_and_is_given_back(backend: Backend, open_page: OpenPage) -> None:
    await fail(backend, site(backend, 100, 5))
    page = await open_page("#tab=incidents", wait=False)
    card = page.locator(".incident-card", has_text="Site South")
    await card.get_by_role("button", name="Snooze").click()
    await page.get_by_role("dialog").get_by_label("For").select_option("4")
    await sign(page, "Snooze", "")
    await expect(card).to_contain_text("Rests until")
    await card.get_by_role("button", name="Acknowledge").click()
    await sign(page, "Acknowledge", "")
    await expect(page.locator(".notice").first).to_be_visible()
    await card.get_by_role("button", name="Give back").click()
    await sign(page, "Give back", "")
    await expect(card.get_by_role("button", name="Acknowledge")).to_be_visible()


async def test_who_may_only_look_has_no_buttons_to_press(backend: Backend, open_page: OpenPage) -> None:
    backend.may_write = False
    await fail(backend, site(backend, 100, 5))
    page = await open_page("#tab=incidents", wait=False)
    card = page.locator(".incident-card", has_text="Site South")
    for name in ("Acknowledge", "Note", "Snooze", "Act on all of these"):
        await expect(card.get_by_role("button", name=name, exact=True)).to_be_disabled()


async def test_maintenance_is_announced_and_ended(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#tab=maintenance", wait=False, expected=("400",))
    await expect(page.get_by_text("No maintenance is announced.")).to_be_visible()
    await page.get_by_role("button", name="Announce").click()
    await expect(page.locator(".panel.maintenance form .error")).to_contain_text("end: needed")
    await page.get_by_label("What for").fill("new switch")
    await page.get_by_label("Sites").fill("South, North")
    await page.get_by_label("Again and again").fill("* * * * *")
    await page.get_by_label("For hours each time").fill("2")
    await page.get_by_role("button", name="Announce").click()
    row = page.locator(".panel.maintenance tbody tr")
    await expect(row).to_contain_text("new switch")
    await expect(row).to_contain_text("Sites: North, South")
    await expect(page.locator("#tab-maintenance")).to_contain_text("1")
    (window,) = backend.maintenance.windows
    assert window.calendar is not None and window.calendar.duration_s == 7200
    await row.get_by_role("button", name="End").click()
    await expect(page.get_by_text("No maintenance is announced.")).to_be_visible()
