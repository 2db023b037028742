"""Readers that get goals wrong: every reading that the raw material of a text gives, right or not.

A misreader knows no language. It takes names, times, zones and numbers wherever they stand, and puts each of them where
a goal can have one, so that whatever a model may make of a text is among its readings.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, permutations, product
from typing import Any

import numpy as np

from agents.goals import Statement
from agents.goals.types import VERBS
from twin.model import Network

SAMPLES = 150
_LIMITS = ("max_utilisation", "max_failure_utilisation", "max_blast_radius", "max_delay_stretch", "factor")


def readings(text: str, network: Network, said: Mapping[str, Any], seed: int) -> Iterator[Statement]:
    """Readings of a text, deterministic by the seed: bare ones, a faithful one with a part changed, and mixtures."""
    names = _names(text, network)
    lists = [(), *permutations(names, 1), *permutations(names, 2)]
    yield from (Statement(verb=verb, elements=named) for verb in VERBS for named in lists)
    parts: dict[str, Sequence[Any]] = {
        "verb": [verb for verb in VERBS if verb[:5] in text.lower()] or ["drain", "relieve"],
        "elements": lists,
        "protected": [(), *permutations(names, 1)],
        "rehearse": [False, False, True],
        **_times(text),
        **{name: [None, None, *_shares(text, name)] for name in _LIMITS},
        "max_steps": [None, *(int(x) for x in _numbers(text))],
        "weight": [None, *_numbers(text)],
        "rate": ["", *(f"{x:.12g}{unit}" for x in _numbers(text) for unit in "MG")],
        "capacity": ["", *(f"{x:.12g}{unit}" for x in _numbers(text) for unit in "MG")],
    }
    if said:
        yield from (_of({**said, name: value}) for name, values in parts.items() for value in values)
    rng = np.random.default_rng([seed, 73])
    base = {"verb": parts["verb"][0], "elements": lists[-1], **said}
    for _ in range(SAMPLES):
        drawn = {name: values[int(rng.integers(len(values)))] for name, values in parts.items() if rng.random() < 0.4}
        yield _of({**base, **drawn})


def _of(fields: Mapping[str, Any]) -> Statement:
    return Statement.model_validate(fields)


def _names(text: str, network: Network) -> list[str]:
    lowered = text.lower()
    nodes = [x.name for x in network.nodes if re.search(rf"\b{re.escape(x.name.lower())}\b", lowered)]
    joined = re.findall(r"[\w.]+(?:--?>?)[\w.]+|between \S+ and \S+|\S+ to [^\s,]+", text)
    return list(dict.fromkeys(chain(nodes, joined)))[:4]


def _times(text: str) -> dict[str, Sequence[str]]:
    clocks = re.findall(r"\d\d?:\d\d", text) or ["02:00", "04:00"]
    days = ["", *(f"{x}T" for x in re.findall(r"\d{4}-\d\d-\d\d", text)), "2026-03-06T"]
    zones = ["", "UTC", "Europe/Berlin", "America/Chicago", "UTC+06:00"]
    moments = [day + clock.zfill(5) for day, clock in product(days, clocks)]
    return {"start": ["", *moments], "until": ["", *moments], "zone": zones}


def _numbers(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"\d+(?:\.\d+)?", text)][:4]


def _shares(text: str, name: str) -> list[float]:
    shares = [x / 100 if x > 2 else x for x in _numbers(text)]
    return [1 + x for x in shares] if name in ("max_delay_stretch", "factor") else shares
