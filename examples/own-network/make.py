"""Makes the files of this example: a network of eight routers, and its measurements before and after a cut.

Routing is networkx's shortest paths with equal splits over equal paths; nothing of twinops is used. Run it in this
folder to write the files again.
"""

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import networkx as nx

HERE = Path(__file__).parent
PLACES = {
    "core1.lis": (38.72, -9.14),
    "core1.opo": (41.15, -8.61),
    "core1.mad": (40.42, -3.70),
    "core1.vlc": (39.47, -0.38),
    "core1.bcn": (41.39, 2.17),
    "core1.bio": (43.26, -2.93),
    "core1.svq": (37.39, -5.99),
    "core1.zaz": (41.65, -0.89),
}
# A, B, Gbit/s, IS-IS metric, interface at A, interface at B; two circuits between Madrid and Barcelona
CIRCUITS = [
    ("core1.mad", "core1.bcn", 100, 20, "HundredGigE0/0/0/1", "et-0/0/1.0"),
    ("core1.mad", "core1.bcn", 100, 20, "HundredGigE0/0/0/2", "et-0/0/2.0"),
    ("core1.mad", "core1.vlc", 100, 14, "HundredGigE0/0/0/3", "HundredGigE0/0/0/1"),
    ("core1.vlc", "core1.bcn", 100, 15, "HundredGigE0/0/0/2", "et-0/0/3.0"),
    ("core1.mad", "core1.lis", 100, 21, "HundredGigE0/0/0/4", "HundredGigE0/0/0/1"),
    ("core1.lis", "core1.opo", 100, 12, "HundredGigE0/0/0/2", "HundredGigE0/0/0/1"),
    ("core1.opo", "core1.bio", 100, 23, "HundredGigE0/0/0/2", "HundredGigE0/0/0/1"),
    ("core1.bio", "core1.mad", 100, 16, "HundredGigE0/0/0/2", "HundredGigE0/0/0/5"),
    ("core1.bio", "core1.zaz", 100, 13, "HundredGigE0/0/0/3", "et-0/0/1.0"),
    ("core1.zaz", "core1.bcn", 100, 14, "et-0/0/2.0", "et-0/0/4.0"),
    ("core1.zaz", "core1.mad", 100, 17, "et-0/0/3.0", "HundredGigE0/0/0/6"),
    ("core1.svq", "core1.mad", 100, 18, "HundredGigE0/0/0/1", "HundredGigE0/0/0/7"),
    ("core1.svq", "core1.lis", 100, 19, "HundredGigE0/0/0/2", "HundredGigE0/0/0/3"),
]
HEAVY = {("core1.lis", "core1.mad"): 52_000, ("core1.svq", "core1.mad"): 27_000, ("core1.bcn", "core1.mad"): 38_000}
CUT = 4  # Madrid - Lisbon
END = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
SAMPLES, BROKEN, MINUTES = 24, 3, 5


def directed():
    """Each direction of each circuit: its name, its ends, its metric, the circuit's number."""
    seen = {}
    for number, (a, b, _, metric, *_rest) in enumerate(CIRCUITS):
        seen[a, b] = seen.get((a, b), 0) + 1
        behind = "" if seen[a, b] == 1 else f".{seen[a, b]}"
        yield f"{a}->{b}{behind}", a, b, metric, number
        yield f"{b}->{a}{behind}", b, a, metric, number


def demands(rng):
    """Mbit/s between every two routers."""
    found = {}
    for a in PLACES:
        for b in PLACES:
            if a != b:
                found[a, b] = HEAVY.get((a, b), HEAVY.get((b, a), 0) * 0.9) or rng.uniform(900, 4_200)
    return found


def loads(matrix, without=()):
    """Mbit/s on every direction of every circuit, split evenly over equal paths at each hop."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(PLACES)
    for name, a, b, metric, number in directed():
        if number not in without:
            graph.add_edge(a, b, key=name, metric=metric)
    load = {name: 0.0 for name, *_ in directed()}
    for target in PLACES:
        distance = nx.single_source_dijkstra_path_length(graph.reverse(), target, weight="metric")
        at = {node: matrix.get((node, target), 0.0) for node in PLACES}
        for node in sorted(distance, key=distance.get, reverse=True):
            out = [
                (name, head)
                for _, head, name, metric in graph.out_edges(node, keys=True, data="metric")
                if node != target and distance[node] == metric + distance[head]
            ]
            for name, head in out:
                load[name] += at[node] / len(out)
                at[head] += at[node] / len(out)
    return load


def write_topology():
    """The inventory as node-link JSON, and the names of the interfaces in a table of their own."""
    nodes = [{"id": name, "lat": lat, "lon": lon} for name, (lat, lon) in PLACES.items()]
    links = [
        {"source": a, "target": b, "capacity": f"{gbps} Gbps", "isis_metric": metric}
        for a, b, gbps, metric, *_ in CIRCUITS
    ]
    graph = {"name": "own-network"}
    document = {"directed": False, "multigraph": True, "graph": graph, "nodes": nodes, "links": links}
    (HERE / "topology.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    names = {(number, a): near for number, (a, _, _, _, near, _) in enumerate(CIRCUITS)}
    names |= {(number, b): far for number, (_, b, _, _, _, far) in enumerate(CIRCUITS)}
    rows = [(name, names[number, a]) for name, a, _, _, number in directed()]
    write("interfaces.csv", ("link", "interface"), rows)


def write_measurements(matrix, seed):
    """Counters and flow export every five minutes; in the last samples one circuit is dark, and no column says so."""
    rng = random.Random(seed)
    counters, flows = [], []
    for sample in range(SAMPLES):
        time = (END - timedelta(minutes=MINUTES * (SAMPLES - 1 - sample))).strftime("%Y-%m-%dT%H:%M:%SZ")
        now = {pair: volume * rng.gauss(1, 0.02) for pair, volume in matrix.items()}
        dark = (CUT,) if sample >= SAMPLES - BROKEN else ()
        for name, load in loads(now, dark).items():
            counters.append((time, name, round(load * rng.gauss(1, 0.002), 1), round(load * rng.gauss(1, 0.002), 1)))
        flows += [(time, a, b, round(volume * rng.gauss(1, 0.01), 1)) for (a, b), volume in now.items()]
    write("counters.csv", ("time", "link", "out_mbps", "in_mbps"), counters)
    write("flows.csv", ("time", "source", "target", "mbps"), flows)


def write(name, header, rows):
    """One table."""
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    usual = demands(random.Random(1))
    write_topology()
    write("traffic.csv", ("source", "target", "mbps"), [(a, b, round(x, 1)) for (a, b), x in usual.items()])
    write_measurements(usual, 3)
