"""In which order cameras are listed."""

from __future__ import annotations

from restream.domain.judgement.verdict import Health
from restream.interfaces.documents.cameras import CameraDocument

HEALTHS = (Health.DOWN, Health.DEGRADED, Health.UNKNOWN, Health.HEALTHY, Health.DISABLED)
"""Worst first."""
_STAMP = len("2026-01-05T10:00:00.000Z")
_RANKS = {health: rank for rank, health in enumerate(HEALTHS)}


def worst_first(camera: CameraDocument) -> tuple[int, tuple[int, ...], tuple[int, int, str]]:
    """The key that sorts short objects by health; those that are down newest first; then by id."""
    verdict = camera.verdict
    broke = tuple(-ord(each) for each in verdict.since[:_STAMP]) if verdict.health is Health.DOWN else ()
    return _RANKS[verdict.health], broke, natural(camera.id)


def natural(camera_id: str) -> tuple[int, int, str]:
    """Ids in the order people expect: 2 before 10."""
    plain = camera_id.isascii() and camera_id.isdigit() and len(camera_id) <= 18
    return (0, int(camera_id), "") if plain else (1, 0, camera_id)
