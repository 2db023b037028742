"""The written form that is closest to plain words: shown to whoever wrote them, and never carried out."""

import re

from twin.elements import find_elements, fold
from twin.errors import InputError
from twin.model import Network

from .accounting import zones_called
from .resolve import TAKES
from .types import VERBS, Question, Verb

EXAMPLE = "drain:Kassel from:02:00 until:04:00 zone:Europe/Berlin max_utilisation:0.8 rehearse"

_WINDOW = re.compile(
    r"(?<!\d)([01]?\d|2[0-3]):([0-5]\d)\s*(?:-{1,2}|to|until|till|and)\s*([01]?\d|2[0-3]):([0-5]\d)(?!\d)"
)
_SHARE = re.compile(r"(?<![\w.])(\d{1,2}(?:\.\d+)?)\s*(?:%|percent)")
_BESIDE = frozenset({"the", "a", "node", "nodes", "router", "link", "links", "circuit", "circuits", "site"})
_JOINING = frozenset({"and", "&", "+"})


def closest_form(text: str, network: Network, zone: str) -> Question:
    """Answer plain words with one line: the written form that their verb, names and times come closest to."""
    words = text.split()
    named: list[Verb] = [x for x in VERBS if re.search(rf"\b{x.replace('_', '[ _-]')}(?:s|ed|ing)?\b", fold(text))]
    verb = max(named, key=len, default=None)  # a rate limit is one, and no limit
    if verb is None:
        known = f"a goal is written {', '.join(VERBS[:-1])} or {VERBS[-1]}"
        return Question(code="plain words", question=f"plain words need a model (--model); {known}, such as {EXAMPLE}")
    at = next((i + 1 for i, x in enumerate(words) if fold(x).startswith(verb.partition("_")[0][:5])), len(words))
    form = " ".join((_head(verb, _list(words[at:], network)), *_rest(fold(text), verb, zone)))
    line = f"plain words need a model (--model); the closest written form is: {form}"
    return Question(code="plain words", question=line, choices=(form,))


def _head(verb: Verb, names: list[str]) -> str:
    takes = TAKES[verb]
    if takes.kind in ("link", "demand"):
        return f"{verb}:A->B {takes.value}:{takes.value.upper()}"
    wanted = ["FACTOR"] if verb == "grow" else names if takes.kind else []
    wanted = wanted or (["ELEMENT"] if takes.must else [])
    return ":".join((verb, *([",".join(wanted)] if wanted else [])))


def _list(words: list[str], network: Network) -> list[str]:
    """The elements that stand in one list at the beginning of some words."""
    found: list[str] = []
    for word in words:
        name = word.strip(",;.!?\"'()")
        if fold(name) in (_JOINING if found else _BESIDE):
            continue
        try:
            find_elements(network, name)
        except InputError:
            break
        found.append(name)
        if word[-1:] in ";.!?":
            break
    return found


def _rest(text: str, verb: str, zone: str) -> list[str]:
    parts: list[str] = []
    window = _WINDOW.search(text)
    if window is not None:
        named = next(iter(zones_called(text)), zone)
        parts += [f"from:{window[1]:0>2}:{window[2]}", f"until:{window[3]:0>2}:{window[4]}", f"zone:{named}"]
    share = _SHARE.search(text)
    if share is not None and verb != "grow":
        parts.append(f"max_utilisation:{float(share[1]) / 100:.4g}")
    return parts
