"""Exits whose routers say otherwise than they should: no route, one that leads nowhere, a wrong rank, a claim."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np

from twin.diagnose.balance import excess
from twin.diagnose.effects import Candidate, Effect
from twin.diagnose.peered import usual_lengths, usual_preferences
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.errors import TopologyError
from twin.faults import ENDED, HANGS, Fault, FaultKind, check, with_fault
from twin.model import Network
from twin.observe.readings.observation import Observation
from twin.observe.readings.peerings import Peering
from twin.observe.readings.session_lines import SESSION_LINES

from .control import TOLD, UNTOLD

_K = FaultKind
_EMPTY, _TOLERANCE = 0.05, 4.0  # share of the predicted load below which an exit carries nothing; standard errors


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """For each exit of which something is said that no fault so far explains: what it would be.

    Of the steps to a route the first that fails. One whose interface says that it is down is a circuit that is down.
    """
    yield from _processes(observation, judged)
    yield from _unspoken(observation, judged)
    usual, lengths = usual_preferences(observation), usual_lengths(observation)
    for peering in observation.peerings:
        if judged.likelihood.peering[peering.link] == 0 or not observation.up[peering.link]:
            continue
        link = observation.network.links[peering.link]
        found = [*_without_route(peering, link.interface), *_claimed(peering, link.head)]
        rank = peering.local_pref
        if rank is not None and rank not in (0, usual.get(link.weight)):
            found.append(Fault(kind=_K.BGP_PREFERENCE, element=link.interface, severity=rank))
        longer = (peering.path_length or 0.0) - lengths.get((link.head, link.weight), np.inf)
        if longer > 0:
            found.append(Fault(kind=_K.BGP_LONGER_PATH, element=link.interface, severity=longer))
        for fault in found:
            with suppress(TopologyError):  # what is said need not be possible here
                check(observation.network, fault)
                yield Candidate(fault)


def _processes(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Routers whose BGP no longer answers though they do, logged its end, or lose what passes by them.

    A process that hangs loses nothing, so that it shows by its silence alone.
    """
    network, silent = observation.network, {x.link: x.silenced for x in observation.peerings}
    if not network.exits:
        return
    ended = {x.element for x in observation.events if x.kind == "bgp_ended"}
    balance = excess(observation, judged.readings.arrived)
    lost = balance.difference < -_TOLERANCE * balance.sigma
    for position, node in enumerate(network.nodes):
        if node.kind == "exits" or not observation.answered[position]:
            continue
        own = [i for i in network.exits if network.links[i].tail == node.name]
        mute = bool(own) and all(silent.get(i) for i in own)
        if mute or lost[position] or node.id in ended:
            hint = TOLD if node.id in ended else 0.0
            yield Candidate(Fault(kind=_K.BGP_PROCESS, element=node.id, severity=ENDED), hint=hint)
        if mute and node.id not in ended:
            yield Candidate(Fault(kind=_K.BGP_PROCESS, element=node.id, severity=HANGS))


def _unspoken(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Exits of whose session nobody speaks, with light, that should carry traffic and do not: routes are gone.

    A session that falls leaves a line in the log, what is not announced or not let in leaves none; where the log tells
    of no session at all, which of them it is stays open.
    """
    network = observation.network
    spoken = {x.link for x in observation.peerings if x.established is not None}
    lines = {x.element: x.kind for x in observation.events if x.kind in SESSION_LINES}  # the last of each
    for i in network.exits:
        link, measured, due = network.links[i], judged.residuals.measured[i], judged.readings.arrived[i]
        if i in spoken or not (link.usable and observation.up[i]) or not np.isfinite(measured):
            continue
        if not (measured < _EMPTY * due and abs(judged.residuals.score[i]) > _TOLERANCE):
            continue
        session, policy = (Fault(kind=x, element=link.interface) for x in (_K.BGP_SESSION, _K.BGP_ADVERTISEMENT))
        if not lines:
            yield Candidate(session, also=(_K.BGP_ADVERTISEMENT, _K.BGP_FILTER))
            continue
        fell = lines.get(link.interface, "session_up") != "session_up"
        yield Candidate(session, hint=TOLD if fell else UNTOLD)
        yield Candidate(policy, hint=UNTOLD if fell else 0.0, also=(_K.BGP_FILTER,))


def _without_route(peering: Peering, element: str) -> Iterator[Fault]:
    steps = (
        (_K.BGP_SESSION, peering.established),
        (_K.BGP_ADVERTISEMENT, peering.received),
        (_K.BGP_FILTER, peering.accepted),
        (_K.BGP_NEXT_HOP, peering.reachable),
        (_K.BGP_DISCARD, None if peering.discards is None else not peering.discards),
    )
    kind = next((kind for kind, holds in steps if holds is False), None)
    if kind is not None:
        yield Fault(kind=kind, element=element)


def _claimed(peering: Peering, group: str) -> Iterator[Fault]:
    if peering.claimed:
        kind = _K.BGP_HIJACK if peering.claimed.startswith("node/") else _K.BGP_ORIGIN
        yield Fault(kind=kind, element=peering.claimed, target=f"node/{group}")


def _without(network: Network, fault: Fault) -> Network:
    """For planning: the exit is down, which no plan of ours can undo."""
    return _closed(network, [network.link(fault.element)], network)


def _by_its_own(network: Network, fault: Fault) -> Network:
    """For planning: the same for all but its own router, which goes on sending by it what gets there."""
    return _closed(network, [network.link(fault.element)], with_fault(network, fault), lit=True)


def _processless(network: Network, fault: Fault) -> Network:
    """For planning: the same of every exit of a router, and what it loses besides."""
    name = fault.element.removeprefix("node/")
    own = [i for i in network.exits if network.links[i].tail == name]
    return _closed(network, own, with_fault(network, fault), lit=fault.severity == HANGS)


def _closed(before: Network, exits: list[int], after: Network, *, lit: bool = False) -> Network:
    """Exits that routing does not use and nobody has drained; `lit` ones take what their routers send by them."""
    links = list(after.links)
    for i in exits:
        here = before.links[i]
        links[i] = here._replace(adjacent=False) if lit else here._replace(up=False)
    return replace(after, links=tuple(links))


_OUT = (_K.BGP_SESSION, _K.BGP_ADVERTISEMENT, _K.BGP_FILTER)
_LEFT = (_K.BGP_DISCARD, _K.BGP_PREFERENCE, _K.BGP_LONGER_PATH, _K.BGP_HIJACK, _K.BGP_ORIGIN)
EFFECTS: Mapping[FaultKind, Effect] = {
    **dict.fromkeys(_OUT, Effect(planned=_without)),
    _K.BGP_NEXT_HOP: Effect(planned=_by_its_own),
    **dict.fromkeys(_LEFT, Effect(planned=with_fault)),
    _K.BGP_PROCESS: Effect(planned=_processless),
}
