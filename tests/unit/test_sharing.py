"""What a node tells the others of itself."""

from __future__ import annotations

import pytest

from restream.config.settings import Settings
from restream.domain.host_sample import HostSample
from restream.service.secrets_in_use import SecretsInUse
from restream.service.sharing import Sharing
from restream.supervisor.components import Components


@pytest.mark.parametrize(
    ("limit_percent", "cpu_percent", "busy"), [(90, 90, False), (90, 90.1, True), (100, 100, False)]
)
async def test_a_host_is_busy_above_its_limit(limit_percent: float, cpu_percent: float, busy: bool) -> None:
    settings = Settings.model_validate({"nodes": {"max_cpu_percent": limit_percent}})
    traits = Sharing(settings, SecretsInUse(settings), Components())._traits(0, HostSample(cpu_percent=cpu_percent))
    assert traits.busy is busy
