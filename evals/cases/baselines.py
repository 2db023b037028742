"""What the product is compared with: rules of thumb without a twin, chance, and the product with a part taken out."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from zlib import crc32

import numpy as np

from agents.run.staging import INTERVAL_S
from twin.diagnose import diagnose, diagnosed_network
from twin.faults import TRAITS, Fault, FaultKind
from twin.gate.checks.context import Context
from twin.gate.verdict import passes
from twin.live.network import LiveNetwork, Telemetry
from twin.model import Floats, Ints, Network
from twin.observe import Observation, observe
from twin.optimise.ahead import holding
from twin.optimise.proposal import Proposal
from twin.optimise.relieve import relieve
from twin.plan import Change, DrainLink, SetWeight
from twin.policy import Policy

from .incident import Action, Incident
from .informed import told_of

_FULL, _LOSS, _DROPS, _GREW = 0.8, 0.01, 0.001, 1.5
"""What alarms are usually set to: utilisation, share lost on a wire, share dropped, growth in an hour."""

_K = FaultKind


def threshold_faults(network: Network, telemetry: Telemetry) -> tuple[Fault, ...]:
    """Name the surest fault by fixed thresholds on the newest counters, if any; nothing is simulated."""
    return tuple(_by_threshold(network, telemetry))[:1]


def threshold_alarm(network: Network, telemetry: Telemetry) -> bool:
    """Whether any fixed threshold is crossed: a link above 80 %, too, of which nobody can say why."""
    found = threshold_faults(network, telemetry)
    capacity = np.array([link.capacity for link in network.links])
    full = (
        _newest(telemetry.links.time, telemetry.links.link, telemetry.links.out_mbps, capacity.size) > _FULL * capacity
    )
    return bool(found) or bool(full.any())


def random_faults(network: Network, seed: int, kinds: Sequence[FaultKind]) -> tuple[Fault, ...]:
    """Name a fault of one of these kinds at an element of the right sort, or none, with equal chances."""
    rng = np.random.default_rng([seed, crc32(b"random")])
    place = int(rng.integers(len(kinds) + 1))
    if place == len(kinds):
        return ()
    kind = kinds[place]
    elements = {
        "circuit": list(network.circuits),
        "interface": [link.interface for link in network.links],
        "node": [node.id for node in network.nodes],
        "node or network": [node.id for node in network.nodes],
    }[TRAITS[kind].element]
    usual = TRAITS[kind].severity.usual
    return (Fault(kind=kind, element=str(rng.choice(elements)), severity=usual),)


def without_agents(incident: Incident) -> tuple[Action, ...]:
    """The same diagnosis, planners and gate in one row, without any agent: what the agents add or cost."""
    return _direct(incident, by_gate=True)


def without_gate(incident: Incident) -> tuple[Action, ...]:
    """The same, but the best-looking plan is applied unseen by the gate."""
    return _direct(incident, by_gate=False)


def without_twin(incident: Incident) -> tuple[Action, ...]:
    """Rules of thumb: drain what loses traffic, double the weight of the fullest link; nothing is simulated."""
    live = incident.live
    telemetry = live.read_telemetry(live.now - timedelta(hours=1))
    faults = threshold_faults(incident.network, telemetry)
    change = _rule_of_thumb(incident.network, telemetry, faults)
    return () if change is None else (Action(live.now, change),)


def nothing(incident: Incident) -> tuple[Action, ...]:
    """Nobody acts."""
    del incident
    return ()


def _direct(incident: Incident, *, by_gate: bool) -> tuple[Action, ...]:
    live, policy = incident.live, incident.request.policy
    observation = _look(live)
    best = diagnose(observation).best
    state = diagnosed_network(observation, best)
    told = told_of(incident, state) if by_gate else Context()

    def planner(found: Network, limits: Policy) -> Sequence[Proposal]:
        return relieve(found, limits, reference=incident.network, seed=incident.request.seed)

    for proposal in holding(planner, state, policy, told):
        plan = proposal.plan
        if plan is not None and (not by_gate or passes(plan, state, policy, known=told)):
            step = timedelta(seconds=INTERVAL_S)
            return tuple(Action(live.now + i * step, change) for i, change in enumerate(plan.steps))
    return ()


def _look(live: LiveNetwork) -> Observation:
    return observe(live.read_topology(), live.read_telemetry(live.now - timedelta(hours=4)), now=live.now)


def _rule_of_thumb(network: Network, telemetry: Telemetry, faults: Sequence[Fault]) -> Change | None:
    for fault in faults:
        if fault.kind is _K.SILENT_LOSS:
            return DrainLink(circuit=network.links[network.link(fault.element)].circuit)
    links = telemetry.links
    capacity = np.array([link.capacity for link in network.links])
    used = _newest(links.time, links.link, links.out_mbps + links.dropped_mbps, capacity.size) / capacity
    fullest = int(np.nan_to_num(used).argmax())
    if not faults and used[fullest] < _FULL:
        return None
    link = network.links[fullest]
    return SetWeight(link=link.name, weight=min(2 * link.weight, 65_535))


def _by_threshold(network: Network, telemetry: Telemetry) -> Iterator[Fault]:
    links, n, m = telemetry.links, len(network.nodes), len(network.links)
    answered = _newest(telemetry.nodes.time, telemetry.nodes.node, telemetry.nodes.answered.astype(float), n)
    yield from (
        Fault(kind=_K.DEVICE_DOWN, element=network.nodes[i].id) for i in map(int, np.flatnonzero(answered == 0))
    )
    up = _newest(links.time, links.link, links.up.astype(float), m)
    for i in map(int, np.flatnonzero(up == 0)):
        yield Fault(kind=_K.LINK_DOWN, element=network.links[i].circuit)
    sent, received, dropped = (
        np.nan_to_num(_newest(links.time, links.link, x, m))
        for x in (links.out_mbps, links.in_mbps, links.dropped_mbps)
    )
    lost = np.where(sent > 1, 1 - received / np.maximum(sent, 1), 0)
    for i in map(int, np.argsort(-lost, kind="stable")[: int((lost > _LOSS).sum())]):
        yield Fault(kind=_K.SILENT_LOSS, element=network.links[i].interface, severity=float(min(lost[i], 1)))
    for i in map(int, np.flatnonzero(dropped > _DROPS * np.maximum(sent, 1) + 1)):
        yield Fault(kind=_K.CAPACITY, element=network.links[i].circuit, severity=0.5)
    yield from _grown(network, telemetry)


def _grown(network: Network, telemetry: Telemetry) -> Iterator[Fault]:
    traffic, n = telemetry.traffic, len(network.nodes)
    times = np.unique(traffic.time)
    if len(times) < 4:
        return
    now, before = (_towards(telemetry, times[i], n) for i in (-1, max(0, len(times) - 13)))
    factor = now / np.maximum(before, 1)
    for i in map(int, np.argsort(-factor, kind="stable")[: int((factor > _GREW).sum())]):
        yield Fault(kind=_K.SURGE, element=network.nodes[i].id, severity=float(factor[i]))


def _towards(telemetry: Telemetry, moment: float, n: int) -> Floats:
    traffic = telemetry.traffic
    rows = traffic.time == moment
    return np.bincount(traffic.target[rows], np.nan_to_num(traffic.mbps[rows]), n).astype(np.float64)


def _newest(time: Floats, index: Ints, values: Floats, size: int) -> Floats:
    """The newest value of each element [size], NaN where there is none."""
    found = np.full(size, np.nan)
    if time.size:
        rows = time == time.max()
        found[index[rows]] = values[rows]
    return found
