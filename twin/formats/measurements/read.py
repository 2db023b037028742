"""The door to measurements: files of any make become the telemetry of a network, each with an account of its fields."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.files import read_head
from twin.formats.account import Account
from twin.formats.source import Source
from twin.live.declared import Declaration, Quantity
from twin.live.network import LinkSamples, NodeSamples, ProbeSamples, Telemetry, TrafficSamples
from twin.model import Floats, Ints, Network

from .assemble import RateGrid, grid_of, samples_of
from .columns import Columns, read_columns
from .flow_records import is_flows
from .flows import FlowDemands, read_flows
from .folders import MOST_FILES, FoundFile, find_files, not_read
from .interfaces import Interfaces
from .link_tables import read_link_table
from .logs import is_log, read_log
from .pair_tables import read_adjacency_table, read_node_table, read_probe_table, read_traffic_table
from .part import Edges, Options, Part, use
from .prometheus import is_prometheus, prometheus_sheet
from .sheet import Sheet
from .turns import unlogged
from .walks import is_walk, walk_sheet

SHAPES = (
    "links: time, link, and out or in",
    "interfaces: time, node, interface, and out or in",
    "traffic: time, source, target, and mbps",
    "probes: time, source, target, and loss or delay",
    "nodes: time, node, answered",
)
"""What tables may hold, told by their columns."""


class Measurements(NamedTuple):
    """Telemetry that was read from files, the time of its newest sample, and the account of each file."""

    telemetry: Telemetry
    now: datetime
    accounts: tuple[Account, ...]
    edges: Edges | None = None
    """What enters and leaves the network at its nodes, where counters of such interfaces were among the files."""


def read_parts(
    paths: Sequence[str | Path], network: Network, options: Options, *, most: int = MOST_FILES
) -> list[Part]:
    """Read files of measurements of `network` for `combine`: each told by its content, `most` of those of a folder.

    Files of flows add up. What cannot be read among others of a folder is left out, and an account says so.
    Raises `InputError` when a file cannot be read, `FormatError` with the place and what was expected there.
    """
    found, accounts = find_files(paths, most)
    reading = _Reading([Part(x) for x in accounts])
    flows = defaultdict[str, list[FoundFile]](list)
    for file in found:
        if _holds_flows(file):
            flows[file.stretch].append(file)
        else:
            reading.take([file], lambda file=file: [read_part(file.path, network, options)])
    if flows:
        first = next(iter(flows.values()))[0]
        demands = FlowDemands(str(first.folder or first.path), options)
        for files in flows.values():
            reading.take(files, lambda files=files: demands.take([str(x.path) for x in files]))
        if reading.good & {x.folder for files in flows.values() for x in files}:
            reading.parts.append(demands.part())
    return reading.ended()


class _Reading:
    """Files that are read one after the other; of a folder some may fail, of those that were named none."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts, self.good = parts, set[Path | None]()
        self._failed = defaultdict[Path, list[tuple[Path, InputError]]](list)

    def take(self, files: Sequence[FoundFile], read: Callable[[], Sequence[Part] | None]) -> None:
        """Read files of one folder. Raises `InputError` where they are of none."""
        folder = files[0].folder
        try:
            self.parts += read() or ()
        except InputError as error:
            if folder is None:
                raise
            self._failed[folder] += [(x.path, error) for x in files]
            return
        self.good.add(folder)

    def ended(self) -> list[Part]:
        """Everything that was read. Raises `InputError` where nothing of a folder was."""
        for folder, failed in self._failed.items():
            if folder not in self.good:
                raise failed[-1][1]
            self.parts.append(Part(not_read(folder, [(path, str(error)) for path, error in failed])))
        return self.parts


def _holds_flows(file: FoundFile) -> bool:
    try:
        return is_flows(str(file.path), read_head(file.path))
    except InputError:
        if file.folder is None:
            raise
        return False


def read_part(path: str | Path, network: Network, options: Options) -> Part:
    """Read one file of measurements. Raises as `read_parts` does."""
    head = read_head(path)
    for told_by, read in _OTHERS:
        if told_by(str(path), head):
            return read(str(path), network, options)
    return read_table(str(path), network, options)


def read_table(path: str, network: Network, options: Options) -> Part:
    """Read a CSV or Parquet table of measurements, told by its columns."""
    with Sheet(Source(path)) as sheet:
        return read_sheet(sheet, network, options)


