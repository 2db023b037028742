# ruff: noqa: E501 (a phrase reads best on one line)
"""Within which limits: shares, steps, delay and traffic moved, wherever in the text they stand."""

import re
from collections.abc import Callable
from typing import NamedTuple

from pydantic import ValidationError

from twin.policy import Policy

from .types import Limits, Question
from .words import NUMBER, Reading, clause, fold, listed, number

LATER = "\x02"  # a share that is no limit: it belongs to the goal
_SHARE = re.compile(
    rf"(?<![\w.:])(?P<n>{NUMBER})\s*(?:%|percent\b|per cent\b|pct\b)|(?<![\w.:])(?P<s>[01]?\.\d+)(?![\w.:]|\s?(?:[kmgt]b|x\b|times|h\b|hours?|min|ms))"
)
_STEPS = re.compile(
    rf"(?:\b(?P<few>fewer than|less than|under|below)|\b(?:at most|at maximum|no more than|not more than|max(?:imum|imal)?(?: of)?"
    rf"|up to|within|in|with|using|only|limited to|of|to|a|<=?)|<=?)?\s*(?:a |the )?\b(?P<n>{NUMBER}|single)\s+"
    r"(?:\w+ )?(?:steps?|changes?|moves?|actions?|operations?)\b(?:\s+(?:at most|max(?:imum)?|or (?:fewer|less)|in total|altogether))?"
)
_FACTOR = re.compile(rf"(?<![\w.:])(?P<n>{NUMBER})\s*(?:x|times|fold)\b")
_LEFT = frozenset(
    listed("""
    nothing no not none never any every each all both the a an of at to link links circuit circuits interface interfaces line
    lines trunk trunks edge edges one element everything anything may must should can shall is are be been get gets go goes
    going getting rise rises rising run runs running end ends up load loads loaded loading utilisation utilization util usage
    used peak peaks max maximum maximal highest worst limit limits limited cap capped ceiling threshold above over beyond past below under
    beneath less more higher lower hotter fuller than exceed exceeds exceeding exceeded within most keep keeps keeping hold
    holding stay stays staying remain remains remaining leave with while network overall capacity fail failure failures
    failed fails outage outages single case if even when something during after in for utilised utilized filled full that
    will would never allow allowed let traffic moved move moving moves shift shifted shifting reroute rerouted rerouting touch
    blast radius delay delays latency latencies stretch mean average grow grows growing growth increase increases increased
    increasing by longer slower respond only still it busy busiest via < <= = so long as make sure ensure don't dont want see
    percentage pass passes passing whole total
    """)
)
_RIGHT = frozenset(
    listed("""
    of capacity utilisation utilization util load loaded usage full busy under in if when even with during after any a an single one
    each every the worst case link node circuit router failure failures fail fails failed outage outages something anything
    at most max maximum traffic is be moved may shift shifted rerouted longer slower more delay latency on all links link
    utilised utilized or less n-1 breaks dies
    """)
)
_OVER = re.compile(r"\b(?:above|over|beyond|past|exceed\w*|more than|higher than|hotter than|fuller than|go past)\b")
_UNDER = re.compile(
    r"\b(?:below|under(?! (?:any|a|single|every|each|failure|the))|beneath|at most|less than|lower than|within|up to|max\w*|limit\w*|cap\w*|ceiling|threshold|keep\w*|hold\w*|stay\w*|remain\w*|utili[sz]ation|load|peak|highest)\b|<"
)
_NOT = re.compile(r"\b(?:nothing|no|not|none|never|don't|dont|without)\b")


class Value(NamedTuple):
    """One limit that the text names."""

    name: str
    value: float
    start: int
    end: int


def read_limits(reading: Reading) -> list[Value] | Question:
    """Take every limit out of a text, as values for the fields of `Limits`."""
    found: list[Value] = []
    for hit in list(_STEPS.finditer(reading.left)):
        count = 1.0 if hit["n"] == "single" else number(hit["n"])
        found.append(Value("max_steps", count - 1 if hit["few"] else count, *hit.span()))
        reading.take_match(hit, "limits.max_steps")
    for pattern in (_FACTOR, _SHARE):
        while (hit := pattern.search(reading.left)) is not None:
            value = _share(reading, hit, is_factor=pattern is _FACTOR)
            if isinstance(value, Question):
                return value
            if value is None:
                reading.take(*hit.span(), mark=LATER)
                continue
            found.append(value)
            reading.note(f"limits.{value.name}", value.start, value.end)
            reading.take(value.start, value.end)
    whole = fold(reading.text)
    reading.left = "".join(whole[i] if c == LATER else c for i, c in enumerate(reading.left))
    return found


def merge(values: list[Value], protected: tuple[str, ...]) -> Limits | Question:
    """Put the limits together. Two values for one limit, or limits that no network can keep, are a question."""
    known: dict[str, Value] = {}
    for value in values:
        other = known.setdefault(value.name, value)
        if other.value != value.value:
            return _contradiction(
                value, f"{_words(value.name)} is limited to {other.value:g} and to {value.value:g}: which one holds?"
            )
    fields: dict[str, object] = {name: int(x.value) if name == "max_steps" else x.value for name, x in known.items()}
    try:
        limits = Limits.model_validate({**fields, "protected": protected})
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        return _contradiction(
            known[name], f"{_words(name)} cannot be limited to {known[name].value:g}: to what instead?"
        )
    plain, failing = limits.max_utilisation, limits.max_failure_utilisation
    if plain is not None and failing is not None and failing < plain:
        text = f"under a failure {failing:.0%} are allowed, but {plain:.0%} without one: which limit is meant?"
        return _contradiction(known["max_failure_utilisation"], text)
    return limits


