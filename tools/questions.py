"""What a planner asks of a network: every answer is a simulation of the believed state, and nothing is changed."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from twin.errors import InputError
from twin.model import Frozen, Network
from twin.plan import Change, SleepLink, apply_all
from twin.sim.power import PowerModel, power
from twin.sim.simulate import Outcome, simulate
from twin.study.failures import FailureCase, GrowthCase, LinkCase, find_failures, study
from twin.study.window import AT_PEAK, Window, rehearse_window

from .arguments import Changes, Elements
from .box.goal import planned_traffic
from .box.registry import Tool, bind
from .box.results import fetch_result
from .box.run_state import RunState
from .whatif import StateFigures, WorstFailure, figures, what_if, worst_of

LONG = 120.0  # seconds for what sweeps many failures

Top = Annotated[int, Field(ge=1, le=50, description="Rows to give back.")]
NodeName = Annotated[str, Field(min_length=1, max_length=64, description="Node name.")]
Factor = Annotated[float, Field(gt=0, le=100, description="On every demand: 1.3 is 30 % more.")]


class WorstFailures(Frozen):
    """The failures that hurt most, worst first; `lost` and `severed` in Mbit/s."""

    snapshot: str
    studied: int = Field(description="How many failures were simulated.")
    intact_max_utilisation: float
    failures: tuple[FailureCase, ...]


class GrowthFigures(Frozen):
    """The network when every demand grows alike."""

    snapshot: str
    factor: float
    before: StateFigures
    after: StateFigures
    worst_failure: WorstFailure | None = Field(description="The single failure that then hurts most.")


class Headroom(Frozen):
    """How far all demands may grow alike before a limit of the policy is broken."""

    snapshot: str
    intact: GrowthCase
    under_failures: GrowthCase


class LinkShare(Frozen):
    """One directed link and the share of a demand that it carries."""

    link: str
    share: float = Field(description="Of the demand, 0..1.")
    utilisation: float = Field(description="Of the link, under all demands.")
    delay_ms: float


class PathAnswer(Frozen):
    """What carries the traffic from one node to another."""

    snapshot: str
    source: str
    target: str
    reachable: bool
    demand_mbps: float
    delay_ms: float | None = Field(description="One-way propagation, mean over the paths used; null without a path.")
    hops: int = Field(description="Links on the path with the largest share.")
    path: tuple[str, ...] = Field(description="Nodes of the path with the largest share.")
    links: tuple[LinkShare, ...] = Field(description="Every link that carries some of it, largest share first.")


class BusiestLinks(Frozen):
    """The fullest links, intact and in their worst single failure."""

    snapshot: str
    nodes: int
    circuits: int
    offered: float = Field(description="Mbit/s of demand.")
    lost: float
    max_utilisation: float
    mean_utilisation: float
    links: tuple[LinkCase, ...]


class PowerUse(Frozen):
    """What the network draws, and what it would with circuits asleep."""

    snapshot: str
    model: str = Field(description="Name of the measured power model of the routers.")
    watts: float
    watts_asleep: float | None = None
    saved_watts: float | None = None
    plugged_watts: float | None = Field(default=None, description="Still drawn by transceivers of sleeping ports.")
    asleep: tuple[str, ...] = ()
    before: StateFigures
    after: StateFigures | None = None
    worst_failure: WorstFailure | None = Field(default=None, description="With the circuits asleep.")


def worst_failures(
    run_state: RunState, kind: Literal["all", "links", "nodes", "pairs"] = "all", top: Top = 5
) -> WorstFailures:
    """Simulate every single failure, or every two circuits at once, and name those that hurt most."""
    name = {"all": "all", "links": "all-links", "nodes": "all-nodes", "pairs": "pairs"}[kind]
    failures = find_failures(run_state.state, [name])
    with run_state.span("simulate", snapshot=run_state.state.id, failures=len(failures)):
        found = study(run_state.state, failures, run_state.policy)
    return WorstFailures(
        snapshot=run_state.state.id,
        studied=len(failures),
        intact_max_utilisation=round(found.max_utilisation, 4),
        failures=tuple(_rounded(case) for case in found.failures[:top]),
    )


def grow_demands(run_state: RunState, factor: Factor) -> GrowthFigures:
    """Simulate the network with every demand multiplied by a factor, and the worst single failure on top."""
    with run_state.span("simulate", snapshot=run_state.state.id):
        grown = run_state.state.with_demands(run_state.state.demands * factor)
        before, after = simulate(run_state.state), simulate(grown)
        worst = worst_of(grown)
    limit = run_state.policy.max_utilisation
    return GrowthFigures(
        snapshot=run_state.state.id,
        factor=factor,
        before=figures(before, limit),
        after=figures(after, limit),
        worst_failure=worst,
    )


def growth_headroom(run_state: RunState) -> Headroom:
    """Find how far all demands may grow before a link breaks the policy's limit, intact and under single failures."""
    with run_state.span("simulate", snapshot=run_state.state.id):
        found = study(run_state.state, find_failures(run_state.state, ["all"]), run_state.policy)
    return Headroom(
        snapshot=run_state.state.id, intact=_grown(found.growth), under_failures=_grown(found.growth_under_failures)
    )


