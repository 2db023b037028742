"""Flow records of nfdump and pmacct, CSV or JSON, as demands between the nodes that their addresses are behind."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from twin.files import parse_json, read_text
from twin.live.network import TrafficSamples
from twin.model import Floats, Ints, Network

from ..account import Account, FieldUse
from ..source import Source
from .interfaces import most_common
from .moments import moment
from .part import Options, Part, use

_UPTIME_TURN_S = 2**32 / 1000  # after so long an exporter's clock of milliseconds since it started begins anew
_APART_S = 86_400.0  # by which flows lie after their receipt if the exporter's clock is wrong
_OCTET = 8e-6  # Mbit
_DEFAULT_S = 300.0
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "source": ("sa", "srcaddr", "src4_addr", "src6_addr", "ip_src", "src_ip", "srcip", "src_host", "src_net"),
    "target": ("da", "dstaddr", "dst4_addr", "dst6_addr", "ip_dst", "dst_ip", "dstip", "dst_host", "dst_net"),
    "octets": ("ibyt", "in_bytes", "bytes", "byt", "octets", "inbytes"),
    "packets": ("ipkt", "in_packets", "packets", "pkt"),
    "first": ("ts", "first", "timestamp_start", "stamp_inserted", "tstart", "firstseen"),
    "last": ("te", "last", "timestamp_end", "stamp_updated", "timestamp_max", "lastseen"),
    "received": ("tr", "received", "timestamp_export", "timestamp_arrival"),
    "exporter": ("ra", "ip4_router", "ip6_router", "peer_ip_src", "exporter", "agent", "peer_src_ip"),
    "source_port": ("sp", "src_port", "port_src"),
    "target_port": ("dp", "dst_port", "port_dst"),
    "protocol": ("pr", "proto", "ip_proto"),
    "sampling": ("sampling_rate", "sampling", "samplerate"),
}


class Flow(NamedTuple):
    """One record: addresses, octets on the wire as far as the tool knows, epoch seconds, and who exported it."""

    source: str
    target: str
    octets: float
    first: float
    last: float
    received: float
    exporter: str
    key: tuple[str, str, str]
    sampling: float


def is_flows(path: str, head: bytes) -> bool:
    """Whether a file looks like flow records, by its first bytes."""
    if path.lower().endswith(".parquet"):
        return False
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n[")
    if text.startswith("{"):
        start = text[:4000]
        return _has(re.findall(r'"(\w+)"\s*:', start))
    return _has(word.strip().strip('"').lower() for word in text.partition("\n")[0].split(","))


def read_flows(path: str, _network: Network, options: Options) -> Part:
    """Read flow records as demands: octets between two nodes by the prefixes behind them, spread over the samples.

    What several exporters saw is counted once, at the exporter that saw most of it. `options.sampling` multiplies
    octets; unsaid, what each record says of its own sampling does. Raises `FormatError` where there is no flow, or
    nobody has said which node addresses are behind.
    """
    source = Source(path)
    if options.prefixes is None:
        raise source.error(
            "the addresses", "a table of which node they are behind: --prefixes FILE, with prefix and node"
        )
    flows = list(_records(source, read_text(path), options))
    if not flows:
        raise source.error("the whole file", "flow records with addresses, octets and times")
    late = _late(flows)
    if late:
        flows = [x._replace(first=x.first - late, last=x.last - late) for x in flows]
    s, t = (options.prefixes.nodes([getattr(x, end) for x in flows]) for end in ("source", "target"))
    kept = (s >= 0) & (t >= 0) & (s != t)
    kept, twice = _once(flows, kept)
    sampling = _sampling(flows, options)
    samples = _spread([x for x, good in zip(flows, kept, strict=True) if good], s[kept], t[kept], sampling, options)
    account = Account(
        file=path, format="flow records", fields=tuple(_uses(flows, (s, t), kept, (twice, late, sampling)))
    )
    end = float(samples.time.max()) if samples.time.size else np.nan
    return Part(account, traffic=samples, sampling=options.sampling, end=end)


def _has(words: Iterable[str]) -> bool:
    found = {word.lower() for word in words}
    return all(found & set(_FIELDS[x]) for x in ("source", "target", "octets"))


def _records(source: Source, text: str, options: Options) -> Iterator[Flow]:
    names: dict[str, str] = {}
    for row in _rows(source, text):
        if not names:
            names = {x: n for x, known in _FIELDS.items() if (n := next((n for n in known if n in row), None))}
        found = {x: row.get(n, "") for x, n in names.items()}
        for end, wide in (("source", "src6_addr"), ("target", "dst6_addr")):
            found[end] = found.get(end) or row.get(wide, "") or row.get(wide.replace("6", "4"), "")
        octets = _number(found.get("octets", ""))
        if not found["source"] or not found["target"] or octets is None:
            continue
        times = [_time(found.get(x, ""), options) for x in ("first", "last", "received")]
        key = (found.get("protocol", ""), found.get("source_port", ""), found.get("target_port", ""))
        first = times[0] if times[0] is not None else times[2]
        if first is None:
            continue
        last = times[1] if times[1] is not None and times[1] >= first else first
        yield Flow(found["source"], found["target"], octets, first, last, times[2] or np.nan, found.get("exporter", ""),
                   key, _number(found.get("sampling", "")) or 0.0)  # fmt: skip


def _rows(source: Source, text: str) -> Iterator[Mapping[str, str]]:
    """Rows as texts by name; of an nfdump CSV those before its summary."""
    if text.lstrip().startswith(("{", "[")):
        for entry in _objects(source, text):
            yield {str(name).lower(): "" if value is None else str(value) for name, value in entry.items()}
        return
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if line.strip() == "Summary" or line.startswith("#")), len(lines))
    try:
        for row in csv.DictReader(io.StringIO("\n".join(lines[:end]))):
            yield {
                (name or "").strip().lower(): (value or "").strip()
                for name, value in row.items()
                if isinstance(value, str)
            }
    except csv.Error as error:
        raise source.error("the whole file", f"CSV; {error}") from error


def _objects(source: Source, text: str) -> Iterator[Mapping[str, object]]:
    """Objects of JSON lines, of a list, or of texts such as nfdump's, one after the other with commas in between."""
    decoder, at = json.JSONDecoder(), 0
    try:
        whole = parse_json(text)
        yield from (x for x in (whole if isinstance(whole, list) else [whole]) if isinstance(x, dict))
        return
    except ValueError:
        pass
    while True:
        while at < len(text) and text[at] in " \t\r\n,[]":
            at += 1
        if at >= len(text):
            return
        try:
            entry, end = decoder.raw_decode(text, at)
            parse_json(text[at:end])
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            raise source.error(f"line {line}", "one JSON object after the other") from error
        if isinstance(entry, dict):
            yield entry
        at = end


