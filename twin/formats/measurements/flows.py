"""Flows of nfdump and pmacct as demands between the nodes that their addresses are behind."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from twin.live.network import Flags, TrafficSamples
from twin.model import Ints, Network

from ..account import Account, FieldUse
from ..source import Source
from .flow_records import Flow, flow_records
from .interfaces import most_common
from .part import Options, Part, use
from .prefixes import Prefixes

_UPTIME_TURN_S = 2**32 / 1000  # after so long an exporter's clock of milliseconds since it started begins anew
_DAY_S = 86_400.0  # by which flows lie after their receipt, or apart from all others, if an exporter's clock is wrong
_FEW, _SHORT_S = 0.1, 3600.0  # share of a file's flows, and the time that these span
_OCTET = 8e-6  # Mbit
_DEFAULT_S = 300.0
_NAMED = 20  # addresses without a prefix that are remembered of a file


class FlowDemands:
    """Demands that files of flows add up to: of each sample what all files hold of it.

    A file begins and ends in the middle of flows, so that two neighbours both tell of a sample.
    Raises `FormatError` where nobody has said which node addresses are behind.
    """

    def __init__(self, name: str, options: Options) -> None:
        self._name, self._options = name, options
        self._prefixes = _prefixes(name, options)
        self._interval = options.interval_s or _DEFAULT_S
        self._mbit: dict[tuple[int, int, int], float] = {}  # by sample, source and target
        self._count, self._octets = Counter[str](), Counter[str]()
        self._unknown, self._rates = Counter[str](), set[float]()
        self._late = 0.0

    def take(self, paths: Sequence[str]) -> None:
        """Take in the files of one stretch of time, of an exporter or more; nothing of them where one cannot be read.

        What several exporters saw counts once, at the exporter that saw most of it. Raises as `flow_records` does.
        """
        read = [flow_records(path, self._options) for path in paths]
        flows = [x for records, _ in read for x in records]
        self._count["cut"] += sum(cut for _, cut in read)
        if not flows:
            return
        late = _late(flows)
        if late:
            flows = [x._replace(first=x.first - late, last=x.last - late) for x in flows]
            self._late = max(self._late, late)
        astray = _astray(flows, self._options)
        s, t = (self._prefixes.nodes([getattr(x, end) for x in flows]) for end in ("source", "target"))
        unknown, inside = ~astray & ((s < 0) | (t < 0)), ~astray & (s == t) & (s >= 0)
        kept, twice = _once(flows, ~(astray | unknown | inside))
        octets = np.array([x.octets for x in flows])
        for what, these in (("all", ~astray), ("kept", kept), ("unknown", unknown), ("inside", inside)):
            self._count[what] += int(these.sum())
            self._octets[what] += int(octets[these].sum())
        self._count["twice"] += twice
        self._count["astray"] += int(astray.sum())
        ends = ((x.source if a < 0 else x.target) for x, a, no in zip(flows, s, unknown, strict=True) if no)
        self._unknown.update(dict(Counter(ends).most_common(_NAMED)))
        for i in np.flatnonzero(kept).tolist():
            self._spread(flows[i], int(s[i]), int(t[i]))

    def _spread(self, flow: Flow, source: int, target: int) -> None:
        """Add a flow's octets, spread evenly over the time that it lasted, times the rate that it was sampled at."""
        said = self._options.sampling
        rate = max(flow.sampling, 1.0) if said is None else float(said)
        self._rates.add(rate)
        lasting = max(flow.last - flow.first, 1e-3)
        begin, end = (int(x // self._interval) for x in (flow.first, flow.first + lasting))
        for number in range(begin, min(end, begin + 10_000) + 1):
            from_, to = number * self._interval, (number + 1) * self._interval
            inside = max(min(flow.first + lasting, to) - max(flow.first, from_), 0.0)
            key = number + 1, source, target
            self._mbit[key] = self._mbit.get(key, 0.0) + flow.octets * rate * _OCTET * inside / lasting

    def part(self) -> Part:
        """Everything that was taken in. Raises `FormatError` where it holds no flow at all."""
        if not self._count["all"]:
            raise Source(self._name).error("the whole file", "flow records with addresses, octets and times")
        keys = sorted(self._mbit)
        time = np.array([x[0] * self._interval for x in keys], dtype=np.float64)
        mbps = np.array([self._mbit[x] / self._interval for x in keys], dtype=np.float64)
        ends = [np.array([x[i] for x in keys], dtype=np.int64) for i in (1, 2)]
        account = Account(file=self._name, format="flow records", fields=tuple(self._uses()))
        newest = float(time.max()) if time.size else np.nan
        samples = TrafficSamples(time, ends[0], ends[1], mbps)
        return Part(account, traffic=samples, sampling=self._options.sampling, end=newest)

    def _uses(self) -> Iterator[FieldUse]:
        count, total = self._count, float(self._octets["all"])
        shares = {x: share(self._octets[x], total) for x in ("kept", "unknown", "inside")}
        yield use("flows", "used", count["kept"], f"{shares['kept']} of the octets, by node pair")
        if count["unknown"]:
            some = most_common(list(self._unknown.elements()))
            note = f"{shares['unknown']} of the octets: no prefix holds {some}"
            yield use("flows", "not modelled", count["unknown"], note)
        if count["inside"]:
            note = f"{shares['inside']} of the octets: both ends are behind one node"
            yield use("flows", "not modelled", count["inside"], note)
        if count["twice"]:
            note = "seen by a second exporter: each flow counts where most of it was seen"
            yield use("flows", "not modelled", count["twice"], note)
        if count["astray"]:
            note = "dated more than a day from all others, or ahead of the clock: an exporter's clock is wrong"
            yield use("flows", "not modelled", count["astray"], note)
        if count["cut"]:
            yield use("last lines", "not modelled", count["cut"], "without an end: somebody is still writing them")
        if self._late:
            days = self._late / _DAY_S
            note = f"flows lie {days:.1f} days after they were received: the exporter's clock began anew, taken off"
            yield use("flow times", "assumed", count["all"], note)
        yield use("sampling", "assumed", count["all"], _sampled(self._rates))


def read_flows(path: str, _network: Network, options: Options) -> Part:
    """Read the flow records of one file as demands. Raises as `FlowDemands` and `flow_records` do."""
    found = FlowDemands(path, options)
    found.take([path])
    return found.part()


def _prefixes(name: str, options: Options) -> Prefixes:
    if options.prefixes is None:
        wanted = "a table of which node they are behind: --prefixes FILE, with prefix and node"
        raise Source(name).error("the addresses", f"{wanted}, or `prefixes` in [sources] of a site file")
    return options.prefixes


def _sampled(rates: set[float]) -> str:
    least, most = min(rates, default=1.0), max(rates, default=1.0)
    if most <= 1:
        return "octets are taken as they are: unsampled, or multiplied by the collector; --sampling says otherwise"
    between = f"{most:g}" if least == most else f"{least:g} to {most:g}, each flow by its own rate"
    return f"octets times {between}, as one packet in so many was seen"


def _astray(flows: Sequence[Flow], options: Options) -> Flags:
    """Which flows nobody can have sent then [F]: more than a day ahead of the clock, or few and that far from all.

    A wrong clock of one exporter, or one that jumps, dates some flows to its epoch or beyond; after a pause of the
    collector many follow.
    """
    last = np.array([x.last for x in flows])
    ahead = last > options.now.timestamp() + _DAY_S if options.now else np.zeros(last.size, np.bool_)
    order: Ints = np.argsort(last, kind="stable")
    stretch = np.zeros(last.size, np.int64)
    stretch[order] = np.concatenate([[0], np.cumsum(np.diff(last[order]) > _DAY_S)])
    few = [
        (stretch == x).sum() < _FEW * last.size and np.ptp(last[stretch == x]) < _SHORT_S
        for x in range(int(stretch.max()) + 1)
    ]
    return np.asarray(np.array(few)[stretch] | ahead, np.bool_)


def _late(flows: list[Flow]) -> float:
    """Seconds by which the exporter's clock is ahead of the receipt of its flows; a multiple of its uptime's turn."""
    ahead = np.array([x.last - x.received for x in flows])
    known = ahead[np.isfinite(ahead)]
    if not known.size or np.median(known) < _DAY_S:
        return 0.0
    return max(1, round(float(np.median(known)) / _UPTIME_TURN_S)) * _UPTIME_TURN_S


def _once(flows: list[Flow], kept: Flags) -> tuple[Flags, int]:
    """Keep of each conversation what one exporter saw, the one that saw most: what several see is one flow."""
    seen: dict[tuple[str, ...], dict[str, float]] = {}
    for i in np.flatnonzero(kept).tolist():
        by = seen.setdefault((flows[i].source, flows[i].target, *flows[i].key), {})
        by[flows[i].exporter] = by.get(flows[i].exporter, 0.0) + flows[i].octets
    best = {key: max(by, key=lambda x: (by[x], x)) for key, by in seen.items()}
    chosen = kept.copy()
    for i in np.flatnonzero(kept).tolist():
        chosen[i] = best[(flows[i].source, flows[i].target, *flows[i].key)] == flows[i].exporter
    return chosen, int(kept.sum() - chosen.sum())


def share(part: float, whole: float) -> str:
    """A share in words."""
    return f"{100 * float(part) / whole:.1f} %" if whole > 0 else "0.0 %"
