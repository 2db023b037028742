"""Telemetry as dense arrays: one row per sample, one column per element, NaN where a measurement is missing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.live.network import Flags, Telemetry
from twin.model import Floats, Ints, Network

from .exported import Exported
from .with_gaps import ratio

_AT_ONCE = 1_000_000  # rates, of a pair in a sample each, that are worked on at once


class Samples(NamedTuple):
    """The newest samples in time order. K samples, m links, n nodes, p probed pairs."""

    time: Floats  # [K] epoch seconds, the end of each interval
    out_mbps: Floats  # [K, m]
    in_mbps: Floats  # [K, m]
    dropped_mbps: Floats  # [K, m]
    up: Flags  # [K, m] operational state as the tail reports it; true where nobody reported
    told: Flags  # [K, m] whether somebody did
    answered: Flags  # [K, n] whether the node answered its poll
    demands: Exported  # of the newest E samples: those before have no flow export
    probe_source: Ints  # [p]
    probe_target: Ints  # [p]
    probe_loss: Floats  # [K, p]
    probe_delay_ms: Floats  # [K, p]
    errors_per_s: Floats  # [K, m] frames that arrived broken, counted at the head
    adjacent: Floats  # [K, m] 1 with a routing neighbour, 0 without, NaN where nothing says so
    packets_per_mbit: Floats  # [K, n] in what is exported towards each node
    flows_per_mbit: Floats  # [K, n] new flows in it

    def rates(self, newest: int | None = None) -> Floats:
        """The demands of so many of the newest samples, of all if None, Mbit/s [K, q]; NaN where nothing was exported.

        Columns are those of `demands`.
        """
        count = len(self.time) if newest is None else min(newest, len(self.time))
        without, rates = count - len(self.demands), self.demands.mbps
        if without <= 0:
            return rates[-without:]
        return np.concatenate([np.full((without, rates.shape[1]), np.nan), rates])

    def matrix(self, row: int) -> Floats:
        """The demands of one sample, by position [n, n]; NaN where it has no flow export."""
        at = row % len(self.time) - len(self.time) + len(self.demands)
        return self.demands.matrix(at) if at >= 0 else np.full((self.demands.nodes,) * 2, np.nan)

    def rows(self, chosen: slice | Sequence[int] | Ints) -> "Samples":
        """Return only some samples, by position, in their order."""
        at = np.arange(len(self.time))[chosen] - len(self.time) + len(self.demands)
        exported = at[at >= 0]
        whole = slice(int(exported[0]), int(exported[-1]) + 1) if exported.size else slice(0, 0)
        return Samples(
            self.time[chosen],
            self.out_mbps[chosen],
            self.in_mbps[chosen],
            self.dropped_mbps[chosen],
            self.up[chosen],
            self.told[chosen],
            self.answered[chosen],
            self.demands.rows(whole if isinstance(chosen, slice) else exported),
            self.probe_source,
            self.probe_target,
            self.probe_loss[chosen],
            self.probe_delay_ms[chosen],
            self.errors_per_s[chosen],
            self.adjacent[chosen],
            self.packets_per_mbit[chosen],
            self.flows_per_mbit[chosen],
        )


def read_samples(network: Network, telemetry: Telemetry, newest: int) -> Samples:
    """Arrange the last `newest` samples. Raises `InputError` when there is none or an element is out of range."""
    _check_range(telemetry, len(network.nodes), len(network.links))
    time = _times(telemetry)[-newest:]
    if not time.size:
        raise InputError("there is no telemetry to observe", fix="wait for at least one sample")
    exported = np.isin(time, _moments(telemetry.traffic.time))
    since = int(np.argmax(exported)) if exported.any() else len(time) - 1
    return _arranged(network, telemetry, time, _pairs(network, telemetry), since)


def each_sample(network: Network, telemetry: Telemetry, after: float) -> Iterator[Samples]:
    """Yield every sample that is newer than `after`, one by one, as `read_samples` has it.

    Only so many are arranged at a time: a thousand nodes may have 8 MB of demands in each. Raises as `read_samples` on
    an element out of range.
    """
    _check_range(telemetry, len(network.nodes), len(network.links))
    times, pairs = _times(telemetry), _pairs(network, telemetry)
    new, step = times[times > after], max(_AT_ONCE // max(pairs.loaded.size, 1), 1)
    parts = _parts(telemetry)
    for k in range(0, new.size, step):
        some = new[k : k + step]
        arranged = _arranged(network, parts(some), some, pairs)
        yield from (arranged.rows(slice(row, row + 1)) for row in range(some.size))


class _Pairs(NamedTuple):
    """What all of the telemetry says of pairs of nodes, each by source times n plus target."""

    loaded: Ints  # [q] provisioned or ever exported, in order: all others have no traffic
    probed: Ints  # [p]


def _pairs(network: Network, telemetry: Telemetry) -> _Pairs:
    n, traffic, probes = len(network.nodes), telemetry.traffic, telemetry.probes
    loaded = network.demands.ravel() != 0
    loaded[traffic.source * n + traffic.target] = True
    return _Pairs(np.flatnonzero(loaded), np.unique(probes.source * n + probes.target))


def _times(telemetry: Telemetry) -> Floats:
    return np.unique(np.concatenate([_moments(x) for x in (telemetry.links.time, telemetry.traffic.time)]))


def _moments(at: Floats) -> Floats:
    """The times in a column of rows, of which a thousand nodes have a million at each."""
    new = np.ones(at.size, dtype=np.bool_)
    np.not_equal(at[1:], at[:-1], out=new[1:])
    return at[new]


def _parts(telemetry: Telemetry) -> Callable[[Floats], Telemetry]:
    """Tell what of the telemetry can be of some times, at least."""
    names = ("links", "nodes", "probes", "traffic", "interfaces", "flows")
    within = {name: _rows_within(getattr(telemetry, name).time) for name in names}

    def part(some: Floats) -> Telemetry:
        tables = {name: (getattr(telemetry, name), within[name](some)) for name in names}
        return replace(
            telemetry, **{name: table._make(x[rows] for x in table) for name, (table, rows) in tables.items()}
        )

    return part


def _arranged(network: Network, telemetry: Telemetry, time: Floats, known: _Pairs, since: int = 0) -> Samples:
    """Arrange the samples of these times, demands of those from position `since` on."""
    n, m, pairs = len(network.nodes), len(network.links), known.probed
    links, nodes, probes, more = telemetry.links, telemetry.nodes, telemetry.probes, telemetry.interfaces
    up = _dense(time, links.time, links.link, np.asarray(links.up, dtype=np.float64), m)
    probed = np.searchsorted(pairs, probes.source * n + probes.target)
    packets, started = _per_mbit(telemetry, time, n, known.loaded)
    return Samples(
        time=time,
        out_mbps=_dense(time, links.time, links.link, links.out_mbps, m),
        in_mbps=_dense(time, links.time, links.link, links.in_mbps, m),
        dropped_mbps=_dense(time, links.time, links.link, links.dropped_mbps, m),
        up=up != 0,
        told=np.isfinite(up),
        answered=_dense(time, nodes.time, nodes.node, nodes.answered.astype(np.float64), n) == 1,
        demands=_demands(n, telemetry, time[since:], known.loaded),
        probe_source=pairs // n,
        probe_target=pairs % n,
        probe_loss=_dense(time, probes.time, probed, probes.loss, pairs.size),
        probe_delay_ms=_dense(time, probes.time, probed, probes.delay_ms, pairs.size),
        errors_per_s=_dense(time, more.time, more.link, more.errors_per_s, m),
        adjacent=_dense(time, more.time, more.link, more.adjacent.astype(np.float64), m),
        packets_per_mbit=packets,
        flows_per_mbit=started,
    )


def _dense(time: Floats, at: Floats, element: Ints, values: Floats, count: int) -> Floats:
    """Arrange one column; of rows for the same element and time the last one counts."""
    dense = np.full((time.size, count), np.nan)
    row = np.searchsorted(time, at)
    kept = row < time.size
    kept[kept] &= time[row[kept]] == at[kept]
    if kept.all():
        dense[row, element] = values
    else:
        dense[row[kept], element[kept]] = values[kept]
    return dense


def _demands(n: int, telemetry: Telemetry, time: Floats, loaded: Ints) -> Exported:
    """Measured demands of these pairs: one that is neither provisioned nor ever exported has no traffic.

    Nor has one without a row at a time that has rows, where the network declares that export leaves such pairs out.
    """
    traffic = telemetry.traffic
    pair = _columns(n, loaded)[traffic.source * n + traffic.target]
    dense = _dense(time, traffic.time, pair, traffic.mbps, loaded.size)
    if telemetry.declared.sparse:
        told = np.zeros(dense.shape, dtype=np.bool_)
        row = np.searchsorted(time, traffic.time)
        kept = (row < time.size) & (time[np.minimum(row, time.size - 1)] == traffic.time)
        told[row[kept], pair[kept]] = True
        some = np.any(told, axis=1, keepdims=True)
        dense[some & ~told] = 0.0
    return Exported(n, loaded, dense)


def _columns(n: int, pairs: Ints) -> Ints:
    """The column that each pair of n nodes has among these, -1 where it is none of them [n * n]."""
    column = np.full(n * n, -1)
    column[pairs] = np.arange(pairs.size)
    return column


def _per_mbit(telemetry: Telemetry, time: Floats, n: int, loaded: Ints) -> tuple[Floats, Floats]:
    """Packets and new flows per exported Mbit towards each node [K, n]; NaN where flow export does not say."""
    flows, traffic = telemetry.flows, telemetry.traffic
    packets, started = np.full((time.size, n), np.nan), np.full((time.size, n), np.nan)
    step, column = max(_AT_ONCE // max(loaded.size, 1), 1), _columns(n, loaded)
    within = _rows_within(flows.time), _rows_within(traffic.time)
    for k in range(0, time.size if flows.time.size else 0, step):
        some = time[k : k + step]
        of_flows, of_traffic = (x(some) for x in within)
        pair = column[flows.source[of_flows] * n + flows.target[of_flows]]
        sent = column[traffic.source[of_traffic] * n + traffic.target[of_traffic]]
        has, counted = pair >= 0, flows.time[of_flows]
        mbps = _dense(some, traffic.time[of_traffic], sent, traffic.mbps[of_traffic], loaded.size)
        pairs = Exported(n, loaded, mbps)
        for found, per_s in ((packets, flows.packets_per_s), (started, flows.flows_per_s)):
            counts = _dense(some, counted[has], pair[has], per_s[of_flows][has], loaded.size)
            both = np.isfinite(counts) & np.isfinite(mbps)
            sums = (np.array([pairs.arriving(row) for row in np.where(both, x, 0.0)]) for x in (counts, mbps))
            found[k : k + step] = ratio(*sums)
    return packets, started


def _rows_within(at: Floats) -> Callable[[Floats], slice]:
    """Tell which rows can be of some times, all of them where rows are in no order: once through, not once a part."""
    ordered = not (at[1:] < at[:-1]).any()

    def within(some: Floats) -> slice:
        begin, end = np.searchsorted(at, some[:1], side="left"), np.searchsorted(at, some[-1:], side="right")
        return slice(int(begin[0]), int(end[0])) if ordered else slice(None)

    return within


def _check_range(telemetry: Telemetry, n: int, m: int) -> None:
    pairs = (telemetry.traffic, telemetry.probes, telemetry.flows)
    columns = {
        "link": ((telemetry.links.link, telemetry.interfaces.link), m),
        "node": ((telemetry.nodes.node,), n),
        "source": ([x.source for x in pairs], n),
        "target": ([x.target for x in pairs], n),
    }
    for name, (parts, size) in columns.items():
        for positions in parts:
            if positions.size and not 0 <= positions.min() <= positions.max() < size:
                raise InputError(
                    f"telemetry names {name} {positions.max()}, the inventory has {size}",
                    fix="read the topology again: the inventory is older than the telemetry",
                )
