"""Maintenance windows: what a drain or an upgrade does at each hour, and what the next failure would do on top."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from pydantic import Field

from twin.elements import find_elements
from twin.errors import InputError
from twin.model import Frozen, Network
from twin.plan import Change, DrainLink, DrainNode, apply_all
from twin.policy import Policy

if TYPE_CHECKING:
    from twin.gate.checks.stressed import Stressed

AT_PEAK = (1.0,) * 24
"""The day where nobody declares one: every hour may be the fullest."""


class WindowHour(Frozen):
    """One hour of the window, before the change and during it. Utilisation is a share of capacity, rates in Mbit/s."""

    hour: int = Field(ge=0, le=23)
    traffic: float = Field(description="Share of the provisioned matrix.")
    before: float = Field(description="Highest utilisation without the change.")
    during: float = Field(description="Highest utilisation with the change in place.")
    busiest: str | None
    lost: float = Field(description="Demand that the change itself leaves without a path.")
    next_failure: str | None = Field(description="The single failure that hurts most with the change in place.")
    next_failure_utilisation: float
    next_failure_lost: float = Field(description="Demand without a path in the failure that cuts most.")
    within_limits: bool


class Window(Frozen):
    """A window of maintenance, hour by hour."""

    network: str
    snapshot: str
    steps: int
    hours: tuple[WindowHour, ...]
    quietest: int | None = Field(description="Start of the quietest window of this length within limits, if any.")

    @property
    def safe(self) -> bool:
        """Whether every hour of the window keeps the limits, also under the next failure."""
        return all(hour.within_limits for hour in self.hours)


def drain_steps(network: Network, names: Sequence[str]) -> tuple[DrainNode | DrainLink, ...]:
    """Return the drains of everything named, as `find_elements` understands names. Raises `UnknownElementError`."""
    found = dict.fromkeys(element for name in names for element in find_elements(network, name))
    return tuple(
        DrainNode(node=element.removeprefix("node/")) if element.startswith("node/") else DrainLink(circuit=element)
        for element in found
    )


def rehearse_window(
    network: Network,
    steps: Sequence[Change],
    *,
    start: int,
    hours: int,
    policy: Policy,
    day: Sequence[float] = AT_PEAK,
) -> Window:
    """Simulate the change at every hour of the day and report on the window [start, start + hours).

    `day` has 24 factors on the provisioned matrix. An hour keeps the limits when the gate's rulebook lets the changed
    state follow the unchanged one under that hour's traffic. Raises `InputError` on a window that is none.
    """
    if not (0 <= start <= 23 and 1 <= hours <= 24 and len(day) == 24):
        raise InputError(f"a window of {hours} hours from {start}:00 is none", fix="start 0..23, length 1..24 hours")
    if any(not isfinite(factor) or factor < 0 for factor in day):
        raise InputError("a day profile holds shares of traffic, none negative", fix="give 24 factors such as 0.35")
    changed = apply_all(network, steps)
    rows = _rehearse(network, changed, [float(factor) for factor in day], policy)
    return Window(
        network=network.name,
        snapshot=network.id,
        steps=len(steps),
        hours=tuple(rows[(start + k) % 24] for k in range(hours)),
        quietest=_quietest(rows, hours),
    )


def _rehearse(network: Network, changed: Network, day: Sequence[float], policy: Policy) -> list[WindowHour]:
    # records hold windows: only who rehearses one waits for the simulator
    from twin.gate.checks.stressed import Stressed
    from twin.sim.simulate import single_failures

    failures, limit = single_failures(changed), policy.max_failure_utilisation
    quiet, busy = (Stressed(x, failures, limit) for x in (network, changed.with_demands(network.demands)))
    return [_hour(hour, (quiet.grown(factor), busy.grown(factor)), factor, policy) for hour, factor in enumerate(day)]


def _hour(hour: int, states: "tuple[Stressed, Stressed]", traffic: float, policy: Policy) -> WindowHour:
    from twin.gate.rules import may_follow

    quiet, busy = states
    failures, before, during = busy.failures, quiet.outcome, busy.outcome
    worst = busy.sweep.worst if busy.sweep else None
    return WindowHour(
        hour=hour,
        traffic=traffic,
        before=before.max_utilisation,
        during=during.max_utilisation,
        busiest=during.busiest,
        lost=during.lost,
        next_failure=None if worst is None else failures[worst].name,
        next_failure_utilisation=float(busy.sweep.max_utilisation[worst]) if busy.sweep and worst is not None else 0.0,
        next_failure_lost=float(busy.sweep.lost[worst]) if busy.sweep and worst is not None else 0.0,
        within_limits=may_follow(quiet, busy, policy, step=0) is None,
    )


def _quietest(rows: Sequence[WindowHour], hours: int) -> int | None:
    windows = [[rows[(start + k) % 24] for k in range(hours)] for start in range(24)]
    fitting = [
        (max(hour.next_failure_utilisation for hour in window), start)
        for start, window in enumerate(windows)
        if all(hour.within_limits for hour in window)
    ]
    return min(fitting)[1] if fitting else None
