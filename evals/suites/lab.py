"""Real routers: faults done to FRR in namespaces of this machine, read from real counters, probes, states and logs.

One lab a network and protocol runs as long as the process that asks; it needs root or user namespaces, and FRR.
"""

import atexit
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

import numpy as np

from evals.cases.baselines import threshold_faults
from evals.cases.case import Case, Split
from evals.cases.result import Measures
from evals.cases.suite import SEEDS, Check, Metric, Suite, Workplace
from evals.score.expected import causes_as_expected
from evals.score.sets import count, in_words, pairs, same_for_telemetry
from twin.diagnose import diagnose
from twin.diagnose.next_measurement import next_measurement, with_configuration
from twin.errors import ExecutionError, InputError, TopologyError
from twin.faults import Fault, FaultKind, with_fault
from twin.formats import load_network
from twin.formats.drawn_exits import with_drawn_exits
from twin.formats.provision import in_small
from twin.live.draw_fault import draw_fault
from twin.live.lab.control import AskFault, AskHeal
from twin.live.lab.launch import Lab, up
from twin.live.lab.layout import Igp, Rates, design_of
from twin.live.lab.network import LabNetwork, Routes
from twin.live.network import Configuration, Telemetry
from twin.live.peerings import DownReason
from twin.model import Bools, Floats, Network
from twin.observe import Observation, find_symptoms, observe
from twin.observe.expect.prediction import hashing_variance
from twin.sim.arrays import compile_network
from twin.sim.kernels import shortest_paths
from twin.sim.reflected import reflected_arcs
from twin.sim.simulate import simulate

from . import lab_placements
from .lab_placements import NUMBER, OF_NIKA, REASONS, Placement, placement

_K = FaultKind
KINDS = (
    _K.LINK_DOWN, _K.ONE_WAY, "healthy", _K.WEIGHT, _K.ROUTING_DOWN, _K.NEIGHBOUR_MISSING, _K.BLACKHOLE, "healthy",
    _K.DEVICE_DOWN, _K.SURGE, _K.ACL_BLOCK, _K.DATA_ACL, "healthy", _K.MTU, _K.DETACH, _K.STATIC_ROUTE, _K.CAPACITY,
    _K.FLAP, _K.HOST_BLACKHOLE, "healthy",
)  # fmt: skip
"""What is done to routers, and nothing; in this order. Then come the placements on networks with exits."""
PLACES: Mapping[str, tuple[tuple[str, Igp], ...]] = {
    "dev": (("synthetic/8-3", "isis"), ("synthetic/9-5", "ospf"), ("sndlib/abilene", "isis")),
    "held-out": (("synthetic/10-7", "isis"), ("sndlib/polska", "ospf"), ("synthetic/8-11", "ospf")),
}
FURTHER: Mapping[str, tuple[tuple[str, Igp], ...]] = {
    "held-out": (("synthetic/8-41", "isis"), ("synthetic/9-42", "ospf"))
}
"""More networks, on which something is wrong each time, after all others."""
INTERVAL_S = 1.0
BEFORE, AFTER, WINDOW = 14, 9, 3
"""Samples before a fault, after it until somebody looks, and those that are looked at."""
_CAPACITY, _PEAK = 10.0, 0.55
_TRIES = 20
_QUESTIONS = 4
"""Routers that are asked at most for what they run, one after the other, where readings leave several causes."""
_HEAL_S = 30.0
_LOADED = 0.5  # Mbit/s: below it a few packets more or less are some per cent


@dataclass(frozen=True)
class Scene:
    """A lab after something was done to it, or nothing."""

    inventory: Network
    faults: tuple[Fault, ...]
    telemetry: Telemetry
    routes: Routes
    configuration: Configuration
    """What every router said of itself while the fault was there; whoever asks one gets that router's part."""
    placed: Placement | None = None
    """On networks with exits alone."""

    @cached_property
    def observation(self) -> Observation:
        """What the twin makes of the telemetry."""
        return observe(self.inventory, self.telemetry, window=WINDOW)


class LabFindings(NamedTuple):
    """What a system names, and whether it sees anything at all."""

    faults: tuple[Fault, ...]
    seen: bool


_LABS: list[Lab] = []


