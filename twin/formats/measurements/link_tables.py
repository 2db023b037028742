"""Tables of rates or counters, keyed by link or by router and interface."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin.errors import UnknownElementError
from twin.formats.account import Account, FieldUse
from twin.live.network import LinkSamples
from twin.model import Bools, Floats, Ints

from .assemble import Series
from .columns import Column, Columns
from .counters import Rates, Readings, rates_of
from .interfaces import Interfaces, most_common
from .moments import read_moments
from .part import Edges, Options, Part, use
from .sheet import Sheet
from .states import states
from .turns import CountedTurn, TurnReadings, lines_of, missed_turns

FRAME_MBIT = 0.008
"""A mean packet, where packets are counted and octets are not: 1,000 bytes."""
_FULLEST, _EMPTIEST = 100.0, 1e-5  # times the capacity: no link is that full, and no network that empty
_INTERNAL = ("lo", "lo0", "null0", "loopback0", "system", "system0", "dummy0")


class Keys(NamedTuple):
    """Which link and which end each row [R] is of.

    `sends` is the link that leaves the interface, -1 where none does, and `receives` the one that comes in by it;
    `series` numbers the interfaces, `nodes` is where each is (-1 where the row is keyed by link).
    """

    sends: Ints
    receives: Ints
    series: Ints
    nodes: Ints
    names: tuple[str, ...]
    by_link: bool


def read_link_table(sheet: Sheet, columns: Columns, found: Interfaces, options: Options) -> Part:
    """Read rates, or counters as rates, with whatever else the rows say of an interface.

    Raises `FormatError` on a link that the network does not have, a time that is none, and rates so far from the
    capacities that their unit must be another.
    """
    times = read_moments(sheet.source, sheet.texts(columns.name("time")), columns.name("time"), zone=options.zone,
                         unit=options.units.get("time"))  # fmt: skip
    keys = _keys(sheet, columns, found)
    reader = _Reader(sheet, columns, found, options, keys, times.seconds)
    series, turns, uses = list(reader.series()), tuple(reader.turns()), reader.uses
    if keys.by_link and "link" not in columns:
        series, told = _orient(series, found)
        uses.append(told)
    time_use = use(columns.name("time"), "used", sheet.rows, times.note)
    left = (use(name, "not modelled", sheet.rows, "of no known meaning: not read") for name in columns.others)
    account = Account(file=sheet.source.path, format="table of interfaces" if not keys.by_link else "table of links",
                      fields=(time_use, *uses, *left))  # fmt: skip
    _require_plausible(sheet, columns, series, found, options)
    ends = times.seconds[np.isfinite(times.seconds)]
    rows = _as_rows(columns, series, keys, times.seconds) if keys.by_link else None
    end = float(ends.max()) if ends.size else np.nan
    return Part(account, tuple(series), rows, turns=turns, edges=reader.edges(), end=end)


class _Reader:
    """One table on its way to series; `uses` says what became of each column."""

    def __init__(
        self, sheet: Sheet, columns: Columns, found: Interfaces, options: Options, keys: Keys, time: Floats
    ) -> None:
        self._sheet, self._columns, self._found, self._options = sheet, columns, found, options
        self._keys, self._time = keys, time
        self._uptime = _uptime(sheet, columns)
        self._outside: dict[str, tuple[Ints, Floats]] = {}
        self.uses: list[FieldUse] = list(self._elsewhere())

    def series(self) -> Iterator[Series]:
        keys = self._keys
        for quantity in ("out", "in", "dropped", "errors"):
            if quantity in self._columns:
                yield from self._values(self._columns.known[quantity])
        if "up" in self._columns:
            name = self._columns.name("up")
            value = states(name, self._sheet.coded(name))
            self.uses.append(use(name, "used", int(np.isfinite(value).sum()), "whether the interface is up"))
            yield _of("up", self._time, np.full(value.size, np.nan), keys.sends, value)
        else:
            note = "not told, so nothing is known of it: links are neither taken for up nor for down"
            self.uses.append(use("state of interfaces", "assumed", 0, note))
        if "adjacent" in self._columns:
            name = self._columns.name("adjacent")
            yield _of("adjacent", self._time, np.full(self._time.size, np.nan), keys.sends,
                      states(name, self._sheet.coded(name)))  # fmt: skip

    def turns(self) -> Iterator[CountedTurn]:
        """Changes of state that no poll met, of interfaces that say when they changed last, or how often."""
        columns, sheet, keys, network = self._columns, self._sheet, self._keys, self._found.network
        if not {"changes", "lastchange"} & set(columns.known):
            return
        nothing = np.full(sheet.rows, np.nan)
        up = states(columns.name("up"), sheet.coded(columns.name("up"))) if "up" in columns else nothing
        last = sheet.numbers(columns.name("lastchange")) if "lastchange" in columns else nothing
        changes, counted = np.zeros(sheet.rows, np.uint64), np.zeros(sheet.rows, np.bool_)
        if "changes" in columns:
            changes, counted = sheet.counts(columns.name("changes"))
        series = np.where(keys.sends >= 0, keys.sends, -1)
        found = missed_turns(TurnReadings(self._time, series, up, changes, counted, last, self._uptime))
        told = 0
        for turns in found:
            link = network.links[turns.series]
            told += len(turns.times)
            yield from lines_of(turns, link.tail, link.interface.rpartition("/")[2])
        name = columns.name("changes" if "changes" in columns else "lastchange")
        self.uses.append(use(name, "used", told, "changes of state that no poll met"))

    def edges(self) -> Edges | None:
        """What enters and leaves the network by interfaces that lead to no link, as far as both were counted."""
        if set(self._outside) != {"in", "out"} or self._keys.by_link:
            return None
        n = len(self._found.network.nodes)
        totals = (np.bincount(*self._outside[x], minlength=n) for x in ("in", "out"))
        enters, leaves = (np.asarray(x, dtype=np.float64) for x in totals)
        at = np.flatnonzero((enters > 0) | (leaves > 0))
        return Edges(at, enters[at], leaves[at]) if at.size else None

    def _values(self, column: Column) -> Iterator[Series]:
        keys = self._keys
        if column.shape == "rate":
            value = self._sheet.numbers(column.name) * (column.factor or 1.0)
            begin = np.full(value.size, np.nan)
            self.uses.append(use(column.name, "used", int(np.isfinite(value).sum()), _rate_note(column)))
            end, rows, seconds = self._time, np.arange(value.size), begin
        else:
            rates, first = self._counted(column)
            self.uses.extend(_counter_uses(column, rates))
            end, value, rows, seconds = rates.end, rates.rate, first[rates.series], rates.end - rates.begin
        receives = column.quantity in ("in", "errors")
        link = keys.receives[rows] if receives else keys.sends[rows]
        if column.quantity in ("in", "out"):
            self._outside[column.quantity] = _means_outside(keys, rows, value)
        yield _of(column.quantity, end, seconds, link, value)

    def _counted(self, column: Column) -> tuple[Rates, Ints]:
        """Rates of a column of counters, and the first row of each series."""
        keys = self._keys
        counted, known = self._sheet.counts(column.name)
        count = len(keys.names)
        first = np.zeros(count, dtype=np.int64)
        first[keys.series[::-1]] = np.arange(keys.series.size)[::-1]
        per_count = column.factor or (1.0 if column.quantity == "errors" else FRAME_MBIT)
        link = (keys.receives if column.quantity == "in" else keys.sends)[first]
        wide = column.wide | (np.bincount(keys.series, counted >= 2**32, count) > 0)
        ceiling = np.full(count, np.nan)
        if column.quantity in ("in", "out"):
            ceiling = _ceilings(self._found, self._options)[link]
        readings = Readings(
            self._time, keys.series, counted, known & (keys.series >= 0), np.full(count, per_count), ceiling,
            wide, self._uptime
        )  # fmt: skip
        return rates_of(readings), first

    def _elsewhere(self) -> Iterator[FieldUse]:
        keys = self._keys
        away = (keys.sends < 0) & (keys.nodes >= 0)
        if away.any() and not keys.by_link:
            names = [keys.names[int(i)] for i in np.unique(keys.series[away])]
            note = f"{most_common(names)} lead to no link of the network: their rates are on no link"
            yield use("interfaces", "not modelled", len(names), note)
        strangers = np.unique(keys.series[(keys.nodes < 0)]) if not keys.by_link else np.zeros(0, dtype=np.int64)
        if strangers.size:
            note = f"{most_common([keys.names[int(i)] for i in strangers])} are of no node of the network: not read"
            yield use("devices", "not modelled", strangers.size, note)


def _keys(sheet: Sheet, columns: Columns, found: Interfaces) -> Keys:
    if "link" in columns or "node" not in columns:
        name = columns.name("link" if "link" in columns else "interface")
        coded = sheet.coded(name)
        links = np.array([found.link_named(text) for text in coded.values], dtype=np.int64)
        if (links < 0).any() or (coded.codes < 0).any():
            row = int(np.flatnonzero(np.append(links, -1)[coded.codes] < 0)[0])
            code = int(coded.codes[row])
            text = coded.values[code] if code >= 0 else ""
            why = UnknownElementError("link", text, found.network.link_index)
            raise sheet.source.error(f"row {row + 1}", f"a known link; {why}")
        of = links[coded.codes]
        return Keys(of, of, coded.codes, np.full(of.size, -1), coded.values, by_link=True)
    coded = [sheet.coded(columns.name(x)) for x in ("node", "interface", "index", "alias", "neighbour") if x in columns]
    rows, series = np.unique(np.stack([x.codes for x in coded]), axis=1, return_inverse=True)
    distinct: list[list[int]] = rows.T.tolist()
    texts = [[x.values[code] if code >= 0 else "" for x, code in zip(coded, row, strict=True)] for row in distinct]
    nodes = np.array([found.node(text[0]) for text in texts], dtype=np.int64)
    leaving = [
        found.leaving(node, text[1:]) if node >= 0 else -1 for node, text in zip(nodes.tolist(), texts, strict=True)
    ]
    sends = np.array(leaving, dtype=np.int64)
    receives = np.where(sends >= 0, np.array((*found.reverse, -1), dtype=np.int64)[sends], -1)
    names = tuple(f"{text[0]} {next((x for x in text[1:] if x), '')}".strip() for text in texts)
    series = series.ravel().astype(np.int64)
    return Keys(sends[series], receives[series], series, nodes[series], names, by_link=False)


def _of(quantity: str, end: Floats, seconds: Floats, link: Ints, value: Floats) -> Series:
    kept = link >= 0
    return Series(quantity, end[kept], seconds[kept], link[kept], value[kept])


def _uptime(sheet: Sheet, columns: Columns) -> Floats:
    """Seconds that the device has been up, from hundredths (RFC 3418) or from text such as `(4503) 0:00:45.03`."""
    if "uptime" not in columns:
        return np.full(sheet.rows, np.nan)
    ticks = sheet.numbers(columns.name("uptime"))
    return ticks / 100.0


def _ceilings(found: Interfaces, options: Options) -> Floats:
    """Mbit/s that each link can carry, NaN where nobody stated it, and at the end for no link at all."""
    network = found.network
    return np.array([*(np.nan if x.circuit in options.unsized else x.capacity for x in network.links), np.nan])


def _means_outside(keys: Keys, rows: Ints, value: Floats) -> tuple[Ints, Floats]:
    """Node and mean rate of every interface that leads to no link and does not lead into the router itself."""
    inner = np.array([name.rpartition(" ")[2].lower() in _INTERNAL for name in keys.names], dtype=np.bool_)
    kept = (keys.sends[rows] < 0) & (keys.nodes[rows] >= 0) & np.isfinite(value) & ~inner[keys.series[rows]]
    series, place = np.unique(keys.series[rows][kept], return_inverse=True)
    total = np.bincount(place, value[kept], series.size)
    node = np.zeros(series.size, dtype=np.int64)
    node[place] = keys.nodes[rows][kept]
    return node, total / np.maximum(np.bincount(place, minlength=series.size), 1)


def _rate_note(column: Column) -> str:
    unit = "" if column.factor is None else f", {column.factor:g} Mbit/s in one"
    what = {
        "out": "rate sent",
        "in": "rate received",
        "dropped": "rate dropped",
        "errors": "frames that arrived broken",
    }
    return what[column.quantity] + unit


def _counter_uses(column: Column, rates: Rates) -> Iterator[FieldUse]:
    what = {"out": "octets sent", "in": "octets received", "dropped": "packets dropped", "errors": "broken frames"}
    good = int(np.isfinite(rates.rate).sum())
    note = f"counter of {what[column.quantity]}: differences at the samples' own times"
    if rates.wrapped:
        note += f", {rates.wrapped} of them over a wrap"
    yield use(column.name, "used", good, note)
    if column.quantity == "dropped" and column.factor is None:
        yield use(column.name, "assumed", good, "a packet has 1,000 bytes")
    for count, why in (
        (rates.restarted, "the counter started anew: the difference is missing"),
        (rates.gaps, "readings are missing in between: the difference is missing"),
        (rates.impossible, "more than the link can carry: missing"),
    ):
        if count:
            yield use(column.name, "not modelled", count, why)


def _orient(series: list[Series], found: Interfaces) -> tuple[list[Series], FieldUse]:
    """Decide which end received where rows are called `A->B` and their columns are an interface's.

    What A received is of the other direction: the reading by which both ends of the links agree better counts.
    """
    out, received = (next((x for x in series if x.quantity == name), None) for name in ("out", "in"))
    what = "what is received of `A->B`"
    if out is None or received is None:
        return series, use(what, "assumed", 0, "counted at B")
    reverse = np.array((*found.reverse, -1), dtype=np.int64)
    turned = _of("in", received.end, received.seconds, reverse[received.link], received.value)
    far, near = (_apart(out, x, len(found.network.links)) for x in (received, turned))
    at_tail = near < far
    where = "counted at A, so it is of `B->A`" if at_tail else "counted at B"
    note = f"{where}: both ends differ by {100 * min(near, far):.2f} %, {100 * max(near, far):.2f} % otherwise"
    kept = [turned if x is received and at_tail else x for x in series]
    return kept, use(what, "assumed", received.link.size, note)


def _apart(out: Series, received: Series, links: int) -> float:
    """Median relative difference of the mean rates of both ends."""
    sums = [np.bincount(x.link, np.nan_to_num(x.value), links) for x in (out, received)]
    rows = [np.bincount(x.link, np.isfinite(x.value), links) for x in (out, received)]
    both = (rows[0] > 0) & (rows[1] > 0)
    sent, got = (total[both] / row[both] for total, row in zip(sums, rows, strict=True))
    larger = np.maximum(sent, got)
    busy: Bools = larger > 0
    return float(np.median(np.abs(sent - got)[busy] / larger[busy])) if busy.any() else 1.0


def _as_rows(columns: Columns, series: list[Series], keys: Keys, time: Floats) -> LinkSamples | None:
    """The rows of a table of rates as samples, None where they are counters, or of the other direction."""
    by = {x.quantity: x.value for x in series}
    told = [columns.known[x] for x in ("out", "in", "dropped", "errors") if x in columns]
    if any(x.shape != "rate" for x in told) or any(x.size != time.size for x in by.values()) or len(by) < len(series):
        return None
    if any(x.quantity == "in" and not np.array_equal(x.link, keys.sends) for x in series):
        return None
    none = np.full(time.size, np.nan)
    dropped = by.get("dropped", np.zeros(time.size))
    return LinkSamples(time, keys.sends, by.get("out", none), by.get("in", none), dropped, by.get("up", none))


def _require_plausible(
    sheet: Sheet, columns: Columns, series: list[Series], found: Interfaces, options: Options
) -> None:
    """Refuse rates that are far above all capacities, or far below: their unit is not the one that their name says."""
    ceiling = _ceilings(found, options)
    named = [columns.known[x] for x in ("out", "in") if x in columns and columns.known[x].shape == "rate"]
    if not named:
        return
    shares = [x.value / ceiling[x.link] for x in series if x.quantity in ("out", "in")]
    shares = [x[np.isfinite(x) & (x > 0)] for x in shares]
    shares = [x for x in shares if x.size]
    if not shares:
        return
    share = np.concatenate(shares)
    if min(float(np.median(x)) for x in shares) > _FULLEST or (
        share.max() < _EMPTIEST and "counters" not in options.units
    ):
        wanted = (
            f"rates near the capacities, not {share.max():.2g} times them at most: say --unit counters=mbps or another"
        )
        raise sheet.source.error(f"column {named[0].name}", wanted)
