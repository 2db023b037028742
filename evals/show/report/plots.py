"""A plot per suite: every share of every system with its interval, drawn as SVG."""

from collections.abc import Sequence
from html import escape

from evals.cases.suite import Suite
from evals.run.table import Row

_COLOURS = ("#0b5fa5", "#b06a00", "#7a3fa0", "#5b6570", "#1b8a5a", "#c0272d")
_LEFT, _WIDE, _RIGHT, _LINE, _GAP = 300, 480, 30, 13, 8
"""Pixels: names of metrics, the share axis, what is right of it, a line, and between two metrics."""


def suite_plot(suite: Suite, rows: Sequence[Row]) -> str:
    """Return an SVG of the shares of a suite, empty where it has none; the same rows give the same text."""
    shares = [row for row in rows if row.share and row.metric != "crashed"]
    if not shares:
        return ""
    systems = [system for system in suite.systems if any(row.system == system for row in shares)]
    parts: list[str] = []
    top = _GAP
    for metric in dict.fromkeys(row.metric for row in shares):
        measured = [row for system in systems for row in shares if (row.metric, row.system) == (metric, system)]
        middle = top + _LINE * len(measured) / 2
        parts.append(f'<text x="{_LEFT - 10}" y="{middle:.1f}" text-anchor="end" dy=".35em">{escape(metric)}</text>')
        parts += [_bar(row, systems.index(row.system), top + _LINE * (i + 0.5)) for i, row in enumerate(measured)]
        top += _LINE * len(measured) + _GAP
    parts += [_grid(share / 4, top) for share in range(5)]
    parts += [_legend(i, system, top + 38 + _LINE * i * 1.3) for i, system in enumerate(systems)]
    high = top + 38 + _LINE * 1.3 * len(systems)
    named = f'role="img" aria-label="{escape(suite.name)}: shares per system"'
    size = f'viewBox="0 0 {_LEFT + _WIDE + _RIGHT} {high:.0f}" font-size="11" font-family="sans-serif"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {named}>{"".join(parts)}</svg>'


def _x(share: float) -> float:
    return _LEFT + _WIDE * share


def _bar(row: Row, number: int, y: float) -> str:
    colour = _COLOURS[number % len(_COLOURS)]
    title = f"{row.system}: {row.value:.3f} ({row.low:.3f} to {row.high:.3f})"
    return (
        f'<g><title>{escape(title)}</title><path d="M{_x(row.low):.1f} {y:.1f}H{_x(row.high):.1f}" stroke="{colour}"/>'
        f'<circle cx="{_x(row.value):.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/></g>'
    )


def _grid(share: float, bottom: float) -> str:
    label = f'<text x="{_x(share):.1f}" y="{bottom + 14:.1f}" text-anchor="middle">{share:g}</text>'
    return f'<path d="M{_x(share):.1f} 0V{bottom:.1f}" stroke="currentColor" opacity=".2"/>{label}'


def _legend(number: int, system: str, y: float) -> str:
    mark = f'<circle cx="{_LEFT + 4}" cy="{y:.1f}" r="3.5" fill="{_COLOURS[number % len(_COLOURS)]}"/>'
    return f'{mark}<text x="{_LEFT + 14}" y="{y:.1f}" dy=".35em">{escape(system)}, with 95 % interval</text>'
