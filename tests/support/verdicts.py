"""Waiting for the verdicts of a running service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.eventually import eventually
from tests.support.service import RunningService

# Long enough in backoff to be looked at; no run counts as stable.
PATIENT = {"RESTREAM_RESTART__BASE_S": "60", "RESTREAM_RESTART__MAX_S": "60", "RESTREAM_RESTART__STABLE_AFTER_S": "300"}
Told = tuple[str, str, str | None]
"""Health, fault, and the first reason."""
HEALTHY: Told = ("healthy", "none", None)


async def tells(service: RunningService, expected: Mapping[str, Told], timeout_s: float = 60) -> None:
    """Wait until each camera has this health, fault and (first) reason."""

    async def told() -> bool:
        cameras = await service.cameras()
        found = {key: _told(cameras[key]["verdict"]) for key in expected if key in cameras}
        assert found == dict(expected), found
        return True

    await eventually(told, timeout_s, f"the verdicts {expected}")


def _told(verdict: dict[str, Any]) -> Told:
    return verdict["health"], verdict["fault"], verdict["reasons"][0]["code"] if verdict["reasons"] else None