def carried_by(run_state: RunState, source: NodeName, target: NodeName) -> PathAnswer:
    """Show which path, or paths, carry the traffic from one node to another, with delay, hops and utilisation."""
    network = run_state.state
    s, t = network.node(source), network.node(target)
    if s == t:
        raise InputError(f"{source} is both ends", fix="name two nodes")
    single = np.zeros_like(network.demands)
    single[s, t] = 1.0
    with run_state.span("simulate", snapshot=network.id):
        alone, whole = simulate(network.with_demands(single)), simulate(network)
    order = sorted((i for i in range(len(network.links)) if alone.load[i] > 1e-9), key=lambda i: (-alone.load[i], i))
    path = _main_path(alone, network.nodes[s].name, network.nodes[t].name)
    delay = float(alone.delay_ms[s, t])
    return PathAnswer(
        snapshot=network.id,
        source=network.nodes[s].name,
        target=network.nodes[t].name,
        reachable=bool(np.isfinite(delay)),
        demand_mbps=round(float(network.offered[s, t]), 3),
        delay_ms=round(delay, 3) if np.isfinite(delay) else None,
        hops=max(len(path) - 1, 0),
        path=path,
        links=tuple(
            LinkShare(
                link=network.links[i].name,
                share=round(float(alone.load[i]), 4),
                utilisation=round(float(whole.utilisation[i]), 4),
                delay_ms=round(network.links[i].delay_ms, 3),
            )
            for i in order
        ),
    )


def busiest_links(run_state: RunState, top: Top = 5, elements: Elements = ()) -> BusiestLinks:
    """Show the fullest links of the network, or of some elements, and what each reaches in its worst failure."""
    network = run_state.state
    wanted = {link.name for link in network.links if not elements or _belongs(network, link.name, elements)}
    with run_state.span("simulate", snapshot=network.id):
        outcome = simulate(network)
        found = study(network, find_failures(network, ["all"]), run_state.policy)
    cases = sorted((x for x in found.links if x.link in wanted), key=lambda x: (-x.utilisation, x.link))
    return BusiestLinks(
        snapshot=network.id,
        nodes=len(network.nodes),
        circuits=len(network.circuits),
        offered=round(float(network.offered.sum()), 1),
        lost=round(found.lost, 3),
        max_utilisation=round(found.max_utilisation, 4),
        mean_utilisation=round(float(outcome.utilisation.mean()), 4),
        links=tuple(_rounded_link(case) for case in cases[:top]),
    )


