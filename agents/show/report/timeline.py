"""An incident over time, as the network's own counters saw it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agents.wording import mbps, on_screen, share
from twin.live.network import LinkSamples
from twin.model import Floats, Network

from .chart import Chart, Moment, Panel, Series, draw

_LINES = 5  # as many as can be told apart
_LEAD = 2 * 3600.0  # seconds shown before the first moment


class TimeGrid(NamedTuple):
    """Samples as a table: one row per time, one column per link, NaN where a sample is missing."""

    times: Floats  # [k] epoch seconds
    sent: Floats  # [k, m] Mbit/s
    dropped: Floats  # [k, m] Mbit/s


def charts(
    network: Network, samples: LinkSamples, moments: Sequence[Moment], limit: float
) -> tuple[tuple[Chart, Chart], ...]:
    """Draw the busiest links, and what was dropped or above the limit, from shortly before the first moment.

    Each chart comes twice: wide, and for a place of 400 pixels.
    """
    grid = arrange(network, samples, since=min((m.time for m in moments), default=0.0) - _LEAD)
    if len(grid.times) < 2:
        return ()
    used = grid.sent / np.array([link.capacity for link in network.links])
    peak = np.where(np.isfinite(used).any(axis=0), np.nanmax(np.nan_to_num(used, nan=-1.0), axis=0), -1.0)
    worst = sorted(range(len(peak)), key=lambda i: (-peak[i], i))[:_LINES]
    lines = [Series(on_screen(network.links[i].name), used[:, i]) for i in worst]
    loads = Panel(
        "Utilisation of the busiest links, measured, each sample by itself",
        grid.times,
        lines,
        moments,
        limit,
        share,
        1.0,
    )
    panels = (loads, 300.0), (_harm(network, grid, moments, limit), 190.0)
    return tuple((draw(x, height=high), draw(x, width=400, height=0.8 * high, named=False)) for x, high in panels)


def arrange(network: Network, samples: LinkSamples, *, since: float) -> TimeGrid:
    """Turn columns of samples into a table of those taken after `since`."""
    shown = samples.time >= since
    times, row = np.unique(samples.time[shown], return_inverse=True)
    sent = np.full((len(times), len(network.links)), np.nan)
    dropped = sent.copy()
    sent[row, samples.link[shown]] = samples.out_mbps[shown]
    dropped[row, samples.link[shown]] = samples.dropped_mbps[shown]
    return TimeGrid(times, sent, dropped)


def _harm(network: Network, grid: TimeGrid, moments: Sequence[Moment], limit: float) -> Panel:
    allowed = limit * np.array([link.capacity for link in network.links])
    above = np.maximum(grid.sent - allowed, 0.0)
    seen = np.isfinite(grid.sent).any(axis=1)
    lines = [
        Series("above the limit", np.where(seen, np.nansum(above, axis=1), np.nan)),
        Series("dropped by queues", np.where(seen, np.nansum(grid.dropped, axis=1), np.nan)),
    ]
    return Panel("Traffic above the limit and dropped, summed over links", grid.times, lines, moments, None, mbps, 1.0)
