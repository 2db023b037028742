"""Goals in words: whether they are read as meant, and whether what is unclear is asked about, whoever reads them."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import numpy as np

from agents.goals import Goal, Question, Statement
from agents.goals.by_model import checked
from agents.goals.types import Limits, Verb
from agents.goals.written import is_written, read_goal
from evals.cases.case import Case, Split
from evals.cases.goals.misreader import readings
from evals.cases.goals.wordings import WORDINGS, Wording
from evals.cases.result import Measures
from evals.cases.suite import NETWORKS, SEEDS, Metric, Suite, Workplace
from twin.errors import InputError
from twin.formats import load_network
from twin.model import Network

NOW = datetime(2026, 3, 4, 14, 30, tzinfo=UTC)
NETWORKS_NAMED = {"dev": NETWORKS["dev"][:3], "held-out": ("sndlib/atlanta", "sndlib/france", "sndlib/nobel-eu")}


class WishCase(NamedTuple):
    """One text about one network, what a faithful reader writes down of it, and what it means; none: to be asked."""

    text: str
    network: Network
    said: Mapping[str, Any]
    meant: Goal | None
    seed: int


def _stage(case: Case, workplace: Workplace) -> WishCase:
    del workplace
    network, rng = load_network(case.network), np.random.default_rng([case.seed, 71])
    if case.kind not in WORDINGS:
        raise InputError(f"no intent of kind {case.kind!r}", fix=f"kinds: {', '.join(WORDINGS)}")
    rows = [x for x in WORDINGS[case.kind] if x.held_out is (case.split == "held-out")]
    return wish_of(rows[int(rng.integers(len(rows)))], network, rng, case.seed, text=case.intent)


def wish_of(
    row: Wording, network: Network, rng: np.random.Generator, seed: int, *, text: str | None = None
) -> WishCase:
    """Put a wording about elements of a network that chance draws, and say what it means there."""
    a, b = (network.nodes[int(i)].name for i in rng.choice(len(network.nodes), 2, replace=False))
    link = network.links[int(rng.integers(len(network.links)))]
    names = {"a": a, "b": b, "c": link.tail, "d": link.head, "circuit": link.circuit}
    words = text or row.text.format(**names)
    if not is_written(words):
        words = _mumbled(words, rng)
    meant = None if row.asks else _goal(_filled(row.meant, names), network)
    return WishCase(words, network, _filled(row.said, names), meant, seed)


def _filled(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        key: tuple(str(x).format(**names) for x in cast("tuple[str, ...]", value))
        if isinstance(value, tuple)
        else value
        for key, value in fields.items()
    }


def _goal(fields: Mapping[str, Any], network: Network) -> Goal:
    return Goal.model_validate({**fields, "network": network.name, "limits": Limits(**fields.get("limits", {}))})


def _mumbled(text: str, rng: np.random.Generator) -> str:
    """The same words as somebody types them: other capitals, politeness, an end."""
    text = (text, text[:1].upper() + text[1:], f"please {text}")[int(rng.integers(3))]
    return text + ("", ".", "!")[int(rng.integers(3))]


def _faithful(wish: WishCase) -> Goal | Question:
    """A written form as it is; plain words as a model reads them that makes no mistake, held against the text."""
    if is_written(wish.text):
        return read_goal(wish.text, wish.network, now=NOW)
    statement = Statement.model_validate(wish.said or {"verb": "drain"})
    return checked(statement, wish.text, wish.network, now=NOW)


def _misread(wish: WishCase) -> Goal | Question:
    """The first wrong goal that gets through of all that a misreader proposes; a question when none does."""
    found = Question(code="not understood", question="no reading was proposed")
    if is_written(wish.text):
        return read_goal(wish.text, wish.network, now=NOW)
    for statement in readings(wish.text, wish.network, wish.said, wish.seed):
        answer = checked(statement, wish.text, wish.network, now=NOW)
        if isinstance(answer, Goal) and not _as_meant(wish, answer):
            return answer
        found = answer if isinstance(answer, Question) else found
    return found


def _keywords(wish: WishCase) -> Goal | Question:
    """The first known verb, and every name that is there: what a script would do."""
    lowered = wish.text.lower()
    verbs: dict[str, Verb] = {
        "undrain": "undrain", "drain": "drain", "congestion": "relieve", "relieve": "relieve", "energy": "sleep",
        "sleep": "sleep", "wake": "wake", "upgrade": "upgrade", "weight": "set_weight", "rate": "rate_limit",
        "tunnel": "steer", "restore": "restore", "undo": "restore", "grow": "grow", "more traffic": "grow",
        "below": "limit", "above": "limit",
    }  # fmt: skip
    verb: Verb | None = next((meaning for word, meaning in verbs.items() if word in lowered), None)
    if verb is None:
        return Question(code="not understood", question="What should be done?")
    named = tuple(x.id for x in wish.network.nodes if re.search(rf"\b{re.escape(x.name.lower())}\b", lowered))
    return Goal(verb=verb, elements=named, network=wish.network.name, text=wish.text)


def score(wish: WishCase, answer: Goal | Question) -> Measures:
    """Right is the meaning in every part, or a question where nothing can be known; acting on a guess is the worst."""
    asks = wish.meant is None
    acted = isinstance(answer, Goal)
    right = _as_meant(wish, answer) if isinstance(answer, Goal) else asks
    told = answer.words if isinstance(answer, Goal) else f"asked: {answer.question}"
    values = {
        "right": float(right),
        "asks": float(asks),
        "clear": float(not asks),
        "guessed": float(acted and not right),
        "asked": float(not acted),
    }
    return Measures(right, values, told, f"{wish.text!r}: {wish.meant.words if wish.meant else 'a question'}")


def _as_meant(wish: WishCase, answer: Goal) -> bool:
    return wish.meant is not None and answer.model_copy(update={"text": ""}) == wish.meant


def _draw(split: Split) -> Iterator[Case]:
    kinds, places = tuple(WORDINGS), NETWORKS_NAMED[split]
    for number, seed in enumerate(SEEDS[split]):
        kind, network = kinds[number % len(kinds)], places[(number // len(kinds)) % len(places)]
        if any(row.held_out is (split == "held-out") for row in WORDINGS[kind]):
            yield Case(suite="intent", kind=kind, network=network, seed=seed, split=split)


SUITE = Suite(
    name="intent",
    purpose="goals in words, unclear ones included: read as meant or asked about, whoever reads them",
    draw=_draw,
    stage=_stage,
    systems={"faithful reader": _faithful, "misreader": _misread, "keywords": _keywords},
    score=score,
    metrics=(
        Metric("clear goals read as meant", "share", "right", where="clear"),
        Metric("clear goals asked about", "share", "asked", where="clear", higher=False),
        Metric("unclear goals asked about", "share", "right", where="asks"),
        Metric("wrong and ready to change the network", "share", "guessed", higher=False, bar=0.0),
    ),
    cases=300,
    slice=len(WORDINGS),
)
