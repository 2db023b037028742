"""Where a fault is, as NetOpsBench scores it: a wrong verdict is worth nothing, device and interface half each."""

from collections.abc import Iterator

from evals.cases.case import Case, Split
from evals.cases.measured import HELD_OUT_KINDS, Scene, stage
from evals.cases.result import Measures
from evals.cases.suite import Metric, Suite, of_split, rounds
from evals.score.places import device_hit, interface_hit, localisation
from evals.score.sets import pairs
from twin.faults import FaultKind

from .diagnose import CHECKS, Named, by_chance, by_threshold, by_twin

_K = FaultKind
NETOPSBENCH = (_K.LINK_DOWN, _K.FLAP, _K.BLACKHOLE, _K.STATIC_ROUTE, _K.MTU, _K.SILENT_LOSS, _K.CORRUPTION, _K.LATENCY,
               _K.DEVICE_DOWN, _K.DATA_ACL)  # fmt: skip
"""Of its twelve faults those that an IGP network can have; two are about BGP."""

LARGE = {
    "dev": ("sndlib/nobel-us", "synthetic/40-4103", "sndlib/norway", "synthetic/80-4104"),
    "held-out": ("sndlib/nobel-eu", "synthetic/40-9103", "sndlib/india35", "synthetic/80-9104"),
}


def score(scene: Scene, named: Named) -> Measures:
    """Verdict-gated score of one case, 0 to 1, and its two halves."""
    network, truth = scene.inventory, scene.faults
    value = localisation(network, named.faults, truth)
    faulty = bool(truth) and scene.visible
    values = {
        "score": value if faulty or not truth else float(not named.faults),
        "verdict": float(bool(named.faults) == (bool(truth) and scene.visible)),
        "device": float(device_hit(network, named.faults, truth)),
        "interface": float(interface_hit(network, named.faults, truth)),
        "kind": float({kind for _, kind in pairs(named.faults)} == {kind for _, kind in pairs(truth)}),
        "faulty": float(faulty),
        "healthy": float(not truth),
    }
    answer, told = (" and ".join(map(str, x)) or "healthy" for x in (named.faults, truth))
    return Measures(values["score"] == 1, values, answer, told)


def _draw(split: Split) -> Iterator[Case]:
    """Twelve healthy cases of a hundred, as there."""
    dev = [str(kind) for kind in NETOPSBENCH if kind not in HELD_OUT_KINDS]
    held = [str(kind) for kind in NETOPSBENCH if kind in HELD_OUT_KINDS]
    return rounds("localize", (*of_split(split, dev, held), "healthy"), split, LARGE[split])


SUITE = Suite(
    name="localize",
    purpose="where a fault is, on larger networks: verdict-gated, half device, half interface",
    draw=_draw,
    stage=stage,
    systems={"twin": by_twin, "thresholds, no twin": by_threshold, "random": by_chance},
    score=score,
    metrics=(
        Metric("score", "mean", "score", bar=0.84),
        Metric("verdict right", "share", "verdict"),
        Metric("healthy verdict right", "share", "verdict", where="healthy", bar=0.95),
        Metric("device named", "share", "device", where="faulty"),
        Metric("interface named", "share", "interface", where="faulty", bar=0.72),
        Metric("fault type right", "share", "kind", where="faulty"),
    ),
    cases=176,
    slice=8,
    checks=CHECKS,
)
