"""Traffic engineering against known optima: generated networks with an independent bound, and published instances."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from evals.cases.case import Case, Split
from evals.cases.result import Measures
from evals.cases.suite import SEEDS, Metric, Suite, Workplace
from evals.oracle.flow import lowest_peak
from evals.oracle.fronts import figures, random_compromises
from evals.score.hypervolume import covered
from evals.score.plans import gap
from twin.formats import load_network
from twin.model import Network
from twin.optimise.lp import lowest_utilisation
from twin.optimise.pareto import Compromise, pareto_front
from twin.optimise.segments import route_by_segments
from twin.optimise.tunnels import relieve_by_tunnels
from twin.optimise.weights import relieve_by_weights
from twin.plan import Change, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate

from . import data_folder, has_data

PUBLISHED = {
    "dev": ("Abilene", "Aarnet", "Bics", "Geant2012", "Renater2010", "Garr201201"),
    "held-out": ("Darkstrand", "BtNorthAmerica", "Interoute"),
}
"""REPETITA instances, scaled by those who published them so that the best peak is 0.9."""

FRONT = Policy(max_blast_radius=1, horizon_hours=0)
"""Under this policy fronts are drawn: the traffic of the hour, and every single failure, growth included."""

_OPTIMUM = 0.9
_TRIES, _MOST_CIRCUITS = 30, 30
_NETWORKS = {
    "dev": ("sndlib/polska", "sndlib/nobel-us", "sndlib/newyork", "synthetic/12-4105", "synthetic/16-4101"),
    "held-out": ("sndlib/atlanta", "sndlib/france", "synthetic/12-9105", "synthetic/16-9101"),
}


class Instance(NamedTuple):
    """A network with its traffic, and the lowest peak that any routing can reach."""

    network: Network
    optimum: float
    published: bool


class Peak(NamedTuple):
    """The peak that a system reaches, the bound that it claims and its front of compromises, if it has them."""

    utilisation: float
    bound: float | None = None
    front: tuple[Compromise, ...] = ()


def _stage(case: Case, workplace: Workplace) -> Instance:
    del workplace
    if case.kind == "published":
        from twin.formats import read_network

        graph = data_folder("repetita") / f"{case.network}.graph"
        return Instance(read_network(graph, graph.with_suffix(".0000.demands")), _OPTIMUM, published=True)
    network = _drawn(case)
    return Instance(network, lowest_peak(network), published=False)


def _drawn(case: Case) -> Network:
    """The case's network under another matrix: a gravity model with a random weight per node, some pairs silent."""
    network, rng = load_network(case.network), np.random.default_rng([case.seed, 51])
    n = len(network.nodes)
    weight = rng.gamma(1.0, 1.0, n) + 0.05
    demands = np.outer(weight, weight) * rng.uniform(0.5, 1.5, (n, n)) * (rng.random((n, n)) < 0.8)
    np.fill_diagonal(demands, 0.0)
    scaled = network.with_demands(demands * float(network.demands.sum()) / float(demands.sum()))
    peak = simulate(scaled).max_utilisation
    factor = case.traffic * (1.3 if case.kind == "crowded" else 0.9) / max(peak, 1e-9)
    return scaled.with_demands(scaled.demands * factor)


def _segments(instance: Instance) -> Peak:
    """Two-segment routing of the whole matrix, unsplit; its bound comes from the twin's own flow programme."""
    bound = lowest_utilisation(instance.network).max_utilisation
    return Peak(route_by_segments(instance.network).max_utilisation, bound)


def _split_segments(instance: Instance) -> Peak:
    """The same with demands split over several midpoints: what is lost by giving each demand one."""
    return Peak(route_by_segments(instance.network).split)


def _compromises(instance: Instance) -> Peak:
    """The front of safe compromises; only on generated networks small enough for the oracle's search beside it."""
    if instance.published or len(instance.network.circuits) > _MOST_CIRCUITS:
        return _as_is(instance)
    front = pareto_front(instance.network, FRONT, seed=1)
    return Peak(min(x.max_utilisation for x in front), front=front)


def _few_tunnels(instance: Instance) -> Peak:
    """The few tunnels that an incident's planner would set, as many as the policy allows."""
    plan = relieve_by_tunnels(instance.network, _anything_goes(), seed=1).plan
    return Peak(_after(instance.network, plan.steps if plan else ()))


