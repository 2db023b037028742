"""The written questions: which tool answers each, and with what. Anything else is answered with the list of them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from twin.elements import find_circuit, find_element, find_elements, find_failing, find_node, fold
from twin.errors import AmbiguousElementError, InputError, UnknownElementError
from twin.model import Frozen, Network

from .times import local_hours, read_window
from .types import OpenError, Question
from .written import items, number, tokens, unknown

Subject = Literal[
    "failure", "drain", "sleep", "growth", "headroom", "worst failures", "path", "busiest links", "power", "window"
]
FORMS = (
    "what_if fail:A-B,C",
    "what_if drain:X [from:02:00 until:04:00 zone:Europe/Berlin]",
    "what_if sleep:A-B",
    "worst [kind:all|links|nodes|pairs] [top:5]",
    "headroom",
    "growth:1.3",
    "path A B",
    "busiest [at:A-B] [top:5]",
    "power",
)
"""Every question that is answered without a model."""
_SAID = (
    ("what_if sleep:", 9, ("sleep", "asleep")),
    ("what_if drain:", 9, ("drain", "maintenance")),
    ("worst", 0, ("worst",)),
    ("what_if fail:", 9, ("fail", "goes down", "is down", "outage", "lose", "without")),
    ("headroom", 0, ("headroom", "room", "how far", "how much may", "how much can")),
    ("growth:1.3", 0, ("grow", "more traffic")),
    ("path ", 2, ("path", "route", "reach")),
    ("power", 0, ("power", "energy", "watt")),
    ("busiest", 9, ("full", "busy", "busiest", "load", "utilis", "utiliz")),
)
"""Of each question how many names it takes at most, and the words by which people ask it, the most telling first."""
PLAIN = "plain words"
"""Code of the question back to a text that is none of them: it takes a model."""


class Inquiry(Frozen):
    """A question that a tool answers."""

    subject: Subject
    tool: str
    arguments: dict[str, JsonValue]
    what: tuple[str, ...] = Field(default=(), description="Ids of the elements that it is about.")
    text: str


def read_question(text: str, network: Network, *, now: datetime, zone: str = "UTC") -> Inquiry | Question:
    """Read a written question; `zone` is that of times that name none. What is none of them is a question back."""
    try:
        head, *rest = tokens(text) or [""]
        word, colon, value = head.partition(":")
        reader = _READERS.get(word)
        if reader is None:
            near = _closest(text, network)
            asked = "plain words need a model (--model)" if head else "what is asked?"
            told = f"the closest written question is: {near}; all are" if near else "the written questions are"
            raise OpenError(PLAIN, f"{asked}; {told}: {'; '.join(FORMS)}", choices=(near,) if near else ())
        bare = [x for x in rest if ":" not in x] if word == "path" else []
        fields = _fields(word, [x for x in rest if x not in bare])
        if colon:
            fields[word] = value
        if bare:
            fields["path"] = ",".join(bare)
        return reader(_Given(text, network, fields, now, zone))
    except OpenError as error:
        return error.question
    except AmbiguousElementError as error:
        near = error.candidates[:8]
        return Question(code="ambiguous element", question=f"{error}: {error.fix}", words=error.name, choices=near)
    except UnknownElementError as error:
        near = tuple(error.closest)
        return Question(code="unknown element", question=f"{error}: {error.fix}", words=error.name, choices=near)


def _closest(text: str, network: Network) -> str:
    """The written question that the words and names of a text come closest to: it is shown, and never answered."""
    said = f" {fold(text)}"
    form, most = next(((form, most) for form, most, words in _SAID if any(f" {x}" in said for x in words)), ("", 0))
    names = [x for x in (word.strip(",;.!?\"'()") for word in text.split()) if _is_named(network, x)][:most]
    if form == "path ":
        return form + " ".join(names) if len(names) == most else ""
    if form == "busiest":
        return f"busiest at:{','.join(names)}" if names else form
    return form + ",".join(names) if names or not most else ""


def _is_named(network: Network, name: str) -> bool:
    try:
        find_elements(network, name)
    except InputError:
        return False
    return True


class _Given:
    """The parts of a question, each of which must be asked for once."""

    def __init__(self, text: str, network: Network, fields: dict[str, str], now: datetime, zone: str) -> None:
        self.text, self.network, self.fields, self.now, self.zone = text, network, fields, now, zone

    def pop(self, key: str) -> str:
        return self.fields.pop(key, "")

    def asks(self, subject: Subject, tool: str, arguments: dict[str, JsonValue], what: tuple[str, ...] = ()) -> Inquiry:
        """The question, if nothing of it is left over."""
        if self.fields:
            key = next(iter(self.fields))
            raise OpenError("does not fit", f"{key}: does not belong to that question; written: {'; '.join(FORMS)}")
        return Inquiry(subject=subject, tool=tool, arguments=arguments, what=what, text=self.text)


_KEYS: Mapping[str, tuple[str, ...]] = {
    "what_if": ("fail", "drain", "sleep", "from", "until", "zone"),
    "worst": ("kind", "top"),
    "busiest": ("at", "top"),
}


def _fields(word: str, rest: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for token in rest:
        key, colon, value = token.partition(":")
        if key not in _KEYS.get(word, ()) or not colon:
            known = [f"{x}:" for x in _KEYS.get(word, ())]
            raise unknown(key, known or list(FORMS), f"word of {word}")
        if key in fields or not value:
            raise OpenError("repeated word" if value else "missing value", f"{key}: of what? say it once", words=token)
        fields[key] = value.replace('"', "") if key in ("from", "until", "zone", "kind") else value
    return fields


def _what_if(given: _Given) -> Inquiry:
    kinds = [x for x in ("fail", "drain", "sleep") if x in given.fields]
    if len(kinds) != 1:
        raise OpenError("missing element", "what if what? write one of fail:A-B, drain:X and sleep:A-B")
    names, network = items(kinds[0], given.pop(kinds[0])), given.network
    if kinds[0] == "sleep":
        asleep = tuple(find_circuit(network, name) for name in names)
        return given.asks("sleep", "power_use", {"asleep": [*asleep]}, asleep)
    if kinds[0] == "fail":
        down = tuple(x for name in names for x in _down(network, name))
        return given.asks("failure", "what_if", {"fail": [*down]}, down)
    elements = tuple(find_element(network, name) for name in names)
    changes: list[JsonValue] = [
        {"op": "drain_node", "node": x.removeprefix("node/")}
        if x.startswith("node/")
        else {"op": "drain_link", "circuit": x}
        for x in elements
    ]
    times = (given.pop("from"), given.pop("until"), given.pop("zone"))
    window = read_window(*times, now=given.now, default=given.zone)
    if window is None:
        return given.asks("drain", "what_if", {"changes": changes}, elements)
    start, hours = local_hours(window, network)
    return given.asks("window", "rehearse_changes", {"changes": changes, "start": start, "hours": hours}, elements)


def _down(network: Network, name: str) -> tuple[str, ...]:
    """What a name takes down at once: one element, or the circuits of a risk group."""
    (first, *_) = find_failing(network, name)
    groups = {f"risk-group/{group.name}": group.circuits for group in network.risk_groups}
    return groups[first] if first in groups else (find_element(network, name),)


def _worst(given: _Given) -> Inquiry:
    kind = given.pop("kind") or "all"
    if kind not in ("all", "links", "nodes", "pairs"):
        raise unknown(kind, ("all", "links", "nodes", "pairs"), "kind of failure")
    return given.asks("worst failures", "worst_failures", {"kind": kind, "top": _top(given)})


def _growth(given: _Given) -> Inquiry:
    factor = number("growth", given.pop("growth") or "nothing")
    if not 0 < factor <= 100:
        raise OpenError("bad value", f"growth:{factor:g} is no factor from 0 to 100: 1.3 is 30 % more")
    return given.asks("growth", "grow_demands", {"factor": factor})


def _path(given: _Given) -> Inquiry:
    ends = [find_node(given.network, name) for name in items("path", given.pop("path"))]
    if len(ends) != 2:
        raise OpenError("missing element", "a path from where to where? write path A B")
    arguments: dict[str, JsonValue] = {"source": ends[0], "target": ends[1]}
    return given.asks("path", "carried_by", arguments, tuple(f"node/{x}" for x in ends))


def _busiest(given: _Given) -> Inquiry:
    arguments: dict[str, JsonValue] = {"top": _top(given)}
    at = given.pop("at")
    elements = tuple(find_element(given.network, name) for name in items("at", at)) if at else ()
    if at:
        arguments["elements"] = [*elements]
    return given.asks("busiest links", "busiest_links", arguments, elements)


def _top(given: _Given) -> int:
    rows = number("top", given.pop("top") or "5")
    if rows != int(rows) or not 1 <= rows <= 50:
        raise OpenError("bad value", f"top:{rows:g} is no number of rows from 1 to 50: how many?")
    return int(rows)


_READERS: Mapping[str, Callable[[_Given], Inquiry]] = {
    "what_if": _what_if,
    "worst": _worst,
    "headroom": lambda given: given.asks("headroom", "growth_headroom", {}),
    "growth": _growth,
    "path": _path,
    "busiest": _busiest,
    "power": lambda given: given.asks("power", "power_use", {}),
}
