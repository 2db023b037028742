"""Tables of node pairs and of nodes: traffic, probes, polls, and the states of routing over links."""

import numpy as np

from twin.formats.account import Account, FieldUse
from twin.formats.node_names import known_as
from twin.formats.vocabulary import plain
from twin.live.network import NodeSamples, ProbeSamples, TrafficSamples
from twin.model import Floats, Ints, Network

from .assemble import Series
from .columns import Columns
from .moments import Moments, read_moments
from .part import Options, Part, use
from .sheet import Sheet
from .states import states


def read_traffic_table(sheet: Sheet, columns: Columns, network: Network, options: Options) -> Part:
    """Read demands by time and node pair, as rates or as octets in each interval; a row without a number is unknown.

    Rows of one time and pair add up, the same row twice is one. Raises `FormatError` on a node that is not known, on
    rows that only a column of no known meaning tells apart, and on octets of intervals of unknown length.
    """
    times = _times(sheet, columns, options)
    source, target = (nodes_of(sheet, columns.name(end), network, options) for end in ("source", "target"))
    refuse_summing(sheet, columns, times.seconds, source, target)
    column = columns.known["traffic"]
    value = sheet.numbers(column.name) * (column.factor or 1.0)
    note = f"demand, {column.factor or 1.0:g} Mbit/s in one"
    if column.shape == "amount":
        seconds = interval_of(sheet, times.seconds, options)
        value, note = value / seconds, f"octets in {seconds:g} s each"
    stamp, s, t, mbps = _summed(times.seconds, source, target, value)
    samples = TrafficSamples(stamp, s, t, mbps)
    fields = [
        use(column.name, "used", sheet.rows, note),
        *_time_use(columns, times, sheet.rows),
        *_left(columns, sheet),
    ]
    fields.append(use("pairs without a row", "assumed", 0, "no traffic, at each time that has rows"))
    return Part(
        Account(file=sheet.source.path, format="table of traffic", fields=tuple(fields)),
        traffic=samples,
        end=_last(times.seconds),
    )


def read_probe_table(sheet: Sheet, columns: Columns, network: Network, options: Options) -> Part:
    """Read active probes: the share lost, from a share or per cent, and the one-way delay, half of a round trip."""
    times = _times(sheet, columns, options)
    source, target = (nodes_of(sheet, columns.name(end), network, options) for end in ("source", "target"))
    fields = [*_time_use(columns, times, sheet.rows), *_left(columns, sheet)]
    loss = np.full(sheet.rows, np.nan)
    if "loss" in columns:
        name = columns.name("loss")
        loss = sheet.numbers(name)
        percent = (
            "percent" in plain(name) or "pct" in plain(name) or "%" in name or np.nan_to_num(loss).max(initial=0) > 1
        )
        loss = loss / 100 if percent else loss
        fields.append(use(name, "used", sheet.rows, "per cent lost" if percent else "share lost"))
    delay = np.full(sheet.rows, np.nan)
    by = next((x for x in ("delay", "rtt") if x in columns), None)
    if by is not None:
        factor = {"s": 1e3, "us": 1e-3}.get(options.units.get("delay", "ms"), 1.0) * (0.5 if by == "rtt" else 1.0)
        delay = sheet.numbers(columns.name(by)) * factor
        became = "assumed" if by == "rtt" else "used"
        what = "round trip: half of it is taken for each way" if by == "rtt" else "one-way delay, ms"
        fields.append(use(columns.name(by), became, sheet.rows, what))
    samples = ProbeSamples(times.seconds, source, target, np.clip(loss, 0.0, 1.0), delay)
    account = Account(file=sheet.source.path, format="table of probes", fields=tuple(fields))
    return Part(account, probes=samples, end=_last(times.seconds))


def read_node_table(sheet: Sheet, columns: Columns, network: Network, options: Options) -> Part:
    """Read whether nodes answered their polls."""
    times = _times(sheet, columns, options)
    node = nodes_of(sheet, columns.name("node"), network, options)
    name = columns.name("answered")
    answered = np.nan_to_num(states(name, sheet.coded(name)), nan=0.0) > 0.5
    fields = [use(name, "used", sheet.rows, "whether the node answered"), *_time_use(columns, times, sheet.rows),
              *_left(columns, sheet)]  # fmt: skip
    account = Account(file=sheet.source.path, format="table of nodes", fields=tuple(fields))
    return Part(account, nodes=NodeSamples(times.seconds, node, answered), end=_last(times.seconds))


