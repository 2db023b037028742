"""How often the cause of a seeded incident is found: `python -m tests.benchmarks.diagnosis_accuracy --cases 100`.

Every case is an emulated network that ran for an hour at a seeded time of the day, was struck by one seeded fault, by
two or by none, and was observed for three samples. A fault is identifiable when it moves a reading (or contradicts the
inventory) by more than five standard errors, against the same hour without it; what is not is counted apart. Two kinds
that no telemetry can tell apart are one answer (`twin.faults.INDISTINGUISHABLE`, proven in
tests/twin/live/test_indistinguishable_faults.py). Shares come with 95 % intervals (Wilson, 1927).
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import sqrt

import numpy as np

from tests.benchmarks.diagnosis_cases import Case, double, single
from tests.benchmarks.healthy_stretches import Stretch, stretch
from twin.faults import TRAITS, FaultKind

SIZES = (12, 50, 200)
PARTS = ("singles", "doubles", "healthy", "weeks")
SINCE = 20_000
"""First seed of those that nothing was tuned on."""


def singles(sizes: Sequence[int], kinds: Sequence[FaultKind], seeds: range) -> list[Case]:
    found = (single(size, kind, seed) for seed in seeds for size in sizes for kind in kinds)
    return [case for case in found if case]


def doubles(sizes: Sequence[int], kinds: Sequence[FaultKind], seeds: range) -> list[Case]:
    found = (double(size, kinds, seed) for seed in seeds for size in sizes)
    return [case for case in found if case]


def healthy(sizes: Sequence[int], seeds: range) -> list[Case]:
    found = (single(size, None, seed) for seed in seeds for size in sizes)
    return [case for case in found if case]


def table(cases: Sequence[Case], cell: Callable[[Case], Iterable[str]]) -> str:
    """One row per cell: all cases, those that are identifiable, and of these how many are right."""
    rows: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for name in cell(case):
            rows[name].append(case)
    head = f"{'cell':44}{'cases':>6}{'seen':>6}  {'top-1':24}{'top-3':24}{'element':24}{'alarm <= 2':24}"
    return "\n".join([head, *(_row(name, group) for name, group in sorted(rows.items()))])


def cells(case: Case) -> list[str]:
    """Rows that a case belongs to."""
    if len(case.faults) != 1:
        return [f"{len(case.faults)} faults, {case.nodes} nodes", f"{len(case.faults)} faults"]
    trait, kind = TRAITS[case.faults[0].kind], case.faults[0].kind
    rows = [
        str(kind),
        f"{trait.layer}, {case.nodes} nodes",
        f"all single faults, {case.nodes} nodes",
        "all single faults",
    ]
    return [*rows, "kinds of interfaces"] if trait.element == "interface" else rows


def calibration(cases: Sequence[Case]) -> str:
    """How often the answer is right, by stated confidence, and the expected calibration error (Guo et al. 2017)."""
    seen = [x for x in cases if x.identifiable]
    lines, error = list[str](), 0.0
    for low, high in ((0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 0.99), (0.99, 1.01)):
        inside = [x for x in seen if low <= x.diagnosis.best.confidence < high]
        if inside:
            stated = float(np.mean([x.diagnosis.best.confidence for x in inside]))
            right = float(np.mean([x.right for x in inside]))
            error += abs(stated - right) * len(inside) / len(seen)
            lines.append(
                f"confidence {low:.2f}..{min(high, 1):.2f}: stated {stated:.3f}, right {right:.3f} of {len(inside)}"
            )
    doubted = [x for x in seen if x.diagnosis.abstains]
    lines.append(
        f"abstained in {len(doubted)} of {len(seen)}, {sum(not x.right for x in doubted)} of them wrong at best"
    )
    return "\n".join([*lines, f"expected calibration error {error:.4f}"])


def seconds(cases: Sequence[Case]) -> str:
    """Observation and diagnosis together, by size of the network."""
    by_size: dict[int, list[float]] = defaultdict(list)
    for case in cases:
        by_size[case.nodes].append(case.seconds)
    return "\n".join(
        f"{size} nodes: median {np.median(x):.2f} s, 95th percentile {np.quantile(x, 0.95):.2f} s, most {max(x):.2f} s"
        for size, x in sorted(by_size.items())
    )


def wilson(right: int, of: int) -> tuple[float, float]:
    """Interval that holds a share with 95 % confidence."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, right / of
    middle, wide = share + z**2 / (2 * of), z * sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    return (middle - wide) / (1 + z**2 / of), (middle + wide) / (1 + z**2 / of)


def _row(name: str, group: Sequence[Case]) -> str:
    seen = [x for x in group if x.identifiable]
    tests: tuple[Callable[[Case], bool], ...] = (
        lambda x: x.right,
        lambda x: x.in_three,
        lambda x: x.placed,
        lambda x: x.alarm is not None and x.alarm <= 2,
    )
    return f"{name:44}{len(group):6}{len(seen):6}  {''.join(_share([test(x) for x in seen]) for test in tests)}"


def _share(flags: Sequence[bool]) -> str:
    if not flags:
        return f"{'-':24}"
    low, high = wilson(sum(flags), len(flags))
    return f"{f'{100 * sum(flags) / len(flags):5.1f} % ({100 * low:.1f}-{100 * high:.1f})':24}"


def weeks(stretches: Sequence[Stretch]) -> str:
    observed, wrong = sum(x.observations for x in stretches), sum(x.wrong for x in stretches)
    span = sum(x.days for x in stretches) / 7
    alarms = sum(x.episodes for x in stretches)
    return (
        f"healthy, with crowds and maintenance: {observed} observations over {span:.2f} weeks, "
        f"{observed - wrong} declared healthy {_share([True] * (observed - wrong) + [False] * wrong).strip()}, "
        f"{alarms} false alarms, {alarms / span:.2f} a week"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2, help="per cell: kind and size, or size for pairs and healthy")
    parser.add_argument("--first", type=int, default=SINCE, help="first seed")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--kinds", nargs="+", type=FaultKind, default=tuple(FaultKind))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--days", type=float, default=7.0, help="of each healthy stretch")
    chosen = parser.parse_args()
    seeds, parts = range(chosen.first, chosen.first + chosen.cases), chosen.parts
    for size in chosen.sizes:
        single(size, None, chosen.first)  # compiles the kernels
    cases = list[Case]()
    if "singles" in parts:
        cases += singles(chosen.sizes, chosen.kinds, seeds)
    if "doubles" in parts:
        cases += doubles(chosen.sizes, chosen.kinds, seeds)
    if "healthy" in parts:
        cases += healthy(chosen.sizes, seeds)
    if cases:
        print("\n".join([table(cases, cells), calibration(cases), seconds(cases)]))
    if "weeks" in parts:
        print(weeks([stretch(size, seed, chosen.days) for size in chosen.sizes[:1] for seed in seeds]))
    for case in cases:
        if case.identifiable and not case.right:
            ranked = "; ".join(f"{x.name} ({x.confidence:.2f})" for x in case.diagnosis.hypotheses[:3])
            print(f"wrong: {case.network} {case.truth}: {ranked}")


if __name__ == "__main__":
    main()
