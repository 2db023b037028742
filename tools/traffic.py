"""Where traffic is going: the forecast of the measured matrix, and what it would do to the believed state."""

from datetime import datetime
from typing import Annotated

import numpy as np
from pydantic import Field

from twin.forecast import Forecast, forecast, measured_series
from twin.model import Floats, Frozen, Ints
from twin.observe.readings.intake import take_in
from twin.sim.simulate import simulate

from .box.run_state import RunState

NODES = 5

Ahead = Annotated[int, Field(ge=5, le=360, description="How far ahead, minutes.")]


class NodeTraffic(Frozen):
    """Traffic towards one node, Mbit/s: measured last and forecast."""

    node: str
    now: float
    then: float


class TrafficForecast(Frozen):
    """The whole matrix some time ahead, and what the believed state would carry of it. Rates in Mbit/s."""

    time: datetime = Field(description="What the forecast is for, UTC.")
    bins: int = Field(description="Samples that it is made from.")
    method: str = Field(description="Of those compared on the past, the one that missed least.")
    now: float
    then: float
    low: float | None = Field(description="Sum of the lower ends of the pairs' intervals; null without intervals.")
    high: float | None
    error: float | None = Field(description="Sum of absolute errors over the sum of traffic, on the backtest.")
    gain: float = Field(description="Share of error below the better of last value and seasonal naive; 0: fell back.")
    coverage: float | None = Field(description="Share that the 90 % intervals covered on the backtest.")
    max_utilisation: float = Field(description="Of the believed state under the forecast matrix, simulated.")
    busiest: str | None
    growing: tuple[NodeTraffic, ...] = Field(description="Nodes whose incoming traffic changes most.")
    drifting: tuple[str, ...] = Field(description="Pairs that lately do something new.")
    remarks: tuple[str, ...] = Field(description="What limits the forecast.")


def forecast_traffic(run_state: RunState, minutes: Ahead = 60) -> TrafficForecast:
    """Forecast the measured traffic matrix, with intervals, and simulate the believed state under it."""
    now = run_state.live.now
    usable, _ = take_in(run_state.live.read_telemetry(run_state.since), now)
    pairs = measured_series(run_state.inventory, usable, now=now)
    bins = max(1, round(minutes * 60 / pairs.series.interval_s))
    with run_state.span("forecast", snapshot=run_state.inventory.id):
        found = forecast(pairs.series, horizons=(bins,), groups=(pairs.source, pairs.target))
    last, ahead = (_towards(run_state, pairs.target, x) for x in (pairs.series.values[-1], found.values[0]))
    with run_state.span("simulate", snapshot=run_state.state.id):
        outcome = simulate(run_state.state.with_demands(_matrix(run_state, found, pairs.source, pairs.target)))
    told = found.report.horizons[0]
    return TrafficForecast(
        time=told.time,
        bins=found.report.bins,
        method=told.method,
        now=round(float(last.sum()), 1),
        then=round(told.total, 1),
        low=_rounded(told.low),
        high=_rounded(told.high),
        error=round(told.wape[told.method], 4) if told.wape else None,
        gain=round(told.gain, 4),
        coverage=_rounded(told.coverage, 3),
        max_utilisation=round(outcome.max_utilisation, 4),
        busiest=outcome.busiest,
        growing=_most_changed(run_state, last, ahead),
        drifting=found.report.drifting[:NODES],
        remarks=found.report.remarks[:NODES],
    )


def _matrix(run_state: RunState, found: Forecast, source: Ints, target: Ints) -> Floats:
    """The forecast as a matrix [n, n]; what was never measured stays as the believed state has it."""
    demands = run_state.state.demands.copy()
    demands[source, target] = found.values[0]
    return demands


def _towards(run_state: RunState, target: Ints, values: Floats) -> Floats:
    return np.bincount(target, values, len(run_state.inventory.nodes)).astype(np.float64)


def _most_changed(run_state: RunState, last: Floats, ahead: Floats) -> tuple[NodeTraffic, ...]:
    order = np.argsort(-np.abs(ahead - last), kind="stable")[:NODES]
    return tuple(
        NodeTraffic(
            node=run_state.inventory.nodes[int(i)].id, now=round(float(last[i]), 1), then=round(float(ahead[i]), 1)
        )
        for i in order
        if ahead[i] != last[i]
    )


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)
