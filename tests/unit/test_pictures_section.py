"""Pictures as configured: the more special wins, and what is missing is one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from restream.config.pictures_section import PicturesSection
from restream.config.places import INSTALLED
from restream.config.settings import Settings
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.verdict import NOT_JUDGED
from restream.domain.news.component import ComponentState
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.mask import parse_mask
from restream.interfaces.console.findings import CheckState
from restream.preflight.pictures import check_pictures
from restream.service import sampling
from restream.service.engine_resources import EngineResources
from restream.service.sampling import Sampling
from restream.service.secrets_in_use import SecretsInUse
from restream.supervisor.components import Components
from tests.unit.fakes import camera

ON = {"enabled": True}


def test_a_row_wins_over_its_site_and_that_over_all() -> None:
    section = PicturesSection(
        thresholds={"confirm_samples": 5, "blind_s": 60, "frozen_share": 0.5},
        sites={"North": {"blind_s": 30, "frozen_share": 0.4, "mask": [[0, 0, 1, 0.5]]}},
    )
    options = '{"pictures": {"frozen_share": 0.3, "ignored": ["black"], "interval_s": 7}}'
    special = section.thresholds_of(camera(1, site="North", options=options))
    assert (special.confirm_samples, special.blind_s, special.frozen_share) == (5, 30.0, 0.3)
    assert special.ignored == {PictureFlaw.BLACK}
    assert section.thresholds_of(camera(2, site="North")).frozen_share == 0.4
    assert section.thresholds_of(camera(3, site="South")).frozen_share == 0.5
    assert special.mask == parse_mask([[0, 0, 1, 0.5]])
    bare = camera(1, site="North", options='{"pictures": {"mask": []}}')
    assert section.thresholds_of(bare).mask == ()
    assert section.interval_of(camera(1, options=options)) == 7.0
    assert section.interval_of(camera(2)) is None
    assert section.interval_of(camera(3, options='{"pictures": false}')) == 0.0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"thresholds": {"frozen": 1}}, "'frozen' is unknown"),
        ({"sites": {"North": {"blind_s": "long"}}}, "'North': blind_s"),
        ({"interval_s": 0}, "interval_s"),
    ],
)
def test_what_cannot_be_is_named(keys: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PicturesSection(**keys)  # type: ignore[arg-type]


async def test_without_the_extra_it_is_said_once_and_everything_else_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "find_spec", lambda name: None if name == "av" else object())
    settings, components = Settings(pictures=ON), Components()  # type: ignore[arg-type]
    (finding,) = check_pictures(settings)
    assert (finding.state, "restream[pictures]" in finding.text) == (CheckState.FAIL, True)
    assert INSTALLED.install_extra("pictures") in finding.todo
    snapshot = Snapshot(1, 0.0, 0.0, {"1": Report(camera(1), NOT_JUDGED, 0.0)})
    made = Sampling(settings, SecretsInUse(settings), components, EngineResources(settings), lambda: snapshot)
    assert components.all["pictures"].state is ComponentState.DOWN
    assert "av" in components.all["pictures"].detail
    assert (dict(made.loops()), dict(made.seen), dict(made.counts)) == ({}, {}, {})
    document = await made.answers.document("1")
    assert document is not None
    assert (document.enabled, await made.answers.document("2")) == (False, None)
    assert "pictures.enabled" in (await made.answers.accept("1", "anna") or "")
    assert await made.answers.picture("1", 1) is None
    made.adopt(settings)


def test_the_check_tells_where_pictures_go(tmp_path: Path) -> None:
    assert check_pictures(Settings()) == []
    (kept,) = check_pictures(Settings(pictures=ON))  # type: ignore[arg-type]
    assert (kept.state, "in memory" in kept.text) == (CheckState.OK, True)
    folder = tmp_path / "pictures"
    written = {**ON, "keep": {"folder": folder, "disk_mb": 1}}
    (there,) = check_pictures(Settings(pictures=written))  # type: ignore[arg-type]
    assert (there.state, str(folder) in there.text) == (CheckState.OK, True)
    (full,) = check_pictures(Settings(pictures={**ON, "keep": {"folder": folder, "disk_mb": 1 << 23}}))  # type: ignore[arg-type]
    assert full.state is CheckState.WARN
    (tmp_path / "file").write_bytes(b"")
    (none,) = check_pictures(Settings(pictures={**ON, "keep": {"folder": tmp_path / "file"}}))  # type: ignore[arg-type]
    assert none.state is CheckState.FAIL
