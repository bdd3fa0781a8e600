"""A picture of samples over time, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT, _LEFT, _GAP = 860, 90, 60, 34
_COLOURS = ("#1f6feb", "#d29922")

Line = Sequence[tuple[float, float]]
"""(minutes, value)"""


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share one scale, which begins at 0."""

    title: str
    lines: Sequence[Line]


def chart(title: str, panels: Sequence[Panel]) -> str:
    """Panels below each other over one axis of time."""
    height = _GAP + len(panels) * (_HEIGHT + _GAP) + _GAP
    end = max((x for panel in panels for line in panel.lines for x, _ in line), default=1.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="12" fill="#57606a">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="20" font-size="14" fill="#24292f">{escape(title)}</text>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, _GAP + _GAP // 2 + number * (_HEIGHT + _GAP), end)
    parts.append(f'<text x="{_WIDTH - 20}" y="{height - 10}" text-anchor="end">minutes, 0 to {end:.3g}</text></svg>\n')
    return "\n".join(parts)


def _panel(panel: Panel, top: int, end: float) -> list[str]:
    most = max((y for line in panel.lines for _, y in line), default=0.0) or 1.0
    width = _WIDTH - _LEFT - 20
    parts = [
        f'<rect x="{_LEFT}" y="{top}" width="{width}" height="{_HEIGHT}" fill="none" stroke="#d0d7de"/>',
        f'<text x="{_LEFT}" y="{top - 5}">{escape(panel.title)}</text>',
        f'<text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end">{most:g}</text>',
        f'<text x="{_LEFT - 6}" y="{top + _HEIGHT}" text-anchor="end">0</text>',
    ]
    for line, colour in zip(panel.lines, _COLOURS, strict=False):
        points = " ".join(f"{_LEFT + x / end * width:.1f},{top + _HEIGHT * (1 - y / most):.1f}" for x, y in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return parts
