"""A plot per suite, drawn by matplotlib where it is installed: every figure of every system with its interval."""

import io
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from evals.cases.suite import Suite
from evals.run.table import Row

_COLOURS = ("#0b5fa5", "#b06a00", "#7a3fa0", "#5b6570", "#1b8a5a", "#c0272d")
_MARKS = ("o", "s", "D", "^", "v", "P")


def available() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def suite_plot(suite: Suite, rows: Sequence[Row]) -> str:
    """Return an SVG of the shares of a suite, empty without matplotlib or shares; the same rows give the same text."""
    shares = [row for row in rows if row.share and row.metric != "crashed"]
    if not shares or not available():
        return ""
    mpl: Any = import_module("matplotlib")  # its own types are incomplete
    mpl.use("svg")
    plt: Any = import_module("matplotlib.pyplot")

    metrics = list(dict.fromkeys(row.metric for row in shares))[::-1]
    systems = [system for system in suite.systems if any(row.system == system for row in shares)]
    with mpl.rc_context({"svg.hashsalt": suite.name, "svg.fonttype": "none", "font.size": 9}):
        drawing, axes = plt.subplots(figsize=(9, 0.7 + 0.22 * len(metrics) * (1 + len(systems) / 2)))
        for number, system in enumerate(systems):
            _draw(axes, number, system, [row for row in shares if row.system == system], metrics, len(systems))
        axes.set(
            xlim=(-0.02, 1.02), yticks=range(len(metrics)), yticklabels=metrics, xlabel="share, with 95 % interval"
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", alpha=0.25)
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.28), ncols=len(systems), frameon=False)
        text = io.StringIO()
        drawing.savefig(text, format="svg", metadata={"Date": None}, bbox_inches="tight", transparent=True)
        plt.close(drawing)
    svg = text.getvalue()
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{suite.name}: shares per system"', 1)


def _draw(axes: Any, number: int, system: str, rows: Sequence[Row], metrics: list[str], systems: int) -> None:  # noqa: ANN401 - drawn on by matplotlib
    """One system: a mark and a bar for each of its figures, a little apart from those of the others."""
    offset = (systems - 1) / 2 - number
    places = [metrics.index(row.metric) + 0.8 * offset / max(systems, 1) for row in rows]
    values = [row.value for row in rows]
    spread: Any = [[row.value - row.low for row in rows], [row.high - row.value for row in rows]]
    colour, mark = _COLOURS[number % len(_COLOURS)], _MARKS[number % len(_MARKS)]
    axes.errorbar(values, places, xerr=spread, fmt=mark, color=colour, label=system, capsize=2, markersize=4, lw=1)