def _number(text: str) -> float | None:
    """A number, with nfdump's K, M and G where it scales."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)\s*", text)
    return float(match[1]) * {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[match[2]] if match else None


def _time(text: str, options: Options) -> float | None:
    if re.fullmatch(r"\d{9,11}(?:\.\d+)?", text):
        return float(text)
    found = moment(text, zone=options.zone) if text else None
    return found if found is not None and found > 0 else None


def _late(flows: list[Flow]) -> float:
    """Seconds by which the exporter's clock is ahead of the receipt of its flows; a multiple of its uptime's turn."""
    ahead = np.array([x.last - x.received for x in flows])
    known = ahead[np.isfinite(ahead)]
    if not known.size or np.median(known) < _APART_S:
        return 0.0
    return max(1, round(float(np.median(known)) / _UPTIME_TURN_S)) * _UPTIME_TURN_S


def _once(flows: list[Flow], kept: np.ndarray) -> tuple[np.ndarray, int]:
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


def _sampling(flows: list[Flow], options: Options) -> float:
    """What octets are multiplied by: as said; tools that were told the rate have done it, and nothing is done then."""
    stated = {x.sampling for x in flows if x.sampling > 1}
    if options.sampling is not None:
        return float(options.sampling)
    return stated.pop() if len(stated) == 1 else 1.0


def _spread(flows: list[Flow], s: Ints, t: Ints, sampling: float, options: Options) -> TrafficSamples:
    """Rates per sample: a flow's octets are spread evenly over the time that it lasted."""
    interval = options.interval_s or _DEFAULT_S
    first, last = np.array([x.first for x in flows]), np.array([x.last for x in flows])
    octets = np.array([x.octets for x in flows]) * sampling
    totals: dict[tuple[int, int, int], float] = {}
    for i in range(len(flows)):
        lasting = max(float(last[i] - first[i]), 1e-3)
        begin, end = int(first[i] // interval), int((first[i] + lasting) // interval)
        for number in range(begin, min(end, begin + 10_000) + 1):
            inside = min(float(first[i]) + lasting, (number + 1) * interval) - max(float(first[i]), number * interval)
            key = number + 1, int(s[i]), int(t[i])
            totals[key] = totals.get(key, 0.0) + float(octets[i]) * max(inside, 0.0) / lasting
    keys = sorted(totals)
    time: Floats = np.array([x[0] * interval for x in keys], dtype=np.float64)
    mbps = np.array([totals[x] * _OCTET / interval for x in keys], dtype=np.float64)
    ends = [np.array([x[i] for x in keys], dtype=np.int64) for i in (1, 2)]
    return TrafficSamples(time, ends[0], ends[1], mbps)


def _uses(
    flows: list[Flow], ends: tuple[Ints, Ints], kept: np.ndarray, read: tuple[int, float, float]
) -> Iterator[FieldUse]:
    (s, t), (twice, late, sampling) = ends, read
    octets = np.array([x.octets for x in flows])
    total = float(octets.sum())
    yield use("flows", "used", int(kept.sum()), f"{share(octets[kept].sum(), total)} of the octets, by node pair")
    unknown, inside = (s < 0) | (t < 0), (s == t) & (s >= 0)
    if unknown.any():
        some = [x.source if a < 0 else x.target for x, a, b in zip(flows, s, t, strict=True) if a < 0 or b < 0]
        note = f"{share(octets[unknown].sum(), total)} of the octets: no prefix holds {most_common(some)}"
        yield use("flows", "not modelled", int(unknown.sum()), note)
    if inside.any():
        note = f"{share(octets[inside].sum(), total)} of the octets: both ends are behind one node"
        yield use("flows", "not modelled", int(inside.sum()), note)
    if twice:
        yield use(
            "flows", "not modelled", twice, "seen by a second exporter: each flow counts where most of it was seen"
        )
    if late:
        note = (
            f"flows lie {late / 86_400:.1f} days after they were received: the exporter's clock began anew, taken off"
        )
        yield use("flow times", "assumed", len(flows), note)
    if sampling > 1:
        yield use("sampling", "assumed", len(flows), f"octets times {sampling:g}, as one packet in so many was seen")
    else:
        note = "octets are taken as they are: unsampled, or multiplied by the collector; --sampling says otherwise"
        yield use("sampling", "assumed", len(flows), note)


def share(part: float, whole: float) -> str:
    """A share in words."""
    return f"{100 * float(part) / whole:.1f} %" if whole > 0 else "0.0 %"
