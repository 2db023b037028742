"""How fast telemetry goes into the twin file and comes out: `python -m tests.benchmarks.ingest`.

A day of 5-minute samples of 1,000 interfaces, 288,000 rows, best of five: appended in bulk, appended again (nothing may
go in twice), one day of one interface and the day's peak of every interface as SQL, and the whole day as arrays.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np

from twin.live.network import LinkSamples, NodeSamples, ProbeSamples, Telemetry, TrafficSamples
from twin.model import Link, Network, Node
from twin.store import TwinStore

INTERFACES, SAMPLES, ROUNDS = 1000, 288, 5
START = datetime(2026, 3, 2, tzinfo=UTC)
QUERIES = {
    "one interface": "SELECT time, out_mbps FROM link_sample WHERE link = 'r7->r8' ORDER BY time",
    "peak and 95th percentile of each": (
        "SELECT link, max(out_mbps), quantile_cont(out_mbps, 0.95) FROM link_sample GROUP BY link"
    ),
}


def ring() -> Network:
    nodes = tuple(Node(f"r{i}", 0.0, 0.0) for i in range(INTERFACES))
    links = tuple(Link(f"r{i}", f"r{(i + 1) % INTERFACES}", 100_000.0, 10) for i in range(INTERFACES))
    return Network("ring", nodes, links, np.zeros((INTERFACES, INTERFACES)))


def day() -> Telemetry:
    stamps = np.repeat(START.timestamp() + 300.0 * np.arange(1, SAMPLES + 1), INTERFACES)
    rates = np.random.default_rng(1).gamma(2, 5000, (3, stamps.size))
    links = LinkSamples(stamps, np.tile(np.arange(INTERFACES), SAMPLES), *rates, np.ones(stamps.size, dtype=bool))
    none, zero, no = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    empty = (NodeSamples(none, zero, no), ProbeSamples(none, zero, zero, none, none))
    return Telemetry(links, *empty, TrafficSamples(none, zero, zero, none), ())


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds."""
    found: list[float] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return min(found)


def main() -> None:
    network, telemetry = ring(), day()
    rows = telemetry.links.time.size
    with tempfile.TemporaryDirectory() as folder:
        files = iter([Path(folder) / f"{i}.duckdb" for i in range(ROUNDS)])

        def ingest() -> None:
            with TwinStore.open(next(files)) as store:
                begin = time.perf_counter()
                if store.append_telemetry(telemetry, network) != rows:
                    raise SystemExit("rows were lost")
                taken.append(time.perf_counter() - begin)

        taken: list[float] = []
        best(ingest)
        print(f"append         {rows / min(taken) / 1e6:6.2f} M rows/s")
        last = Path(folder) / f"{ROUNDS - 1}.duckdb"
        with TwinStore.open(last) as store:
            again = best(lambda: store.append_telemetry(telemetry, network))
            print(f"append again   {rows / again / 1e6:6.2f} M rows/s, none new")
            print(f"whole day      {1e3 * best(lambda: store.read_telemetry(network, START)):6.1f} ms as arrays")
        with duckdb.connect(str(last), read_only=True) as connection:
            for name, sql in QUERIES.items():
                print(
                    f"query          {1e3 * best(lambda sql=sql: connection.execute(sql).fetchall()):6.1f} ms: {name}"
                )


if __name__ == "__main__":
    main()
