"""What a statement means in a network: names become elements, times a window, and what does not fit is a question."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import ValidationError

from twin.elements import find_circuit, find_demand, find_element, find_links
from twin.errors import AmbiguousElementError, UnknownElementError
from twin.model import Network
from twin.printed import stated

from .times import read_window
from .types import DRAIN_MODES, DrainMode, Goal, Limits, OpenError, Statement, Verb

Kind = Literal["", "element", "circuit", "link", "demand"]
Value = Literal["", "factor", "capacity", "weight", "rate"]


class Takes(NamedTuple):
    """What stands behind a verb: which kind of elements, whether some must, and the value that it needs."""

    kind: Kind = ""
    must: bool = False
    value: Value = ""


TAKES: dict[Verb, Takes] = {
    "drain": Takes("element", must=True),
    "undrain": Takes("element", must=True),
    "relieve": Takes(),
    "limit": Takes(),
    "sleep": Takes("circuit"),
    "wake": Takes("circuit"),
    "upgrade": Takes("circuit", value="capacity"),
    "grow": Takes(value="factor"),
    "restore": Takes("element"),
    "reweight": Takes(),
    "steer": Takes(),
    "set_weight": Takes("link", must=True, value="weight"),
    "rate_limit": Takes("demand", must=True, value="rate"),
}
EXAMPLES: dict[Value, str] = {
    "factor": "grow:1.3",
    "capacity": "capacity:400G",
    "weight": "weight:20",
    "rate": "rate:500M",
}
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,20})?)([MGT])")
_MBPS = {"M": 1.0, "G": 1e3, "T": 1e6}


def resolved(statement: Statement, network: Network, *, now: datetime, zone: str, text: str) -> Goal:
    """Make a goal of what was stated. Raises `OpenError` on what is unknown, ambiguous, missing or does not fit."""
    _require_fitting(statement)
    elements = _elements(statement, network)
    protected = _all(statement.protected, lambda name: (find_element(network, name),))
    _require_apart(statement.verb, elements, protected)
    try:
        return Goal(
            verb=statement.verb,
            elements=elements,
            network=network.name,
            window=read_window(statement.start, statement.until, statement.zone, now=now, default=zone),
            limits=_limits(statement),
            protected=protected,
            factor=statement.factor,
            weight=statement.weight,  # pyright: ignore[reportArgumentType] - a fraction is refused by the model
            capacity=_mbps("capacity", statement.capacity),
            rate=_mbps("rate", statement.rate),
            mode=_mode(statement.mode),
            prefer=statement.prefer,
            rehearse=statement.rehearse,
            text=text,
        )
    except ValidationError as error:
        raise _bad(error) from error


def _require_fitting(statement: Statement) -> None:
    verb, takes = statement.verb, TAKES[statement.verb]
    if statement.elements and not takes.kind:
        raise OpenError(
            "does not fit", f"{verb} is for the whole network: what is to be done with {statement.elements[0]}?"
        )
    if takes.must and not statement.elements:
        wanted = {"link": "set_weight:A->B", "demand": "rate_limit:A->B"}.get(takes.kind, f"{verb}:NODE or {verb}:A-B")
        raise OpenError("missing element", f"{verb} what? write {wanted}")
    for name in ("factor", "capacity", "weight", "rate"):
        given = getattr(statement, name) not in (None, "")
        if given and name != takes.value:
            raise OpenError("does not fit", f"{verb} takes no {name}: what is meant by it?")
        if not given and name == takes.value and (verb != "upgrade" or statement.elements):
            raise OpenError("missing value", f"{verb} to how much? write {EXAMPLES[name]}")
    if statement.prefer and verb not in ("relieve", "sleep"):
        raise OpenError("does not fit", f"{verb} has no choice of objective: only relieve and sleep have")
    if statement.mode and verb != "drain":
        raise OpenError("does not fit", f"{verb} has no mode: only drain has")
    if verb == "limit" and statement.max_utilisation is None and statement.max_failure_utilisation is None:
        raise OpenError("missing value", "limit what? write max_utilisation:0.8 or max_failure_utilisation:0.95")


def _elements(statement: Statement, network: Network) -> tuple[str, ...]:
    find: dict[Kind, Callable[[str], tuple[str, ...]]] = {
        "element": lambda name: (find_element(network, name),),
        "circuit": lambda name: (find_circuit(network, name),),
        "link": lambda name: find_links(network, name),
        "demand": lambda name: ("->".join(find_demand(network, name)),),
    }
    kind = TAKES[statement.verb].kind
    return _all(statement.elements, find[kind]) if kind else ()


def _all(names: Sequence[str], find: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        try:
            meant = find(name)
        except AmbiguousElementError as error:
            text = f"{name!r} may be {', '.join(error.candidates[:8])}: which one is meant?"
            raise OpenError("ambiguous element", text, words=name, choices=error.candidates[:8]) from error
        except UnknownElementError as error:
            near = tuple(error.closest)
            hint = f": is {' or '.join(near)} meant?" if near else ": what is meant?"
            raise OpenError("unknown element", f"no {error.kind} {name!r}{hint}", words=name, choices=near) from error
        twice = set(meant) & set(found)
        if twice:
            raise OpenError("repeated element", f"{sorted(twice)[0]} is named twice: what else is meant?", words=name)
        found += meant
    return tuple(found)


def _require_apart(verb: Verb, elements: Sequence[str], protected: Sequence[str]) -> None:
    both = sorted(set(elements) & set(protected))
    if both:
        raise OpenError("contradiction", f"{both[0]} is to be changed by {verb} and not to be touched: which holds?")


def _limits(statement: Statement) -> Limits:
    given = statement.model_dump(include=set(Limits.model_fields), exclude_none=True)
    limits = Limits.model_validate(given)
    plain, failing = limits.max_utilisation, limits.max_failure_utilisation
    if plain is not None and failing is not None and failing < plain:
        text = f"under a failure {stated(failing)} are allowed, but {stated(plain)} without one: which limit is meant?"
        raise OpenError("contradiction", text)
    return limits


def _mode(text: str) -> DrainMode | None:
    if not text:
        return None
    found: DrainMode | None = next((x for x in DRAIN_MODES if x == text), None)
    if found is None:
        raise OpenError("bad value", f"a drain has no mode {text!r}: is {DRAIN_MODES[0]} meant?", words=text)
    return found


def _mbps(key: str, text: str) -> float | None:
    if not text:
        return None
    found = _RATE.fullmatch(text)
    if found is None:
        raise OpenError(
            "bad value", f"{key}:{text} has no unit that is known: write {key}:400G or {key}:500M", words=text
        )
    return float(found[1]) * _MBPS[found[2]]


def _bad(error: ValidationError) -> OpenError:
    first = error.errors(include_url=False)[0]
    name, given = ".".join(map(str, first["loc"])), first["input"]
    return OpenError(
        "bad value",
        f"{name} cannot be {given:g}: {first['msg'].lower()}"
        if isinstance(given, float)
        else f"{name}: {first['msg']}",
    )
