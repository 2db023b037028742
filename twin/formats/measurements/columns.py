"""What the columns of a table of measurements mean, told by their names or said with `--map QUANTITY=COLUMN`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from twin.errors import InputError
from twin.formats.source import Source
from twin.formats.vocabulary import RATE, plain, unit_of

Shape = Literal["rate", "counter", "amount"]

_NAMES: Mapping[str, tuple[str, ...]] = {
    "time": (
        *("time", "timestamp", "datetime", "ts", "stampinserted", "bin", "date", "stamp", "datehour", "interval"),
        *("epoch", "polltime", "sampletime", "collected", "collectedat", "receivedat", "unixtime", "clock", "zeit"),
        *("datum", "zeitpunkt", "eventtime", "logtime", "lastpoll", "timereceived"),
    ),
    "link": ("link", "linkname", "linkid"),
    "node": ("node", "router", "device", "host", "hostname", "sysname", "instance", "agent", "devicename", "nodename"),
    "interface": ("interface", "ifname", "port", "ifdescr", "interfacename", "ifdesc", "portname", "intf", "iface"),
    "index": ("ifindex", "index", "interfaceindex"),
    "alias": ("ifalias", "alias", "description", "interfacedescription", "descr"),
    "neighbour": ("neighbour", "neighbor", "peer", "remotenode", "remotedevice", "remotehost", "farend"),
    "up": ("up", "operstatus", "ifoperstatus", "operup", "status", "state", "operationalstatus", "linkstatus"),
    "uptime": ("uptime", "sysuptime", "sysuptimeinstance", "boottime", "uptimes"),
    "source": (
        *("source", "src", "from", "origin", "ingress", "orig", "sourcenode", "srcnode", "fromnode", "sourcerouter"),
        *("ingressnode", "ingressrouter", "quelle", "von", "origen", "desde", "origine"),
    ),
    "target": (
        *(
            "target", "dst", "dest", "destination", "to", "egress", "sink", "targetnode", "dstnode", "destnode",
            "tonode",
        ),
        *("targetrouter", "egressnode", "egressrouter", "ziel", "nach", "destino", "hasta", "destinazione"),
    ),
    "loss": ("loss", "lossshare", "losspercent", "losspct", "packetloss", "lossratio"),
    "delay": ("delayms", "delay", "latency", "latencyms", "owdms", "onewaydelayms"),
    "rtt": ("rtt", "rttms", "rttavg", "rttavgms", "avgrtt", "rttmedianms", "roundtripms", "median"),
    "answered": ("answered", "reachable", "pollok"),
    "adjacent": ("adjacent", "adjacency"),
    "changes": (
        *("carrierchanges", "carrierchangestotal", "nodenetworkcarrierchangestotal", "carriertransitions", "linkflaps"),
        *("interfacesinterfacestatecounterscarriertransitions", "statechanges"),
    ),
    "lastchange": ("iflastchange", "lastchange", "interfacesinterfacestatelastchange"),
    "errors": ("errorspers", "errorsps", "inerrorspers"),
}  # fmt: skip
_DIRECTION = {
    "out": r"(?:hc)?(?:output|out|tx|transmitted|transmit|egress|sent|send|upload)(?:hc)?",
    "in": r"(?:hc)?(?:input|ingress|in|rx|received|receive|recv|download)(?:hc)?",
    "dropped": r"(?:out|tx|transmit|output)?(?:dropped|drops?|discarded|discards?)",
    "errors": r"(?:in|rx|receive|input)?(?:errors?|err)",
}
_BEFORE = r"(?:if|interface|interfaces|nodenetwork|network|net|state|counters|openconfig|gnmic|snmp|oc)*"
_COUNTED = ("octets", "bytes", "octetstotal", "bytestotal", "octet", "byte", "octetscounter", "bytescounter")
_PACKETS = ("", "total", "packets", "pkts", "packetstotal", "pktstotal", "counter")
_SILENT = ("", "rate", "traffic", "load", "bandwidth", "value", "util", "throughput", "avg", "average", "mean")
_BYTES = re.compile(r"(?<![a-z])([KMGT]?)i?B(?:ps|/s|ytes/s|ytesPerSec(?:ond)?)$")
_PER_SECOND = re.compile(r"^(k|m|g|t|)(bytes?|octets?)(?:ps|pers|persec|persecond|s)$")
_VOLUMES = ("traffic", "demand", "volume", "rate", "bandwidth", "bw", "value", "load", "bitrate")
_AMOUNTS = ("bytes", "octets", "ibyt", "inbytes", "inoctets", "totalbytes", "sumbytes")
_PREFIX = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}

QUANTITIES = ("time", "link", "out", "in", "dropped", "traffic", *(x for x in _NAMES if x not in ("time", "link")))


class Column(NamedTuple):
    """One column whose meaning is known. `factor` is Mbit/s of a rate, or Mbit of a count; None where no unit is said.

    `wide` is whether a counter's name says that it has 64 bits.
    """

    quantity: str
    name: str
    shape: Shape = "rate"
    factor: float | None = None
    wide: bool = False


class Columns(NamedTuple):
    """The columns of one table by their meaning, and those that have none."""

    known: Mapping[str, Column]
    others: tuple[str, ...]

    def __contains__(self, quantity: object) -> bool:
        """Whether there is a column of a quantity."""
        return quantity in self.known

    def name(self, quantity: str) -> str:
        """Name of the column of a quantity."""
        return self.known[quantity].name


def read_mapping(said: Iterable[str]) -> Mapping[str, str]:
    """Read columns as they are typed, `out=ifHCOutOctets,in=ifHCInOctets`.

    Raises `InputError` on a quantity that is not known, or that is said twice.
    """
    found: dict[str, str] = {}
    for text in (part for each in said for part in each.split(",") if part.strip()):
        quantity, equals, column = (part.strip() for part in text.partition("="))
        if quantity not in QUANTITIES or not equals or not column or quantity in found:
            raise InputError(
                f"no mapping {text[:60]!r}", fix=f"write QUANTITY=COLUMN once for each of {', '.join(QUANTITIES)}"
            )
        found[quantity] = column
    return found


def read_columns(
    source: Source, header: Sequence[str], mapping: Mapping[str, str], units: Mapping[str, str]
) -> Columns:
    """Tell what each column means. What was said in `mapping` counts first, then each name by itself.

    `units` gives the unit of rates, `counters` for those of interfaces and `traffic`: what is said there counts more
    than the name of a column. Raises `FormatError` where a rate has no unit, or a column that was said is not there.
    """
    here = {quantity: _find(source, column, header) for quantity, column in mapping.items() if column in header}
    taken = set(here.values())
    known = {quantity: _column(quantity, column) for quantity, column in here.items()}
    for column in header:
        found = None if column in taken else recognise_column(column)
        if found is None:
            continue
        taken.add(column)
        before = known.get(found.quantity)
        if before is None:
            known[found.quantity] = found
        elif found.quantity not in here and _better(found, before):
            known[found.quantity] = found
            taken.discard(before.name)
        else:
            taken.discard(column)
    settled = {quantity: _settled(source, column, units) for quantity, column in known.items()}
    return Columns(settled, tuple(x for x in header if x not in {column.name for column in settled.values()}))


def recognise_column(name: str) -> Column | None:
    """Return what a column is by its name alone, None when the name is not known."""
    word = plain(name)
    for quantity, names in _NAMES.items():
        if word in names:
            return Column(quantity, name)
    for quantity, pattern in _DIRECTION.items():
        match = re.fullmatch(rf"{_BEFORE}{pattern}(.*)", word)
        if match and (found := _counted(quantity, name, match[1])):
            return found
    return _traffic(name, word)


def rate_factor(name: str, rest: str | None = None) -> float | None:
    """Mbit/s in one unit of a rate, as a column's name ends: `MBps` and `bytes/s` are octets, `Mbps` and `bps` bits."""
    if octets := _BYTES.search(name):
        return 8e-6 * _PREFIX[octets[1].lower()]
    word = plain(name) if rest is None else rest
    if per_second := _PER_SECOND.match(word):
        return 8e-6 * _PREFIX[per_second[1]]
    unit = unit_of(re.sub(r"bits?(?:per)(?:sec(?:ond)?|s)$", "bps", word), RATE) if word else None
    return RATE[unit] if unit is not None and not unit.endswith("bytes") else None


