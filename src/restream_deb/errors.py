"""What can be wrong on a machine that shall make the package."""

from __future__ import annotations


class BuildError(Exception):
    """There is no package; one line says why."""
