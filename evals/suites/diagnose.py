"""Causes: every fault of the vocabulary, two at once, faults of the measurement, and healthy networks."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple
from zlib import crc32

from evals.cases.baselines import random_faults, threshold_faults
from evals.cases.case import Case, Split
from evals.cases.measured import Scene, kinds_of, split_kinds, stage
from evals.cases.result import Measures
from evals.cases.suite import Check, Metric, Suite, rounds
from evals.score.expected import causes_as_expected
from evals.score.sets import count, count_elements, in_words, rank_of, same, same_for_telemetry, within
from twin.diagnose import diagnose
from twin.faults import TELEMETRY_KINDS, Fault


class Named(NamedTuple):
    """What a system names: faults, how sure it is, the runners-up, and whether it says that it does not know."""

    faults: tuple[Fault, ...]
    confidence: float = 1.0
    ranked: tuple[tuple[Fault, ...], ...] = ()
    abstains: bool = False


def by_twin(scene: Scene) -> Named:
    """Simulate every hypothesis, and name the likeliest."""
    found = diagnose(scene.observation)
    ranked = tuple(x.faults for x in found.hypotheses)
    return Named(found.best.faults, found.best.confidence, ranked, found.abstains)


def by_threshold(scene: Scene) -> Named:
    """Fixed thresholds, no twin."""
    return Named(threshold_faults(scene.inventory, scene.telemetry))


def by_chance(scene: Scene) -> Named:
    """A fault at random."""
    case = scene.case
    return Named(random_faults(scene.inventory, crc32(case.id.encode()), kinds_of(case.split)))


def score(scene: Scene, named: Named) -> Measures:
    """Judge pairs of element and kind; faults without any trace in the readings are counted apart."""
    truth = scene.faults
    right = same(named.faults, truth)
    alike = right or same_for_telemetry(named.faults, truth)
    rank = rank_of(named.ranked or (named.faults,), truth)
    found, where = count(named.faults, truth), count_elements(named.faults, truth)
    traced = bool(truth) and scene.visible
    values = {
        "right": float(right),
        "alike": float(alike),
        "top3": float(within(rank, 3)),
        "pair_hit": float(found.hit),
        "pair_false": float(found.false),
        "pair_missed": float(found.missed),
        "place_hit": float(where.hit),
        "place_false": float(where.false),
        "place_missed": float(where.missed),
        "healthy": float(not truth),
        "traced": float(traced),
        "untraced": float(bool(truth) and not scene.visible),
        "single": float(traced and len(truth) == 1 and truth[0].kind not in TELEMETRY_KINDS),
        "double": float(traced and len(truth) == 2),
        "measurement": float(traced and truth[0].kind in TELEMETRY_KINDS),
        "abstained": float(named.abstains),
        "confidence": named.confidence,
    }
    passed = alike if traced or not truth else not named.faults or alike
    untraced = " (no trace)" if values["untraced"] else ""
    return Measures(passed, values, in_words(named.faults), in_words(truth) + untraced)


CHECKS = {"causes": Check(causes_as_expected)}


def _draw(split: Split) -> Iterator[Case]:
    kinds = split_kinds(split)
    third = len(kinds) // 3
    mixed = (*kinds[:third], "healthy", "double", *kinds[third : 2 * third], "surprise", "double", *kinds[2 * third :],
             "healthy", "double")  # fmt: skip
    return rounds("diagnose", mixed, split)


_metric = partial(Metric, kind="share")
SUITE = Suite(
    name="diagnose",
    purpose="the cause: single, double and telemetry faults, healthy networks; pairs of element and kind",
    draw=_draw,
    stage=stage,
    systems={"twin": by_twin, "thresholds, no twin": by_threshold, "random": by_chance},
    score=score,
    metrics=(
        _metric("single faults, top 1", of="alike", where="single", bar=0.95),
        _metric("telemetry faults, top 1", of="alike", where="measurement"),
        _metric("double faults, both named", of="alike", where="double"),
        _metric("healthy found healthy", of="right", where="healthy", bar=0.95),
        _metric("all with a trace, top 1", of="alike", where="traced"),
        _metric("all with a trace, top 1, to the letter", of="right", where="traced"),
        _metric("all with a trace, top 3", of="top3", where="traced"),
        Metric("F1 on (element, kind)", "f1", "pair", bar=0.75),
        Metric("F1 on elements", "f1", "place"),
        Metric("calibration error", "calibration", "confidence", higher=False),
        _metric("said that it does not know", of="abstained", higher=None),
        _metric("faults without any trace", of="untraced", higher=None),
    ),
    cases=372,
    slice=31,
    checks=CHECKS,
)
