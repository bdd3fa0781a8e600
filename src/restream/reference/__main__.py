"""Write the reference pages into docs/."""

from __future__ import annotations

from restream.config.settings import ROOT
from restream.reference.pages import PAGES

for name, page in PAGES.items():
    (ROOT / "docs" / name).write_text(page(), encoding="utf-8")
