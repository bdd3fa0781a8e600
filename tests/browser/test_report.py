"""The panel of reports: a range, tables, files to take along, paper."""

from __future__ import annotations

import json
from typing import Any

import pytest

from restream.domain.history.figures import ReportSum, camera_figures
from restream.domain.history.span import HealthSpan, SpanMark
from restream.domain.judgement.verdict import Health
from restream.interfaces.documents.values import encode
from restream.interfaces.reports.availability_report import AvailabilityReport
from restream.interfaces.reports.document import report_document
from restream.interfaces.reports.period import Period
from restream.interfaces.reports.words import ReportWords
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, choose, expect

pytestmark = pytest.mark.asyncio(loop_scope="package")

BEGIN, DAY_S = 1_790_805_600.0, 86_400.0


def a_report(cameras: int, language: str = "en", site: str = "North") -> Any:
    """Each camera was down for a minute more than the one before; what the service would answer."""

    sums = ReportSum()
    for number in range(cameras):
        up = SpanMark(Health.HEALTHY, site=[site, "<b>South</b>", ""][number % 3], name=f"Camera {number}")
        down = up._replace(state=Health.DOWN, cause="unreachable", side="network")
        cut = BEGIN + DAY_S - 60 * number
        spans = [HealthSpan(str(number), BEGIN, cut, up), HealthSpan(str(number), cut, BEGIN + DAY_S, down)]
        sums.add(camera_figures(str(number), spans, BEGIN, BEGIN + DAY_S))
    period = Period("2026-10-01", BEGIN, BEGIN + DAY_S, "Europe/Berlin")
    return json.loads(encode(report_document(AvailabilityReport(period, BEGIN, (), sums), ReportWords(language))))


async def test_a_report_is_read_printed_and_taken_along(backend: Backend, open_page: OpenPage) -> None:
    backend.report = a_report(300)
    page = await open_page()
    await choose(page, "report")
    panel = page.locator(".panel.report")
    await expect(panel.locator("section").nth(1).locator("tbody tr")).to_have_count(3)
    await expect(panel.locator("section").nth(3).locator("tbody tr")).to_have_count(10)
    await expect(panel.locator("section").nth(4).locator("tbody tr")).to_have_count(200)
    await expect(panel).to_contain_text("100 more")
    await expect(panel).to_contain_text("<b>South</b>")
    await expect(panel).to_contain_text("An outage begins when a camera goes down")
    await expect(panel).to_contain_text("Unreachable")
    assert backend.reports_asked[-1] == {"month": "this", "language": "en", "format": "json"}
    for form in ("CSV", "XLSX", "PDF", "JSON"):
        address = await panel.get_by_role("link", name=form).get_attribute("href")
        assert address == f"{backend.address}api/report?month=this&language=en&format={form.lower()}"
    await panel.get_by_label("Range").select_option("Last week")
    await expect(page).to_have_url(backend.address + "#tab=report&range=lastweek")
    await panel.get_by_role("button", name="North").first.click()
    await expect(page).to_have_url(backend.address + "#tab=report&range=lastweek&only=North")
    await expect(panel.get_by_role("link", name="PDF")).to_have_attribute(
        "href", f"{backend.address}api/report?week=last&site=North&language=en&format=pdf"
    )
    await page.go_back()
    await expect(page).to_have_url(backend.address + "#tab=report&range=lastweek")
    await panel.get_by_label("Range").select_option("own")
    await panel.get_by_label("From", exact=True).fill("2026-10-01")
    await panel.get_by_label("To the end of").fill("2026-10-03")
    await expect(page).to_have_url(backend.address + "#tab=report&range=lastweek&from=2026-10-01&to=2026-10-03")
    await page.emulate_media(media="print")
    await expect(panel.locator(".report-tools")).to_be_hidden()
    await expect(panel.locator("section").first).to_be_visible()


async def test_without_history_it_says_what_to_do(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#tab=report", expected=("404",), wait=False)
    await expect(page.locator(".panel.report .error")).to_contain_text("init-db --history")
    await expect(page.get_by_text("None was down").first).to_be_hidden()


async def test_it_speaks_the_language_of_the_page(backend: Backend, open_page: OpenPage) -> None:
    backend.report = a_report(3, "ru")
    page = await open_page("#tab=report", wait=False, locale="ru-RU", viewport={"width": 390, "height": 800})
    panel = page.locator(".panel.report")
    await expect(panel).to_contain_text("Доступность")
    await expect(panel).to_contain_text("Сбой начинается")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert backend.reports_asked[-1]["language"] == "ru"
