"""A scripted reader: it reads what people wrote by rules of this suite, and shows that the tools suffice.

It is no model and no part of the product: its rules are the wordings of the suite. Everything else it does is the
runbook's.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from agents.models.conversation import Call, Conversation, Json, Move, Together, items, text
from agents.models.procedures import diagnosis, planning
from tools.documents import ends


class ReadWords(NamedTuple):
    """What the documents come to: elements to keep hands off with the document that says so, advice, and a question."""

    keep: Mapping[str, str]
    advice: tuple[tuple[str, str, str], ...]
    ask: tuple[str, str] | None = None
    served: frozenset[str] = frozenset()  # documents on demands whose customer is told when they suffer


def understood(documents: Sequence[Json]) -> ReadWords:
    """Read documents by the rules of the suite."""
    keep: dict[str, str] = {}
    advice: list[tuple[str, str, str]] = []
    ask: tuple[str, str] | None = None
    served: set[str] = set()
    over = {text(x, "element") for x in documents if re.search(_OVER, text(x, "text"), re.IGNORECASE)}
    for one in documents:
        words, where, id = text(one, "text"), text(one, "element"), text(one, "id")
        for pattern, kinds, action in _RULES:
            if text(one, "kind") not in kinds or not re.search(pattern, words, re.IGNORECASE):
                continue
            if action == "ask":
                ask = where, id
            elif action == "serve":
                served.add(id)
            elif where in over:
                continue
            elif action in ("freeze", "leave as planned"):
                if one.get("running") is True:
                    keep[where] = id
                    advice += [(action, where, id)] if action != "freeze" else []
            elif not re.search(r"false alarm|closed|called off", words, re.IGNORECASE):
                advice.append((action, where, id))
    return ReadWords(keep, tuple(advice), ask, frozenset(served))


_RULES = (
    (r"on purpose", ("calendar", "note"), "leave as planned"),
    (r"change freeze", ("calendar",), "freeze"),
    (r"campaign|broadcast", ("ticket",), "inform customer"),
    (r"botnet|ddos", ("ticket",), "block attack"),
    (r"typo", ("commit",), "revert commit"),
    (r"ask (on-call|the person on call)", ("note",), "ask"),
    (r"complain", ("ticket",), "investigate"),
    (r"inform the customer|be informed", ("importance",), "serve"),
)
_OVER = r"test is over"
_ANSWER = re.compile(r'"answer": "(\w+)"')


class Reader:
    """Reads first and acts on it; in everything else it has no move of its own."""

    def __init__(self) -> None:
        self._reading, self._answer, self._has_read = ReadWords({}, ()), "", False

    def __call__(self, talk: Conversation) -> Move | None:
        """Return the next call, None where the runbook's is right."""
        if "read_documents" not in talk.offered:
            return None
        if "report_diagnosis" in talk.offered:
            return self._at_diagnosis(talk)
        return self._at_planning(talk) if "submit_plan" in talk.offered else None

    def _at_diagnosis(self, talk: Conversation) -> Move | None:
        if self._has_read:
            return None
        pages = [x.answer for x in talk.exchanges if x.tool == "read_documents" and not x.error]
        if not pages:
            return _along([Call("read_documents", {})], diagnosis(talk))
        following = pages[-1].get("next_offset")
        if isinstance(following, int):
            return Call("read_documents", {"offset": following})
        self._reading, self._has_read = understood([one for page in pages for one in items(page, "documents")]), True
        advice = [_advised(x, f"Document {x[2]} says so.") for x in self._reading.advice]
        return _along(advice, diagnosis(talk))

    def _at_planning(self, talk: Conversation) -> Move | None:
        reading = self._reading
        keep: dict[str, str] = dict(reading.keep)
        if reading.served and (move := self._told(talk, reading.served)) is not None:
            return move
        if (found := _ANSWER.search(talk.task)) is not None:
            self._answer = found[1]
        if talk.offers("propose_plans"):
            return Call("propose_plans", {})
        if reading.ask and not self._answer:
            asked: Json = {
                "question": f"May {reading.ask[0]} be reset?",
                "choices": ["reset", "keep"],
                "default": "keep",
            }
            return Call("ask_operator", {**asked, "minutes": 15})
        if reading.ask and self._answer == "keep":
            keep[reading.ask[0]] = reading.ask[1]
        return self._around(talk, keep) if keep else None

    def _told(self, talk: Conversation, served: frozenset[str]) -> Move | None:
        """Look who suffers, and have the customers told whom it was promised to."""
        if talk.offers("affected_demands") and not talk.task.startswith("Round"):
            return _along([Call("affected_demands", {})], planning(talk))
        if any(x.tool == "recommend" for x in talk.exchanges):
            return None
        rows = items(talk.answer("affected_demands"), "demands")
        told = [(text(x, "demand"), id) for x in rows for id in _listed(x, "importance") if id in served]
        advice = [_advised(("inform customer", *x), f"It suffers, and {x[1]} says who is to know.") for x in told]
        return _along(advice, planning(talk)) if advice else None

    def _around(self, talk: Conversation, keep: Mapping[str, str]) -> Move | None:
        """Submit the best candidate that keeps its hands off, or say for which document there is none."""
        candidates = items(talk.answer("propose_plans"), "candidates")
        seen = {text(x.answer, "plan"): x.answer for x in talk.exchanges if x.tool == "simulate_plan" and not x.error}
        unseen = [Call("simulate_plan", {"plan": text(x, "handle")}) for x in candidates if text(x, "plan") not in seen]
        if unseen:
            return Together(tuple(unseen))
        for one in candidates:
            steps = [x.get("change") for x in items(seen[text(one, "plan")], "steps")]
            if not any(_touches(step, element) for step in steps for element in keep):
                words = {"plan": text(one, "handle"), "explanation": "It changes nothing that is meant to be so."}
                return Call("submit_plan", dict(words))
        because: list[JsonValue] = list(keep.values())
        return Call("report_no_plan", {"explanation": "What could be changed is meant to be so.", "because": because})


def _along(first: Sequence[Call], then: Move) -> Move:
    """Calls that the runbook's next ones do not depend on, in one answer with them."""
    calls = then.calls if isinstance(then, Together) else (then,) if isinstance(then, Call) else ()
    return Together((*first, *calls)) if first else then


def _advised(advice: tuple[str, str, str], why: str) -> Call:
    action, element, id = advice
    return Call("recommend", {"action": action, "element": element, "why": why, "documents": [id]})


def _listed(row: Json, key: str) -> list[str]:
    found = row.get(key)
    return [x for x in found if isinstance(x, str)] if isinstance(found, list) else []


def _touches(change: JsonValue, element: str) -> bool:
    if not isinstance(change, dict):
        return False
    about = json.dumps(change)
    tunnel = change.get("tunnel")
    if element.startswith("node/"):
        name = element.removeprefix("node/")
        link = change.get("link")
        if isinstance(link, str):
            return link.partition("->")[0] == name
        return tunnel.get("source") == name if isinstance(tunnel, dict) else name in about
    named = change.get("link") or change.get("circuit")
    return isinstance(named, str) and ends(named) == ends(element)