def _column(quantity: str, name: str) -> Column:
    """A column that was said to be a quantity: its name still tells whether it counts, and in what."""
    by_name = recognise_column(name)
    if by_name is not None and (by_name.quantity == quantity or {by_name.quantity, quantity} <= set(_DIRECTION)):
        return by_name._replace(quantity=quantity)
    if quantity in (*_DIRECTION, "traffic"):
        word = plain(name)
        if re.search(r"(?:octets|bytes)(?:total|counter)?$", word):
            shape: Shape = "amount" if quantity == "traffic" else "counter"
            return Column(quantity, name, shape, 8e-6, wide="hc" in word or "64" in word)
        ends = (word[i:] for i in range(len(word)))
        factor = rate_factor(name, "") or next(
            (x for end in ends if len(end) > 2 and (x := rate_factor("", end))), None
        )
        return Column(quantity, name, "rate", factor)
    return Column(quantity, name)


def _counted(quantity: str, name: str, rest: str) -> Column | None:
    """A column of a direction by what its name ends in: octets that are counted, a rate with or without its unit."""
    wide = bool(re.search(r"hc|64", plain(name)))
    if quantity in ("out", "in"):
        if rest in _COUNTED:
            return Column(quantity, name, "counter", 8e-6, wide=wide)
        if rest in _SILENT:
            return Column(quantity, name)
    elif rest in _PACKETS:
        return Column(quantity, name, "counter", None, wide=wide)
    for stem in _SILENT:
        if rest.startswith(stem) and (factor := rate_factor(name, rest[len(stem) :])):
            return Column(quantity, name, "rate", factor)
    return None