def tighten(policy: Policy, limits: Limits) -> Policy:
    """The policy under which both hold, its own limits and these: nothing is ever allowed that it forbids."""
    kept = policy.model_dump()
    tighter: dict[str, object] = {}
    for name, value in limits.model_dump(exclude_none=True, exclude={"protected"}).items():
        tighter[name] = min(kept[name], value)
    failing = tighter.get("max_failure_utilisation", policy.max_failure_utilisation)
    plain = tighter.get("max_utilisation", policy.max_utilisation)
    if isinstance(plain, float) and isinstance(failing, float) and failing < plain:
        tighter["max_utilisation"] = failing
    if limits.protected:
        tighter["protected"] = tuple(dict.fromkeys((*policy.protected, *limits.protected)))
    return Policy.model_validate({**kept, **tighter})


def looser(policy: Policy, limits: Limits) -> tuple[str, ...]:
    """Names of the limits that the policy keeps tighter than was asked for."""
    asked = limits.model_dump(exclude_none=True, exclude={"protected"})
    held = policy.model_dump()
    return tuple(name for name, value in asked.items() if value > held[name])


def _share(reading: Reading, hit: "re.Match[str]", *, is_factor: bool) -> Value | Question | None:
    start, end = _widen(reading.left, *hit.span())
    words = reading.left[start : hit.start()] + " " + reading.left[hit.end() : end]
    around = reading.left[slice(*clause(reading.left, start, end))]
    if is_factor:
        value = number(hit["n"])
        return Value("max_delay_stretch", value, start, end) if re.search(r"delay|latenc|stretch", around) else None
    value = number(hit["n"]) / 100 if hit["n"] else float(hit["s"])
    for pattern, name, convert in _KINDS:
        if re.search(pattern, around):
            return Value(name, convert(value), start, end) if name else None
    is_failure = re.search(r"\b(?:fail\w*|outages?|n-1|worst case|breaks|dies|goes down)\b", around)
    name = "max_failure_utilisation" if is_failure else "max_utilisation"
    over, negated = _OVER.search(words), _NOT.search(words)
    selects = over and re.search(r"\b(?:links?|circuits?|everything|anything|all)\b[^\x00]*$", words[: over.start()])
    if over and not negated and (not selects or re.search(r"\b(?:keep|hold|stay|remain|leav)", words)):
        return _question(
            "contradiction", "is that an upper limit on utilisation? say: nothing above it", reading, start, end
        )
    if not over and not _UNDER.search(words) and not negated and not is_failure:
        return _question("not understood", "what is limited to that?", reading, hit.start(), hit.end())
    if (
        negated
        and not over
        and _UNDER.search(words)
        and re.search(r"\b(?:below|less than|lower than|beneath)\b", words)
    ):
        return _question(
            "contradiction", "a lower limit on utilisation is none: which upper limit is meant?", reading, start, end
        )
    return Value(name, value, start, end)


def _plus_one(value: float) -> float:
    return 1 + value


def _same(value: float) -> float:
    return value


_KINDS: tuple[tuple[str, str, Callable[[float], float]], ...] = (
    (r"\b(?:delay|delays|latency|latencies|stretch|rtt|slower)\b", "max_delay_stretch", _plus_one),
    (
        r"\b(?:mov(?:e|es|ed|ing)|shift\w*|rerout\w*|touch\w*|blast)\b[^,;]*\btraffic\b|\btraffic\b[^,;]*\b(?:mov(?:e|es|ed|ing)|shift\w*|rerout\w*)\b|\bblast radius\b",
        "max_blast_radius",
        _same,
    ),
    (r"\b(?:grow\w*|growth|increas\w*|more (?:traffic|demand|load|users)|additional|extra)\b", "", _same),
)


def _widen(left: str, start: int, end: int) -> tuple[int, int]:
    while (word := re.search(r"([a-z<=][\w'=-]*|<=?)\s*$", left[:start])) and word[1] in _LEFT:
        start = word.start()
    while (word := re.match(r"\s*([a-z][\w'-]*)", left[end:])) and word[1] in _RIGHT:
        end += word.end()
    return start, end


def _contradiction(value: Value, text: str) -> Question:
    return Question(code="contradiction", question=text, start=value.start, end=value.end)


def _question(code: str, text: str, reading: Reading, start: int, end: int) -> Question:
    words = reading.text[start:end].strip()
    return Question.model_validate(
        {"code": code, "question": f"{words!r}: {text}", "words": words, "start": start, "end": end}
    )


def _words(name: str) -> str:
    return {
        "max_utilisation": "utilisation",
        "max_failure_utilisation": "utilisation under a failure",
        "max_steps": "the number of steps",
        "max_delay_stretch": "the growth of delay",
        "max_blast_radius": "the share of traffic that moves",
    }[name]