def read_adjacency_table(sheet: Sheet, columns: Columns, network: Network, options: Options) -> Part:
    """Read broken frames and routing neighbours by link."""
    times = _times(sheet, columns, options)
    coded = sheet.coded(columns.name("link"))
    links = [network.link_index.get(text, -1) for text in coded.values]
    if -1 in links or (coded.codes < 0).any():
        text = coded.values[links.index(-1)] if -1 in links else ""
        raise sheet.source.error(f"the row of {text!r}", "a known link")
    link, seconds = np.array(links, dtype=np.int64)[coded.codes], np.full(sheet.rows, np.nan)
    series: list[Series] = []
    if "errors" in columns:
        series.append(Series("errors", times.seconds, seconds, link, sheet.numbers(columns.name("errors"))))
    if "adjacent" in columns:
        name = columns.name("adjacent")
        series.append(Series("adjacent", times.seconds, seconds, link, states(name, sheet.coded(name))))
    fields = (*_time_use(columns, times, sheet.rows), *_left(columns, sheet))
    account = Account(file=sheet.source.path, format="table of interfaces", fields=fields)
    return Part(account, tuple(series), end=_last(times.seconds))


def _times(sheet: Sheet, columns: Columns, options: Options) -> Moments:
    name = columns.name("time")
    return read_moments(sheet.source, sheet.texts(name), name, zone=options.zone, unit=options.units.get("time"))


def _time_use(columns: Columns, times: Moments, rows: int) -> tuple[FieldUse, ...]:
    return (use(columns.name("time"), "used", rows, times.note),)


def _left(columns: Columns, sheet: Sheet) -> tuple[FieldUse, ...]:
    return tuple(use(name, "not modelled", sheet.rows, "of no known meaning: not read") for name in columns.others)


def nodes_of(sheet: Sheet, column: str, network: Network, options: Options) -> Ints:
    """Position of the node in each row of a column. Raises `FormatError` where there is none, or more than one."""
    known, coded = known_as(network, options.names), sheet.coded(column)
    if (coded.codes < 0).any():
        row = int(np.flatnonzero(coded.codes < 0)[0]) + 1
        raise sheet.source.error(f"row {row}", f"a node in {column}, not nothing")
    codes: list[int] = coded.codes.tolist()
    rows = {code: row for row, code in reversed(list(enumerate(codes, start=1)))}
    positions = [
        known.position(sheet.source, text.removeprefix("node/"), f"row {rows[code]}")
        for code, text in enumerate(coded.values)
    ]
    return np.array(positions, dtype=np.int64)[coded.codes]


def refuse_summing(sheet: Sheet, columns: Columns, time: Floats, source: Ints, target: Ints) -> None:
    """Refuse rows that only an unknown column tells apart: added up, they would be traffic that never was at once."""
    if not columns.others or not sheet.rows:
        return
    stamps = np.nan_to_num(time, nan=-1.0)
    _, group = np.unique(np.stack([stamps, source, target]), axis=1, return_inverse=True)
    group = group.ravel()
    if int(group.max()) + 1 == group.size:
        return
    for name in columns.others:
        codes = sheet.coded(name).codes
        low, high = np.full(group.size, np.iinfo(np.int64).max), np.full(group.size, -2)
        np.minimum.at(low, group, codes)
        np.maximum.at(high, group, codes)
        if (high > np.where(low == np.iinfo(np.int64).max, high, low)).any():
            wanted = f"no column {name!r}, which tells rows of a pair apart; say what it is with --map, or leave it out"
            raise sheet.source.error("the header", wanted)


def _summed(time: Floats, source: Ints, target: Ints, value: Floats) -> tuple[Floats, Ints, Ints, Floats]:
    """One row for each time and pair: different values of it add up, the same one again is the same reading."""
    kept = np.isfinite(time)
    keys = np.stack([time[kept], source[kept], target[kept], value[kept]])
    rows = np.unique(keys, axis=1, equal_nan=True)
    pairs, group = np.unique(rows[:3], axis=1, return_inverse=True)
    total = np.zeros(pairs.shape[1])
    np.add.at(total, group.ravel(), rows[3])
    return pairs[0], pairs[1].astype(np.int64), pairs[2].astype(np.int64), total


def interval_of(sheet: Sheet, time: Floats, options: Options) -> float:
    """Seconds that octets of one time were counted in: as said, else what lies between the times of the file."""
    apart = np.diff(np.unique(time[np.isfinite(time)]))
    if options.interval_s is not None:
        return options.interval_s
    if not apart.size:
        raise sheet.source.error(
            "the whole file", "octets of more than one time, so that it is known how long they were counted"
        )
    return float(np.median(apart))


def _last(time: Floats) -> float:
    known = time[np.isfinite(time)]
    return float(known.max()) if known.size else float("nan")
