"""How much the measured state hurts: the parts of `Harm`, from telemetry after data quality has repaired it."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.harm import Harm, joined_by
from twin.model import Bools, Floats, Network
from twin.observe.expect.balance import expected, link_ends, reported_state
from twin.observe.expect.prediction import conditioned
from twin.observe.expect.probing import loss_surprise
from twin.observe.quality.assess import Assessment, assess_observation
from twin.observe.readings.observation import Observation
from twin.observe.readings.with_gaps import mean

WIRE_SCORE = 5.0
"""Standard errors above which a difference between the two ends of a wire is a loss."""
_SURE = 5.0  # standard errors by which a probe or a balance must be off to show a loss that no counter does
_BREAKING = 1e-3  # share of frames that arrive broken from which on they tell what the wire takes off
_DROPPING = 0.001  # share of its traffic that a full link drops


def measured_harm(observation: Observation, limit: float) -> Harm:
    """Measure what users lose and the load above `limit`, a share of capacity, of the mean rates of the window.

    `observation.network` is the state that is believed, under the measured matrix. A counter that
    data quality finds wrong counts as what it puts in its place. A link that drops is taken to be
    full, whatever the inventory says of its capacity. What no counter shows is lost where more of the probes of a pair
    are than the counters explain, times its demand, or where more enters a router than leaves it and ends there,
    whichever shows more. A pair is severed when a node does not answer or no circuit that is up and has its neighbour
    joins the two.
    """
    quality = assess_observation(observation)
    rates = _Rates.of(observation, quality)
    network, arrived = observation.network, rates.arrived
    dropped = mean(rates.dropped)
    above = np.fmax(np.nan_to_num(mean(arrived)) - limit * _effective_capacity(observation, rates), dropped)
    severed, unrouted = _without_route(observation)
    return Harm(
        severed=float(network.offered[severed].sum()),
        unrouted=float(network.offered[unrouted].sum()),
        dropped=float(dropped.sum()),
        silent=float(rates.lost.sum()),
        discarded=_discarded(observation, quality, rates, severed | unrouted),
        refused=float((network.demands - network.offered).sum()),
        overload=float((above - dropped).sum()),
    )


class _Rates(NamedTuple):
    """What the links carry, lying counters replaced, Mbit/s."""

    arrived: Floats  # [K, m] wants to leave by each link
    dropped: Floats  # [K, m] by its queue
    sent: Floats  # [m] mean
    received: Floats  # [m] mean
    lost: Floats  # [m] on the wire
    sound: Bools  # [m] the tail's counter is believed
    read: Bools  # [m] both counters were read in every sample, and are believed

    @classmethod
    def of(cls, observation: Observation, quality: Assessment) -> "_Rates":
        consensus, window = quality.consensus, observation.window
        sound = ~(consensus.sent_wrong | consensus.by_demands)
        dropped = np.nan_to_num(window.dropped_mbps)
        arrived = np.where(sound, observation.arrived_mbps, consensus.sent + dropped)
        known = sound & ~consensus.received_wrong
        share = np.where(known, np.nan_to_num(observation.wire_loss), 0.0)
        share = np.where(share > WIRE_SCORE * observation.wire_error, share, 0.0)
        lost = np.maximum(share, _broken_share(observation)) * consensus.sent
        received = np.where(lost > 0, consensus.sent - lost, consensus.received)
        read = known & np.isfinite(window.out_mbps).all(axis=0) & np.isfinite(window.in_mbps).all(axis=0)
        return cls(arrived, dropped, consensus.sent, received, lost, sound, read)


def _broken_share(observation: Observation) -> Floats:
    """Share of what is sent that arrives broken on each link [m]: receivers count it to the frame."""
    broken = np.nan_to_num(observation.broken)
    return np.where(broken > _BREAKING, broken / (1 + broken), 0.0)


def _capacity(network: Network) -> Floats:
    return np.array([link.capacity for link in network.links])


def _effective_capacity(observation: Observation, rates: _Rates) -> Floats:
    """Capacity of each link [m]: what its circuit sends while either direction drops, else what is believed."""
    capacity, window = _capacity(observation.network), observation.window
    full = rates.sound & (rates.dropped > _DROPPING * np.nan_to_num(window.out_mbps))
    for positions in map(list, observation.inventory.circuits.values()):
        sent = window.out_mbps[:, positions][full[:, positions]]
        if sent.size:
            capacity[positions] = np.minimum(capacity[positions], float(sent.mean()))
    return capacity


def _without_route(observation: Observation) -> tuple[Bools, Bools]:
    """Pairs [n, n] that nothing which is up joins, and those that only drained or sleeping circuits do."""
    network, answered = observation.network, observation.answered
    lit = observation.up & (observation.adjacent != 0)
    for positions in map(list, network.circuits.values()):
        lit[positions] = lit[positions].all()
    asleep = np.array([x.asleep or x.drained for x in network.links], dtype=bool)
    routed = lit & np.array([link.usable for link in network.links], dtype=bool)
    able = joined_by(network, lit | asleep, answered)
    way = joined_by(network, routed, answered)
    return ~able, able & ~way


def _discarded(observation: Observation, quality: Assessment, rates: _Rates, without: Bools) -> float:
    """Mbit/s that routers take off and no counter shows."""
    removed = _removed(rates)
    # held against routers that do what they should
    observation = replace(observation, network=replace(observation.network, astray=()))
    probed = _by_probes(observation, removed, without)
    short = _by_balance(observation, quality, rates, removed)
    # what a router loses of the traffic that ends there is no part of its balance
    inside = probed[:, short.mbps > 0].sum() + short.mbps.sum()
    return float(max(probed.sum(), inside) if inside - probed.sum() > _SURE * short.error else probed.sum())


def _removed(rates: _Rates) -> Floats:
    """Share of its traffic that each link takes off, in its queue or on the wire [m]."""
    dropped = mean(rates.dropped)
    wanted = np.maximum(rates.sent + dropped, 1e-9)
    return np.clip((dropped + np.minimum(rates.lost, rates.sent)) / wanted, 0.0, 1.0)


def _by_probes(observation: Observation, removed: Floats, without: Bools) -> Floats:
    """What the probed pairs lose beyond what counters explain, of the demand of each, Mbit/s [n, n]."""
    probes, network = observation.probes, reported_state(observation)
    pairs = probes.source, probes.target
    lost = 1 - _arriving(network, removed)[pairs]
    counted = np.isfinite(observation.window.probe_loss).sum(axis=0)
    nats = loss_surprise(probes.loss, lost, counted, observation.declared)
    shown = (nats > _SURE**2 / 2 + np.log(max(counted.size, 1))) & ~without[pairs]
    mbps = np.zeros_like(network.offered)
    mbps[pairs] = np.where(shown, np.nan_to_num(probes.loss) - lost, 0.0) * network.offered[pairs]
    return mbps


def _arriving(network: Network, removed: Floats) -> Floats:
    """Share of what each pair sends that arrives when links take off these shares [n, n].

    Of pairs in a tunnel the least of its way and of the one without it: probes may take either.
    """
    from twin.sim.arrays import compile_network
    from twin.sim.kernels import expect
    from twin.sim.remembered import remembered_paths
    from twin.sim.route import expected_of_demands, steered

    arrays = compile_network(conditioned(network, removed))
    paths = remembered_paths(arrays)
    arrives = expect(arrays, paths).survival.T.copy()
    if arrays.tunnels.source.size:
        pairs = arrays.tunnels.source, arrays.tunnels.target
        steered_away = expected_of_demands(arrays, paths, steered(arrays, paths).used).survival.T
        arrives[pairs] = np.minimum(arrives[pairs], steered_away[pairs])
    return arrives


class _Short(NamedTuple):
    """What enters each router, does not end there and does not leave [n], with the error of its sum, Mbit/s."""

    mbps: Floats
    error: float


def _by_balance(observation: Observation, quality: Assessment, rates: _Rates, removed: Floats) -> _Short:
    told, ends, n = expected(observation, removed), link_ends(observation.network), len(observation.network.nodes)
    leaves = np.bincount(ends.tail, rates.sent + mean(rates.dropped), n)
    short = told.net - (leaves - np.bincount(ends.head, rates.received, n))
    judged = observation.answered & (not quality.report.demand.off)
    for end in ends:
        judged[end[~rates.read]] = False
    judged[[observation.network.node(x) for x in quality.report.demand.nodes]] = False
    shown = judged & (short > _SURE * told.net_sigma)
    return _Short(np.where(shown, short, 0.0), float(np.linalg.norm(told.net_sigma[shown])))
