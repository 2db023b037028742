"""Bad input data: counters that lie, exports that are off, rows that cannot be, files that are broken."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evals.cases.case import Case, Split
from evals.cases.measured import emulate
from evals.cases.result import Measures
from evals.cases.suite import Metric, Suite, Workplace, of_split, rounds, scaled
from twin.errors import InputError
from twin.formats import load_network, read_network, write_node_link
from twin.live.network import Flags, LinkSamples, Telemetry
from twin.model import Floats, Network
from twin.observe.quality.assess import Assessment, assess

COUNTERS = {"dev": ("stuck", "missing", "scaled", "frozen"), "held-out": ("swapped",)}
EXPORTS = {"dev": ("exports off",), "held-out": ("exports slightly off",)}
FILES = {
    "dev": ("file cut off", "negative capacity", "unknown end", "not a number"),
    "held-out": ("wrong type", "two nodes of one name"),
}
_SHARE = 0.1  # of the counters
_FACTORS = (0.125, 8.0, 0.001, 0.5, 2.0)
_READABLE = 0.03  # relative error that a counter may have anyway


@dataclass(frozen=True)
class Lies:
    """Telemetry with some of it false: which counters [2, m] at tails and heads, and the factor on the exports."""

    network: Network
    true: Telemetry
    telemetry: Telemetry
    struck: Flags
    factor: float


@dataclass(frozen=True)
class Broken:
    """A network file that no reader may take."""

    path: Path
    text: str
    what: str


class Read(NamedTuple):
    """What a system made of it: an assessment of telemetry, or whether a file was refused in so many words."""

    assessment: Assessment | None = None
    refused: str = ""
    crashed: str = ""


def _stage(case: Case, workplace: Workplace) -> Lies | Broken:
    network = scaled(load_network(case.network), case)
    rng = np.random.default_rng([case.seed, 31])
    if case.kind in (*FILES["dev"], *FILES["held-out"]):
        return _broken(case.kind, network, workplace.folder, rng)
    live, telemetry = emulate(case, network, (), before=6)
    true = live.read_telemetry(live.now - timedelta(days=1))
    factor = 1.0
    struck = np.zeros((2, len(network.links)), dtype=np.bool_)
    if case.kind.startswith("exports"):
        factor = float(rng.choice([0.8, 0.9, 1.1, 1.25] if case.kind == "exports off" else [0.94, 1.06]))
        traffic = telemetry.traffic
        telemetry = replace(telemetry, traffic=traffic._replace(mbps=traffic.mbps * factor))
    elif case.kind != "healthy":
        telemetry, struck = _lie(case.kind, telemetry, network, rng)
    return Lies(network, true, telemetry, struck, factor)


def _lie(kind: str, telemetry: Telemetry, network: Network, rng: np.random.Generator) -> tuple[Telemetry, Flags]:
    """Make a tenth of the counters lie, each on its own."""
    links, m = telemetry.links, len(network.links)
    struck = np.zeros((2, m), dtype=np.bool_)
    columns = [links.out_mbps.copy(), links.in_mbps.copy()]
    for number in map(int, rng.permutation(2 * m)[: max(1, round(_SHARE * 2 * m))]):
        end, link = divmod(number, m)
        struck[end, link] = True
        rows = links.link == link
        own = (links.out_mbps, links.in_mbps)[end][rows]
        other = (links.out_mbps, links.in_mbps)[end][links.link == int(rng.integers(m))]
        columns[end][rows] = _LIES[kind](own, other, float(rng.choice(_FACTORS)))
    return replace(telemetry, links=links._replace(out_mbps=columns[0], in_mbps=columns[1])), struck


_LIES: dict[str, Callable[[Floats, Floats, float], Floats]] = {
    "stuck": lambda own, other, factor: own * 0.0 * factor * other[0],
    "missing": lambda own, other, factor: own * np.nan * factor * other[0],
    "scaled": lambda own, other, factor: own * factor + 0.0 * other[0],
    "frozen": lambda own, other, factor: np.full(own.size, own[0]) + 0.0 * factor * other[0],
    "swapped": lambda own, other, factor: other[: own.size] + 0.0 * factor,
}


def _broken(kind: str, network: Network, folder: Path, rng: np.random.Generator) -> Broken:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "network.json"
    write_node_link(network, path)
    body: Any = json.loads(path.read_text())
    links = next(body[name] for name in ("links", "edges") if name in body)
    one = links[int(rng.integers(len(links)))]
    match kind:
        case "negative capacity":
            one["capacity_mbps"] = -abs(float(one["capacity_mbps"]))
        case "unknown end":
            one["target"] = "Nowhere"
        case "not a number":
            one["capacity_mbps"] = "fast"
        case "wrong type":
            body["nodes"] = "many"
        case "two nodes of one name":
            body["nodes"].append(body["nodes"][0])
        case _:
            pass
    text = json.dumps(body)
    path.write_text(text if kind != "file cut off" else text[: int(rng.integers(1, len(text) - 1))])
    return Broken(path, text, kind)


def _checked(found: Lies | Broken) -> Read:
    """The twin's checks: all that bears on a datum, and readers that refuse what they cannot take."""
    if isinstance(found, Lies):
        return Read(assess(found.network, found.telemetry))
    try:
        read_network(found.path)
    except InputError as error:
        return Read(refused=str(error))
    return Read()