@lru_cache(1)
def _running(network: str, igp: Igp, *, exits: bool) -> LabNetwork:
    for other in [*_LABS]:  # one after the other: what an old one sends is not worth its time
        _LABS.remove(other)
        other.down()
    whole = load_network(network)
    whole = with_drawn_exits(whole, seed=1, capacity=_CAPACITY) if exits else whole
    small = in_small(whole, capacity=_CAPACITY, peak_utilisation=_PEAK)
    name = f"eval-{len(network)}{igp}{'x' if exits else ''}"
    old = Lab.find(name)
    if old is not None:
        old.down()
    lab, _ = up(design_of(small, name=name, igp=igp, seed=1, rates=Rates.every(INTERVAL_S)))
    atexit.register(lab.down)
    _LABS.append(lab)
    return LabNetwork(lab, lab.record)


def stage(case: Case, workplace: Workplace) -> Scene:
    """Wait until a lab is well, let the case's fault strike, wait again, and read. Raises `InputError` without one."""
    del workplace
    placed = placement(case.kind)
    everywhere = (PLACES, FURTHER, lab_placements.PLACES, lab_placements.AGAIN)
    igps = {name: igp for places in everywhere for several in places.values() for name, igp in several}
    igp = igps.get(case.network, "isis")
    live = _running(case.network, igp, exits=placed is not None)
    inventory = live.read_topology()
    settle(live, inventory)
    live.wait(BEFORE)
    faults = () if case.kind.partition("/")[0] == "healthy" else _strike(live, inventory, case, placed)
    live.wait(AFTER)
    since = live.now - timedelta(seconds=INTERVAL_S * (BEFORE + AFTER - 1))
    telemetry, routes = live.read_telemetry(since), live.routes()
    scene = Scene(inventory, faults, telemetry, routes, live.read_configuration(), placed)
    live.lab.ask(AskHeal(), timeout_s=60)
    return scene


def _strike(live: LabNetwork, inventory: Network, case: Case, placed: Placement | None) -> tuple[Fault, ...]:
    if case.faults is not None:
        for fault in case.faults:
            live.lab.ask(AskFault(fault=fault))
        return case.faults
    kind, way = FaultKind(case.kind.partition("/")[0]), placed.way if placed else ""
    for number in range(_TRIES):
        try:
            fault = draw_fault(inventory, case.seed + 7919 * number, kinds=[kind])
            if fault.kind is _K.CAPACITY and simulate(with_fault(inventory, fault)).max_utilisation <= 1:
                continue  # a rate that nobody reaches leaves no trace
            live.lab.ask(AskFault(fault=fault, variant=way))
        except (TopologyError, ExecutionError):
            continue
        return (fault,)
    raise InputError(f"{case.kind} cannot be done to {case.network}", fix="choose another network")


def settle(live: LabNetwork, inventory: Network) -> None:
    """Wait until every kernel forwards as the twin says. Raises `ExecutionError`."""
    wanted, end = next_hops(inventory), time.monotonic() + _HEAL_S
    while live.routes() != wanted:
        if time.monotonic() > end:
            raise ExecutionError("the lab does not come back to what it was", fix="twinops lab down, and up again")
        time.sleep(0.2)


def next_hops(network: Network) -> Routes:
    """What the twin says of every router, and target or group of exits: the interfaces on shortest paths."""
    arrays = compile_network(network)
    paths = shortest_paths(arrays)
    dist, reflectors = paths.dist, [network.node(x.at) for x in network.astray if x.does == "reflect"]
    found: Routes = {x.name: {} for x in network.nodes if x.kind != "exits"}
    metric = arrays.weight[arrays.arc_of]
    told = reflected_arcs(arrays, paths, reflectors) if reflectors else {}
    for t, target in enumerate(network.nodes):
        for i, link in enumerate(network.links):
            s, v = network.node(link.tail), network.node(link.head)
            nearest = bool(dist[t, s] == metric[i] + dist[t, v])
            if s != t and (told[t][arrays.arc_of[i]] if t in told else nearest):
                name = link.interface.rsplit("/", 1)[1]
                found[link.tail][target.name] = found[link.tail].get(target.name, frozenset()) | {name}
    return found


def by_twin(scene: Scene) -> LabFindings:
    """Simulate every hypothesis, ask the routers that tell the likeliest apart, and name the one that is left."""
    seen = scene.observation
    found = diagnose(seen)
    for _ in range(_QUESTIONS):
        asked = next_measurement(found, seen)
        if asked is None or asked.kind != "configuration":
            break
        seen = with_configuration(seen, asked.element or "", scene.configuration)
        found = diagnose(seen)
    return LabFindings(found.best.faults, bool(find_symptoms(scene.observation)))


def by_readings(scene: Scene) -> LabFindings:
    """The same without a question to any router."""
    return LabFindings(diagnose(scene.observation).best.faults, bool(find_symptoms(scene.observation)))