def _traffic(name: str, word: str) -> Column | None:
    if word in _AMOUNTS:
        return Column("traffic", name, "amount", 8e-6)
    for stem in ("", *_VOLUMES):
        if word.startswith(stem) and (stem or len(word) > 1) and (factor := rate_factor(name, word[len(stem) :])):
            return Column("traffic", name, "rate", factor)
    return Column("traffic", name) if word in _VOLUMES else None


def _better(found: Column, before: Column) -> bool:
    """Whether a column tells a quantity better than another of the same table: wide counters before narrow ones."""
    if found.shape == before.shape == "counter":
        return found.wide and not before.wide
    first = _NAMES.get(found.quantity, ())
    if plain(found.name) in first and plain(before.name) in first:
        return first.index(plain(found.name)) < first.index(plain(before.name))
    return found.factor is not None and before.factor is None


def _settled(source: Source, column: Column, units: Mapping[str, str]) -> Column:
    said = units.get("traffic" if column.quantity == "traffic" else "counters")
    if column.quantity not in ("out", "in", "traffic", "dropped") or column.shape != "rate":
        return column
    if said is not None:
        return column._replace(factor=RATE[said])
    if column.factor is None:
        of = "traffic" if column.quantity == "traffic" else "counters"
        wanted = f"the unit of {column.name} in its name (bps, kbps, mbps or gbps), or said with --unit {of}=mbps"
        raise source.error("the header", wanted)
    return column


def _find(source: Source, column: str, header: Sequence[str]) -> str:
    if header.count(column) != 1:
        raise source.error("the header", f"one column {column!r}, not {header.count(column)}")
    return column
