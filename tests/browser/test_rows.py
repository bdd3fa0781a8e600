"""The cameras table as a file, on the page."""

from __future__ import annotations

import csv
import io

import pytest

from restream.domain.camera.row_changes import RowTable
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, choose, expect
from tests.unit.test_row_files import PRESENT, READER

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_file_goes_out_and_comes_back_with_what_it_would_change(backend: Backend, open_page: OpenPage) -> None:
    backend.token, backend.role = "sesame", "configure"
    backend.rows = RowTable(READER, PRESENT)
    page = await open_page(expected=("401", "400"), wait=False)
    await page.get_by_label("Token").fill("sesame")
    await page.get_by_label("Token").press("Enter")
    await choose(page, "rows")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download as CSV").click()
    path = await (await downloading.value).path()
    text = path.read_text("utf-8-sig")
    assert "sEcret" not in text and [row["id"] for row in csv.DictReader(io.StringIO(text))] == ["7", "8"]

    changed = text.replace("192.0.2.7,", "192.0.2.70,") + "9,<b>,,,,,New,,,,\r\n"
    chosen = page.get_by_label("A file that was changed")

    async def compare(body: str) -> None:
        await chosen.set_input_files({"name": "rows.csv", "mimeType": "text/csv", "buffer": body.encode()})
        await page.get_by_role("button", name="What would change?").click()

    await compare(changed)
    rows = page.locator(".panel.row-files tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("link: 192.0.2.7 → 192.0.2.70")
    await expect(rows.last).to_contain_text("refused")
    await expect(page.get_by_label("Statements for whoever")).to_be_hidden()
    await compare(changed.rpartition("9,<b>")[0])
    await expect(page.get_by_label("Statements for whoever")).to_have_value(
        "BEGIN;\nSET LOCAL standard_conforming_strings = on;\n"
        "UPDATE cameras SET \"link\" = '192.0.2.70' WHERE \"id\" = '7';\nCOMMIT;\n"
    )
    await compare("id,lnik\n")
    await expect(page.locator(".panel.row-files .error")).to_contain_text("line 1: there is no column 'lnik'")


async def test_others_have_no_such_tab(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    await expect(page.locator("#tab-rows")).to_have_attribute("hidden", "")