def power_use(run_state: RunState, asleep: Annotated[tuple[str, ...], Field(max_length=12)] = ()) -> PowerUse:
    """Show what the network draws, and what it would draw, carry and survive with some circuits asleep."""
    network, limit = run_state.state, run_state.policy.max_utilisation
    model = PowerModel.load(run_state.policy.power_model)
    before = simulate(network)
    watts = power(network, model, load=before.load).total_watts
    if not asleep:
        return PowerUse(snapshot=network.id, model=model.name, watts=round(watts, 1), before=figures(before, limit))
    with run_state.span("simulate", snapshot=network.id):
        resting = apply_all(network, [SleepLink(circuit=name) for name in asleep])
        after, worst = simulate(resting), worst_of(resting)
        report = power(resting, model, load=after.load)
        drawn = report.total_watts
    return PowerUse(
        snapshot=network.id,
        model=model.name,
        watts=round(watts, 1),
        watts_asleep=round(drawn, 1),
        saved_watts=round(watts - drawn, 1),
        plugged_watts=round(report.plugged_watts, 1),
        asleep=asleep,
        before=figures(before, limit),
        after=figures(after, limit),
        worst_failure=worst,
    )


def rehearse_changes(
    run_state: RunState,
    changes: Changes,
    start: Annotated[int, Field(ge=0, le=23, description="First hour of the window, local time.")],
    hours: Annotated[int, Field(ge=1, le=24, description="Length of the window.")],
) -> Window:
    """Rehearse changes at every hour of a window, at its share of the planned traffic, with the next failure on top."""
    steps: tuple[Change, ...] = changes
    with run_state.span("simulate", snapshot=run_state.state.id):
        day = run_state.live.declared.day or run_state.policy.day
        carried = planned_traffic(run_state.inventory, run_state.state.demands, run_state.live.now, day)
        planned = run_state.state.with_demands(carried)
        return rehearse_window(planned, steps, start=start, hours=hours, policy=run_state.policy, day=day or AT_PEAK)


QUESTIONS: tuple[Tool, ...] = (
    bind(what_if),
    bind(worst_failures, deadline=LONG),
    bind(grow_demands, deadline=LONG),
    bind(growth_headroom, deadline=LONG),
    bind(carried_by),
    bind(busiest_links, deadline=LONG),
    bind(power_use, deadline=LONG),
    bind(rehearse_changes, deadline=LONG),
    bind(fetch_result),
)
"""The tools that questions are answered with."""


def _rounded(case: FailureCase) -> FailureCase:
    return case.model_copy(
        update={
            "max_utilisation": round(case.max_utilisation, 4),
            "lost": round(case.lost, 3),
            "severed": round(case.severed, 3),
            "overload": round(case.overload, 3),
        }
    )


def _rounded_link(case: LinkCase) -> LinkCase:
    return case.model_copy(
        update={
            "utilisation": round(case.utilisation, 4),
            "worst_utilisation": round(case.worst_utilisation, 4),
            "headroom": round(case.headroom, 1),
        }
    )


def _grown(case: GrowthCase) -> GrowthCase:
    return case.model_copy(update={"factor": None if case.factor is None else round(case.factor, 4)})


def _belongs(network: Network, link: str, elements: tuple[str, ...]) -> bool:
    found = network.links[network.link(link)]
    return bool({found.circuit, found.name, f"node/{found.tail}", f"node/{found.head}"} & set(elements))


def _main_path(outcome: Outcome, source: str, target: str) -> tuple[str, ...]:
    """Follow the largest share from node to node."""
    leaving: dict[str, tuple[float, str]] = {}
    for link, load in zip(outcome.network.links, outcome.load, strict=True):
        if load > leaving.get(link.tail, (1e-9, ""))[0]:
            leaving[link.tail] = float(load), link.head
    path = [source]
    while path[-1] != target and path[-1] in leaving and len(path) <= len(outcome.network.nodes):
        path.append(leaving[path[-1]][1])
    return tuple(path) if path[-1] == target else ()
