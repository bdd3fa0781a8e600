"""Whether the switches, recorders and links that cameras hang on answer."""

from __future__ import annotations

import asyncio

from restream.adapters.parent_check import parent_answers
from restream.config.settings import Settings
from restream.interfaces.console.findings import CheckState, Finding

_SHOWN = 5


async def check_parents(settings: Settings) -> list[Finding]:
    """Nothing where none can be asked."""
    checks = settings.network.known().checks
    if not checks:
        return []
    errors = await asyncio.gather(*map(parent_answers, checks.values()))
    silent = [f"{name}: {error}" for name, error in zip(checks, errors, strict=True) if error]
    if not silent:
        return [Finding("network", CheckState.OK, f"{len(checks)} parents answer")]
    more = f" and {len(silent) - _SHOWN} more" if len(silent) > _SHOWN else ""
    text = f"{len(silent)} of {len(checks)} parents do not answer ({'; '.join(silent[:_SHOWN])}{more})"
    return [Finding("network", CheckState.WARN, text, "look at them, or correct network.parents")]
