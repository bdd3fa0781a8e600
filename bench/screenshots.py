"""Pictures of the page of a running service: `python -m bench.screenshots --url … --output docs/images`.

Needs Chromium on PATH and Playwright, which the tests use too.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}


def take(browser: Browser, url: str, output: Path, theme: str, token: str | None) -> None:
    """List, drawer and phone in one theme. The drawer shows the camera that is worst off."""
    for name, size in (("list", DESKTOP), ("drawer", DESKTOP), ("phone", PHONE)):
        context = browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme=theme,  # type: ignore[arg-type]
            locale="en-GB",
            device_scale_factor=2 if name == "phone" else 1,
        )
        page = context.new_page()
        page.goto(url)
        if token is not None:
            page.get_by_label("Token").fill(token)
            page.keyboard.press("Enter")
        page.locator(".row.camera").first.wait_for(timeout=20_000)
        if name == "drawer":
            page.locator(".row.camera").first.click()
            page.locator(".drawer .charts").wait_for()
        # Gauges and charts come with the next messages.
        page.wait_for_timeout(2500)
        path = output / f"{name}-{theme}.png"
        page.screenshot(path=path)
        sys.stdout.write(f"{path}\n")
        context.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.screenshots", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000/")
    parser.add_argument("--output", type=Path, default=Path("docs/images"))
    parser.add_argument("--token", help="when the service asks for one")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("chromium is not on PATH\n")
        return 3
    options.output.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for theme in ("light", "dark"):
            take(browser, options.url, options.output, theme, options.token)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