def _few_weights(instance: Instance) -> Peak:
    """The few weights that an incident's planner would change."""
    plan = relieve_by_weights(instance.network, _anything_goes(), seed=1).plan
    return Peak(_after(instance.network, plan.steps if plan else ()))


def _as_is(instance: Instance) -> Peak:
    """Shortest paths by the weights that are there."""
    return Peak(simulate(instance.network).max_utilisation)


def _inverse_capacity(instance: Instance) -> Peak:
    """Weights inverse to capacity, as vendors recommend."""
    network = instance.network
    largest = max(x.capacity for x in network.links)
    links = tuple(x._replace(weight=max(1, round(largest / x.capacity * 10))) for x in network.links)
    return Peak(simulate(replace(network, links=links)).max_utilisation)


def _anything_goes() -> Policy:
    return Policy(max_blast_radius=1, max_delay_stretch=10, max_failure_utilisation=10, max_uncertain_utilisation=10)


def _after(network: Network, steps: Sequence[Change]) -> float:
    return simulate(apply_all(network, steps)).max_utilisation


def score(instance: Instance, peak: Peak) -> Measures:
    """Distance from the known optimum, as a share of it; of a bound, how far it is off."""
    above = gap(peak.utilisation, instance.optimum)
    values = {
        "gap": above,
        "within": float(above <= 0.05),
        "generated": float(not instance.published),
        "published": float(instance.published),
    }
    right = True
    if peak.bound is not None:
        error = abs(gap(peak.bound, instance.optimum))
        values["bound_error"] = error
        right = error <= 0.002
    if peak.front:
        values["hypervolume"] = _covered(instance.network, peak.front)
    told = f"peak {peak.utilisation:.4f}" + (f", bound {peak.bound:.4f}" if peak.bound is not None else "")
    return Measures(above <= 0.05 and right, values, told, f"optimum {instance.optimum:.4f}")


def _covered(network: Network, front: Sequence[Compromise]) -> float:
    """Share of the volume of the front and of random plans that the front covers, all measured by the oracle."""
    own = [figures(apply_all(network, x.steps), x.changes, FRONT) for x in front]
    return covered(own, random_compromises(network, FRONT, seed=1, tries=_TRIES))


def _draw(split: Split) -> Iterator[Case]:
    """Generated cases, then every published instance of the split, where the data are there."""
    networks = _NETWORKS[split]
    published = PUBLISHED[split] if has_data("repetita") else ()
    for number, seed in enumerate(SEEDS[split]):
        if number >= 20 and number - 20 < len(published):
            yield Case(suite="te", kind="published", network=published[number - 20], seed=seed, split=split)
            continue
        kind = "crowded" if number % 2 else "busy"
        yield Case(suite="te", kind=kind, network=networks[number % len(networks)], seed=seed, split=split)


SUITE = Suite(
    name="te",
    purpose="traffic engineering against the best that any routing can reach, generated and published",
    draw=_draw,
    stage=_stage,
    systems={
        "two segments": _segments,
        "two segments, split": _split_segments,
        "few tunnels": _few_tunnels,
        "few weights": _few_weights,
        "compromises": _compromises,
        "as it is": _as_is,
        "inverse capacity": _inverse_capacity,
    },
    score=score,
    metrics=(
        Metric("above the optimum, mean, generated", "mean", "gap", where="generated", higher=False),
        Metric("above the optimum, p99, generated", "p99", "gap", where="generated", higher=False),
        Metric("within 5 % of the optimum, generated", "share", "within", where="generated"),
        Metric("hypervolume beside random plans, generated", "mean", "hypervolume", where="generated", bar=0.98),
        Metric("error of the bound, generated", "mean", "bound_error", where="generated", higher=False, bar=0.002),
        Metric("above the optimum, mean, published", "mean", "gap", where="published", higher=False, bar=0.02),
        Metric("within 5 % of the optimum, published", "share", "within", where="published", bar=0.95),
        Metric("error of the bound, published", "mean", "bound_error", where="published", higher=False, bar=0.002),
    ),
    cases=106,
    slice=10,
)
