# ruff: noqa: E501 (a phrase reads best on one line)
"""Reading a goal without a model: times, limits, elements and the goal's own words, in that order, each taken out.

What is left in the end decides how much is trusted: a goal that changes exactly what it names leaves nothing but
words that mean nothing. `docs/intents.md` is the grammar for people.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from twin.errors import InputError
from twin.model import Network

from .complete import Goal, ask, complete
from .elements import Mention, doubt, find_mentions
from .limits import Value, merge, read_limits
from .names import key
from .times import read_window
from .types import DESTRUCTIVE, Intent, Objective, Question, TimeWindow, Verb
from .verbs import E, find_phrases
from .words import TAKEN, Reading

LONGEST = 1_000
CHOICES = (
    "drain Berlin", "undrain Berlin", "relieve the network", "keep everything below 70 %", "save energy",
    "wake the sleeping links", "upgrade", "make room for 30 % more traffic", "undo all measures", "tune the weights",
    "steer traffic with tunnels", "set the weight of A->B to 20", "rate limit A to B to 500 Mbit/s",
)  # fmt: skip

_PROTECT = re.compile(
    rf"(?:\b(?:without|do not|don't|dont|not|never|avoid|no)\s+(?:touch(?:ing)?|chang(?:e|ing)|us(?:e|ing)|affect(?:ing)?"
    r"|modify(?:ing)?|mov(?:e|ing)|impact(?:ing)?|alter(?:ing)?|drain(?:ing)?|going near|go near)|\bleav(?:e|ing)|\bprotect(?:ing)?"
    r"|\bhands off|\bkeep(?:ing)? (?:your |our )?hands off|\bspar(?:e|ing)|\bkeep(?:ing)? away from|\bstay(?:ing)? away from)"
    rf"\s+(?:the |any |anything at |of )*(?:node |router |link |circuit |nodes |links |circuits )?"
    rf"(?P<what>{E}(?:\s*(?:,|and|or|nor|&)\s*(?:the )?(?:node |router |link |circuit )?{E})*)"
    r"(?:\s+(?:alone|untouched|as (?:it|they) (?:is|are)|out of (?:it|this)|be))?"
)
_PROTECTED = re.compile(
    rf"(?P<what>{E}(?:\s*(?:and|or|&)\s*(?:the )?{E})*)\s+(?:is|are|stays?|remains?|must (?:be|stay|remain)|should (?:be|stay|remain))?\s*"
    r"(?:protected|off limits|off-limits|untouched|untouchable|(?:must|may|should|shall) (?:not|never) (?:be )?(?:touched|changed|used|moved|affected))"
)
_REHEARSE = re.compile(
    r"\b(?:(?:only |just )?(?:rehears(?:e|al|ing)|simulat(?:e|ing)|dry[- ]run|try out|test|check whether (?:we|i) (?:can|could|may)"
    r"|what (?:if|happens if|would happen if)(?: we| i)?|could (?:we|i)|can (?:we|i)|is it safe to|would it be safe to|may (?:we|i))"
    r"(?: (?:only|just))?(?: (?:what happens if|whether|if|how|to|a|the|of|an))*"
    r"|(?:but )?(?:do not|don't|dont|without) (?:execute|executing|apply|applying|change anything|changing anything|do it|doing it|touch the network)(?: yet| it| anything)*"
    r"|(?:just|only) (?:the |a )?plan\b|plan only|as a rehearsal|no execution|(?:just|only) planning|only on paper)"
)
_REASON = re.compile(
    r"\b(?:for|because of|due to|before|ahead of|owing to) (?:the |an? |our |some |planned |urgent |scheduled |necessary )*"
    r"(?:fib(?:re|er)|optics?|software|firmware|hardware|line card|card|power|cabling|router|site|os|chassis|linecard)? ?"
    r"(?:works?|updates?|upgrades?|swaps?|replacements?|repairs?|patch(?:es)?|reboots?|inspections?|tests?|splic\w+)\b"
)
_OBJECTIVES: tuple[tuple[str, Objective], ...] = (
    (
        r"\b(?:with|in|using|by) (?:as )?(?:few|the fewest|the least|least|minimal|minimum|a minimum of|little) (?:possible )?(?:changes?|steps?)(?: as possible| possible)?",
        "changes",
    ),
    (
        r"\b(?:with|at|for) (?:as )?(?:little|the least|the lowest|least|low|minimal|lowest|the shortest|shortest) (?:extra |added |possible )?(?:delay|latency)(?: as possible| possible)?",
        "delay",
    ),
    (
        r"\b(?:with|using|at) (?:as )?(?:little|the least|least|low|minimal|the lowest) (?:energy|power)(?: as possible| possible)?",
        "energy",
    ),
    (
        r"\b(?:for|to|at|with|reach) (?:the )?(?:lowest|smallest|best|least|minimal) (?:possible )?(?:peak|utili[sz]ation|peak utili[sz]ation|load)(?: possible)?",
        "utilisation",
    ),
)
_NETWORK = re.compile(r"\b(?:in|on|of|for) (?:the )?(?:network )?(?P<name>[a-z0-9_-]+/[a-z0-9_.-]+)")


def read_intent(text: str, network: Network, *, now: datetime, zone: str = "UTC") -> Intent | Question:
    """Read a goal in plain words; `now` and `zone` are what tonight and 02:00 are counted by.

    The same text gives the same intent. Raises `InputError` on a text that is empty or far too long, or a `now`
    without a time zone.
    """
    if not text.strip() or len(text) > LONGEST:
        raise InputError("a goal is one sentence", fix="such as: drain FRA-MUC tonight 02:00-04:00, nothing above 80 %")
    if now.tzinfo is None:
        raise InputError("the time has no zone", fix="give an aware datetime")
    reading = Reading(text)
    other = _another_network(reading, network)
    when = other or read_window(reading, now=now, zone=zone)
    if isinstance(when, Question):
        return when
    limits = read_limits(reading)
    if isinstance(limits, Question):
        return limits
    return _with_elements(reading, network, when, limits)


def _another_network(reading: Reading, network: Network) -> Question | None:
    for hit in list(_NETWORK.finditer(reading.left)):
        named = hit["name"]
        if named.partition("/")[0] in ("node", "link", "interface"):
            continue
        if key(named) not in (key(network.name), key(network.name.rpartition("/")[2])) and not key(named).endswith(
            key(network.name)
        ):
            text = f"the goal names the network {named}, and this is {network.name}: which one is meant?"
            return Question(code="another network", question=text, words=named, start=hit.start(), end=hit.end())
        reading.take_match(hit, "where")
    return None


def _with_elements(
    reading: Reading, network: Network, when: TimeWindow | None, values: Sequence[Value]
) -> Intent | Question:
    mentions = find_mentions(reading, network)
    objective = _objective(reading)
    only_rehearse = _rehearsed(reading)
    for hit in list(_REASON.finditer(reading.left)):
        reading.take_match(hit)
    protected = _protected(reading, mentions)
    if isinstance(protected, Question):
        return protected
    kept = [m for m in mentions if m not in protected]
    goal = _goal(reading, values)
    if isinstance(goal, Question):
        return goal
    for mention in mentions:
        question = doubt(mention, reading, network, strict=goal.verb in DESTRUCTIVE or mention in protected)
        if question is not None and not _is_demand(goal.verb, mention):
            return question
    limits = merge([*values], tuple(dict.fromkeys(x for m in protected for x in m.elements)))
    if isinstance(limits, Question):
        return limits
    return complete(reading, network, goal, kept, (when, limits, objective, only_rehearse))


def _is_demand(verb: Verb, mention: Mention) -> bool:
    """A rate limit is on a demand: its ends need not be neighbours."""
    return verb == "rate limit" and len(mention.ends) == 2


def _objective(reading: Reading) -> Objective | None:
    for pattern, objective in _OBJECTIVES:
        hit = re.search(pattern, reading.left)
        if hit is not None:
            reading.take_match(hit, "objective")
            return objective
    return None


def _rehearsed(reading: Reading) -> bool:
    found = False
    while (hit := _REHEARSE.search(reading.left)) is not None:
        reading.take_match(hit, "only_rehearse")
        found = True
    return found


def _protected(reading: Reading, mentions: Sequence[Mention]) -> list[Mention] | Question:
    found: list[Mention] = []
    for pattern in (_PROTECT, _PROTECTED):
        for hit in list(pattern.finditer(reading.left)):
            inside = [m for m in mentions if hit.start("what") <= m.start < hit.end("what")]
            if "drain" in hit.group() and len(inside) == len(mentions) and not _other_goal(reading, hit):
                return ask("negated goal", "what should be done instead?", reading, *hit.span())
            reading.take_match(hit, "limits.protected")
            found += inside
    return found


def _other_goal(reading: Reading, hit: "re.Match[str]") -> bool:
    rest = Reading(reading.text, "")
    rest.left = reading.left[: hit.start()] + TAKEN * (hit.end() - hit.start()) + reading.left[hit.end() :]
    return bool(find_phrases(rest))


def _goal(reading: Reading, values: Sequence[Value]) -> Goal | Question:
    phrases = find_phrases(reading)
    negated = [x for x in phrases if x.negated]
    if negated:
        first = negated[0]
        return ask("negated goal", "what should be done instead?", reading, first.start, first.end)
    verbs: list[Verb] = list(dict.fromkeys(x.verb for x in phrases))
    if "relieve" in verbs and len(verbs) > 1 and {"reweight", "steer"} & set(verbs):
        verbs.remove("relieve")  # the means are named, too
    if len(verbs) > 1:
        named = " and ".join(verbs)
        begin, end = min(x.start for x in phrases), max(x.end for x in phrases)
        text = f"{named} are several goals: which one comes first?"
        return ask("several goals", text, reading, begin, end, tuple(verbs))
    if verbs:
        phrase = next(
            (x for x in phrases if x.verb == verbs[0] and x.value), next(x for x in phrases if x.verb == verbs[0])
        )
        reading.note("verb", phrase.start, phrase.end)
        return Goal(verbs[0], phrase)
    limit = next((x for x in values if x.name in ("max_utilisation", "max_failure_utilisation")), None)
    if limit is not None:
        reading.note("verb", limit.start, limit.end)
        return Goal("limit", None)
    return ask("no goal", "what is to be done?", reading, 0, len(reading.text), CHOICES)
