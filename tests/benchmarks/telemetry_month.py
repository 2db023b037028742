"""Link samples of a month: append, retention, questions, size: `python -m tests.benchmarks.telemetry_month [--days N]`.

4,000 links every 30 seconds are 11.5 million rows a day, 346 million in 30 days. Rates are read from octet counters,
with the noise of real traffic: nothing about them is easy to compress. So many days go through the archive, hour by
hour; the days before them, up to a month, are written from these with noise of their own, as files of the same format,
since a file of a day is all that is left of one. Prints what it measured; exits with 1 when a bar
is missed that a loaded machine does not explain: bytes in any case, times by a factor of ten.
"""

import argparse
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np

from twin.formats import load_network
from twin.live.network import LinkSamples
from twin.model import Floats, Link, Network
from twin.store.archive import FILE_FORMAT, SampleArchive, parts_of, read_parts

STEP_S = 30.0
OCTETS = STEP_S * 125_000  # that one Mbit/s brings in a step
HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
MONTH_DAYS, KEPT_DAYS, MOST_BYTES = 30, 20, 6e9
APPEND_ROWS_PER_S, ANSWER_S, SLACK = 1e6, 0.1, 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=MONTH_DAYS)
    parser.add_argument("--links", type=int, default=4000)
    options = parser.parse_args()
    network = wide_network(options.links)
    with (
        tempfile.TemporaryDirectory(prefix="twinops-month-") as folder,
        closing(SampleArchive(Path(folder))) as archive,
    ):
        return report(network, archive, options.days)


def report(network: Network, archive: SampleArchive, days: int) -> int:
    rows, appending, tidying = fill(network, archive, days)
    archive.tidy(BEGIN + (24 * days + 1) * HOUR, keep=timedelta(days=days + 1))  # hours of the last day go now
    whole = sum(part.path.stat().st_size for part in parts_of(archive.folder))
    still = sum(x.stat().st_size for x in archive.folder.iterdir()) - whole  # the open hours, however long the past is
    print(f"{rows:,} rows: days {whole / 1e6:.0f} MB, open hours {still / 1e6:.0f} MB")
    print(
        f"append {rows / appending / 1e6:.2f} million rows a second of CPU; hours and days into files {tidying:.1f} s"
    )
    broken = [rows / appending < APPEND_ROWS_PER_S / SLACK]
    if days < MONTH_DAYS:
        begun = time.process_time()
        write_days_before(archive, MONTH_DAYS)
        print(f"{MONTH_DAYS - days} days before them written in {time.process_time() - begun:.0f} s")
    (count,) = archive.rows("SELECT count(*) FROM link_sample")[0]
    month = sum(x.stat().st_size for x in archive.folder.iterdir())
    print(f"{count:,} rows in {len(parts_of(archive.folder))} files, {month / 1e9:.2f} GB")
    broken.append(month > MOST_BYTES)
    for what, statement, bar in questions(network, days):
        first, *again = (answered(archive, statement) for _ in range(4 if bar else 1))
        took = min(again, default=first)
        print(f"{what}: {first * 1e3:.1f} ms of CPU, asked again {took * 1e3:.1f} ms")
        broken.append(bar and took > SLACK * ANSWER_S)
    with duckdb.connect() as beside:
        read_parts(beside, parts_of(archive.folder))
        begun = time.process_time()
        beside.execute(questions(network, days)[1][1]).fetchall()
        print(f"the same of one link by a process beside it: {(time.process_time() - begun) * 1e3:.1f} ms of CPU")
    begun, held = time.process_time(), len(parts_of(archive.folder))
    for _ in range(2):  # files that count no more go the next time
        archive.tidy(BEGIN + (24 * days + 2) * HOUR, keep=timedelta(days=KEPT_DAYS))
    left = len([x for x in parts_of(archive.folder) if x.length > HOUR])
    print(
        f"kept for {KEPT_DAYS} days: {held} files before, {left} days left, {time.process_time() - begun:.1f} s of CPU"
    )
    broken.append(left > KEPT_DAYS + 1)
    return int(any(broken))