def _unchecked(found: Lies | Broken) -> Read:
    """Everything is believed."""
    del found
    return Read()


def score(found: Lies | Broken, read: Read) -> Measures:
    """Of counters: found and wrongly accused; of exports: reported; of files: refused with a line that names them."""
    if isinstance(found, Broken):
        refused = bool(read.refused) and found.path.name in read.refused
        values = {"file": 1.0, "refused": float(refused)}
        return Measures(refused, values, read.refused or "taken as it is", found.what)
    values = {
        "lying": float(found.struck.any()),
        "exports": float(found.factor != 1),
        "true": float(found.factor == 1),
        **_counters(found, read.assessment),
    }
    reported = read.assessment is not None and read.assessment.report.demand.off
    values["reported"] = float(reported)
    passed = reported == (found.factor != 1) and values["accused"] <= 0.02 and values.get("found", 1.0) >= 0.9
    told = (
        f"{100 * values.get('found', 0):.0f} % found, {100 * values['accused']:.1f} % accused, exports off: {reported}"
    )
    return Measures(passed, values, told, f"{int(found.struck.sum())} counters lie, exports times {found.factor:g}")


def _counters(found: Lies, assessment: Assessment | None) -> dict[str, float]:
    """Shares of the lying counters that are doubted, of the true ones accused, of the links wrong after repair."""
    window = assessment.report.samples if assessment else 1
    rates, given = (_newest(x.links, found.network, window) for x in (found.true, found.telemetry))
    shows = found.struck & ~(np.abs(given - rates) < _READABLE * rates + 2)
    known = np.isfinite(rates)
    if assessment is None:
        doubted, accused, used = np.zeros(rates.shape, np.bool_), np.zeros(rates.shape, np.bool_), given[0]
    else:
        doubted = np.array([assessment.sent_trust, assessment.received_trust]) < 1
        accused = np.array([assessment.consensus.sent_wrong, assessment.consensus.received_wrong])
        used = assessment.consensus.sent
    wrong = ~(np.abs(used - rates[0]) <= 0.05 * rates[0] + 2)
    values = {"accused": float(accused[~found.struck & known].mean()), "wrong_after": float(wrong[known[0]].mean())}
    return {**values, "found": float(doubted[shows].mean()), "shown": 1.0} if shows.any() else values


def _newest(links: LinkSamples, network: Network, window: int) -> Floats:
    """Mean of each counter [2, m] over the newest samples, NaN where one is missing."""
    times = np.unique(links.time)[-window:]
    table = np.full((len(times), 2, len(network.links)), np.nan)
    for row, time in enumerate(times):
        newest = links.time == time
        table[row, 0, links.link[newest]] = links.out_mbps[newest]
        table[row, 1, links.link[newest]] = links.in_mbps[newest]
    return np.asarray(table.mean(axis=0), dtype=np.float64)


def _draw(split: Split) -> Iterator[Case]:
    kinds = [(*COUNTERS[x], *EXPORTS[x], "healthy", *FILES[x]) for x in ("dev", "held-out")]
    return rounds("corrupt", of_split(split, *kinds), split)


SUITE = Suite(
    name="corrupt",
    purpose="bad input: lying counters, wrong exports, broken files; what is found, accused, repaired, refused",
    draw=_draw,
    stage=_stage,
    systems={"checks": _checked, "no checks": _unchecked},
    score=score,
    metrics=(
        Metric("lying counters doubted", "mean", "found", where="shown", bar=0.9),
        Metric("true counters accused", "mean", "accused", higher=False, bar=0.02),
        Metric("links off by more than 5 % in what is used", "mean", "wrong_after", higher=False),
        Metric("wrong exports reported", "share", "reported", where="exports", bar=0.9),
        Metric("right exports reported", "share", "reported", where="true", higher=False, bar=0.05),
        Metric("broken files refused by name", "share", "refused", where="file", bar=1.0),
    ),
    cases=200,
    slice=10,
)
