# ruff: noqa: E501 (a phrase reads best on one line)
"""Reading a question without a model: which tool answers it, with which arguments. What none answers is said so."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from pydantic import Field, JsonValue

from twin.errors import InputError
from twin.model import Frozen, Network

from .elements import Mention, doubt, find_mentions
from .times import read_window
from .types import Code, Question, TimeWindow
from .words import NUMBER, Reading, number

Subject = Literal[
    "failure", "drain", "sleep", "growth", "headroom", "worst failures", "path", "busiest links", "power", "window"
]
LONGEST = 1_000
EXAMPLES = (
    "what if Berlin fails?",
    "what if Berlin and Hamburg fail together?",
    "can I drain Berlin tomorrow 02:00-04:00?",
    "what if traffic grows by 30 %?",
    "how far may traffic grow?",
    "which failure hurts most?",
    "which two links must not fail together?",
    "how does traffic go from Berlin to Hamburg?",
    "which links are the busiest?",
    "how full is Berlin-Leipzig?",
    "how much power would be saved if Berlin-Leipzig slept?",
)

_FAIL = r"\b(?:fail\w*|breaks?|broke|broken|dies|die|died|goes? down|went down|is down|are down|were down|outages?|cut|lose|lost|loses|losing|unavailable|crash\w*|knocked out|taken out by|disappear\w*|goes? away|loss of|drop out|drops out|power cut|without)\b"
_DRAIN = (
    r"\b(?:drain\w*|maintenance|out of service|out of rotation|evacuat\w*|isolat\w*|offline|take down|taken down)\b"
)
_SLEEP = (
    r"\b(?:sleep\w*|slept|asleep|switch(?:ed)? off|turn(?:ed)? off|power(?:ed)? (?:down|off)|shut off|hibernat\w*)\b"
)
_POWER = r"\b(?:energy|power|watts?|kilowatts?|electricity|consum\w+|draws?)\b"
_GROW = r"\b(?:grow\w*|growth|increas\w*|more traffic|more demand|more load|rises?|double[sd]?|doubling|triple[sd]?|twice|higher demand|goes? up|went up|surge\w*|scale[sd]?|falls?|shrinks?|decreas\w*|less traffic|less demand)\b"
_TRAFFIC = r"\b(?:traffic|demands?|load|everything|users|volume)\b"
_WORST = r"\b(?:worst|most severe|hurts? (?:the )?most|most harm\w*|critical|single points? of failure|most dangerous|biggest impact|weakest|worries|hits hardest|most vulnerable|survive\w*)\b"
_PAIRS = (
    r"\b(?:double|two (?:links|circuits|failures)|pairs?|both of two|simultaneous failures?|two at once|n-2|dual)\b"
)
_ROOM = r"\b(?:headroom|head room|how (?:much|far)[^?]*\b(?:grow|growth|increase|more|room)|room (?:is )?(?:left|for growth)|room to grow|spare capacity|before (?:it|something|a link|the network) (?:breaks|fills|congests|is full))\b"
_PATH = r"\b(?:path|paths|route|routes|routed|way|ways|carries|carried|carry|travel\w*|hops?|reach\w*|goes|go|flow|flows|via|latency|delay|rtt|far|long|takes?)\b"
_FULL = (
    r"\b(?:how (?:full|busy|loaded|hot|utili[sz]ed|much (?:load|traffic))|utili[sz]ation|load|loaded|usage|busy|full)\b"
)
_BUSY = r"\b(?:busiest|fullest|hottest|most (?:loaded|used|utili[sz]ed|congested)|highest (?:load|utili[sz]ation)|top|bottlenecks?|hot ?spots?|congest\w*|overloaded|state of the network|status|how many (?:nodes|links|circuits|routers)|how (?:big|large)|max(?:imum)? utili[sz]ation|peak)\b"
_TOGETHER = r"\b(?:together|both|at once|at the same time|simultaneously|and)\b|&|\+"


class Inquiry(Frozen):
    """A question that a tool answers."""

    subject: Subject
    tool: str
    arguments: tuple[dict[str, JsonValue], ...] = Field(description="One call each: `A or B` asks twice.")
    what: tuple[str, ...] = ()
    when: TimeWindow | None = None
    text: str


def read_inquiry(text: str, network: Network, *, now: datetime, zone: str = "UTC") -> Inquiry | Question:
    """Read a question in plain words. Raises `InputError` on a text that is empty or far too long."""
    if not text.strip() or len(text) > LONGEST:
        raise InputError("a question is one sentence", fix=f"such as: {EXAMPLES[0]}")
    reading = Reading(text)
    mentions = find_mentions(reading, network)
    when = read_window(reading, now=now, zone=zone)
    if isinstance(when, Question):
        return when
    for mention in mentions:
        question = None if _is_way(reading, mention) else doubt(mention, reading, network, strict=False)
        if question is not None:
            rest = _read(reading, network, [m for m in mentions if m.elements], when)
            is_word = question.words[:1].islower() and isinstance(rest, Question) and rest.code == "not understood"
            return rest if is_word else question
    if re.search(r"\b(?:not|never|unless|except|without (?!\x01))\b", reading.left) and mentions:
        hit = re.search(r"\b(?:not|never|unless|except|without)\b", reading.left)
        if hit is not None:
            return _ask("not understood", "what is meant by that?", reading, *hit.span())
    return _read(reading, network, mentions, when)


def _read(
    reading: Reading, network: Network, mentions: Sequence[Mention], when: TimeWindow | None
) -> Inquiry | Question:
    left, nodes = reading.left, [m for m in mentions if m.is_node]
    factor = _factor(left)
    if isinstance(factor, Question):
        return factor
    if _says(_DRAIN, left) and mentions:
        return _drain(reading, network, mentions, when)
    if _says(_SLEEP, left) or (_says(_POWER, left) and not _says(_FAIL, left)):
        return _power(reading, mentions)
    if _says(_FAIL, left) and mentions and not _says(_WORST, left):
        return _failure(reading, mentions)
    if mentions and (_ends(mentions) or len(nodes) == 2) and _says(_PATH, left) and factor is None:
        return _path(reading, mentions)
    if factor is not None and _says(_GROW, left) and _says(_TRAFFIC, left):
        return _inquiry("growth", "grow_demands", [{"factor": factor}], reading)
    if (_says(_ROOM, left) or (_says(_GROW, left) and _says(_TRAFFIC, left))) and not mentions:
        return _inquiry("headroom", "growth_headroom", [{}], reading)
    if (_says(_WORST, left) or _says(_FAIL, left) or _says(_PAIRS, left)) and not mentions:
        kind = _kind(left)
        top = 5 if kind == "pairs" else _top(left)
        return _inquiry("worst failures", "worst_failures", [{"kind": kind, "top": top}], reading)
    if mentions and _says(_FULL, left):
        elements: list[JsonValue] = [x for m in mentions for x in m.elements]
        what = tuple(str(x) for x in elements)
        return _inquiry("busiest links", "busiest_links", [{"elements": elements, "top": 12}], reading, what)
    if not mentions and (_says(_BUSY, left) or _says(_FULL, left)):
        return _inquiry("busiest links", "busiest_links", [{"top": _top(left)}], reading)
    text = (
        "no tool answers that question; ask what fails, drains, grows, sleeps, how traffic goes, or what is the busiest"
    )
    return _ask("not understood", text, reading, 0, len(reading.text), EXAMPLES)


def _says(pattern: str, left: str) -> bool:
    return re.search(pattern, left) is not None


def _failure(reading: Reading, mentions: Sequence[Mention]) -> Inquiry:
    elements = [x for m in mentions for x in m.elements]
    between = "".join(reading.left[a.end : b.start] for a, b in pairwise(mentions))
    separately = re.search(r"\bor\b", between) is not None and not re.search(
        r"\b(?:together|both|at once)\b", reading.left
    )
    each: list[dict[str, JsonValue]] = [{"fail": [x]} for x in elements] if separately else [{"fail": [*elements]}]
    return _inquiry("failure", "what_if", each, reading, tuple(elements))


def _drain(reading: Reading, network: Network, mentions: Sequence[Mention], when: TimeWindow | None) -> Inquiry:
    elements = tuple(x for m in mentions for x in m.elements)
    changes: list[JsonValue] = [
        {"op": "drain_node", "node": x.removeprefix("node/")}
        if x.startswith("node/")
        else {"op": "drain_link", "circuit": x}
        for x in elements
    ]
    if when is None:
        return _inquiry("drain", "what_if", [{"changes": changes}], reading, elements)
    start, hours = local_hours(when, network)
    arguments: dict[str, JsonValue] = {"changes": changes, "start": start, "hours": hours}
    found = _inquiry("window", "rehearse_changes", [arguments], reading, elements)
    return found.model_copy(update={"when": when})


def _power(reading: Reading, mentions: Sequence[Mention]) -> Inquiry | Question:
    nodes = [m for m in mentions if m.is_node]
    if nodes:
        first = nodes[0]
        return _ask(
            "ambiguous element", "circuits sleep, nodes do not: which circuit?", reading, first.start, first.end
        )
    if not mentions and _says(_SLEEP, reading.left):
        return _ask("missing element", "which circuit sleeps?", reading, 0, len(reading.text))
    asleep: list[JsonValue] = [x for m in mentions for x in m.elements]
    arguments: list[dict[str, JsonValue]] = [{"asleep": asleep}] if asleep else [{}]
    return _inquiry("sleep" if asleep else "power", "power_use", arguments, reading, tuple(str(x) for x in asleep))


def _path(reading: Reading, mentions: Sequence[Mention]) -> Inquiry:
    ends = _ends(mentions) or tuple(m.elements[0].removeprefix("node/") for m in mentions if m.is_node)
    arguments: dict[str, JsonValue] = {"source": ends[0], "target": ends[1]}
    return _inquiry("path", "carried_by", [arguments], reading, tuple(f"node/{x}" for x in ends[:2]))


def _ends(mentions: Sequence[Mention]) -> tuple[str, ...]:
    return next((m.ends for m in mentions if m.ends), ())


def _is_way(reading: Reading, mention: Mention) -> bool:
    """Two ends of a way need not be neighbours, and the circuits between them need not be one."""
    return (
        len(mention.ends) == 2
        and _says(_PATH, reading.left)
        and not _says(_FAIL, reading.left)
        and not _says(_DRAIN, reading.left)
    )


def _factor(left: str) -> float | Question | None:
    several = re.search(r"\b(doubl|twice|tripl)", left)
    hit = re.search(rf"(?<![\w.])(?P<n>{NUMBER})\s*(?P<unit>%|percent|per cent|x\b|times|fold)", left)
    if hit is None:
        return {"doubl": 2.0, "twice": 2.0, "tripl": 3.0}[several[1]] if several else None
    amount, by_share = number(hit["n"]), hit["unit"].startswith(("%", "p"))
    less = re.search(r"\b(?:less|fall|falls|drops?|shrinks?|decreas\w*|lower)\b", left)
    factor = (1 - amount / 100 if less else 1 + amount / 100) if by_share else amount
    return round(factor, 6) if 0 < factor <= 100 else None


def _kind(left: str) -> str:
    if _says(_PAIRS, left):
        return "pairs"
    if re.search(r"\b(?:node|nodes|router|routers|site|sites|device|devices)\b", left):
        return "nodes"
    return "links" if re.search(r"\b(?:link|links|circuit|circuits|span|line|lines|fibre|fibres)\b", left) else "all"


def _top(left: str) -> int:
    hit = re.search(
        rf"\b(?:top|the|first)?\s*(?P<n>{NUMBER})\s+(?:busiest|fullest|hottest|most|worst|links|failures|highest)", left
    ) or re.search(rf"\btop (?P<n>{NUMBER})\b", left)
    return min(max(int(number(hit["n"])), 1), 50) if hit else 5


def local_hours(when: TimeWindow, network: Network) -> tuple[int, int]:
    """First hour and length of a window by the network's local time, hours begun counting whole.

    The local time is that of the mean longitude of the nodes, an hour for every 15 degrees.
    """
    longitude = sum(node.longitude for node in network.nodes) / len(network.nodes)
    shift = timedelta(hours=longitude / 15) - (when.start.utcoffset() or timedelta(0))
    begin, end = when.start + shift, when.end + shift
    length = end - begin.replace(minute=0, second=0, microsecond=0)
    return begin.hour, min(max(-(-length // timedelta(hours=1)), 1), 24)


def _inquiry(
    subject: Subject, tool: str, arguments: list[dict[str, JsonValue]], reading: Reading, what: tuple[str, ...] = ()
) -> Inquiry:
    return Inquiry(subject=subject, tool=tool, arguments=tuple(arguments), what=what, text=reading.text)


def _ask(code: Code, text: str, reading: Reading, start: int, end: int, choices: tuple[str, ...] = ()) -> Question:
    return Question(
        code=code, question=text, choices=choices, words=reading.text[start:end].strip(), start=start, end=end
    )
