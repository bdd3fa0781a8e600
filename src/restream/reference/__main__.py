"""Write the reference pages and the commented configuration."""

from __future__ import annotations

from restream.config.places import ROOT
from restream.reference.pages import PAGES

for name, page in PAGES.items():
    (ROOT / name).write_text(page(), encoding="utf-8")
