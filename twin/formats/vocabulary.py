"""The names that files give to quantities, and the units they write them in.

One table for every format: a reader hands on fields as the file names them, and this says which quantity each one is.
A unit is read from the value (`10 Gbps`), else from the name (`capacity_gbps`), else it is the format's convention.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

RATE: Mapping[str, float] = MappingProxyType(
    {
        **{"bps": 1e-6, "kbps": 1e-3, "mbps": 1.0, "gbps": 1e3, "tbps": 1e6},
        **{"bytes": 8e-6, "kbytes": 8e-3, "mbytes": 8.0, "gbytes": 8e3, "tbytes": 8e6},
    }
)
"""Mbit/s in one of each unit."""

_RATE_WORDS = {
    **{
        f"{p}{w}": f"{p}bps"
        for p in ("", "k", "m", "g", "t")
        for w in ("bps", "bits", "bitps", "bitss", "bit", "be", "bs")
    },
    **{f"{p}": f"{p}bps" for p in ("k", "m", "g", "t")},
    **{f"{p}b": f"{p}bps" for p in ("k", "m", "g", "t")},
    **{f"{p}e": f"{p}bps" for p in ("g", "t")},
    "bits": "bps",
    "bytespersecond": "bytes",
    "byteps": "bytes",
    "kbitss": "kbps",
    "gige": "gbps",
}
TIME: Mapping[str, float] = {
    "s": 1e3,
    "sec": 1e3,
    "ms": 1.0,
    "msec": 1.0,
    "us": 1e-3,
    "usec": 1e-3,
    "ns": 1e-6,
}
LENGTH: Mapping[str, float] = {"km": 1.0, "m": 1e-3, "mi": 1.609344, "miles": 1.609344}


class Quantity(NamedTuple):
    """One quantity of a node or a link: our name, words for it, the units it comes in, and what files call it."""

    name: str
    what: str
    units: Mapping[str, float]
    names: tuple[str, ...]
    own_unit: str = ""
    """The unit of a name that says none, whatever the format."""


_NO_UNIT: Mapping[str, float] = MappingProxyType({})
_ENABLED = ("enabled", "adminstatus", "ifadminstatus", "adminstate", "adminup", "administrativestatus")

NODE_QUANTITIES = (
    Quantity("name", "name", _NO_UNIT, ("name", "label", "nodelabel", "hostname", "sysname", "displayname")),
    Quantity("longitude", "place", _NO_UNIT, ("longitude", "lon", "lng", "long", "laengengrad", "langengrad")),
    Quantity("latitude", "place", _NO_UNIT, ("latitude", "lat", "breitengrad")),
    Quantity("pos", "place", _NO_UNIT, ("pos", "coordinates", "position")),
    Quantity("up", "whether it is up", _NO_UNIT, ("up", "operup")),
    Quantity(
        "status", "whether it is up", _NO_UNIT, ("status", "ifoperstatus", "operstatus", "operationalstatus", "state")
    ),
    Quantity("enabled", "whether it is enabled", _NO_UNIT, _ENABLED),
    Quantity("drained", "whether it carries transit traffic", _NO_UNIT, ("drained", "overload", "overloadbit")),
    Quantity("cost_out", "whether transit is its last resort", _NO_UNIT, ("costout", "costedout", "stubrouter")),
    Quantity(
        "kind",
        "whether it is a router",
        _NO_UNIT,
        ("kind", "nodekind", "nodetype", "devicetype", "devicerole", "role"),
    ),
    Quantity("hyperedge", "whether it is a shared segment", _NO_UNIT, ("hyperedge",)),
    Quantity("internal", "whether it belongs to the network", _NO_UNIT, ("internal",)),
)
LINK_QUANTITIES = (
    Quantity(
        "capacity",
        "capacity",
        RATE,
        (
            "capacity", "bandwidth", "bw", "speed", "linkspeed", "linkcapacity", "cap", "rate", "linkrate",
            "maxbandwidth", "maxlinkbandwidth", "totalcapacity", "maximumbandwidth", "kapazitat", "bandbreite",
            "geschwindigkeit", "capacite", "debit", "bandepassante", "capacidad", "anchodebanda", "velocidad",
            "capacita", "larghezzadibanda",
        ),
    ),
    Quantity("capacity", "capacity", RATE, ("ifspeed", "linkspeedraw"), "bps"),
    Quantity("capacity", "capacity", RATE, ("ifhighspeed",), "mbps"),
    Quantity(
        "weight",
        "IGP weight",
        _NO_UNIT,
        (
            "weight", "metric", "cost", "igpmetric", "igpcost", "igpweight", "isismetric", "ospfcost", "ospfmetric",
            "linkmetric", "linkcost", "linkweight", "metric1", "igp", "metrik", "gewicht", "kosten", "metrique",
            "cout", "poids", "metrica", "coste", "costo", "peso",
        ),
    ),
    Quantity(
        "delay",
        "delay",
        TIME,
        (
            "delay", "latency", "propagationdelay", "linkdelay", "onewaydelay", "verzogerung", "laufzeit", "latenz",
            "delai", "latence", "retardo", "latencia", "ritardo", "latenza",
        ),
        "ms",
    ),
    Quantity(
        "length",
        "length",
        LENGTH,
        (
            "dist", "distance", "length", "linklength", "lange", "laenge", "entfernung", "longueur", "longitud",
            "distancia", "lunghezza", "distanza",
        ),
        "km",
    ),
    Quantity("up", "whether it is up", _NO_UNIT, ("up", "operup")),
    Quantity(
        "status",
        "whether it is up",
        _NO_UNIT,
        ("status", "ifoperstatus", "operstatus", "operationalstatus", "state", "linkstatus"),
    ),
    Quantity("enabled", "whether it is enabled", _NO_UNIT, _ENABLED),
    Quantity("drained", "whether it is drained", _NO_UNIT, ("drained",)),
    Quantity("cost_out", "whether it is the last resort", _NO_UNIT, ("costout", "costedout")),
    Quantity("adjacent", "whether its ends are routing neighbours", _NO_UNIT, ("adjacent",)),
    Quantity("asleep", "whether it sleeps", _NO_UNIT, ("asleep",)),
    Quantity("loss", "share of traffic lost", _NO_UNIT, ("loss",)),
    Quantity("members", "circuits of a bundle", _NO_UNIT, ("members", "lagmembers", "bundlemembers", "memberlinks")),
    Quantity(
        "min_members",
        "least members of a bundle",
        _NO_UNIT,
        ("minmembers", "minlinks", "minimumlinks", "minactivelinks"),
    ),
    Quantity("degraded_weight", "IGP weight of a bundle short of members", _NO_UNIT, ("degradedweight",)),
    Quantity("index", "number among parallel links", _NO_UNIT, ("index",)),
    Quantity("srlg", "risk groups", _NO_UNIT, ("srlg", "srlgs", "riskgroup", "riskgroups", "sharedrisk")),
    Quantity("directed", "whether it is one direction", _NO_UNIT, ("directed",)),
    Quantity(
        "interface",
        "name of the interface at the source",
        _NO_UNIT,
        (
            "interface", "ifname", "interfacename", "sourceinterface", "sourceifname", "sourceport", "sourcetp",
            "localinterface", "localport",
        ),
    ),
    Quantity(
        "far interface",
        "name of the interface at the target",
        _NO_UNIT,
        (
            "farinterface", "targetinterface", "targetifname", "targetport", "desttp", "remoteinterface",
            "remoteport",
        ),
    ),
)  # fmt: skip
LINK_ENDS = (
    ("source", "target"),
    ("src", "dst"),
    ("source", "destination"),
    ("source", "dest"),
    ("src", "dest"),
    ("from", "to"),
    ("a", "b"),
    ("a", "z"),
    ("tail", "head"),
    ("nodea", "nodeb"),
    ("nodea", "nodez"),
    ("node1", "node2"),
    ("nodefrom", "nodeto"),
    ("fromnode", "tonode"),
    ("sourcenode", "targetnode"),
    ("sourcenode", "destnode"),
    ("sourcenode", "destinationnode"),
    ("srcnode", "dstnode"),
    ("aend", "bend"),
    ("aend", "zend"),
    ("enda", "endb"),
    ("end1", "end2"),
    ("sitea", "siteb"),
    ("sitea", "sitez"),
    ("asite", "zsite"),
    ("routera", "routerb"),
    ("router1", "router2"),
    ("sourcerouter", "targetrouter"),
    ("devicea", "deviceb"),
    ("adevice", "zdevice"),
    ("device1", "device2"),
    ("hosta", "hostb"),
    ("localnode", "remotenode"),
    ("localhost", "remotehost"),
    ("localdevice", "remotedevice"),
    ("localrouter", "remoterouter"),
    ("node", "neighbor"),
    ("node", "neighbour"),
    ("router", "neighbor"),
    ("device", "neighbor"),
    ("nodeobjectname", "remotenodeobjectname"),
    ("von", "nach"),
    ("quelle", "ziel"),
    ("de", "vers"),
    ("de", "a"),
    ("origine", "destination"),
    ("origen", "destino"),
    ("desde", "hasta"),
    ("da", "a"),
    ("origine", "destinazione"),
)
"""Pairs of names of columns that hold the two ends of a link."""
_DECIDING = re.compile(
    r"rsvp|.*lsps?$|.*tunnels?$|srpolic|segmentlist|policyroute|staticroute|pbr$|minlinks?$|.*lag(id)?$|.*bundles?$|aggregate|"
    r"bundlemember|memberlink|multicast|mvpn|pim$|mldp|mdt|.*vpns?$|vrfs?$|flexalgo|adjacencysid|services$|slices$|"
    r"(ospf|isis|igp)?(area|level)s?(id)?$|.*maxmetric$"
)
_ONE_OF = re.compile(r"(ospf|isis|igp)?(area|level)s?(id)?$")
NO_MEANING = frozenset({"id", "key", "source", "target", "edgeid", "linkid", "nodeid"})
"""Names that only tell entries apart."""


class Recognised(NamedTuple):
    """A field that is known: its quantity, and the unit that its name states, if any."""

    quantity: Quantity
    unit: str


@lru_cache(maxsize=4096)
def recognise(field: str, of: str) -> Recognised | None:
    """Return the quantity that a field of a node or a link (`of`) is, None when the name is not known."""
    name = plain(field)
    quantities = NODE_QUANTITIES if of == "node" else LINK_QUANTITIES
    for quantity in quantities:
        if name in quantity.names:
            return Recognised(quantity, quantity.own_unit)
    for quantity in quantities:
        for known in quantity.names:
            if not quantity.units or not name.startswith(known):
                continue
            unit = unit_of(_behind(field, len(known)), quantity.units) or unit_of(name[len(known) :], quantity.units)
            if unit:
                return Recognised(quantity, unit)
    return None


def _behind(field: str, count: int) -> str:
    """What a name has behind so many letters and digits, as it is written: `MBps` of `capacity_MBps`."""
    at = 0
    while count and at < len(field):
        count -= field[at].isalnum()
        at += 1
    return field[at:]


def plain(field: str) -> str:
    """Letters and digits of a name, in lower case and without accents: `IGP metric` and `igp_metric` are one name."""
    lower = field.rpartition(":")[2].lower()
    if not lower.isascii():
        lower = "".join(x for x in unicodedata.normalize("NFKD", re.sub("[\u00b5\u03bc]", "u", lower)) if x.isascii())
    return re.sub(r"[^a-z0-9]", "", lower)


_OCTETS = re.compile(r"^[\s_\[(/-]*([kKMGT]?)B(?:ps|/s|ytes/s|yte/s)[\s)\]]*$")


def unit_of(text: str, units: Mapping[str, float]) -> str | None:
    """Return the unit that a text such as `Gbit/s` names, None when it names none of `units`.

    A capital B stands for octets where it is written with a small `ps`: `MBps`, not `MBPS`.
    """
    octets = _OCTETS.match(text) if units is RATE else None
    if octets:
        return f"{octets[1].lower()}bytes"
    word = plain(text.replace("/s", "s").replace("ps/", "ps"))
    if units is RATE:
        word = _RATE_WORDS.get(word, word)
    return word if word in units else None


_NUMBER = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?)\s*(.*?)\s*", re.S)


def amount(value: object, units: Mapping[str, float]) -> tuple[float, str] | None:
    """Read a number and the unit written behind it, empty when there is none; None when it is not a number."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return (float(value), "") if abs(value) < 1e300 and math.isfinite(value) else None
    match = _NUMBER.fullmatch(str(value)[:64])
    if match is None:
        return None
    number, behind = float(match[1].replace("_", "")), match[2]
    unit = unit_of(behind, units) if behind else ""
    return (number, unit) if unit is not None and math.isfinite(number) else None


def decides_routing(field: str, values: Iterable[str] = ()) -> bool:
    """Whether a part or a field of a file that is not modelled decides where traffic runs, by its name.

    `values` are those it has: a network that lies in one area is no other for it.
    """
    name = plain(field)
    if _DECIDING.match(name) is None:
        return False
    return _ONE_OF.match(name) is None or len(set(values)) != 1
