"""Probes that a Prometheus server holds: of blackbox_exporter (ICMP) and of smokeping_prober, between nodes."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from twin.formats.account import Account
from twin.formats.node_names import NodeNames, known_as
from twin.live.network import ProbeSamples
from twin.model import Network

from ..source import Source
from .part import Options, Part, use
from .prometheus import ExposedSample

_SUCCESS, _ROUND_TRIP = "probe_success", "probe_icmp_duration_seconds"
_SENT = "smokeping_requests_total"
_ANSWERED, _SECONDS = "smokeping_response_duration_seconds_count", "smokeping_response_duration_seconds_sum"
METRICS = (_SUCCESS, _ROUND_TRIP, _SENT, _ANSWERED, _SECONDS)
_FROM = ("source", "prober", "from", "node", "router")
_TO = ("target", "host", "to", "ip")
_WANTED = (
    "series whose labels name two nodes: the router that probes as `source` or `prober` (by relabelling), the one that "
    "is probed as `target`, `host` or `instance`; addresses by `prefixes`"
)


class _Reading(NamedTuple):
    """One reading: epoch seconds, positions of the nodes, share lost, half a round trip, and packets behind it."""

    time: float
    source: int
    target: int
    loss: float
    delay_ms: float
    packets: float


_Series = dict[str, dict[float, float]]  # values by metric and time


def probes_part(source: Source, samples: Iterable[ExposedSample], network: Network, options: Options) -> Part | None:
    """Read what probers counted; None where the server holds no such metric.

    A lost probe has no delay. Counters are taken apart at the scrapes' own times; a restart is missing. Half of a round
    trip is taken for each way. Series that lead to no two nodes are left out and counted. Raises `FormatError` where
    none does.
    """
    series: dict[tuple[tuple[str, str], ...], _Series] = defaultdict(lambda: defaultdict(dict))
    for sample in samples:
        if sample.metric in METRICS and sample.labels.get("phase", "rtt") == "rtt":
            labels = tuple(sorted((x, y) for x, y in sample.labels.items() if x not in ("__name__", "phase")))
            with suppress(ValueError):
                series[labels][sample.metric][sample.time] = float(sample.value)
    if not series:
        return None
    names, readings, astray = known_as(network, options.names), list[_Reading](), 0
    for labels, values in series.items():
        ends = _ends(dict(labels), names, options)
        if ends is None:
            astray += 1
            continue
        readings += _pinged(values, *ends)
        readings += _counted(values, *ends)
    if not readings:
        raise source.error(f"{len(series)} series of probes", _WANTED)
    return _part(source, sorted(readings), len(series), astray)


def _part(source: Source, readings: Sequence[_Reading], total: int, astray: int) -> Part:
    time, start, end, loss, delay, packets = (np.array(x) for x in zip(*readings, strict=True))
    rows = len(readings)
    fields = [
        use("series of probes", "used", total - astray, "share lost; of the round trip half is taken for each way"),
        use("packets of a probe", "used", rows, f"{np.median(packets):g} behind each reading"),
    ]
    if astray:
        fields.append(use("other series of probes", "not modelled", astray, f"not {_WANTED}"))
    account = Account(file=source.path, format="Prometheus, probes", fields=tuple(fields))
    samples = ProbeSamples(time, start.astype(np.int64), end.astype(np.int64), loss, delay)
    return Part(account, probes=samples, probe_packets=max(1, round(float(np.median(packets)))), end=float(time.max()))


def _ends(labels: Mapping[str, str], names: NodeNames, options: Options) -> tuple[int, int] | None:
    """Positions of the nodes that probe and are probed. `instance` is either, the other end being named."""
    instance = labels.get("instance", "")
    start = _first((labels.get(x, "") for x in _FROM), names, options)
    end = _first((labels.get(x, "") for x in _TO), names, options)
    if start is None and end is not None:
        start = _first((instance,), names, options)
    elif end is None and start is not None:
        end = _first((instance,), names, options)
    return (start, end) if start is not None and end is not None and start != end else None


def _first(texts: Iterable[str], names: NodeNames, options: Options) -> int | None:
    found = (_node(x, names, options) for x in texts if x)
    return next((x for x in found if x is not None), None)


def _node(text: str, names: NodeNames, options: Options) -> int | None:
    """Position of the node that a label names: by its name, or by its address; a port is no part of either."""
    host, _, port = text.rpartition(":")
    for one in (text, host.strip("[]") if port.isdigit() else ""):
        found = names.find(one) if one else None
        if found is None and one and options.prefixes is not None:
            behind = int(options.prefixes.nodes([one])[0])
            found = behind if behind >= 0 else None
        if found is not None:
            return found
    return None


def _pinged(values: _Series, start: int, end: int) -> Iterator[_Reading]:
    """One probe at each scrape: answered or not, and after how long."""
    for time, answered in values.get(_SUCCESS, {}).items():
        took = values.get(_ROUND_TRIP, {}).get(time, 0.0)
        delay = took * 1e3 / 2 if answered and took > 0 else float("nan")
        yield _Reading(time, start, end, 0.0 if answered else 1.0, delay, 1.0)


def _counted(values: _Series, start: int, end: int) -> Iterator[_Reading]:
    """Counters of probes that were sent and answered, and the seconds that this took, from one scrape to the next."""
    times = sorted(values.get(_SENT, {}))
    for before, now in itertools.pairwise(times):
        sent, answered, seconds = (
            values.get(x, {}).get(now, np.nan) - values.get(x, {}).get(before, np.nan)
            for x in (_SENT, _ANSWERED, _SECONDS)
        )
        if not sent > 0 or not answered >= 0 or not seconds >= 0:
            continue  # nothing was sent, or the prober began anew
        delay = seconds / answered * 1e3 / 2 if answered > 0 else float("nan")
        yield _Reading(now, start, end, float(np.clip(1 - answered / sent, 0.0, 1.0)), delay, sent)