def write_days_before(archive: SampleArchive, count: int) -> None:
    """Write files of days before those that are there until there are so many, from the first with other noise."""
    known = min((x for x in parts_of(archive.folder) if x.length > HOUR), key=lambda x: x.begin)
    have = len([x for x in parts_of(archive.folder) if x.length > HOUR])
    with duckdb.connect(config={"threads": 1}) as beside:
        for days in range(1, count - have + 1):
            path = archive.folder / f"{known.begin - days * 24 * HOUR:%Y-%m-%d}.parquet"
            sent, received = (f"floor({x} * noise * {OCTETS}) / {OCTETS}" for x in ("out_mbps", "in_mbps"))
            rows = f"""SELECT time - INTERVAL {days} DAY AS time, link, {sent} AS out_mbps,
                {received} AS in_mbps, dropped_mbps, up FROM
                (SELECT *, floor((0.8 + 0.4 * random()) * 1e6) / 1e6 AS noise FROM read_parquet('{known.path}'))"""
            beside.execute(f"COPY ({rows}) TO '{path}' ({FILE_FORMAT})")


def fill(network: Network, archive: SampleArchive, days: int) -> tuple[int, float, float]:
    """Let days go by, an hour at a time; returns rows, and seconds of CPU for appending and for putting away."""
    rng, rows, appending, tidying = np.random.default_rng(1), 0, 0.0, 0.0
    mean = rng.uniform(50, 60_000, len(network.links))
    for hour in range(24 * days + 1):
        samples = one_hour(mean, BEGIN + hour * HOUR, rng)
        begun = time.process_time()
        rows += archive.append(network, samples)
        appended = time.process_time()
        archive.tidy(BEGIN + (hour + 1) * HOUR, keep=timedelta(days=days + 1))
        appending, tidying = appending + appended - begun, tidying + time.process_time() - appended
    return rows, appending, tidying


def one_hour(mean: Floats, begin: datetime, rng: np.random.Generator) -> LinkSamples:
    """What the counters of all links say in one hour: whole octets in 30 s, full queues here and there."""
    count, links = int(HOUR.total_seconds() / STEP_S), mean.size
    time_s = np.repeat(begin.timestamp() + STEP_S * np.arange(1, count + 1), links)
    octets = np.floor(mean * rng.lognormal(0, 0.2, (count, links)) * OCTETS)
    out = (octets / OCTETS).ravel()
    received = (np.floor(octets * rng.normal(1, 1e-3, octets.shape)) / OCTETS).ravel()
    dropped = np.where(rng.random(out.size) < 0.01, out * 0.01, 0.0)
    return LinkSamples(time_s, np.tile(np.arange(links), count), out, received, dropped, np.ones(out.size, bool))


def questions(network: Network, days: int) -> list[tuple[str, str, bool]]:
    """What is asked, in words and SQL, and whether it has a bar."""
    end = BEGIN + (24 * days + 1) * HOUR
    newest = f"time > TIMESTAMPTZ '{(end - HOUR).isoformat()}'"
    link = network.links[len(network.links) // 3].name
    spread = "quantile_cont(out_mbps, 0.95)"
    return [
        ("the newest hour of one link", f"SELECT * FROM link_sample WHERE link = '{link}' AND {newest}", True),
        ("95th percentile of one link, all days", f"SELECT {spread} FROM link_sample WHERE link = '{link}'", True),
        (
            "95th percentile of every link, newest hour",
            f"SELECT link, {spread} FROM link_sample WHERE {newest} GROUP BY link",
            True,
        ),
        ("busiest minute of all days", "SELECT max(out_mbps) FROM link_sample", False),
    ]


def answered(archive: SampleArchive, statement: str) -> float:
    begun = time.process_time()
    archive.rows(statement)
    return time.process_time() - begun


def wide_network(links: int) -> Network:
    """A ring with as many directed links as asked for; only their names matter here."""
    whole = load_network("synthetic/1000-1")
    copies = range(1 + links // len(whole.links))
    named = [Link(x.tail, x.head, x.capacity, x.weight, index=x.index + 50 * k) for k in copies for x in whole.links]
    return Network("wide", whole.nodes, tuple(named[:links]), np.zeros_like(whole.demands))


if __name__ == "__main__":
    sys.exit(main())
