"""Traffic matrices over time as CSV or Parquet: one row per time and node pair.

Columns, times and units are those of measurements (`measurements/columns`, `measurements/moments`): a source and a
target with the names or ids that the topology's file gives its nodes or, where no node has a number for a name, node
numbers from 0; one volume, as a rate or as octets of each interval; and, for more than one matrix, a time. A row with
`exits`, instead of a target or beside it, is of traffic that may leave by any of them: `P Q`, or `P Q:2` where Q is a
second choice; the target is the name of what lies beyond. Rows of one pair that a column `class` tells apart are parts
of its demand (`with_classes_of`). A pair without a row has no traffic then. A file with a
column that nobody knows and that alone tells rows of one pair apart is refused: added up, they would be traffic that
never was at once.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.errors import FormatError
from twin.model import Floats, Ints, Network
from twin.traffic_classes import DEFAULT, ClassShare, TrafficClass
from twin.untrusted import NAME, clean

from .account import FieldUse
from .exits import ExitGroup, find_group, group_named, read_exits, with_groups
from .measurements.columns import Columns, read_columns, recognise_column
from .measurements.moments import read_moments
from .measurements.pair_tables import interval_of, nodes_of, refuse_summing
from .measurements.part import Options, use
from .measurements.sheet import Sheet
from .node_names import Names, NodeNames, known_as
from .source import Source
from .vocabulary import plain

_CELLS = 400_000_000  # 3.2 GB of matrices
_LARGEST = 1e18
_CLASSES = ("class", "trafficclass", "forwardingclass", "cos", "qosclass", "serviceclass")
_EXITS = ("exits", "exit", "nexthops", "peerings")
_ENDS = {"source": "source or src or from", "target": "target or dst or to"}


class Traffic(NamedTuple):
    """Matrices [T, n, n] in Mbit/s, in order of time; `times` is what the file calls them, `seconds` what they are.

    `seconds` are epoch seconds, or numbers of bins below 1e8; None where the file's times are labels.
    """

    times: tuple[str, ...]
    demands: Floats
    uses: tuple[FieldUse, ...] = ()
    seconds: Floats | None = None

    @property
    def peak(self) -> Floats:
        """The matrix [n, n] of the largest total, the first of equal ones."""
        return self.demands[int(self.demands.sum(axis=(1, 2)).argmax())]


class _Times(NamedTuple):
    """What a file calls its times, in order, the place of each row among them, and when they were."""

    labels: tuple[str, ...]
    moment: Ints
    seconds: Floats | None
    note: str


def read_traffic(
    path: str | Path, network: Network, names: Names | None = None, *, said: Options | None = None, dated: bool = False
) -> Traffic:
    """Read the matrices for the nodes of `network`; rows of one pair and time add up, a node's demands to itself go.

    `names` are the ids and labels by which the topology's file knows the nodes; `said` is what was said of columns,
    units and the zone of times. `dated` refuses times that are labels, or that could be two dates. Raises `FormatError`
    with the row or column and what was expected there, `InputError` when the file cannot be read.
    """
    source, said = Source(str(path)), said or Options()
    said = said if names is None else said._replace(names=names)
    with Sheet(source) as sheet:
        columns = _columns(sheet, said)
        times = _times(sheet, columns, said, dated=dated)
        s, t = nodes_of(sheet, columns.name("source"), network, said), _targets(sheet, columns, network, said)
        refuse_summing(sheet, columns, times.moment.astype(np.float64), s, t)
        volume, note = _volume(sheet, columns, times, said)
    n = len(network.nodes)
    if not 0 < len(times.labels) * n * n <= _CELLS:
        wanted = f"1 to {_CELLS // (n * n)} times for {n} nodes, not {len(times.labels)}"
        raise source.error("the whole file", wanted)
    demands = np.zeros((len(times.labels), n, n))
    np.add.at(demands, (times.moment, s, t), volume)
    demands[:, np.arange(n), np.arange(n)] = 0.0
    traffic = Traffic(times.labels, demands, seconds=times.seconds)
    return traffic._replace(uses=_uses(columns, times, int((traffic.peak > 0).sum()), note))


def with_exits_of(path: str | Path, network: Network, names: Names | None = None) -> Network:
    """Return the network with the groups of exits that the rows of a traffic file name. Raises as `read_traffic`."""
    source, groups = Source(str(path)), dict[str, ExitGroup]()
    with Sheet(source) as sheet:
        column = _exits_column(sheet)
        if column is None:
            return network
        target = next((x for x in sheet.header if (y := recognise_column(x)) and y.quantity == "target"), None)
        texts = sheet.texts(column)
        beyond = sheet.texts(target) if target else [None] * len(texts)
    known = known_as(network, names)
    for name, written in dict.fromkeys(zip(beyond, texts, strict=True)):
        if written is not None:
            at = read_exits(source, written, known, network, "the exits")
            group = ExitGroup(name or find_group(network, at) or group_named(at), at)
            if groups.setdefault(group.name, group) != group:
                raise source.error("the exits", f"one set of exits for {group.name}, not two")
    return with_groups(network, tuple(groups.values()))


def with_classes_of(path: str | Path, network: Network, names: Names | None = None) -> Network:
    """Return the network with what part of each demand is of which class, where a traffic file has a column of it.

    A class that the network does not name is served as the default one is: last. Raises as `read_traffic`.
    """
    source = Source(str(path))
    with Sheet(source) as sheet:
        column = _class_column(sheet)
        if column is None:
            return network
        said = Options() if names is None else Options()._replace(names=names)
        columns = _columns(sheet, said)
        s, t = nodes_of(sheet, columns.name("source"), network, said), _targets(sheet, columns, network, said)
        volume, texts = sheet.numbers(columns.known["traffic"].name), sheet.texts(column)
    totals, parts = dict[tuple[int, int], float](), dict[tuple[int, int, str], float]()
    for a, b, name, amount in zip(s.tolist(), t.tolist(), texts, volume.tolist(), strict=True):
        if a != b and amount > 0:
            totals[a, b] = totals.get((a, b), 0.0) + amount
            key = (a, b, clean((name or "").strip(), NAME) or DEFAULT)
            parts[key] = parts.get(key, 0.0) + amount
    known = {x.name for x in network.classes}
    fresh = dict.fromkeys(name for _, _, name in parts if name not in known and name != DEFAULT)
    classes = (*network.classes, *(TrafficClass(name) for name in fresh))
    at = [node.name for node in network.nodes]
    everywhere = [x.name for x in classes if x.name != DEFAULT]
    shares = tuple(
        ClassShare(at[a], at[b], name, parts.get((a, b, name), 0.0) / total)
        for (a, b), total in totals.items()
        for name in everywhere
    )
    return replace(network, classes=classes, class_shares=shares)


def _columns(sheet: Sheet, said: Options) -> Columns:
    columns = read_columns(sheet.source, sheet.header, said.columns, said.units)
    exits = _exits_column(sheet)
    columns = columns._replace(others=tuple(x for x in columns.others if x not in (exits, _class_column(sheet))))
    for end, words in _ENDS.items():
        if end not in columns and not (end == "target" and exits):
            raise sheet.source.error("the header", f"one column {words}, or --map {end}=COLUMN")
    found = [x for name in sheet.header if (x := recognise_column(name)) and x.quantity == "traffic" and x.factor]
    if "traffic" not in columns or (len(found) > 1 and "traffic" not in said.columns):
        named = ", ".join(x.name for x in found) or "none"
        wanted = f"one column mbps or bps or kbps or gbps, or --map traffic=COLUMN, not {named}"
        raise sheet.source.error("the header", wanted)
    return columns


def _times(sheet: Sheet, columns: Columns, said: Options, *, dated: bool) -> _Times:
    """The distinct times in order: by what they are, and labels as text."""
    if "time" not in columns:
        return _Times(("0",) if sheet.rows else (), np.zeros(sheet.rows, dtype=np.int64), None, "")
    name = columns.name("time")
    coded = sheet.coded(name)
    if (coded.codes < 0).any():
        row = int(np.flatnonzero(coded.codes < 0)[0]) + 1
        raise sheet.source.error(f"row {row}", f"a time in {name}, not nothing")
    if not coded.values:
        return _Times((), coded.codes, None, "")
    try:
        read = read_moments(sheet.source, coded.values, name, zone=said.zone, unit=said.units.get("time"))
        seconds = read.seconds
        if np.isnan(seconds).any():
            wrong = coded.values[int(np.flatnonzero(np.isnan(seconds))[0])]
            raise sheet.source.error(f"column {name}", f"times of one kind, not {wrong[:40]!r} among others")
    except FormatError:
        if dated:
            raise
        return _Times(coded.values, coded.codes, None, "time, by its text")
    distinct, first, place = np.unique(seconds, return_index=True, return_inverse=True)
    labels = tuple(coded.values[int(i)] for i in np.asarray(first, dtype=np.int64))
    return _Times(labels, place.astype(np.int64)[coded.codes], distinct, read.note)


def _volume(sheet: Sheet, columns: Columns, times: _Times, said: Options) -> tuple[Floats, str]:
    """Mbit/s of each row, and how they were read."""
    column = columns.known["traffic"]
    volume = sheet.numbers(column.name)
    bad = np.flatnonzero(~((volume >= 0) & (volume <= _LARGEST)))
    if len(bad):
        raise sheet.source.error(f"row {int(bad[0]) + 1}", "a volume that is a number and not negative")
    factor = column.factor or 1.0
    if column.shape != "amount":
        return volume * factor, f"demand, {factor:g} Mbit/s in one"
    seconds = interval_of(sheet, np.zeros(1) if times.seconds is None else times.seconds, said)
    return volume * factor / seconds, f"octets in {seconds:g} s each"


def _uses(columns: Columns, times: _Times, pairs: int, note: str) -> tuple[FieldUse, ...]:
    uses = [use(f"traffic {columns.name('traffic')}", "used", pairs, note)]
    if "time" in columns:
        many = f"{times.note}: of {len(times.labels)} matrices the one of the largest total is the network's traffic"
        uses.append(use(f"traffic {columns.name('time')}", "used", len(times.labels), many))
    read = {"source", "target", "traffic", "time"}
    left = (*columns.others, *(x.name for quantity, x in columns.known.items() if quantity not in read))
    return (*uses, *(use(f"traffic {x}", "not modelled", pairs, "not read") for x in left))


def _class_column(sheet: Sheet) -> str | None:
    return next((name for name in sheet.header if plain(name) in _CLASSES), None)


def _exits_column(sheet: Sheet) -> str | None:
    return next((name for name in sheet.header if plain(name) in _EXITS), None)


def _targets(sheet: Sheet, columns: Columns, network: Network, said: Options) -> Ints:
    """Position of the node that each row is for: its target, or the group of its exits."""
    exits = _exits_column(sheet)
    if exits is None:
        return nodes_of(sheet, columns.name("target"), network, said)
    known, found = known_as(network, said.names), dict[tuple[str | None, str | None], int]()
    texts = sheet.texts(exits)
    names = sheet.texts(columns.name("target")) if "target" in columns else [None] * len(texts)
    for row, (name, written) in enumerate(zip(names, texts, strict=True), start=1):
        if (name, written) not in found:
            found[name, written] = _towards(sheet.source, network, known, (name, written), f"row {row}")
    return np.array([found[pair] for pair in zip(names, texts, strict=True)], dtype=np.int64)


def _towards(
    source: Source, network: Network, known: NodeNames, said: tuple[str | None, str | None], where: str
) -> int:
    name, written = said
    if written is None:
        return known.position(source, name or "", where)
    at = read_exits(source, written, known, network, where)
    group = name or find_group(network, at)
    if not group or group not in network.node_index:
        raise source.error(where, f"exits that the network knows as a group, not {written[:60]!r}")
    return network.node_index[group]
