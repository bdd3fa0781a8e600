"""The page's files, without a browser: every text in every language, every module announced, nothing from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from restream.adapters.postgres import _TABLE_HINTS
from restream.adapters.postgres_leases import _HINTS as LEASE_HINTS
from restream.adapters.tls import _OF_CERTIFICATE, _OF_HANDSHAKE
from restream.domain.fleet.vacancy import Vacancy
from restream.domain.judgement.picture_flaws import CODES
from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Cause, Side
from restream.domain.life.lifecycle import Phase
from restream.domain.life.remedy import Remedy
from restream.domain.server.api_trouble import ApiTrouble
from restream.domain.server.mediamtx import Closed
from restream.interfaces.http.page import STATIC
from restream.supervisor.nodes.share_keeper import _ANOTHER, _MEANWHILE

LANGUAGES = ("en", "de", "ru")
PLURALS = {"en": {"one", "other"}, "de": {"one", "other"}, "ru": {"one", "few", "many", "other"}}
SCRIPTS = sorted((STATIC / "js").glob("*.js"))
_VERDICT_CODES = (
    "disabled",
    "idle",
    "held_by_operator",
    "starting",
    "draining",
    "stopping",
    "restarting",
    "server_down",
    "server_silent",
    "stale",
    "not_arrived",
    "unobserved",
    "srt_loss",
    "srt_rtt",
    "srt_drops",
    "frames_in_error",
    "bitrate_low",
    "restarts",
    "audio_missing",
    "camera_loss",
    "key_frames_rare",
    "video_gone",
    "fps_low",
    "clock_wrong",
    "row_rejected",
    "no_node",
    "node_silent",
    "taken_over",
)


def texts(language: str) -> dict[str, Any]:
    """By key; a text without this language is left out."""
    found: dict[str, dict[str, Any]] = json.loads((STATIC / "texts.json").read_text(encoding="utf-8"))
    return {key: spoken[language] for key, spoken in found.items() if language in spoken}


def forms(entry: str | dict[str, str]) -> list[str]:
    return [entry] if isinstance(entry, str) else list(entry.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_with_the_same_values(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert other.keys() == english.keys()
    for key, entry in other.items():
        wanted = {name for form in forms(english[key]) for name in re.findall(r"\{([^}]+)\}", form)}
        for form in forms(entry):
            assert form.strip(), key
            assert set(re.findall(r"\{([^}]+)\}", form)) == wanted, key
        if isinstance(entry, dict):
            assert set(entry) == PLURALS[language], key


def test_no_text_is_left_in_english() -> None:
    same = {
        key for key, entry in texts("ru").items() if entry == texts("en")[key] and re.search(r"[a-z]{4}", str(entry))
    }
    brands = {
        "page.service",
        "tab.visionaire",
        "component.mediamtx",
        "component.redis",
        "component.influx",
        "list.count",
    }
    assert same == brands


def test_every_key_of_the_scripts_has_a_text() -> None:
    known = texts("en")
    source = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    used = set(re.findall(r"\bt\(\s*'([\w.]+)'", source))
    assert {key for key in used if "." in key} - known.keys() == set()
    prefixes = set(re.findall(r"\bt\(\s*`([\w.]+)\.\$\{", source))
    assert {each for each in prefixes if not any(key.startswith(each + ".") for key in known)} == set()


def test_every_panel_has_a_title_and_a_place_of_its_own_in_the_address() -> None:
    table = (STATIC / "js" / "panels.js").read_text(encoding="utf-8")
    ids = re.findall(r"\{ id: '(\w+)'", table)
    assert len(ids) > 4
    assert len(set(ids)) == len(ids)
    assert [each for each in ids if f"tab.{each}" not in texts("en")] == []
    keys = [key for found in re.findall(r"keys: \[([^\]]*)\]", table) for key in re.findall(r"'(\w+)'", found)]
    route = (STATIC / "js" / "route.js").read_text(encoding="utf-8")
    filters = re.findall(r"^  (\w+): \{ pick", (STATIC / "js" / "filters.js").read_text(encoding="utf-8"), re.MULTILINE)
    assert not {*keys} & {*re.findall(r"values\.get\('(\w+)'\)", route), *filters}


def test_every_word_of_the_service_has_a_text() -> None:
    known = texts("en")
    codes = [*Cause, *_VERDICT_CODES, *CODES.values()]
    words = [f"health.{each}" for each in Health] + [f"phase.{each}" for each in (*Phase, "disabled")]
    words += [f"fault.{each}" for each in Side] + [f"{kind}.{each}" for kind in ("cause", "reason") for each in codes]
    words += [f"{kind}.{each}" for kind in ("reason", "hint") for each in (*Closed, *ApiTrouble, *Remedy, *Vacancy)]
    assert [each for each in words if each not in known] == []


def test_what_the_service_says_of_its_parts_can_be_said_in_every_language() -> None:
    english = {str(entry) for key, entry in texts("en").items() if key.startswith("said.")}
    words = {*_OF_CERTIFICATE.values(), *_OF_HANDSHAKE.values()}
    words |= {part for table in (_TABLE_HINTS, LEASE_HINTS) for _, hint in table for part in hint.split(": ")}
    words |= {*_MEANWHILE.values(), *_ANOTHER.format("{name}").split(": ")}
    assert words - english == set()


def test_every_code_a_verdict_may_carry_is_known_here() -> None:
    room = STATIC.parents[1] / "domain" / "judgement"
    source = "".join(
        (room / name).read_text(encoding="utf-8") for name in ("verdict.py", "flaws.py", "stream_flaws.py")
    )
    codes = set(re.findall(r'Reason\(\s*"(\w+)"', source))
    assert len(codes) > 10
    assert codes <= {*_VERDICT_CODES, *Cause}


def test_every_module_is_announced() -> None:
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    announced = set(re.findall(r'modulepreload" href="static/js/([\w]+\.js)"', html))
    assert announced == {path.name for path in SCRIPTS} - {"boot.js", "main.js"}
    for name in re.findall(r'(?:href|src)="static/([^"]+)"', html):
        assert (STATIC / name).is_file(), name


def test_scripts_are_short_and_never_make_markup_of_data() -> None:
    assert SCRIPTS
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 250, path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            path.name
        )


def test_nothing_comes_from_elsewhere() -> None:
    allowed = {"http://www.w3.org/2000/svg"}
    for path in [each for each in STATIC.rglob("*") if each.is_file()]:
        found = set(re.findall(r"https?://[\w./-]+", path.read_text(encoding="utf-8")))
        assert found <= allowed, Path(path).name
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", html)