def read_sheet(sheet: Sheet, network: Network, options: Options) -> Part:
    """Read an open table of measurements, told by its columns."""
    source = sheet.source
    columns = read_columns(source, sheet.header, options.columns, options.units)
    kind = _kind(source, columns, sheet.header)
    if kind in ("links", "interfaces"):
        return read_link_table(sheet, columns, Interfaces(network, options.names, options.ports), options)
    pairs = {
        "traffic": read_traffic_table,
        "probes": read_probe_table,
        "nodes": read_node_table,
        "adjacencies": read_adjacency_table,
    }
    return pairs[kind](sheet, columns, network, options)


def table_kind(path: str | Path) -> str:
    """Which table a file holds: links, interfaces, adjacencies, traffic, probes or nodes. Raises `FormatError`."""
    options, source = Options(), Source(str(path))
    with Sheet(source) as sheet:
        return _kind(source, read_columns(source, sheet.header, options.columns, options.units), sheet.header)


def combine(parts: Sequence[Part], network: Network, options: Options, *, alone: bool = False) -> Measurements:
    """Put what several files gave into one telemetry. Raises `InputError` when there is no sample in it.

    `alone` takes probes or log lines without loads as well: one source by itself.
    """
    series = [one for part in parts for one in part.series]
    rates = [one for one in series if one.quantity in ("out", "in", "up") and one.end.size]
    traffic = _traffic([part.traffic for part in parts if part.traffic is not None])
    others = alone and any(part.events or part.probes is not None for part in parts)
    if not rates and traffic is None and not others:
        raise InputError("there is no sample in these files", fix="give at least one of: " + "; ".join(SHAPES))
    grid = grid_of(rates, options.interval_s) if rates else RateGrid(np.zeros(0), options.interval_s or 300.0, 0.0)
    links, interfaces = samples_of(series, grid, len(network.links))
    rows = [part.rows for part in parts if any(x.quantity in ("out", "in", "up") for x in part.series)]
    if rows and all(x is not None for x in rows) and not grid.skew_s:
        links = LinkSamples(*(np.concatenate(column) for column in zip(*filter(None, rows), strict=True)))
    if traffic is not None and grid.times.size > 1:
        traffic = traffic._replace(time=_snapped(traffic.time, grid))
    none, nobody = np.zeros(0), np.zeros(0, dtype=np.int64)
    logged = [event for part in parts for event in part.events]
    telemetry = Telemetry(
        links,
        _nodes(parts, links, network),
        _probes(parts, grid),
        traffic or TrafficSamples(none, nobody, nobody, none),
        (*logged, *unlogged([x for part in parts for x in part.turns], logged)),
        interfaces,
        declared=_declared(parts, links, traffic, grid),
    )
    edges = [part.edges for part in parts if part.edges is not None]
    joined = Edges(*(np.concatenate(column) for column in zip(*edges, strict=True))) if edges else None
    return Measurements(telemetry, _newest(telemetry, parts), tuple(_gridded(parts, grid)), joined)


def _kind(source: Source, columns: Columns, header: Sequence[str]) -> str:
    known = set(columns.known)
    if "time" in known:
        if {"source", "target", "traffic"} <= known:
            return "traffic"
        if {"source", "target"} <= known and known & {"loss", "delay", "rtt"}:
            return "probes"
        rated = known & {"out", "in"}
        if rated and known & {"link", "interface", "index", "alias", "neighbour"}:
            return "interfaces" if "node" in known and "link" not in known else "links"
        if "link" in known and known & {"adjacent", "errors"}:
            return "adjacencies"
        if "link" in known and "up" in known:
            return "links"
        if {"node", "answered"} <= known:
            return "nodes"
    names = ", ".join(header)[:120]
    wanted = f"the columns of one of these, or --map QUANTITY=COLUMN, not {names}. " + "; ".join(SHAPES)
    raise source.error("the header", wanted)


def _traffic(tables: Sequence[TrafficSamples]) -> TrafficSamples | None:
    if not tables:
        return None
    time, source, target, mbps = (np.concatenate(column) for column in zip(*tables, strict=True))
    return TrafficSamples(time, source, target, mbps)


def _snapped(time: Floats, grid: RateGrid) -> Floats:
    """Times of traffic put on those of the counters where both have the same interval and lie less than half apart."""
    apart = np.diff(np.unique(time))
    if not apart.size or abs(float(np.median(apart)) / grid.interval_s - 1) > 0.01:
        return time
    nearest = grid.times[grid.place(time)]
    return np.where(np.abs(nearest - time) < grid.interval_s / 2, nearest, time)