def by_threshold(scene: Scene) -> LabFindings:
    """Fixed thresholds, no twin."""
    faults = threshold_faults(scene.inventory, scene.telemetry)
    return LabFindings(faults, bool(faults))


def score(scene: Scene, found: LabFindings) -> Measures:
    """Judge pairs of element and kind; on healthy networks also the twin's loads and routes against the routers'."""
    truth, pair = scene.faults, count(found.faults, scene.faults)
    healthy = not truth
    alike = same_for_telemetry(found.faults, truth) or pairs(found.faults) == pairs(truth)
    values = {
        "pair_hit": float(pair.hit), "pair_false": float(pair.false), "pair_missed": float(pair.missed),
        "healthy": float(healthy), "faulty": float(not healthy), "seen": float(found.seen), "alike": float(alike),
        "right": float(not found.faults if healthy else alike),
    }  # fmt: skip
    if scene.placed is not None and (scene.placed.of_nika or healthy):
        values |= {"placed_hit": values["pair_hit"], "placed_false": values["pair_false"]}
        values |= {"placed_missed": values["pair_missed"], "placed": float(scene.placed.of_nika)}
    if scene.placed is not None and scene.placed.way in REASONS:
        values |= {"ways": 1.0, "way": float(_reason(scene) == REASONS[scene.placed.way])}
    if healthy:
        error, certain = _load_errors(scene)
        values |= {
            "loaded": float(certain.any()),
            "loads": float((error[certain] <= 0.05).mean()) if certain.any() else 0.0,
            "routes": float(scene.routes == next_hops(scene.inventory)),
        }
    return Measures(bool(values["right"]), values, in_words(found.faults), in_words(truth))


def _reason(scene: Scene) -> DownReason | None:
    """Why the session of the fault is down, as its router says."""
    at = {scene.inventory.link(x.element) for x in scene.faults}
    return next((x.reason for x in scene.observation.peerings if x.link in at), None)


def _load_errors(scene: Scene) -> tuple[Floats, Bools]:
    """Relative error of the predicted loads [m], and which links carry something that no equal paths have split."""
    seen = scene.observation
    load, measured = simulate(seen.network).load, seen.out_mbps
    certain = (load > _LOADED) & np.isfinite(measured) & (hashing_variance(seen.network, 1.0) == 0)
    return np.abs(measured - load) / np.maximum(load, 1e-9), certain


def _draw(split: Split) -> Iterator[Case]:
    places = PLACES[split]
    for number, seed in enumerate(SEEDS[split]):
        if number == len(KINDS) * len(places):
            break
        network, _ = places[number // len(KINDS)]  # one lab after the other, not one for each case
        yield Case(suite="lab", kind=KINDS[number % len(KINDS)], network=network, seed=seed, split=split)
    first = SEEDS[split].start + len(KINDS) * len(places)
    faulty = [x for x in KINDS if x != "healthy"]
    placements = [(placed.name, network) for placed, network in lab_placements.placed(split)]
    further = [(str(kind), network) for network, _ in FURTHER.get(split, ()) for kind in faulty]
    processes = [(lab_placements.PROCESS.name, network) for network, _ in lab_placements.PLACES[split]]
    for seed, (kind, network) in enumerate((*placements, *further, *processes), first):
        yield Case(suite="lab", kind=kind, network=network, seed=seed, split=split)


_metric = partial(Metric, kind="share")
SUITE = Suite(
    name="lab",
    purpose="causes on real routers: faults of interfaces, daemons, configuration, kernels and traffic, and none",
    draw=_draw,
    stage=stage,
    systems={"twin": by_twin, "twin, no router asked": by_readings, "thresholds, no twin": by_threshold},
    score=score,
    metrics=(
        _metric("faults seen", of="seen", where="faulty"),
        Metric("F1 on (element, kind)", "f1", "pair", bar=0.75),
        Metric(f"F1 over NIKA's {OF_NIKA} placements and nothing", "f1", "placed", bar=0.75),
        _metric("placements, top 1", of="alike", where="placed"),
        _metric("why a session fell, told", of="way", where="ways"),
        _metric("faults, top 1", of="alike", where="faulty"),
        _metric("healthy found healthy", of="right", where="healthy", bar=0.95),
        _metric("false alarms", of="seen", where="healthy", higher=False),
        Metric("loads within 5 %, without equal paths", "mean", "loads", "loaded"),
        _metric("routes of all kernels as the twin says", of="routes", where="healthy"),
    ),
    cases=len(KINDS) * (len(PLACES["dev"]) + len(FURTHER["held-out"])) + NUMBER,
    slice=len(KINDS),
    by_kind=False,
    checks={"causes": Check(causes_as_expected)},
)
