"""Relief by IGP weights: the fewest weight changes that take the traffic off the worst links.

A weight matters only where it makes or breaks a tie: every link is tried at those breakpoints (Fortz, Thorup,
"Internet traffic engineering by optimizing OSPF weights", INFOCOM 2000, search all values instead).
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from twin.gate.verdict import Counterexample
from twin.model import Ints, Network
from twin.plan import Change, SetWeight, apply_all
from twin.policy import Policy
from twin.sim.arrays import FAR, Arrays
from twin.sim.delta import WeightProbe
from twin.sim.route import Routing

from .allowance import Allowance
from .assemble import assemble, without_plan
from .breakpoints import BREAKPOINTS, breakpoints, heaviest
from .judge import HEADROOM, Judge
from .proposal import Proposal, Value

METHOD = "igp-weights"
MOST_CHANGES = 4
BEAM = 3
LINKS = 60
"""Links that are tried in each round: those nearest to the traffic of the worst links."""
_BLOCK = 512
_TRIED = 16 * BEAM + 1  # states under failures in each round, at most


class _Candidate(NamedTuple):
    value: Value
    weight: Ints


def relieve_by_weights(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
) -> Proposal:
    """Change at most `MOST_CHANGES` weights so that harm goes, else so that the peak falls.

    Beam search; every state it keeps survives every single failure. Nothing is random: `seed` changes nothing. A time
    limit returns the best so far.
    """
    del seed
    judge = Judge(network, policy, avoid, allowance=Allowance(time_limit_s))
    if judge.before.max_utilisation == 0:
        return without_plan(judge, METHOD, "the network carries no traffic")
    allowance = Allowance.to_search(time_limit_s)
    candidates, found = _Search(judge, allowance).run(), list[Proposal]()
    for number, candidate in enumerate(candidates, start=1):
        found.append(assemble(judge, METHOD, weight_changes(judge, candidate.weight)))
        best = min(found, key=lambda x: (x.plan is None, x.after))
        rest = [x for x in candidates[number:] if best.plan is None or x.value.beats(best.after)]
        if not rest or judge.allowance.spent:
            break  # else not all of its steps have a safe order, and those of another state may have one
    return min(found, key=lambda x: (x.plan is None, x.after))


def weight_changes(judge: Judge, weight: Ints) -> tuple[Change, ...]:
    """Return the changes that lead from the network's weights to these, one per arc that differs."""
    arrays = judge.arrays
    return tuple(
        SetWeight(link=judge.network.links[int(arrays.link_of[arc])].name, weight=int(weight[arc]))
        for arc in np.flatnonzero(weight != arrays.weight)
    )


