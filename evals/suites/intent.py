# ruff: noqa: E501 (a phrase reads best on one line)
"""Goals in plain words: whether they are read as meant, and whether what cannot be read is asked about."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from agents.intent import DESTRUCTIVE, Intent, Question, read_intent
from evals.case import Case, Split
from evals.result import Measures
from evals.score.series import close
from evals.suite import NETWORKS, SEEDS, Metric, Suite, Workplace
from twin.errors import InputError
from twin.formats import load_network
from twin.model import Network

NOW = datetime(2026, 3, 4, 14, 30, tzinfo=UTC)
NETWORKS_NAMED = {"dev": NETWORKS["dev"][:3], "held-out": ("sndlib/atlanta", "sndlib/france", "sndlib/nobel-eu")}


class Meant(NamedTuple):
    """What a text means: a verb with elements and a value, or a question that has to be asked (verb empty)."""

    verb: str
    what: str = ""  # node, circuit, link, pair, or nothing
    value: float | None = None
    rehearse: bool = False


class Phrase(NamedTuple):
    """How somebody may say it: `{a}`, `{b}` are nodes, `{c}` and `{d}` the ends of a circuit."""

    text: str
    held_out: bool
    meant: Meant


def _said(meant: Meant, dev: tuple[str, ...], held: tuple[str, ...] = ()) -> list[Phrase]:
    return [*(Phrase(x, False, meant) for x in dev), *(Phrase(x, True, meant) for x in held)]


_NODE, _CIRCUIT = Meant("drain", "node"), Meant("drain", "circuit")
PHRASES: dict[str, list[Phrase]] = {
    "drain a node": _said(
        _NODE,
        ("drain {a}", "Please take {a} out of service for maintenance", "move all transit traffic away from {a}",
         "we need to empty node {a}"),
        ("{a} has to be drained", "put {a} into maintenance mode"),
    ),
    "drain a circuit": _said(
        _CIRCUIT,
        ("drain the link between {c} and {d}", "drain {c}--{d}", "take the circuit {c} to {d} out of service"),
        ("empty the line from {c} to {d}", "the link {c}-{d} needs to be drained"),
    ),
    "undrain": _said(
        Meant("undrain", "node"),
        ("undrain {a}", "put {a} back into service", "bring {a} back after maintenance"),
        ("return {a} to service", "{a} may carry transit traffic again"),
    ),
    "relieve": _said(
        Meant("relieve"),
        ("relieve the network", "reduce the congestion", "get rid of the overload", "fix the congestion"),
        ("take the pressure off the busiest links", "lower the load on hot links"),
    ),
    "limit": _said(
        Meant("limit", value=0.7),
        ("keep every link below 70 %", "no link above 70%", "make sure utilisation stays under 70 percent"),
        ("nothing may exceed 70 % utilisation", "hold all links at or below 70 %"),
    ),
    "sleep": _said(
        Meant("sleep"),
        ("save energy", "put idle links to sleep", "switch off links that are not needed to save power"),
        ("reduce the power consumption of the network", "let unneeded circuits sleep"),
    ),
    "wake": _said(
        Meant("wake"), ("wake the sleeping links", "wake up all sleeping circuits"), ("turn all sleeping links back on",)
    ),
    "upgrade": _said(
        Meant("upgrade"),
        ("upgrade the network where it is needed", "which links need more capacity? upgrade them", "plan an upgrade"),
        ("buy capacity where it runs short",),
    ),
    "grow": _said(
        Meant("grow", value=1.3),
        ("make room for 30 % more traffic", "prepare for a traffic growth of 30 percent", "plan for 1.3 times the traffic"),
        ("traffic will grow by 30 %, get ready", "can we carry 30% more traffic? prepare for it"),
    ),
    "restore": _said(
        Meant("restore"),
        ("undo all measures", "restore the original configuration", "remove all temporary tunnels and drains"),
        ("go back to normal",),
    ),
    "reweight": _said(
        Meant("reweight"), ("tune the weights", "optimise the IGP weights"), ("find better link metrics",)
    ),
    "steer": _said(
        Meant("steer"), ("steer traffic with tunnels", "use SR tunnels to relieve the network"), ("balance with tunnels",)
    ),
    "set a weight": _said(
        Meant("set weight", "link", 20.0),
        ("set the weight of {c}->{d} to 20", "change the metric of {c}->{d} to 20"),
        ("the IGP weight from {c} to {d} should be 20",),
    ),
    "rate limit": _said(
        Meant("rate limit", "pair", 500.0),
        ("rate limit {a} to {b} to 500 Mbit/s", "limit the traffic from {a} to {b} to 500 Mbit/s"),
        ("throttle {a} to {b} at 500 Mbit/s",),
    ),
    "rehearsal": _said(
        Meant("drain", "node", rehearse=True),
        ("simulate draining {a}, do not execute it", "just rehearse the drain of {a}", "what happens if we drain {a}?"),
        ("dry run: drain {a}",),
    ),
    "unknown element": _said(
        Meant(""), ("drain Atlantis", "take node XQ-17 out of service"), ("undrain El-Dorado",)
    ),
    "nothing named": _said(Meant(""), ("drain it", "drain the node", "take that link out"), ("drain one of them",)),
    "contradiction": _said(
        Meant(""), ("drain {a} and undrain {a}", "drain {a} but do not drain {a}"), ("undrain {a} and drain {a} again",)
    ),
    "no goal": _said(
        Meant(""), ("hello", "the weather is nice in {a}", "asdf qwer"), ("thanks for yesterday", "lorem ipsum dolor")
    ),
    "negated": _said(
        Meant(""), ("do not drain {a}", "never put {a} out of service"), ("{a} must not be drained",)
    ),
}  # fmt: skip


class Wish(NamedTuple):
    """One text about one network, and what it means."""

    text: str
    network: Network
    meant: Meant
    elements: frozenset[str]


def _stage(case: Case, workplace: Workplace) -> Wish:
    del workplace
    network, rng = load_network(case.network), np.random.default_rng([case.seed, 71])
    if case.kind not in PHRASES:
        raise InputError(f"no intent of kind {case.kind!r}", fix=f"kinds: {', '.join(PHRASES)}")
    held_out = case.split == "held-out"
    phrases = [x for x in PHRASES[case.kind] if x.held_out is held_out]
    phrase = phrases[int(rng.integers(len(phrases)))]
    a, b = (network.nodes[int(i)].name for i in rng.choice(len(network.nodes), 2, replace=False))
    link = network.links[int(rng.integers(len(network.links)))]
    text = case.intent or phrase.text.format(a=a, b=b, c=link.tail, d=link.head)
    elements = {
        "node": (f"node/{a}",),
        "circuit": (link.circuit,),
        "link": (link.name,),
        "pair": (f"node/{a}", f"node/{b}"),
    }.get(phrase.meant.what, ())
    return Wish(_mumbled(text, rng), network, phrase.meant, frozenset(elements))


def _mumbled(text: str, rng: np.random.Generator) -> str:
    """The same words as somebody types them: other capitals, a greeting, an end."""
    text = (text, text[:1].upper() + text[1:], f"please {text}")[int(rng.integers(3))]
    return text + ("", ".", "!", " tonight from 02:00 to 04:00")[int(rng.integers(3))]


def _reader(wish: Wish) -> Intent | Question:
    return read_intent(wish.text, wish.network, now=NOW)


def _keywords(wish: Wish) -> Intent | Question:
    """The first known verb, and every name that is there: what a script would do."""
    lowered = wish.text.lower()
    verbs = {"undrain": "undrain", "drain": "drain", "congestion": "relieve", "relieve": "relieve", "energy": "sleep",
             "sleep": "sleep", "wake": "wake", "upgrade": "upgrade", "weight": "set weight", "limit": "rate limit",
             "tunnel": "steer", "restore": "restore", "undo": "restore", "grow": "grow", "more traffic": "grow",
             "below": "limit", "above": "limit"}  # fmt: skip
    verb = next((meaning for word, meaning in verbs.items() if word in lowered), None)
    if verb is None:
        return Question(code="no goal", question="What should be done?")
    named = [x.id for x in wish.network.nodes if re.search(rf"\b{re.escape(x.name.lower())}\b", lowered)]
    number = re.search(r"\d+(\.\d+)?", re.sub(r"\bn\d+\b", "", lowered))
    value = float(number[0]) if number else None
    return Intent.model_validate(
        {"verb": verb, "what": named, "where": wish.network.name, "value": value, "text": wish.text}
    )


def score(wish: Wish, answer: Intent | Question) -> Measures:
    """Right is the meaning in every part, or a question where nothing can be known; acting on a guess is the worst."""
    asks = not wish.meant.verb
    acted = risky = False
    if isinstance(answer, Question):
        right, told = asks, f"asked: {answer.question}"
    else:
        right, told = not asks and _as_meant(wish, answer), answer.words
        acted, risky = True, answer.verb in DESTRUCTIVE
    values = {
        "right": float(right),
        "asks": float(asks),
        "clear": float(not asks),
        "guessed": float(risky and not right),
        "asked": float(not acted),
    }
    return Measures(right, values, told, f"{wish.text!r}: {wish.meant.verb or 'a question'}")


def _as_meant(wish: Wish, answer: Intent) -> bool:
    meant = wish.meant
    if answer.verb != meant.verb or (meant.rehearse and not answer.only_rehearse):
        return False
    if wish.elements and frozenset(answer.what) != wish.elements:
        return False
    if meant.value is None:
        return True
    found = answer.limits.max_utilisation if meant.verb == "limit" else answer.value
    return found is not None and close(found, meant.value)


def _draw(split: Split) -> Iterator[Case]:
    kinds, places = tuple(PHRASES), NETWORKS_NAMED[split]
    for number, seed in enumerate(SEEDS[split]):
        kind, network = kinds[number % len(kinds)], places[(number // len(kinds)) % len(places)]
        yield Case(suite="intent", kind=kind, network=network, seed=seed, split=split)


SUITE = Suite(
    name="intent",
    purpose="goals in plain words, ambiguous ones included: read as meant, or asked about",
    draw=_draw,
    stage=_stage,
    systems={"grammar": _reader, "keywords": _keywords},
    score=score,
    metrics=(
        Metric("clear goals read as meant", "share", "right", where="clear"),
        Metric("clear goals asked about", "share", "asked", where="clear", higher=False),
        Metric("unclear goals asked about", "share", "right", where="asks"),
        Metric("wrong and ready to change the network", "share", "guessed", higher=False, bar=0.0),
    ),
    cases=300,
    slice=20,
)
