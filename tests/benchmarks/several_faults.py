"""Several faults at once, and mistakes at whole routers and circuits: `python -m tests.benchmarks.several_faults`.

Every case is an emulated network that ran for an hour, was struck, and was observed for three samples. The truth is
what was injected, as far as each of the faults moves some reading by more than five standard errors against the same
hour without it; an answer is right when it names exactly that, or when it lists it as alike. `apart` injects a mistake
at each interface of a router by itself and wants the router named.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from evals.oracle.traces import MOVED, moved
from tests.benchmarks.diagnosis_accuracy import wilson
from tests.benchmarks.diagnosis_cases import AFTER, network, places, struck, without
from twin.diagnose import Diagnosis, diagnose
from twin.errors import TopologyError
from twin.faults import Fault, FaultKind, interfaces
from twin.live.draw_fault import draw_fault
from twin.live.network import Telemetry
from twin.model import Network, RiskGroup
from twin.observe import observe

_K = FaultKind
SINCE = 40_000
"""First seed of those that nothing was tuned on."""
_TRIES = 40
_QUIET = (_K.SILENT_LOSS, _K.CAPACITY, _K.CORRUPTION, _K.SURGE, _K.WEIGHT, _K.DATA_ACL, _K.SCALED_COUNTER)
"""Kinds that may leave no trace where they strike; the others take something down."""


class Drawn(NamedTuple):
    """The network, what to inject, and the faults that should be named."""

    inventory: Network
    injected: tuple[Fault, ...]
    truth: tuple[Fault, ...]


class Result(NamedTuple):
    """One case: its truth, the answer, and the seconds of one processor that it took."""

    drawn: Drawn
    diagnosis: Diagnosis
    seconds: float

    @property
    def right(self) -> bool:
        wanted, best = " and ".join(sorted(map(str, self.drawn.truth))), self.diagnosis.best
        return wanted in (best.name, *best.alike)

    @property
    def overconfident(self) -> bool:
        """Whether a circuit that was cut is left out at a confidence above one half."""
        cut = {x.element for x in self.drawn.truth if x.kind is _K.LINK_DOWN}
        named = {x.element for x in self.diagnosis.best.faults}
        return bool(cut - named) and self.diagnosis.best.confidence > 0.5 and not self.right


Draw = Callable[[Network, np.random.Generator], Drawn]


def cuts(number: int) -> Draw:
    def draw(inventory: Network, rng: np.random.Generator) -> Drawn:
        chosen = rng.choice(list(inventory.circuits), number, replace=False)
        return _as_they_are(inventory, [Fault(kind=_K.LINK_DOWN, element=str(x)) for x in chosen])

    return draw


def mixed(*kinds: FaultKind) -> Draw:
    """Faults of these kinds at routers of their own."""

    def draw(inventory: Network, rng: np.random.Generator) -> Drawn:
        found: list[Fault] = []
        for kind in kinds:
            for _ in range(_TRIES):
                fault = draw_fault(inventory, int(rng.integers(1 << 30)), kinds=[kind])
                if not any(places(inventory, fault) & places(inventory, x) for x in found):
                    found.append(fault)
                    break
        if len(found) < len(kinds):
            raise TopologyError("no place for all of them", fix="use a larger network")
        return _as_they_are(inventory, found)

    return draw


def at_a_router(kind: FaultKind, *, apart: bool = False) -> Draw:
    def draw(inventory: Network, rng: np.random.Generator) -> Drawn:
        names = [x.tail for x in inventory.links]
        several = [node.name for node in inventory.nodes if names.count(node.name) > 1]
        name = str(rng.choice(several))
        others = [node.id for node in inventory.nodes if node.name != name]
        severity = float(rng.choice([1, 1000, 65_535])) if kind is _K.WEIGHT else 1.0
        target = str(rng.choice(others)) if kind is _K.DATA_ACL else None
        whole = Fault(kind=kind, element=f"node/{name}", severity=severity, target=target)
        single = [whole.model_copy(update={"element": x}) for x in interfaces(inventory, whole)]
        return Drawn(inventory, tuple(single) if apart else (whole,), (whole,))

    return draw


def at_a_circuit(kind: FaultKind) -> Draw:
    def draw(inventory: Network, rng: np.random.Generator) -> Drawn:
        element = str(rng.choice(list(inventory.circuits)))
        severity = float(rng.choice([1, 1000, 65_535])) if kind is _K.WEIGHT else 1.0
        return _as_they_are(inventory, [Fault(kind=kind, element=element, severity=severity)])

    return draw


def conduit(kind: FaultKind) -> Draw:
    """A declared risk group of three circuits, and others; of a line card, circuits of one router."""

    def draw(inventory: Network, rng: np.random.Generator) -> Drawn:
        circuits = list(inventory.circuits)
        names = [x.tail for x in inventory.links]
        hub = max(set(names), key=lambda x: (names.count(x), x))
        own = [x.circuit for x in inventory.links if x.tail == hub][: max(2, names.count(hub) - 1)]
        struck_ones = own if kind is _K.DETACH else [str(x) for x in rng.choice(circuits, 3, replace=False)]
        groups = [RiskGroup("struck", tuple(struck_ones))]
        groups += [RiskGroup(f"g{i}", tuple(map(str, rng.choice(circuits, 3, replace=False)))) for i in range(6)]
        declared = replace(inventory, risk_groups=tuple(groups))
        return _as_they_are(declared, [Fault(kind=kind, element="risk-group/struck")])

    return draw


def _as_they_are(inventory: Network, faults: Sequence[Fault]) -> Drawn:
    return Drawn(inventory, tuple(faults), tuple(faults))


FORMS: dict[str, Draw] = {
    "3 cuts": cuts(3),
    "4 cuts": cuts(4),
    "6 cuts": cuts(6),
    "node and cut": mixed(_K.DEVICE_DOWN, _K.LINK_DOWN),
    "cut and lying counter": mixed(_K.LINK_DOWN, _K.SCALED_COUNTER),
    "cut and surge": mixed(_K.LINK_DOWN, _K.SURGE),
    "two cuts and surge": mixed(_K.LINK_DOWN, _K.LINK_DOWN, _K.SURGE),
    "cut, loss, capacity": mixed(_K.LINK_DOWN, _K.SILENT_LOSS, _K.CAPACITY),
    "cut, detach, corruption": mixed(_K.LINK_DOWN, _K.DETACH, _K.CORRUPTION),
    **{
        f"router: {kind}": at_a_router(kind)
        for kind in (_K.NEIGHBOUR_MISSING, _K.ACL_BLOCK, _K.MTU, _K.AREA, _K.ROUTING_DOWN, _K.WEIGHT, _K.DATA_ACL)
    },
    **{f"apart: {kind}": at_a_router(kind, apart=True) for kind in (_K.NEIGHBOUR_MISSING, _K.ACL_BLOCK, _K.MTU)},
    **{f"circuit: {kind}": at_a_circuit(kind) for kind in (_K.NEIGHBOUR_MISSING, _K.ACL_BLOCK, _K.WEIGHT)},
    "conduit": conduit(_K.LINK_DOWN),
    "line card": conduit(_K.DETACH),
}


def play(draw: Draw, nodes: int, seed: int) -> Result | None:
    """One case; None where the network has no place for it."""
    try:
        drawn = draw(network(nodes, seed), np.random.default_rng([seed, nodes, 31]))
    except TopologyError:
        return None
    live, telemetry = struck(drawn.inventory, drawn.injected, seed)
    if not _shows(drawn, telemetry, seed):
        return None
    begin = time.process_time()
    found = diagnose(observe(live.read_topology(), telemetry, now=live.now))
    return Result(drawn, found, time.process_time() - begin)


def _shows(drawn: Drawn, telemetry: Telemetry, seed: int) -> bool:
    """Whether each fault that reports no state of itself moves a reading."""
    quiet = [x for x in drawn.truth if x.kind in _QUIET]
    rest = [tuple(y for y in drawn.injected if y is not x) for x in quiet]
    return all(moved(telemetry, without(drawn.inventory, others, seed), AFTER) > MOVED for others in rest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=25, help="of each form and size")
    parser.add_argument("--first", type=int, default=SINCE, help="first seed")
    parser.add_argument("--sizes", type=int, nargs="+", default=(12, 25, 50, 100))
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--wrong", action="store_true", help="print the cases that are wrong")
    chosen = parser.parse_args()
    for name in chosen.forms:
        seeds = range(chosen.first, chosen.first + chosen.cases)
        results = [x for size in chosen.sizes for seed in seeds if (x := play(FORMS[name], size, seed))]
        right, bold = sum(x.right for x in results), sum(x.overconfident for x in results)
        low, high = wilson(right, len(results))
        print(
            f"{name:34}{right:4} of {len(results):4}  {100 * right / max(len(results), 1):5.1f} % "
            f"({100 * low:.1f}-{100 * high:.1f})  cut left out above 0.5: {bold}  "
            f"median {np.median([x.seconds for x in results]):.2f} s, most {max(x.seconds for x in results):.2f} s",
            flush=True,
        )
        for x in results if chosen.wrong else ():
            if not x.right:
                ranked = "; ".join(f"{y.name} ({y.confidence:.2f})" for y in x.diagnosis.hypotheses[:3])
                print(f"  wrong: {x.drawn.inventory.name} {' and '.join(map(str, x.drawn.truth))}: {ranked}")


if __name__ == "__main__":
    main()
