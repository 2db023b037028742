"""How well lying data are told from true ones: `python -m tests.benchmarks.data_quality --cases 60`.

Every case is an emulated network observed for three samples, with a seeded share of its counters corrupted (stuck,
missing, scaled, swapped, frozen; each counter on its own, or whole interfaces) and its flow export scaled, or not. Rows
say how often the scaled export is reported; at scale 1 every report is a false alarm.
"""

import argparse
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.model import Network
from twin.observe.quality.assess import Assessment, assess

NETWORKS = ("topozoo/Abilene", "sndlib/nobel-germany", "sndlib/germany50")
SCALES = (1.0, 0.95, 1.05, 0.97, 1.03)
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4)
FACTORS = (0.125, 8.0, 0.001, 0.5, 0.9, 1.1, 2.0)
KINDS = ("stuck", "missing", "scaled", "scaled", "swapped", "frozen")


class Scene(NamedTuple):
    network: Network
    telemetry: Telemetry
    now: datetime


def scene(name: str, seed: int) -> Scene:
    network = load_network(name)
    start = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=(7 * seed) % 24, minutes=20 * (seed % 3))
    live = EmulatedNetwork(network, seed=seed, start=start)
    live.wait(9)
    return Scene(live.read_topology(), live.read_telemetry(live.now - timedelta(days=1)), live.now)


def off(telemetry: Telemetry, scale: float) -> Telemetry:
    return replace(telemetry, traffic=telemetry.traffic._replace(mbps=telemetry.traffic.mbps * scale))


def corrupted(found: Scene, share: float, seed: int, *, interfaces: bool = False) -> tuple[Telemetry, np.ndarray]:
    """Telemetry with a share of its counters corrupted, and which ones [2, m], at the tails and at the heads."""
    rng, links = np.random.default_rng([seed, int(100 * share)]), found.telemetry.links
    m = len(found.network.links)
    struck = np.zeros((2, m), dtype=bool)
    order = rng.permutation(m if interfaces else 2 * m)[: round(share * (m if interfaces else 2 * m))]
    reverse = {(x.tail, x.head, x.index): i for i, x in enumerate(found.network.links)}
    other = [reverse[x.head, x.tail, x.index] for x in found.network.links]
    columns = [links.out_mbps.copy(), links.in_mbps.copy()]
    for number in order:
        kind, factor, swap = rng.choice(KINDS), rng.choice(FACTORS), int(rng.integers(m))
        ends = [(0, int(number)), (1, other[int(number)])] if interfaces else [divmod(int(number), m)]
        for end, link in ends:
            struck[end, link] = True
            rows = links.link == link
            original = (links.out_mbps, links.in_mbps)[end]
            if kind == "scaled":
                columns[end][rows] = original[rows] * factor
            elif kind == "swapped":
                columns[end][rows] = original[links.link == swap][: rows.sum()]
            else:
                columns[end][rows] = {"stuck": 0.0, "missing": np.nan, "frozen": original[rows][0]}[kind]
    return replace(found.telemetry, links=links._replace(out_mbps=columns[0], in_mbps=columns[1])), struck


class Tally(NamedTuple):
    reported: bool
    nodes: int
    found: float  # share of the corrupted counters that is doubted, among those that a reading error cannot explain
    accused: float  # share of the true counters that is called wrong
    wrong_after: float  # share of links whose rate is off by more than 5 % after repair
    score: float
    seconds: float


def tally(true: Scene, telemetry: Telemetry, struck: np.ndarray) -> Tally:
    begin = time.perf_counter()
    result = assess(true.network, telemetry, now=true.now)
    seconds = time.perf_counter() - begin
    newest = result.report.samples
    true_links, links = true.telemetry.links, telemetry.links
    rates, given = (
        np.array([_last(column, true, newest) for column in (x.out_mbps, x.in_mbps)]) for x in (true_links, links)
    )
    trust = np.array([result.sent_trust, result.received_trust])
    shows = struck & ~(np.abs(given - rates) < 0.03 * rates + 2)
    doubted = trust < 1
    repaired = np.abs(result.consensus.sent - rates[0]) > 0.05 * rates[0] + 2
    return Tally(
        result.report.demand.off,
        len(result.report.demand.nodes),
        float(doubted[shows].mean()) if shows.any() else np.nan,
        float(_accused(result)[~struck & np.isfinite(rates)].mean()),
        float(repaired[np.isfinite(rates[0])].mean()),
        result.report.score,
        seconds,
    )


def _accused(result: Assessment) -> np.ndarray:
    return np.array([result.consensus.sent_wrong, result.consensus.received_wrong])


def _last(values: np.ndarray, true: Scene, newest: int) -> np.ndarray:
    links, kept = true.telemetry.links, np.unique(true.telemetry.links.time)[-newest:]
    table = np.full((newest, len(true.network.links)), np.nan)
    rows = np.isin(links.time, kept)
    table[np.searchsorted(kept, links.time[rows]), links.link[rows]] = values[rows]
    return np.ma.masked_invalid(table).mean(axis=0).filled(np.nan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--networks", nargs="*", default=NETWORKS)
    parser.add_argument("--interfaces", action="store_true", help="corrupt whole interfaces, not single counters")
    options = parser.parse_args()
    print(f"{'network':22}{'corrupt':>8}{'scale':>7}{'reported':>10}{'node alarms':>12}{'found':>8}{'accused':>9}"
          f"{'off>5%':>8}{'score':>7}{'ms':>6}")  # fmt: skip
    for name in options.networks:
        scenes = [scene(name, seed) for seed in range(options.cases)]
        for share in SHARES:
            for scale in SCALES:
                rows = []
                for seed, true in enumerate(scenes):
                    telemetry, struck = corrupted(true, share, seed, interfaces=options.interfaces)
                    rows.append(tally(true, off(telemetry, scale), struck))
                table = np.array(rows, dtype=np.float64)
                known = table[np.isfinite(table[:, 2]), 2]
                print(
                    f"{name:22}{share:8.0%}{scale:7.2f}{int(table[:, 0].sum()):6}/{len(rows):<3}"
                    f"{int((table[:, 1] > 0).sum()):12}{known.mean() if known.size else np.nan:8.1%}"
                    f"{table[:, 3].mean():9.2%}{table[:, 4].mean():8.2%}"
                    f"{table[:, 5].mean():7.2f}{1e3 * np.median(table[:, 6]):6.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