class _Search:
    def __init__(self, judge: Judge, allowance: Allowance) -> None:
        self.judge, self.allowance = judge, allowance
        self.most = min(MOST_CHANGES, judge.policy.max_steps)
        self.free = [arc for arc in range(judge.arrays.head.size) if self._may_change(arc)]

    def run(self) -> list[_Candidate]:
        """Return the best weights found, one per arc, and then all that were gone on from, from the best on."""
        start = _Candidate(self._value(self.judge.arrays), self.judge.arrays.weight)
        best, beam, others = start, [start], list[_Candidate]()
        for _ in range(self.most):
            beam = self._next(beam)
            if not beam:
                break
            others += beam
            if beam[0].value.beats(best.value, gain=1e-3):
                best = min(beam, key=lambda x: x.value)
            if self.judge.before.harm > 0 and best.value.harm <= 0:
                break
        return [best, *sorted((x for x in others if x is not best), key=lambda x: x.value)]

    def _next(self, beam: list[_Candidate]) -> list[_Candidate]:
        """Return the best safe states one change further, better than where they came from."""
        found = [reached for candidate in beam if not self.allowance.spent for reached in self._neighbours(candidate)]
        kept: list[_Candidate] = []
        seen: set[bytes] = set()
        sets: set[bytes] = set()  # of changed arcs: other weights of those that are kept mostly lead the same way
        states: list[Network] = []
        order = sorted(found, key=lambda x: (x.value, x.weight.tobytes()))
        for number, candidate in enumerate(order):
            if self.allowance.spent:
                break
            if number == len(states):  # more at once each time: what one fails by is tried first on those after it
                last = min(2 * number + BEAM, number + _TRIED - len(seen))
                states += [self._state(x.weight) for x in order[number:last]]
                self.judge.under_failures.foresee(states[number:])
            changed = (candidate.weight != self.judge.arrays.weight).tobytes()
            new = changed not in sets and candidate.weight.tobytes() not in seen
            if new and self.judge.is_safe(states[number]):
                kept.append(candidate)
                sets.add(changed)
            seen.add(candidate.weight.tobytes())
            if len(kept) == BEAM or len(seen) == _TRIED:
                break
        return kept

    def _neighbours(self, candidate: _Candidate) -> list[_Candidate]:
        """Try the breakpoints of every promising arc, all at once."""
        arrays = self._with(candidate.weight)
        routing = self.judge.route(arrays)
        dist = routing.paths.dist
        links = self._links(arrays, routing)
        most = BREAKPOINTS * LINKS // max(len(links), 1)  # as many trials where there are fewer links
        values = partial(breakpoints, arrays, dist, most=most, highest=heaviest(self.judge.network, self.judge.policy))
        changes = [(arc, int(value)) for arc in links for value in values(arc)]
        probe = WeightProbe(self._state(candidate.weight))
        lost = self.judge.routing.lost + self.judge.base.refused - self.judge.stranded
        better: list[_Candidate] = []
        for start in range(0, len(changes), _BLOCK):
            if self.allowance.spent:
                break
            block = changes[start : start + _BLOCK]
            loads = probe.loads([{int(arrays.link_of[arc]): value} for arc, value in block])[:, arrays.link_of]
            self.judge.evaluations += len(block)
            for (arc, value), load in zip(block, loads, strict=True):
                reached = Value(self.judge.excess(load, scale=HEADROOM) + lost, self.judge.peak(load))
                if reached.beats(candidate.value, gain=1e-3):
                    weight = candidate.weight.copy()
                    weight[arc] = value
                    better.append(_Candidate(reached, weight))
        return better

    def _links(self, arrays: Arrays, routing: Routing) -> list[int]:
        """Return the arcs to try: those that carry the worst arcs' traffic, or leave a node where it passes."""
        hot = self.judge.hot(routing.load)
        targets = np.zeros(arrays.up.size)
        for arc in hot:
            tail, dist = arrays.tail[arc], routing.paths.dist
            on_path = arrays.weight[arc] + dist[:, arrays.head[arc]] == dist[:, tail]
            targets += np.where(on_path, routing.passing[:, tail], 0.0)
        near = targets @ routing.passing
        near /= max(float(near.max(initial=0.0)), 1e-12)
        score = near[arrays.tail] + near[arrays.head]
        score[hot] += 2
        order = np.argsort(-score[self.free], kind="stable")[:LINKS]
        return [self.free[i] for i in order]

    def _may_change(self, arc: int) -> bool:
        arrays, network = self.judge.arrays, self.judge.network
        link = network.links[int(arrays.link_of[arc])]
        if int(arrays.link_of[arc]) in network.exits:  # a preference is no metric
            return False
        return arrays.weight[arc] < FAR and not self.judge.protects(
            link.name, link.interface, link.circuit, f"node/{link.tail}", f"node/{link.head}"
        )

    def _state(self, weight: Ints) -> Network:
        return apply_all(self.judge.network, weight_changes(self.judge, weight))

    def _with(self, weight: Ints) -> Arrays:
        return self.judge.arrays._replace(weight=weight)

    def _value(self, arrays: Arrays) -> Value:
        return self.judge.value(self.judge.route(arrays), scale=HEADROOM)