def _nodes(parts: Sequence[Part], links: LinkSamples, network: Network) -> NodeSamples:
    """Whether nodes answered; where no file says it, they are taken to have."""
    told = [part.nodes for part in parts if part.nodes is not None]
    if told:
        return NodeSamples(*(np.concatenate(column) for column in zip(*told, strict=True)))
    stamps, n = np.unique(links.time), len(network.nodes)
    every: Ints = np.tile(np.arange(n), stamps.size)
    return NodeSamples(np.repeat(stamps, n), every, np.ones(every.size, dtype=np.bool_))


def _probes(parts: Sequence[Part], grid: RateGrid) -> ProbeSamples:
    told = [part.probes for part in parts if part.probes is not None]
    if not told:
        none, nobody = np.zeros(0), np.zeros(0, dtype=np.int64)
        return ProbeSamples(none, nobody, nobody, none, none)
    time, source, target, loss, delay = (np.concatenate(column) for column in zip(*told, strict=True))
    joined = ProbeSamples(time, source, target, loss, delay)
    if not grid.times.size:
        return joined
    nearest = grid.times[grid.place(joined.time)]
    return _once(joined._replace(time=np.where(np.abs(nearest - joined.time) <= grid.interval_s, nearest, joined.time)))


def _once(probes: ProbeSamples) -> ProbeSamples:
    """One row a time and pair: of several readings the mean of what they lost, and of their delays."""
    keys = np.stack([probes.time, probes.source, probes.target])
    rows, group = np.unique(keys, axis=1, return_inverse=True)
    group = group.ravel()
    if rows.shape[1] == probes.time.size:
        return probes

    def averaged(values: Floats) -> Floats:
        known = np.isfinite(values)
        number = np.bincount(group, known, minlength=rows.shape[1])
        total = np.bincount(group, np.where(known, values, 0.0), minlength=rows.shape[1])
        return np.where(number > 0, total / np.maximum(number, 1), np.nan)

    time, source, target = rows
    return ProbeSamples(
        time, source.astype(np.int64), target.astype(np.int64), averaged(probes.loss), averaged(probes.delay_ms)
    )


def _declared(parts: Sequence[Part], links: LinkSamples, traffic: TrafficSamples | None, grid: RateGrid) -> Declaration:
    """What the files say of the instruments: what is read, how far apart in time, and how flows are sampled."""
    default = Declaration()
    unread: set[Quantity] = {"running"}  # what routers are asked for, and no file holds
    if traffic is None:
        unread |= {"demands", "flows"}
    if not np.isfinite(links.up).any():
        unread.add("state")
    sampling = next((part.sampling for part in parts if part.sampling is not None), default.sampling)
    packets = min((part.probe_packets for part in parts if part.probe_packets), default=default.probe_packets)
    return default.model_copy(
        update={
            "sampling": sampling,
            "probe_packets": packets,
            "skew_s": max(default.skew_s, grid.skew_s),
            "reads": default.reads - unread,
            "sparse": traffic is not None,
            "splits_told": True,
        }
    )


def _gridded(parts: Sequence[Part], grid: RateGrid) -> Sequence[Account]:
    """The accounts of the files, with what became of readings that are not all of one time."""
    if not grid.skew_s:
        return [part.account for part in parts]
    note = f"readings up to {grid.skew_s:.3g} s apart are one sample of {grid.interval_s:g} s"
    return [
        part.account.with_fields([use("times of readings", "assumed", len(grid.times), note)] if part.series else [])
        for part in parts
    ]


def _newest(telemetry: Telemetry, parts: Sequence[Part]) -> datetime:
    times = np.concatenate([telemetry.links.time, telemetry.traffic.time])
    if not times.size:
        times = np.array([*telemetry.probes.time, *(x.time for x in telemetry.events)])
    known = times[np.isfinite(times)]
    if not known.size:
        files = ", ".join(part.account.file for part in parts)
        raise InputError(f"{files}: there is no sample", fix="give measurements of at least one interval")
    return datetime.fromtimestamp(float(known.max()), UTC)


_Reader = Callable[[str, Network, Options], Part]
_OTHERS: tuple[tuple[Callable[[str, bytes], bool], _Reader], ...] = (
    (is_flows, read_flows),
    (is_walk, lambda path, network, options: read_sheet(walk_sheet(path), network, options)),
    (is_prometheus, lambda path, network, options: read_sheet(prometheus_sheet(path), network, options)),
    (is_log, read_log),
)
